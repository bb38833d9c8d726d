"""What a metric is: additive statistics of each example, and a percentage from their sums.

Because statistics add up, the value of any subset, resample or union of examples follows from sums alone:
a bootstrap is one matrix product, and a language's value can be stored as a handful of numbers.

The simplest are the mean of a score of each example: accuracy, and what a task file defines with `mean_of`.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xstilts.errors import PredictionError, TaskError

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A named measure of agreement between gold and predicted values.

    `statistics(gold, predicted, language)` gives float64 [n, k]: k additive numbers for each of n examples.
    `value(sums)` takes their sums, float64 [..., k], and gives percentages 0..100, [...]; where the official
    scorer meets 0/0 and says 0, so does this. `version` is raised by hand whenever a number would change;
    `width` is k. `imagined(sums)` gives the statistics of a right and of a wrong example such as these, which
    the intervals need where they are not shares (`is_share`); without it, an interval rests on the examples
    alone, and is as wide as the scale where all answers are right, for these then tell no spread.
    """

    name: str
    statistics: Callable[[Sequence[Any], Sequence[Any], str], Numbers]
    value: Callable[[Numbers], Numbers]
    version: int = 1
    unit: str = "percent"
    width: int = 2
    imagined: Callable[[Numbers], tuple[Numbers, Numbers]] | None = None

    def score(self, gold: Sequence[Any], predicted: Sequence[Any], language: str) -> float:
        """The value of all examples together."""
        return float(self.value(self.statistics(gold, predicted, language).sum(axis=0)))

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


TRIED = 100
"""Gold values that a metric is tried on before anything runs."""

Score = Callable[[Any, Any], float]


def mean_of(name: str, score: Score, *, version: int = 1) -> Metric:
    """The metric that is the mean of `score(gold, predicted)`, a number from 0 to 1 for each example."""
    return Metric(name, partial(_scores, name=name, score=score), ratio, version)


def _scores(
    gold: Sequence[Any], predicted: Sequence[Any], language: str, *, name: str, score: Score
) -> Numbers:
    check_counts(name, gold, predicted)
    pairs = list(zip(gold, predicted, strict=True))
    scores = np.array([float(score(right, answer)) for right, answer in pairs], np.float64)
    if (outside := np.flatnonzero(~((scores >= 0) & (scores <= 1)))).size:
        first, (right, answer) = scores[outside[0]], pairs[outside[0]]
        what = f"'{name}' gives {first:g} for gold {right!r:.40} and predicted {answer!r:.40}."
        raise TaskError(f"metric '{name}'", what, "A score of an example lies between 0 and 1.")
    return with_ones(scores)


ACCURACY = mean_of("accuracy", operator.eq)
"""The share of labels, by name or by number, that equal the gold value."""

RETRIEVAL_ACCURACY = mean_of("retrieval_accuracy", operator.eq)
"""For each query, the row that it should find and the row that it found (XTREME's Tatoeba: every English
sentence is a query over the sentences of the other language)."""


def try_out(metric: Metric, gold: Sequence[Any], language: str) -> None:
    """Score some gold values as if each were predicted for another: TaskError for what is no metric."""
    gold = gold[:TRIED]
    numbers = metric.statistics(gold, [*gold[1:], *gold[:1]], language)
    where = f"metric '{metric.name}'"
    if not isinstance(numbers, np.ndarray) or numbers.dtype != np.float64:
        what = f"`statistics` of '{metric.name}' gives {type(numbers).__name__}, not an array of float64."
        raise TaskError(where, what, "Write np.array(rows, np.float64).")
    if numbers.shape != (len(gold), metric.width):
        what = f"`statistics` of '{metric.name}' gives the shape {numbers.shape} for {len(gold)} examples."
        raise TaskError(where, what, f"`width` says {metric.width} numbers for each.")
    values = np.asarray(metric.value(np.stack([numbers.sum(axis=0), numbers[:1].sum(axis=0)])))
    if values.shape != (2,) or not np.isfinite(values).all():
        what = f"`value` of '{metric.name}' gives {values!r:.80} for two rows of sums."
        raise TaskError(where, what, "It takes sums [..., k] and gives finite numbers [...].")
