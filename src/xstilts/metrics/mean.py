"""Metrics that are the mean of a score of each example: accuracy, and those that a task file defines."""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from xstilts.errors import TaskError
from xstilts.metrics.metric import Metric, Numbers, check_counts, ratio, with_ones

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
