"""Gold values of the rows that are compared, and predictions laid into their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.analysis.systems import GoldRows
from xstilts.data import loader
from xstilts.data.examples import Bitext
from xstilts.data.task import Task
from xstilts.errors import PredictionError
from xstilts.families.gold import gold as gold_of
from xstilts.metrics.mining import MINING_F1
from xstilts.systems.values import GivenRows, GivenRun

SHOWN = 3
"""Ids that a message names."""


@dataclass(frozen=True)
class AlignedGold:
    """The gold rows of a language, and where they come from.

    `order` are the rows that the lines of a submission answer, where XTREME sorts them.
    """

    where: str
    rows: GoldRows
    order: tuple[int, ...] | None = None


def gold_rows(
    task: Task,
    code: str,
    told: GivenRun | None,
    runs: Mapping[str, Mapping[int, GivenRun]],
    data: str | Path | None,
) -> AlignedGold:
    """The gold values of a language: as told, else as the data folder has them, else those beside the
    predictions, else the task's. PredictionError if there are none, or two contradict each other."""
    every = [run.languages[code] for own in runs.values() for run in own.values()]
    beside = [rows for rows in every if rows.gold]
    if told is not None and (code not in told.languages or not told.languages[code].gold):
        raise PredictionError(told.where, f"has no gold values of '{code}'.")
    if told is None and (data is not None or not beside):
        found = _of_task(task, code, data)
    else:
        chosen = beside[0] if told is None else told.languages[code]
        ids = chosen.ids or [str(row) for row in range(chosen.size)]
        found = AlignedGold(chosen.where, GoldRows(tuple(ids), tuple(chosen.gold), _firsts(chosen)))
        if task.metric == MINING_F1.name:
            found = _with_sources(found, every)
    values = dict(zip(found.rows.ids, found.rows.gold, strict=True))
    for rows in beside if len(values) == len(found.rows.ids) else ():
        for one, gold in zip(rows.ids or found.rows.ids, rows.gold, strict=False):
            if one in values and _texts(gold) != _texts(values[one]):
                what = f"'{code}', id '{one}': the gold value is {_texts(gold)!r:.60}, and "
                what += f"{_texts(values[one])!r:.60} in {found.where}."
                raise PredictionError(rows.where, what, "Are both of this task, split and order of labels?")
    return found


def _firsts(rows: GivenRows) -> Any:
    """For each row the first of its cluster [N]."""
    firsts: dict[str, int] = {}
    clusters = rows.clusters or [str(row) for row in range(rows.size)]
    return np.array([firsts.setdefault(one, row) for row, one in enumerate(clusters)], dtype=np.int64)


def _texts(gold: Any) -> Any:
    return [getattr(each, "text", each) for each in gold] if isinstance(gold, tuple) else gold


def _with_sources(gold: AlignedGold, every: Sequence[GivenRows]) -> AlignedGold:
    """Mining: also the sentences that have no translation and are paired by some system."""
    ids = [*gold.rows.ids, *sorted({one for rows in every for one in rows.ids} - set(gold.rows.ids))]
    values = (*gold.rows.gold, *[()] * (len(ids) - len(gold.rows.ids)))
    return AlignedGold(gold.where, GoldRows(tuple(ids), values, np.arange(len(ids))))


def _of_task(task: Task, code: str, data: str | Path | None) -> AlignedGold:
    """The gold values of the task's own test rows."""
    if not task.languages:
        what = f"there are none beside the predictions, and '{task.name}' is a metric, which has no rows."
        raise PredictionError("gold values", what, "Give 'gold' in each row, or --references PATH.")
    examples = loader.load(task, task.evaluation_split, code, None if data is None else Path(data))
    values, ids, clusters = gold_of(task.family, task.metric, examples)
    where = f"the {task.evaluation_split} rows of '{task.name}' in '{code}'"
    order, bitext = None, examples[0]
    if task.metric == MINING_F1.name:
        sides = ((getattr(bitext, f"{side}_ids"), getattr(bitext, side)) for side in ("source", "target"))
        ids, targets = ([*names] or [str(row) for row in range(len(texts))] for names, texts in sides)
        values = [tuple(targets[row] for row in rows) for rows in values]
    elif isinstance(bitext, Bitext):
        texts = bitext.target
        order = tuple(sorted(range(len(values)), key=lambda row: texts[row].strip()))
    return AlignedGold(where, GoldRows(tuple(ids), tuple(values), np.array(clusters, dtype=np.int64)), order)


def laid(task: Task, rows: GivenRows, gold: AlignedGold) -> tuple[Any, ...]:
    """The predictions in the order of the gold values. PredictionError if they are of other rows."""
    ids = gold.rows.ids
    if not rows.predicted:
        raise PredictionError(rows.where, "has no predictions.", "Give 'prediction' in each row.")
    if not rows.ids or tuple(rows.ids) == ids:
        if rows.size != len(ids):
            what = f"{rows.size:,} predictions for the {len(ids):,} rows of {gold.where}."
            raise PredictionError(rows.where, what, "Give exactly one prediction for each row.")
        predicted = list(rows.predicted)
        if gold.order is not None and rows.is_submission:
            for row, one in zip(gold.order, rows.predicted, strict=True):
                predicted[row] = one
    else:
        predicted = _by_id(task, rows, gold)
    for one, said, right in zip(ids, predicted, gold.rows.gold, strict=True):
        if task.family == "tagging" and len(said) != len(right):
            what = f"id '{one}' has {len(said)} tags for {len(right)} tokens."
            raise PredictionError(rows.where, what, "Give one tag for each token.")
    return tuple(predicted)


def _by_id(task: Task, rows: GivenRows, gold: AlignedGold) -> list[Any]:
    said = dict(zip(rows.ids, rows.predicted, strict=True))
    if len(said) < len(rows.ids):
        twice = next(one for one in rows.ids if rows.ids.count(one) > 1)
        raise PredictionError(rows.where, f"has the id '{twice}' twice.", "Give one prediction for each id.")
    known = set(gold.rows.ids)
    if known.isdisjoint(said):
        what = f"no id is one of {gold.where} ('{rows.ids[0]}' here, '{gold.rows.ids[0]}' there)."
        raise PredictionError(rows.where, what, "Are both of this task, split and language?")
    lacking = [one for one in gold.rows.ids if one not in said]
    beyond = [one for one in rows.ids if one not in known]
    if rows.partial:  # as the official evaluators do
        nothing = () if task.metric == MINING_F1.name else None
        return [said.get(one, nothing) for one in gold.rows.ids]
    for words, found in (("lacks", lacking), ("has besides", beyond)):
        if found:
            shown = ", ".join(f"'{one}'" for one in found[:SHOWN]) + ", ..." * (len(found) > SHOWN)
            what = f"{words} {len(found):,} ids of {len(known):,} in {gold.where}: {shown}."
            raise PredictionError(rows.where, what, "All systems must answer the same rows.")
    return [said[one] for one in gold.rows.ids]
