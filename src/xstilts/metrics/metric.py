"""What a metric is: additive statistics of each example, and a percentage from their sums.

Because statistics add up, the value of any subset, resample or union of examples follows from sums alone:
a bootstrap is one matrix product, and a language's value can be stored as a handful of numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xstilts.errors import PredictionError

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A named measure of agreement between gold and predicted values.

    `statistics(gold, predicted, language)` gives float64 [n, k]: k additive numbers for each of n examples.
    `value(sums)` takes their sums, float64 [..., k], and gives percentages 0..100, [...]; where the official
    scorer meets 0/0 and says 0, so does this. `version` is raised by hand whenever a number would change;
    `width` is k. `imagined(sums)` gives the statistics of a right and of a wrong example such as these, which
    the intervals need where they are not shares (`is_share`); without it, an interval rests on the examples
    alone, and has no width where all answers are right.
    """

    name: str
    statistics: Callable[[Sequence[Any], Sequence[Any], str], Numbers]
    value: Callable[[Numbers], Numbers]
    version: int = 1
    unit: str = "percent"
    width: int = 2
    imagined: Callable[[Numbers], tuple[Numbers, Numbers]] | None = None

    @property
    def is_share(self) -> bool:
        """Whether the first number of an example says how much of it is right, the others how much it is."""
        return self.value in (ratio, f1)


def ratio(sums: Numbers) -> Numbers:
    """Sums (part, whole) [..., 2] as percentages [...]; 0 where the whole is 0."""
    return divide(100.0 * sums[..., 0], sums[..., 1])


def f1(sums: Numbers) -> Numbers:
    """Sums (correct, predicted, gold) [..., 3] as F1 in percent [...]; 0 where nothing is right."""
    return divide(200.0 * sums[..., 0], sums[..., 1] + sums[..., 2])


def check_counts(metric: str, gold: Sequence[Any], predicted: Sequence[Any]) -> None:
    """Raises PredictionError unless there is one prediction for each gold value."""
    if len(gold) != len(predicted):
        what = f"{len(predicted)} predictions for {len(gold)} examples."
        raise PredictionError(f"metric '{metric}'", what, "Give exactly one prediction for each example.")


def with_ones(scores: ArrayLike) -> Numbers:
    """(score, 1) of each example, whose `ratio` is the mean score."""
    known = np.asarray(scores, np.float64)
    return np.column_stack([known, np.ones(len(known))])


def divide(numerator: Numbers, denominator: Numbers) -> Numbers:
    """The quotient; 0 where the denominator is 0."""
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)
