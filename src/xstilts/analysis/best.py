"""The best of several arms on each target, without the luck of the best.

Whoever chooses the best of many arms by their scores, and reports these scores, reports luck too: the more
arms, the more of it. Luck comes from the examples and from the seeds. So an arm is chosen by some seeds on
one half of the test examples and scored with the other seeds on the other half. Half of the seeds choose (of
three, two), beginning with each in turn, and all is averaged. What is estimated is how good the arm is that
such a choice finds, which is at most as good as the best. One seed cannot tell: no other could score. Nor can
several that share an intermediate training, whose luck chooses and scores.

How much the average varies depends on how near the arms are to each other. The whole procedure is therefore
repeated on resamples, of which each has other examples and other seeds: those are drawn from a normal
distribution whose variance all arms of the target tell together. The means of the arms are drawn in by what
their own noise has spread them (James and Stein 1961), so that resampled choices err as often as real ones.

Axes: A arms, R resamples, S seeds; the halves of the examples come first.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xstilts.analysis import statistics
from xstilts.analysis.effects import Effects
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Array, Sample, less, mean_of

FEWEST = 2
"""Seeds, or intermediate trainings if these are fewer, without which chance and merit cannot be told."""


@dataclass(frozen=True)
class Contest:
    """The arms (lines of one backbone) of which the best is chosen, what it is compared with, and where."""

    lines: tuple[Line, ...]
    against: str
    languages: str | tuple[str, ...]


def best_difference(effects: Effects, contest: Contest, targets: Sequence[str]) -> Sample | None:
    """The mean over targets of the best arm's difference; None if anything is missing or seeds are few."""
    return mean_of([_on_target(effects, contest, target) for target in targets])


def chains_of(effects: Effects, contest: Contest, targets: Sequence[str]) -> int | None:
    """How many chains of trainings the target with fewest has; None if anything is missing."""
    found = [_differences(effects, contest, target) for target in targets]
    return min(map(_chains, found)) if found and all(found) else None


def _chains(halves: Sequence[Sequence[Sample]]) -> int:
    """How many seeds, or intermediate trainings if these are fewer, the arm with fewest has."""
    return min(min(len(one.seeds), len(one.seeds) if one.chains is None else one.chains) for one in halves[0])


def winners(effects: Effects, contest: Contest, target: str) -> tuple[str, ...]:
    """The arms that some seeds and half of the examples choose, the most frequent first."""
    both = _differences(effects, contest, target)
    observed = np.array([[sample.observed for sample in half] for half in both])[..., None]
    chosen = Counter(int(arm) for _, best in _choices(observed) for arm in best[:, 0])
    return tuple(contest.lines[arm].arm for arm, _ in chosen.most_common())


def _on_target(effects: Effects, contest: Contest, target: str) -> Sample | None:
    """What each seed tells of the arms that others choose, with the simulated variance of the procedure."""
    both = _differences(effects, contest, target)
    if not both or _chains(both) < FEWEST:
        return None
    observed = np.array([[sample.observed for sample in half] for half in both])[..., None]  # [2, A, S, 1]
    draws = np.array([[sample.draws.T for sample in half] for half in both])  # [2, A, S, R]
    by_seed = _scored(observed)[:, 0]
    arms = [statistics.mean(pair) for pair in zip(*both, strict=True)]
    means, tilts, freedom = _resampled_arms(arms)
    other_examples = draws - observed + means[:, None, None]
    on_examples = _scored(other_examples).mean(axis=0)  # [R]
    on_both = _scored(other_examples + tilts).mean(axis=0)
    variance = max(0.0, float(on_both.var() - on_examples.var()))  # of the mean, by the seeds
    moved = np.repeat((on_examples - on_examples.mean())[:, None], len(by_seed), axis=1)
    of_seeds = np.sqrt(variance * len(by_seed)) * _standard(by_seed)
    return replace(
        statistics.mean(arms),
        observed=by_seed.mean() + of_seeds,
        draws=by_seed.mean() + moved,
        source="",
        parts=None,
        freedom=freedom,
    )


def _differences(effects: Effects, contest: Contest, target: str) -> list[list[Sample]]:
    """For each half of the examples the difference of every arm; empty if anything is missing.

    Seeds of which all answers are the same are one: where nothing was trained, or the same model was asked.
    """
    key = (contest, target)
    if key not in effects.contests:
        others = [effects.against(line, contest.against) for line in contest.lines]
        lines = list(dict.fromkeys(line for line in (*contest.lines, *others) if line is not None))
        codes = effects.results.target(target).select(contest.languages)
        halves = effects.results.halves(lines, target, codes)
        nothing: tuple[Sample | None, ...] = (None, None)
        arms = [
            [*map(less, halves[line], nothing if other is None else halves[other])]
            for line, other in zip(contest.lines, others, strict=True)
        ]
        effects.contests[key] = _with_different_seeds(arms)
    return effects.contests[key]


def _with_different_seeds(arms: Sequence[Sequence[Sample | None]]) -> list[list[Sample]]:
    """From the halves of arms [A, 2] the arms of halves [2, A]; of seeds that are alike the first."""
    samples = statistics.complete([sample for halves in arms for sample in halves])
    if not samples:
        return []
    seeds = statistics.common_seeds(samples)
    draws = np.array([statistics.pick(sample, seeds).draws for sample in samples])  # [2 A, R, S]
    alike = [
        any(np.array_equal(draws[..., place], draws[..., other]) for other in range(place))
        for place in range(len(seeds))
    ]
    different = tuple(seed for seed, is_known in zip(seeds, alike, strict=True) if not is_known)
    picked = [statistics.pick(sample, different) for sample in samples]
    return [picked[::2], picked[1::2]]


def _choices(scores: Array) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """From scores [2, A, S, R]: seeds that score, and the arms that the others choose by each half [2, R]."""
    seeds = scores.shape[2]
    for start in range(seeds):
        order = (start + np.arange(seeds)) % seeds
        choosing, scoring = np.split(order, [(seeds + 1) // 2])
        # The first of the largest; how sums are rounded decides nothing.
        yield scoring, np.argmax(scores[:, :, choosing].mean(axis=2).round(9), axis=1)


def _scored(scores: Array) -> Array:
    """From scores [2, A, S, R]: what each seed [S, R] tells of the arms that other seeds choose."""
    total = np.zeros(scores.shape[2:])
    times = np.zeros((len(total), 1))
    for scoring, best in _choices(scores):
        for half, other in ((0, 1), (1, 0)):
            chosen = np.take_along_axis(scores[other], best[half][None, None], axis=0)[0]
            total[scoring] += chosen[scoring]
        times[scoring] += 2
    return np.asarray(total / times)


def _resampled_arms(samples: Sequence[Sample]) -> tuple[Array, Array, float]:
    """Means that the arms may have [A], drawn in; and what other seeds would add to them [A, S, R].

    A part of that is the same for all arms: the seeds of what they are compared with. Last, the degrees of
    freedom of a sum of both (Welch 1947).
    """
    arms, seeds, resamples = len(samples), len(samples[0].seeds), len(samples[0].draws)
    common = statistics.mean(samples)
    apart = [statistics.difference(sample, common) for sample in samples]
    excess = max(0.0, float(np.mean([one.chance.excess for one in apart])))
    noise = excess + np.mean([one.draws.mean(axis=1).var() for one in apart])
    distances = np.array([one.observed.mean() for one in apart])
    spread = float((distances**2).mean())
    own = seeds * excess * arms / (arms - 1)
    shared = max(0.0, seeds * common.chance.excess - own / arms)
    tilts = statistics.generator("best").standard_normal((arms + 1, seeds, resamples))
    means = common.observed.mean() + distances * max(0.0, 1 - noise / spread if spread > 0 else 0.0)
    parts = own**2 / (arms - 1) + shared**2
    freedom = (seeds - 1) * (own + shared) ** 2 / parts if parts > 0 else seeds - 1.0
    return means, np.sqrt(own) * tilts[1:] + np.sqrt(shared) * tilts[0], freedom


def _standard(values: Array) -> Array:
    """The values with mean 0 and variance 1; of equal ones, any that have these."""
    moved = values - values.mean() if np.ptp(values) > 0 else np.linspace(-1, 1, len(values))
    return np.asarray(moved / moved.std(ddof=1))
