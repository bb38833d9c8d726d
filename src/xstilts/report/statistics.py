"""How sure a measured number is: paired bootstrap, intervals, correction for many comparisons.

A score has two sources of chance: which examples are in the test set, and which seed trained the model. All
seeds and all arms answer the same examples, so the two are crossed, and are resampled independently (Owen
2007, "The pigeonhole bootstrap"). A resample draws examples with replacement, once for everything that is
measured on them: comparisons are paired, what two arms have in common cancels, and languages whose test sets
are translations of each other share one draw.

Seeds differ in part only because each was tested on finitely many examples. That part is in the examples'
share already, and counting it twice makes intervals up to 1.7 times too wide; so only the variance that
exceeds it is added, as in the analysis of variance of a crossed design. Few seeds tell little about their own
spread. Therefore comparable quantities (the same difference for other arms, say) lend theirs (Smyth 2004,
"Linear models and empirical Bayes methods"), at most with the weight of four degrees of freedom, and with
less where they are few: they have a part in common, the arm that all are compared with. The draws get the
tails of Student's t with Satterthwaite's (1946) degrees of freedom: normal where the examples decide, wide
where seeds disagree. How often the intervals cover in simulations stands in docs/statistics.md. What was
measured with one seed borrows all that it knows of seeds. If nothing was measured with more, the intervals
cover the examples only, and whoever prints them must say so.

Axes: R resamples, S seeds, N examples, K summed statistics of a metric.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtr, stdtrit

Array = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
LOAN = 4.0  # degrees of freedom that comparable quantities may lend, in all
COMMON = 0.25  # correlation of the variances of two differences to the same arm: one half, squared
AS_NORMAL = 1e6  # degrees of freedom from which Student's t is the normal distribution
FEW = 20  # draws beyond a bound: fewer say little about their share
NODES = np.linspace(-4, 4, 97)  # normal quantiles between which tails are interpolated, to 0.1 %
POWER = 0.80  # of the smallest detectable effect, as is usual since Cohen (1988)


class Chance(NamedTuple):
    """The variance of a mean over seeds as the seeds show it, and how well that is known.

    `excess` is what of it the examples do not explain; it may be negative.
    """

    shown: float
    excess: float
    freedom: float


@dataclass(frozen=True)
class Sample:
    """A quantity as measured with each seed, and as it would have been on other test examples.

    observed: [S], with each seed; draws: [R, S], on resampled examples. Samples with the same examples were
    resampled together, so that functions of samples are computed draw by draw.
    """

    seeds: tuple[int, ...]
    observed: Array
    draws: Array

    @cached_property
    def chance(self) -> Chance:
        """The variance between seeds beyond what the examples explain: unbiased, hence negative at times."""
        seeds = len(self.seeds)
        if seeds < 2:
            return Chance(0.0, 0.0, 0.0)
        together = self.draws.mean(axis=1).var()
        explained = (self.draws.var(axis=0).mean() - together) / (seeds - 1)
        shown = float(self.observed.var(ddof=1) / seeds)
        return Chance(shown, shown - max(0.0, float(explained)), seeds - 1.0)


@dataclass(frozen=True)
class Estimate:
    """A quantity with its interval.

    probability: two-sided, of an effect at least this far from zero if there were none.
    smallest_effect: what would be detected in four of five repetitions of the study (80 % power).
    """

    value: float
    low: float
    high: float
    probability: float
    smallest_effect: float
    seeds: int

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def generator(*key: str) -> np.random.Generator:
    """A random generator that is a pure function of its key: draws do not depend on what was drawn before."""
    digest = hashlib.sha256("\x1f".join(("xstilts bootstrap", *key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))


def multiplicities(key: str, n: int, resamples: int = RESAMPLES) -> Array:
    """How often each of n things occurs in each resample with replacement: [R, n], every row sums to n."""
    rows = generator(key, str(n)).integers(0, n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(rows.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


def resample(statistics: Array, value: Callable[[Array], Array], weights: Array) -> Array:
    """The metric on resampled examples: [R, S] from statistics [S, N, K] and multiplicities [R, N]."""
    seeds, examples, k = statistics.shape
    sums = weights @ statistics.transpose(1, 0, 2).reshape(examples, seeds * k)
    return np.asarray(value(sums.reshape(len(weights), seeds, k)), dtype=np.float64)


def combine(samples: Sequence[Sample], coefficients: Sequence[float]) -> Sample:
    """The linear combination of samples, over the seeds that all of them have."""
    seeds = common_seeds(samples)
    picked = [pick(sample, seeds) for sample in samples]
    weights = np.asarray(coefficients, dtype=np.float64)
    observed = np.tensordot(weights, np.stack([sample.observed for sample in picked]), 1)
    draws = np.tensordot(weights, np.stack([sample.draws for sample in picked]), 1)
    return Sample(seeds, observed, draws)


def mean(samples: Sequence[Sample]) -> Sample:
    """The mean of samples: of languages, of targets."""
    return combine(samples, [1 / len(samples)] * len(samples))


def difference(one: Sample, other: Sample) -> Sample:
    """Seed by seed, one less the other."""
    return combine((one, other), (1, -1))


def ratio(one: Sample, other: Sample) -> Sample:
    """Seed by seed, one as a percentage of the other; not a number where the other is zero."""
    seeds = common_seeds((one, other))
    above, below = pick(one, seeds), pick(other, seeds)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Sample(seeds, 100 * above.observed / below.observed, 100 * above.draws / below.draws)


def for_seeds(sample: Sample, seeds: tuple[int, ...]) -> Sample:
    """What was measured once and knows no seed (the majority class), as if measured with each seed."""
    assert len(sample.seeds) == 1
    return Sample(seeds, np.repeat(sample.observed, len(seeds)), np.repeat(sample.draws, len(seeds), axis=1))


def common_seeds(samples: Sequence[Sample]) -> tuple[int, ...]:
    """The seeds that all samples have, sorted."""
    assert samples, "nothing to compare"
    return tuple(sorted(set.intersection(*(set(sample.seeds) for sample in samples))))


def pick(sample: Sample, seeds: tuple[int, ...]) -> Sample:
    """The sample with these of its seeds alone."""
    if sample.seeds == seeds:
        return sample
    places = [sample.seeds.index(seed) for seed in seeds]
    return Sample(seeds, sample.observed[places], sample.draws[:, places])


@dataclass(frozen=True)
class Distribution:
    """A mean over seeds with both sources of chance: its value, draws [R] and degrees of freedom."""

    value: float
    draws: Array
    freedom: float

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The percentile interval."""
        low, high = np.quantile(self.draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)

    def at_most(self, bound: float) -> float:
        """The probability that the quantity is not above the bound."""
        return self._tail(bound, below=True)

    def at_least(self, bound: float) -> float:
        """The probability that the quantity is not below the bound."""
        return self._tail(bound, below=False)

    def _tail(self, bound: float, *, below: bool) -> float:
        """The share of draws; where few are left, the tail of Student's t through the interval's end.

        Correcting for a hundred comparisons needs probabilities that no share of 2,000 draws can express.
        """
        beyond = int((self.draws <= bound if below else self.draws >= bound).sum())
        low, high = self.interval
        reach = self.value - low if below else high - self.value
        distance = self.value - bound if below else bound - self.value
        if beyond >= FEW or distance <= 0:
            return beyond / len(self.draws)
        if reach <= 1e-9:  # all resamples are alike
            return 1 / len(self.draws)
        critical = float(stdtrit(self.freedom, (1 + LEVEL) / 2))
        return min(FEW / len(self.draws), float(stdtr(self.freedom, -critical * distance / reach)))

    @property
    def smallest_effect(self) -> float:
        """The effect that 80 % of repetitions would detect."""
        low, high = self.interval
        critical, power = stdtrit(self.freedom, [(1 + LEVEL) / 2, POWER])
        return float((high - low) / 2 * (critical + power) / critical)


def distribution(sample: Sample, like: Sequence[Sample] = ()) -> Distribution:
    """The mean of a sample over seeds; `like` are comparable samples, which lend what they know of seeds."""
    assert sample.seeds, "a sample without seeds"
    resamples, centre = len(sample.draws), float(sample.observed.mean())
    by_examples = sample.draws.mean(axis=1)
    shown, excess, freedom = _moderated(sample, [other for other in like if other is not sample])
    if shown <= 1e-12:
        return Distribution(centre, by_examples, AS_NORMAL)
    added = max(0.0, excess)
    share = shown / max(shown, float(by_examples.var()) + added)
    freedom = min(AS_NORMAL, freedom / share**2)
    tails = _tails(freedom, resamples)
    side = 1 if centre >= 0 else -1  # so that "less that of A" and "less that of B" mirror each other
    moved = by_examples - centre + side * np.sqrt(added) * _normal(resamples)
    return Distribution(centre, centre + moved * tails, freedom)


def _moderated(sample: Sample, others: Sequence[Sample]) -> Chance:
    own = sample.chance
    found = [(other.chance, len(other.seeds)) for other in others if len(other.seeds) > 1]
    if not found:
        return own
    known = sum(chance.freedom for chance, _ in found)
    others_of_each = len(found) - (own.freedom == 0)
    together = (own.freedom + known) / (1 + COMMON * others_of_each)
    loan = min(LOAN, max(0.0, together - own.freedom))
    freedom = own.freedom + loan

    def pooled(mine: float, theirs: Sequence[float]) -> float:
        of_each = (one * seeds * chance.freedom for one, (chance, seeds) in zip(theirs, found, strict=True))
        lent = sum(of_each) / known / len(sample.seeds)
        return (own.freedom * mine + loan * lent) / freedom

    shown = pooled(own.shown, [chance.shown for chance, _ in found])
    return Chance(shown, pooled(own.excess, [chance.excess for chance, _ in found]), freedom)


@lru_cache(maxsize=4)
def _normal(resamples: int) -> Array:
    return generator("seeds").standard_normal(resamples)


def _tails(freedom: float, resamples: int) -> Array:
    """What turns normal numbers into Student's t: [R], interpolated between quantiles of chi-square."""
    logarithms = np.log(2 * gammaincinv(freedom / 2, ndtr(NODES)) / freedom)
    return np.asarray(np.exp(-np.interp(_spread(resamples), NODES, logarithms) / 2), dtype=np.float64)


@lru_cache(maxsize=4)
def _spread(resamples: int) -> Array:
    """Normal quantiles, evenly spread and in random order: fewer surprises than independent numbers."""
    ranks = generator("tails").permutation(resamples)
    return np.asarray(ndtri((ranks + 0.5) / resamples), dtype=np.float64)


def estimate(sample: Sample, like: Sequence[Sample] = ()) -> Estimate:
    """Mean over seeds with percentile interval, two-sided probability and smallest detectable effect."""
    found = distribution(sample, like)
    probability = two_sided(found.at_most(0.0), found.at_least(0.0))
    seeds = len(sample.seeds)
    return Estimate(found.value, *found.interval, probability, found.smallest_effect, seeds)


def estimates(samples: Sequence[Sample]) -> list[Estimate]:
    """Estimates of comparable samples, each with the others' knowledge of the spread between seeds."""
    return [estimate(sample, samples) for sample in samples]


def two_sided(one: float, other: float) -> float:
    """Twice the smaller of two one-sided probabilities, at most 1."""
    return min(1.0, 2 * min(one, other))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted probabilities: those below .05 hold together with 5 % risk of any error."""
    adjusted = [0.0] * len(probabilities)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(probabilities)), key=lambda i: (probabilities[i], i))):
        largest = max(largest, min(1.0, (len(probabilities) - rank) * probabilities[place]))
        adjusted[place] = largest
    return adjusted
