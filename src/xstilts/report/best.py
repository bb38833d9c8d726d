"""The best of several arms on each target, without the luck of the best.

Whoever chooses the best of many arms by their scores on some examples, and reports these scores, reports luck
too: the more arms, the more of it. So the arm is chosen on one half of the test examples and scored on the
other half, then the other way round, and the two are averaged. The choice is repeated on every resample, so
that its own chance is part of the interval. The luck of a seed remains: both halves answer the same models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.report import statistics
from xstilts.report.curves import Measured
from xstilts.report.effects import Effects, Quantity, less, mean_of
from xstilts.report.results import Line
from xstilts.report.statistics import Array, Sample


@dataclass(frozen=True)
class Contest:
    """The arms (lines of one backbone) of which the best is chosen, what it is compared with, and where."""

    lines: tuple[Line, ...]
    against: str
    languages: str | tuple[str, ...]


def best_difference(effects: Effects, contest: Contest, targets: Sequence[str]) -> Measured | None:
    """The mean over targets of the best arm's difference; None if anything is missing.

    The plain differences of the arms lend what they know of seeds.
    """
    found = mean_of([_on_target(effects, contest, target) for target in targets])
    if found is None:
        return None
    plain = Quantity("difference", contest.languages, contest.against)
    like = [effects.sample(plain, line, tuple(targets)) for line in contest.lines]
    return Measured(found, [sample for sample in like if sample is not None])


def winners(effects: Effects, contest: Contest, target: str) -> tuple[str, ...]:
    """The arms that are best on a target by its first and by its second half; one name if they agree."""
    both = _differences(effects, contest, target)
    places = [int(_first_best(np.array([sample.observed.mean() for sample in half]))) for half in both]
    return tuple(dict.fromkeys(contest.lines[place].arm for place in places))


def _on_target(effects: Effects, contest: Contest, target: str) -> Sample | None:
    both = _differences(effects, contest, target)
    if not both:
        return None
    first, second = both
    return statistics.mean([_chosen(first, second), _chosen(second, first)])


def _differences(effects: Effects, contest: Contest, target: str) -> list[list[Sample]]:
    """For each half of the examples the difference of every arm; empty if anything is missing."""
    results = effects.results
    codes = results.target(target).select(contest.languages)
    halves: list[list[Sample]] = [[], []]
    for line in contest.lines:
        other = effects.against(line, contest.against)
        own = results.halves(line, target, codes)
        compared = None if other is None else results.halves(other, target, codes)
        if own is None or compared is None:
            return []
        for half, one, two in zip(halves, own, compared, strict=True):
            once = other is not None and other.reference == "majority"
            found = less(one, statistics.for_seeds(two, one.seeds) if once else two)
            if found is None:
                return []
            half.append(found)
    whole = [sample for half in halves for sample in half]
    seeds = statistics.common_seeds(whole)
    return [[statistics.pick(sample, seeds) for sample in half] for half in halves] if seeds else []


def _chosen(by: Sequence[Sample], among: Sequence[Sample]) -> Sample:
    """What was measured on one half of the examples, of the arm that is best on the other half.

    On resamples the choice errs more often than on the examples themselves; the draws are moved by what that
    costs on average.
    """
    observed = np.stack([sample.observed for sample in among])  # [A, S]
    draws = np.stack([sample.draws for sample in among])  # [A, R, S]
    place = int(_first_best(np.array([sample.observed.mean() for sample in by])))
    places = _first_best(np.stack([sample.draws.mean(axis=1) for sample in by]))  # [R]
    drawn = draws[places, np.arange(draws.shape[1])]
    return Sample(among[0].seeds, observed[place], drawn - drawn.mean() + observed[place].mean())


def _first_best(scores: Array) -> NDArray[np.intp]:
    """The first of the largest along the first axis; how sums are rounded decides nothing."""
    return np.asarray(np.argmax(scores.round(9), axis=0))
