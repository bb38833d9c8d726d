"""Metrics of labels that need to know all labels: macro-averaged F1, and correlations of gold and predicted.

Equal to scikit-learn's `f1_score(average="macro")` and `matthews_corrcoef`, and to scipy's `pearsonr` and
`spearmanr`, times 100. A class that neither side has is left out of the mean. Correlations lie between -100
and 100, and are 0 where one side is constant, for which scipy gives no number. L labels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import PredictionError, TaskError
from xstilts.metrics.metric import Metric, Numbers, check_counts, divide

Places = NDArray[np.int64]

MOST_RANKED = 12
"""Labels that Spearman's correlation takes: an example has the square of their number of statistics."""


def _counts(right: Places, answer: Places, labels: Sequence[str]) -> Numbers:
    """(right, predicted, gold) of each label [n, 3 L]."""
    one_hot = np.eye(len(labels))
    same = one_hot[right] * (right == answer)[:, None]
    return np.concatenate([same, one_hot[answer], one_hot[right]], axis=1)


def _macro_f1(sums: Numbers) -> Numbers:
    right, predicted, gold = np.split(np.asarray(sums), 3, axis=-1)
    there = ((predicted + gold) > 0).sum(axis=-1)
    return divide(100.0 * divide(2 * right, predicted + gold).sum(axis=-1), there)


def _matthews(sums: Numbers) -> Numbers:
    right, predicted, gold = np.split(np.asarray(sums), 3, axis=-1)
    size = gold.sum(axis=-1)
    together = right.sum(axis=-1) * size - (predicted * gold).sum(axis=-1)
    spread = [size**2 - (side**2).sum(axis=-1) for side in (predicted, gold)]
    return _correlation(together, *spread)


def _counts_imagined(sums: Numbers) -> tuple[Numbers, Numbers]:
    """A right answer, and a wrong one: gold and predicted labels as often as they are."""
    _, predicted, gold = np.split(np.asarray(sums), 3, axis=-1)
    size = gold.sum(axis=-1, keepdims=True)
    often, answered = divide(gold, size), divide(predicted, size)
    return (
        np.concatenate([often, often, often], axis=-1),
        np.concatenate([np.zeros_like(often), answered, often], axis=-1),
    )


def _moments(right: Places, answer: Places, labels: Sequence[str]) -> Numbers:
    """(x, y, x x, y y, x y, 1) of each example [n, 6], counted from the middle of the labels."""
    values = np.array(labels, np.float64)
    values -= (values.max() + values.min()) / 2
    x, y = values[right], values[answer]
    return np.column_stack([x, y, x * x, y * y, x * y, np.ones(len(x))])


def _pearson(sums: Numbers) -> Numbers:
    x, y, xx, yy, xy, size = np.moveaxis(np.asarray(sums), -1, 0)
    spread = [size * square - mean**2 for square, mean in ((xx, x), (yy, y))]
    known = [np.where(one > 1e-12 * size * all_, one, 0) for one, all_ in zip(spread, (xx, yy), strict=True)]
    return _correlation(size * xy - x * y, *known)


def _moments_imagined(sums: Numbers) -> tuple[Numbers, Numbers]:
    """A right answer, and one that knows nothing of the gold value."""
    x, y, xx, yy, _, size = np.moveaxis(np.asarray(sums), -1, 0)
    x, y, xx, yy = (divide(one, size) for one in (x, y, xx, yy))
    one = np.ones_like(x)
    return np.stack([x, x, xx, xx, xx, one], axis=-1), np.stack([x, y, xx, yy, x * y, one], axis=-1)


def _table(right: Places, answer: Places, labels: Sequence[str]) -> Numbers:
    """The cell of each example in the table of gold and predicted labels, by rank [n, L L]."""
    rank = np.argsort(np.argsort(np.array(labels, np.float64)))
    cells: Numbers = np.eye(len(labels) ** 2)[rank[right] * len(labels) + rank[answer]]
    return cells


def _spearman(sums: Numbers) -> Numbers:
    table = _square(sums)
    sides = table.sum(axis=-1), table.sum(axis=-2)
    middle = table.sum(axis=(-1, -2))[..., None] / 2
    first, second = (np.cumsum(side, axis=-1) - side / 2 - middle for side in sides)
    together = (table * first[..., :, None] * second[..., None, :]).sum(axis=(-1, -2))
    spread = [(side * rank**2).sum(axis=-1) for side, rank in zip(sides, (first, second), strict=True)]
    return _correlation(together, *spread)


def _table_imagined(sums: Numbers) -> tuple[Numbers, Numbers]:
    """A right answer, and one that knows nothing of the gold label."""
    table = _square(sums)
    size = table.sum(axis=(-1, -2))[..., None]
    often, answered = divide(table.sum(axis=-1), size), divide(table.sum(axis=-2), size)
    right = often[..., :, None] * np.eye(table.shape[-1])
    unknowing = often[..., :, None] * answered[..., None, :]
    return right.reshape(np.shape(sums)), unknowing.reshape(np.shape(sums))


def _square(sums: Numbers) -> Numbers:
    side = round(np.shape(sums)[-1] ** 0.5)
    return np.reshape(sums, (*np.shape(sums)[:-1], side, side))


def _correlation(together: Numbers, first: Numbers, second: Numbers) -> Numbers:
    return divide(100.0 * together, np.sqrt(np.maximum(first, 0) * np.maximum(second, 0)))


_Count = Callable[[Places, Places, Sequence[str]], Numbers]
_Value = Callable[[Numbers], Numbers]
_Imagined = Callable[[Numbers], tuple[Numbers, Numbers]]

_KINDS: dict[str, tuple[_Count, _Value, _Imagined]] = {
    "macro_f1": (_counts, _macro_f1, _counts_imagined),
    "matthews_correlation": (_counts, _matthews, _counts_imagined),
    "pearson_correlation": (_moments, _pearson, _moments_imagined),
    "spearman_correlation": (_table, _spearman, _table_imagined),
}
"""Statistics of gold and predicted places among the labels, the value, and what is imagined."""
NAMES = tuple(_KINDS)


def of_labels(name: str, labels: tuple[str, ...]) -> Metric:
    """The metric of that name, one of NAMES, for these labels; TaskError if they do not fit it."""
    where, (count, value, imagined) = f"metric '{name}'", _KINDS[name]
    if not labels:
        raise TaskError(where, "needs to know the labels.", "Name them in the task.")
    if name == "spearman_correlation" and len(labels) > MOST_RANKED:
        what = f"takes up to {MOST_RANKED} labels, got {len(labels)}."
        raise TaskError(where, what, "Take pearson_correlation.")
    if count in (_moments, _table) and not all(map(_is_number, labels)):
        what = f"needs labels that are numbers, not {', '.join(labels)}."
        raise TaskError(where, what, "Take accuracy or macro_f1.")
    place = {label: number for number, label in enumerate(labels)}

    def statistics(gold: Sequence[Any], predicted: Sequence[Any], language: str) -> Numbers:
        check_counts(name, gold, predicted)
        for answer in (*gold, *predicted):
            if answer not in place:
                what = f"{answer!r:.60} is none of the labels {', '.join(labels)}."
                raise PredictionError(where, what, "Correct the value, or the labels of the task.")
        right, answers = (np.array([place[one] for one in side], np.int64) for side in (gold, predicted))
        return count(right, answers, labels)

    width = count(np.zeros(0, np.int64), np.zeros(0, np.int64), labels).shape[1]
    return Metric(name, statistics, value, width=width, imagined=imagined)


def _is_number(label: str) -> bool:
    """Whether a label is written as a finite number."""
    try:
        return bool(np.isfinite(float(label)))
    except ValueError:
        return False
