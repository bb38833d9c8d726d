"""Accuracy: the share of examples whose prediction equals the gold value."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xstilts.metrics.metric import Metric, Numbers, check_counts, ratio


def _statistics(gold: Sequence[Any], predicted: Sequence[Any], language: str) -> Numbers:
    check_counts("accuracy", gold, predicted)
    equal = [float(right == answer) for right, answer in zip(gold, predicted, strict=True)]
    return np.column_stack([np.array(equal, dtype=np.float64), np.ones(len(equal))])


ACCURACY = Metric("accuracy", _statistics, ratio)
"""Labels, by name or by number. Statistics: (equal, 1)."""

RETRIEVAL_ACCURACY = Metric("retrieval_accuracy", _statistics, ratio)
"""For each query, the row that it should find and the row that it found (XTREME's Tatoeba: every English
sentence is a query over the sentences of the other language). Statistics: (found, 1)."""
