"""How sure a measured number is: paired bootstrap, intervals, correction for many comparisons.

A score has two sources of chance: which examples are in the test set, and which seed trained the model. All
seeds and all arms answer the same examples, so the two are crossed, and are resampled independently (Owen
2007, "The pigeonhole bootstrap"). A resample draws examples with replacement, once for everything that is
measured on them: comparisons are paired, what two arms have in common cancels, and languages whose test sets
are translations of each other share one draw. A few pseudo-examples are drawn beside them (Agresti and Coull
1998): where all answers are right, resampling alone would be certain.

Seeds differ in part because each was tested on finitely many examples. That part is in the examples' share
already; only the variance that exceeds it is added, as in the analysis of variance of a crossed design. Arms
are trained independently of each other, so each has a variance of its own, and that of a difference is the
sum; only what asks the same trained model is compared seed by seed.

Few seeds tell little about their own spread. The variance is therefore not estimated but drawn: as shown,
divided by a draw of chi-square over its degrees of freedom, less what the examples explain, at least zero
(Weerahandi 1993, "Generalized confidence intervals"). The degrees of freedom of a sum are Welch's (1947). So
the intervals are those of normal numbers where the examples decide, and heavy in the tails where few seeds
do. The other arms lend what they know (Smyth 2004, "Linear models and empirical Bayes methods"): at most two
degrees of freedom, less if they are unlike each other, and less to an arm that spreads more than they do
(Phipson et al. 2016), whose interval a loan would make too short. How often the intervals cover in
simulations stands in docs/statistics.md. What was measured with one seed borrows all that it knows of seeds.
If nothing was measured with more, the intervals cover the examples only, and whoever prints them must say so.

Axes: R resamples, S seeds, N examples, K summed statistics of a metric, Q nodes of a distribution.
"""

import hashlib
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtr, stdtrit

from xstilts.analysis.loans import Chance, together, with_loan

Array = NDArray[np.float64]
Counts = NDArray[np.float32]
"""Whole numbers below 2^24, which single precision holds and sums exactly."""

RESAMPLES = 2000
LEVEL = 0.95
PSEUDO = 2  # right pseudo-examples, and as many wrong ones: about z squared over two
FEW_UNITS = 30  # of rows about one text: with more, Student's t is as good as normal
FEW = 20  # draws beyond a bound: fewer say little about their share
NODES = np.linspace(-5.5, 5.5, 111)  # normal quantiles between which those of chi-square are interpolated
LEVELS = ndtr(NODES)
MASSES = np.diff(ndtr(np.concatenate([[-np.inf], (NODES[1:] + NODES[:-1]) / 2, [np.inf]])))
LEAST = 1e-9  # points: less is how sums are rounded
EXACT = 2.0**24  # up to which single precision has every whole number
POWER = 0.80  # of the smallest detectable effect, as is usual since Cohen (1988)


@dataclass(frozen=True)
class Sample:
    """A quantity as measured with each seed, and as it would have been on other test examples.

    observed: [S], with each seed; draws: [R, S], on resampled examples. Samples with the same examples were
    resampled together, so that functions of samples are computed draw by draw.

    source: what was trained, with other seeds independently of other sources; "" if that is not known.
    parts: of a sum over several sources what each contributes. is_fixed: no seed changes it, so that it has
    one draw, which stands for every seed. chains: how many different intermediate phases the seeds have
    between them, at the line that has fewest; None if no line has such a phase. freedom: how many degrees of
    freedom its variance between seeds has, if more is known of it than these seeds tell. family_freedom: that
    of the spread between families of languages, if the draws have it (xstilts.analysis.distances), or between
    few texts that all rows are about.
    """

    seeds: tuple[int, ...]
    observed: Array
    draws: Array
    source: str = ""
    parts: Mapping[str, "Sample"] | None = None
    is_fixed: bool = False
    chains: int | None = None
    freedom: float | None = None
    family_freedom: float | None = None

    @property
    def by_source(self) -> Mapping[str, "Sample"]:
        """What each independent source of chance between seeds contributes; empty if there is none."""
        if self.is_fixed:
            return {}
        return {self.source: self} if self.parts is None else self.parts

    @cached_property
    def chance(self) -> Chance:
        """The variance between seeds beyond what the examples explain: unbiased, hence negative at times."""
        seeds = len(self.seeds)
        if seeds < 2:
            return Chance(0.0, 0.0, 0.0)
        of_mean = self.draws.mean(axis=1).var()
        explained = (self.draws.var(axis=0).mean() - of_mean) / (seeds - 1)
        shown = float(self.observed.var(ddof=1) / seeds)
        freedom = seeds - 1.0 if self.freedom is None else self.freedom
        return Chance(shown, shown - max(0.0, float(explained)), freedom)


@dataclass(frozen=True)
class Estimate:
    """A quantity with its interval.

    probability: two-sided, of an effect at least this far from zero if there were none.
    smallest_effect: what would be detected in four of five repetitions of the study (80 % power).
    seeds: how many trainings it rests on. chains: how many intermediate trainings, at the line that has
    fewest; None if no line has any. With fewer chains than seeds their own chance is not in the interval.
    """

    value: float
    low: float
    high: float
    probability: float
    smallest_effect: float
    seeds: int
    chains: int | None = None


def generator(*key: str) -> np.random.Generator:
    """A random generator that is a pure function of its key: draws do not depend on what was drawn before."""
    digest = hashlib.sha256("\x1f".join(("xstilts bootstrap", *key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))


@lru_cache(maxsize=1)
def multiplicities(key: str, n: int, resamples: int = RESAMPLES) -> Counts:
    """How often each of n things occurs in each resample with replacement: [R, n], every row sums to n.

    The last ones are kept: they are asked for again by what is resampled together. Nobody may change them.
    """
    rows = generator(key, str(n)).integers(0, n, size=(resamples, n))
    counts = np.empty((resamples, n), dtype=np.float32)
    for place, row in enumerate(rows):
        counts[place] = np.bincount(row, minlength=n)
    return counts


def _sums(weights: Counts, numbers: Array) -> Array:
    """The product [R, N] @ [N, M], in single precision where that is as exact."""
    largest = float(numbers.max(initial=0.0))
    most = float(weights.sum(axis=1, dtype=np.float64).max(initial=0.0)) * largest
    if most < EXACT and numbers.min(initial=0.0) >= 0 and np.array_equal(numbers, np.rint(numbers)):
        return np.asarray(weights @ numbers.astype(np.float32), dtype=np.float64)
    return np.asarray(weights.astype(np.float64) @ numbers)


def resample(
    statistics: Array,
    value: Callable[[Array], Array],
    weights: Counts,
    pseudo: Array | None = None,
    imagined: Callable[[Array], tuple[Array, Array]] | None = None,
) -> Array:
    """The metric on resampled examples: [R, S] from statistics [S, N, K] and multiplicities [R, N].

    With numbers of right and wrong pseudo-examples, [R, S, 2], these add to the spread around the score, but
    do not move it. `imagined` gives the statistics of both [S, K], from sums, where the metric is no share.
    """
    seeds, examples, k = statistics.shape
    sums = _sums(weights, statistics.transpose(1, 0, 2).reshape(examples, seeds * k)).reshape(-1, seeds, k)
    if pseudo is None:
        return np.asarray(value(sums), dtype=np.float64)
    if imagined is None:
        sizes = statistics[..., -1]
        total, counted = sizes.sum(axis=1), (sizes > 0).sum(axis=1)
        unit = total / np.maximum(counted, 1)  # the average size of an example that counts at all
        beside = np.repeat(pseudo.sum(axis=-1, keepdims=True), k, axis=-1).astype(np.float64)
        beside[..., 0] = pseudo[..., 0]
        beside = unit[:, None] * beside
    else:
        counted = np.full(seeds, examples)
        right, wrong = imagined(statistics.sum(axis=1))
        beside = pseudo[..., :1] * right + pseudo[..., 1:] * wrong
    drawn = np.asarray(value(sums + beside), dtype=np.float64)
    observed = value(statistics.sum(axis=1))
    added = pseudo.sum(axis=-1).mean(axis=0)
    return np.asarray(observed + (drawn - drawn.mean(axis=0)) * (1 + added / np.maximum(counted, 1)))


def wider(units: int, rows: int) -> float:
    """By how much resamples of so many units of rows must spread more than they do, as rows alone do.

    A resample of few units varies less than these do, and tells little of how much: Student's t.

    >>> [round(wider(units, 1000), 2) for units in (2, 5, 20, 240, 1000)]
    [9.15, 1.58, 1.09, 1.01, 1.0]
    """
    of_units, of_rows = (
        float(stdtrit(n - 1, (1 + LEVEL) / 2)) * np.sqrt(n / (n - 1)) for n in (max(2, units), max(2, rows))
    )
    return float(of_units / of_rows)


def freedom_of(units: int, rows: int) -> float | None:
    """The degrees of freedom of draws of so many units of rows, if they are few; of one unit as of two."""
    return max(1.0, units - 1.0) if units < min(rows, FEW_UNITS) else None


def unknown(value: float, width: float, *key: str) -> Array:
    """Draws of a quantity of which nothing is known, [R]: it could be anywhere on a scale of that width."""
    return np.asarray(value + generator("unknown", *key).uniform(-width, width, RESAMPLES))


def pseudo_examples(line: str, target: str, language: str, part: float = 1.0) -> Array:
    """Numbers of right and wrong pseudo-examples in each resample: [R, 2], on average `PSEUDO` of each.

    Half of them a line has in common in all languages of a target, whose test sets may be translations. A
    part of the test examples has that part of them.
    """
    mean, common = part * PSEUDO / 2, ("pseudo", line, target)
    return np.asarray(_poisson(mean, *common) + _poisson(mean, *common, language), dtype=np.float64)


@lru_cache(maxsize=256)
def _poisson(mean: float, *key: str) -> NDArray[np.int64]:
    return generator(*key).poisson(mean, (RESAMPLES, 2))


def combine(samples: Sequence[Sample], coefficients: Sequence[float]) -> Sample:
    """The linear combination of samples, over the seeds that all of them have."""
    seeds = common_seeds(samples)
    picked = [pick(sample, seeds) for sample in samples]
    chains, freedom, of_families = (
        min((known for sample in samples if (known := getattr(sample, name)) is not None), default=None)
        for name in ("chains", "freedom", "family_freedom")
    )
    summed = _sum(picked, coefficients)
    whole = Sample(seeds, *summed, chains=chains, freedom=freedom, family_freedom=of_families)
    sources = dict.fromkeys(source for sample in picked for source in sample.by_source)
    if not sources:
        return replace(whole, is_fixed=True)
    if len(sources) == 1 or "" in sources:
        return replace(whole, source=next(iter(sources)) if len(sources) == 1 else "")
    parts = {}
    for source in sources:
        weighted = [
            (sample.by_source[source], weight)
            for sample, weight in zip(picked, coefficients, strict=True)
            if source in sample.by_source
        ]
        parts[source] = Sample(seeds, *_sum(*zip(*weighted, strict=True)), source=source)
    return replace(whole, parts=parts)


def _sum(samples: Sequence[Sample], coefficients: Sequence[float]) -> tuple[Array, Array]:
    """Observed values and draws of a linear combination of samples with the same seeds."""
    weights = np.asarray(coefficients, dtype=np.float64)
    observed = np.tensordot(weights, np.stack([sample.observed for sample in samples]), 1)
    return observed, np.tensordot(weights, np.stack([sample.draws for sample in samples]), 1)


def mean(samples: Sequence[Sample]) -> Sample:
    """The mean of samples: of languages, of targets."""
    return combine(samples, [1 / len(samples)] * len(samples))


def difference(one: Sample, other: Sample) -> Sample:
    """Seed by seed, one less the other."""
    return combine((one, other), (1, -1))


def ratio(one: Sample, other: Sample) -> Sample:
    """Seed by seed, one as a percentage of the other; not a number where the other is zero."""
    both = combine((one, other), (1, 1))
    above, below = pick(one, both.seeds), pick(other, both.seeds)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, draws = 100 * above.observed / below.observed, 100 * above.draws / below.draws
    source = "" if both.parts is not None else both.source
    return replace(both, observed=observed, draws=draws, source=source, parts=None)


def slope(samples: Sequence[Sample], places: Array) -> Sample:
    """The least-squares slope of samples over places [N] that are not all the same."""
    centred = places - places.mean()
    return combine(samples, (centred / (centred @ centred)).tolist())


def complete(samples: Sequence[Sample | None]) -> list[Sample]:
    """The samples, if none of them is missing and they have seeds in common; else none."""
    present = [sample for sample in samples if sample is not None]
    return present if present and len(present) == len(samples) and common_seeds(present) else []


def mean_of(samples: Sequence[Sample | None]) -> Sample | None:
    """The mean of samples over their common seeds; None if there are none, or one is missing."""
    present = complete(samples)
    return mean(present) if len(present) > 1 else next(iter(present), None)


def less(one: Sample | None, other: Sample | None) -> Sample | None:
    """One less the other; None if one is missing or no seed is common to both."""
    present = complete((one, other))
    return difference(*present) if present else None


def common_seeds(samples: Sequence[Sample]) -> tuple[int, ...]:
    """The seeds that all samples have, sorted; what no seed changes has all of them."""
    assert samples, "nothing to compare"
    changing = [sample for sample in samples if not sample.is_fixed] or samples[:1]
    return tuple(sorted(set.intersection(*(set(sample.seeds) for sample in changing))))


def pick(sample: Sample, seeds: tuple[int, ...]) -> Sample:
    """The sample with these of its seeds alone; what no seed changes, as if measured with each of them."""
    if sample.seeds == seeds:
        return sample
    if sample.is_fixed:
        observed, draws = (np.repeat(each, len(seeds), axis=-1) for each in (sample.observed, sample.draws))
        return replace(sample, seeds=seeds, observed=observed, draws=draws)
    places = [sample.seeds.index(seed) for seed in seeds]
    parts = sample.parts and {source: pick(part, seeds) for source, part in sample.parts.items()}
    observed, draws = sample.observed[places], sample.draws[:, places]
    return replace(sample, seeds=seeds, observed=observed, draws=draws, parts=parts)


@dataclass(frozen=True)
class Distribution:
    """A mean over seeds with both sources of chance: its value, draws [R], and the standard deviations [Q].

    The latter are of normal numbers with the probabilities `MASSES`: what the draws would be of, if examples
    drew normal numbers. Where families of languages or few texts spread the draws, their tails are those of
    Student's t with `family_freedom`.
    """

    value: float
    draws: Array
    deviations: Array
    family_freedom: float | None = None

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The percentile interval."""
        return percentiles(self.draws)

    def at_most(self, bound: float) -> float:
        """The probability that the quantity is not above the bound."""
        return self._tail(self.draws <= bound, self.value - bound, self.value - self.interval[0])

    def at_least(self, bound: float) -> float:
        """The probability that the quantity is not below the bound."""
        return self._tail(self.draws >= bound, bound - self.value, self.interval[1] - self.value)

    def _tail(self, beyond: NDArray[np.bool_], distance: float, reach: float) -> float:
        """The share of draws; where few are left, the tail of the mixture through the interval's end, or of t
        if that is heavier.

        Correcting for a hundred comparisons needs probabilities that no share of 2,000 draws can express.
        `distance` and `reach` are how far the bound and the end of the interval lie from the value.
        """
        n = len(self.draws)
        if beyond.sum() >= FEW or distance <= 0:
            return float(beyond.sum() / n)
        if reach <= LEAST:  # all resamples are alike
            return 1 / n
        far, end = distance / reach, (1 + LEVEL) / 2
        probability = float(self._below(-far * self.quantile(end)))
        if self.family_freedom is not None:
            of_t = stdtr(self.family_freedom, -far * stdtrit(self.family_freedom, end))
            probability = max(probability, float(of_t))
        return min(FEW / n, probability)

    def quantile(self, probability: float) -> float:
        """That of the mixture of normal numbers, which is symmetric around zero, from .6 to .99."""
        least, large = float(self.deviations.min()), float(self.deviations[NODES > -3].max())
        places = np.geomspace(0.1 * least, 4 * large, 192)
        after = bisect(places.tolist(), probability, key=lambda place: float(self._below(place)))
        near = places[max(0, after - 4) : after + 4]  # sums over fewer places round otherwise
        return float(np.interp(probability, self._below(near), near))

    def _below(self, places: Array | float) -> Array:
        """The distribution function of the mixture."""
        return np.asarray(ndtr(np.divide.outer(places, self.deviations)) @ MASSES)

    @property
    def smallest_effect(self) -> float:
        """The effect that 80 % of repetitions would detect; the heavier tail makes the interval."""
        (low, high), end = self.interval, (1 + LEVEL) / 2
        power = self.quantile(POWER) / self.quantile(end)
        if self.family_freedom is not None:
            of_t = stdtrit(self.family_freedom, POWER) / stdtrit(self.family_freedom, end)
            power = min(power, float(of_t))
        return (high - low) / 2 * (1 + power)


def percentiles(draws: Array) -> tuple[float, float]:
    """The ends of the percentile interval of draws."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def distribution(sample: Sample, like: Sequence[Sample] = ()) -> Distribution:
    """The mean of a sample over seeds; `like` are comparable samples, which lend what they know of seeds."""
    assert sample.seeds, "a sample without seeds"
    centre, by_examples = float(sample.observed.mean()), sample.draws.mean(axis=1)
    variance = float(by_examples.var())
    shown, excess, freedom = together([with_loan(*each) for each in _lenders(sample, like)])
    is_sure = np.ptp(sample.draws) <= LEAST  # such as the difference of a model to itself
    if shown <= 1e-12 or is_sure:
        sure = np.full(len(NODES), max(LEAST, np.sqrt(variance)))
        return Distribution(centre, by_examples, sure, sample.family_freedom)
    # Drawn smaller than it shows itself to be, as chi-square falls short of its mean.
    logarithms = np.log(shown * freedom / 2) - np.log(gammaincinv(freedom / 2, LEVELS))
    explained = shown - excess
    chances, normal = _normal_pairs(len(by_examples))
    added = np.maximum(0.0, np.exp(np.interp(chances, NODES, logarithms)) - explained)
    side = 1 if centre >= 0 else -1  # so that "less that of A" and "less that of B" mirror each other
    deviations = np.maximum(LEAST, np.sqrt(variance + np.maximum(0.0, np.exp(logarithms) - explained)))
    draws = by_examples + side * np.sqrt(added) * normal
    return Distribution(centre, draws, deviations, sample.family_freedom)


@lru_cache(maxsize=4)
def _normal_pairs(resamples: int) -> tuple[Array, Array]:
    """Pairs of normal numbers, evenly spread and in random order: fewer surprises than independent ones."""
    order = generator("seeds").permutation(resamples)
    golden = (1 + np.sqrt(5)) / 2
    first, second = (order + 0.5) / resamples, (order * golden + 0.5 / resamples) % 1
    return ndtri(first), ndtri(second)


def _lenders(
    sample: Sample, like: Sequence[Sample]
) -> Iterator[tuple[Chance, int, list[tuple[Chance, int]]]]:
    """Each source of a sample's chance, with its seeds, and what comparable ones show of theirs.

    A source lends once, with all its seeds, and not to itself, unless it has a single seed here. What no seed
    changed shows nothing.
    """
    found: dict[object, Sample] = {}
    if "" in sample.by_source:
        found = {place: other for place, other in enumerate(like) if other is not sample}
    else:
        for source, part in (item for other in like for item in other.by_source.items()):
            if source and (source not in found or len(part.seeds) > len(found[source].seeds)):
                found[source] = part
    for source, own in sample.by_source.items():
        lending = [one for name, one in found.items() if name != source or len(own.seeds) < 2]
        chances = [(one.chance, len(one.seeds)) for one in lending if one.chance.shown > 1e-12]
        yield own.chance, len(own.seeds), chances


def estimate(sample: Sample, like: Sequence[Sample] = ()) -> Estimate:
    """Mean over seeds with percentile interval, two-sided probability and smallest detectable effect."""
    found = distribution(sample, like)
    probability = two_sided(found.at_most(0.0), found.at_least(0.0))
    seeds = 1 if sample.is_fixed else len(sample.seeds)
    chains = None if sample.chains is None else min(sample.chains, seeds)
    return Estimate(found.value, *found.interval, probability, found.smallest_effect, seeds, chains)


def two_sided(one: float, other: float) -> float:
    """Twice the smaller of two one-sided probabilities, at most 1."""
    return min(1.0, 2 * min(one, other))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted probabilities: those below .05 hold together with 5 % risk of any error."""
    known = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(known, kind="stable")
    adjusted = np.empty(len(known))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.arange(len(known), 0, -1) * known[order]))
    return [float(each) for each in adjusted]
