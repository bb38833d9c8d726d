"""Rows as a metric and a bootstrap see them: gold values, ids, and which rows are about the same text."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from xstilts import families
from xstilts.data.examples import Bitext, subject
from xstilts.metrics.mining import MINING_F1, gold_rows


class Gold(NamedTuple):
    """Gold values, ids, and for each row the first that is about the same text."""

    values: list[Any]
    ids: list[str]
    clusters: list[int]


def gold(family: str, metric: str, rows: Sequence[Any]) -> Gold:
    """What is right for these rows of a task.

    Of sentences that are retrieved, which have other numbers in other languages, the ids are those of the
    source language's, or these sentences themselves.
    """
    one = families.find(family)
    if family != "retrieval":
        values = [one.gold(row) for row in rows]
        return Gold(values, [row.id or str(number) for number, row in enumerate(rows)], _clusters(rows))
    bitext: Bitext = rows[0]
    if metric == MINING_F1.name:
        values = gold_rows(bitext)
        ids = [str(row) for row in range(len(values))]
    else:
        values, ids = one.gold(bitext), list(bitext.target_ids or bitext.target)
    return Gold(values, ids, list(range(len(values))))


def _clusters(rows: Sequence[Any]) -> list[int]:
    firsts: dict[object, int] = {}
    subjects = ((row, subject(example)) for row, example in enumerate(rows))
    return [row if about is None else firsts.setdefault(about, row) for row, about in subjects]
