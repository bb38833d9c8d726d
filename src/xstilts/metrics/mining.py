"""F1 of mined translation pairs (BUCC 2018): sets of pairs, found against right."""

from collections.abc import Collection, Hashable, Sequence

import numpy as np

from xstilts.metrics.metric import Metric, Numbers, check_counts, f1

Mined = Collection[Hashable]


def _statistics(gold: Sequence[Mined], predicted: Sequence[Mined], language: str) -> Numbers:
    """(correct, predicted, gold) pairs of each source sentence; a pair given twice counts once."""
    check_counts("mining_f1", gold, predicted)
    rows = []
    for right, found in zip(gold, predicted, strict=True):
        right_set, found_set = set(right), set(found)
        rows.append((len(right_set & found_set), len(found_set), len(right_set)))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


MINING_F1 = Metric("mining_f1", _statistics, f1)
"""An example is a source sentence; gold and predicted are the target rows that it is paired with, mostly none
or one. Sentences with neither add nothing and may be left out."""
