"""Gold values of the rows that are compared, and predictions laid into their order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.analysis.systems import GoldRows
from xstilts.data import loader
from xstilts.data.examples import Bitext, Choice
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

    `order` are the rows that the lines of a submission answer, where XTREME sorts them. `has_ids` is None of
    a task's own rows, which are known by their ids and by their places alike. `is_beside`: they stand in a
    system's file, whose order need not be that of any other. `limits` are the numbers of options of each row,
    or of sentences to choose from; none if not known.
    """

    where: str
    rows: GoldRows
    order: tuple[int, ...] | None = None
    has_ids: bool | None = None
    is_beside: bool = False
    limits: tuple[int, ...] = ()


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
        told_rows = GoldRows(tuple(ids), tuple(chosen.gold), _firsts(chosen))
        found = AlignedGold(chosen.where, told_rows, has_ids=bool(chosen.ids), is_beside=told is None)
        if task.metric == MINING_F1.name:
            found = _with_sources(found, every)
    for rows in beside:
        _check_same(code, rows, found)
    return found


def _check_same(code: str, rows: GivenRows, gold: AlignedGold) -> None:
    """PredictionError if gold values beside predictions contradict those that are compared with."""
    ids = gold.rows.ids
    if not rows.ids or tuple(rows.ids) == ids:
        pairs = list(zip(ids, rows.gold, gold.rows.gold, strict=False))
    else:
        _check_once(rows.where, rows.ids)
        _check_once(gold.where, ids)
        values = dict(zip(ids, gold.rows.gold, strict=True))
        pairs = [
            (one, value, values[one]) for one, value in zip(rows.ids, rows.gold, strict=True) if one in values
        ]
    for one, value, right in pairs:
        if _texts(value) != _texts(right):
            what = f"'{code}', id '{one}': the gold value is {_texts(value)!r:.60}, and "
            what += f"{_texts(right)!r:.60} in {gold.where}."
            raise PredictionError(rows.where, what, "Are both of this task, split and order of labels?")


def _check_once(where: str, ids: Sequence[str]) -> None:
    twice = next((one for one, times in Counter(ids).items() if times > 1), None)
    if twice is not None:
        now = "Give each row an id of its own, or all files the same rows in the same order."
        raise PredictionError(where, f"has the id '{twice}' twice.", now)


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
    return replace(gold, rows=GoldRows(tuple(ids), values, np.arange(len(ids))))


def _of_task(task: Task, code: str, data: str | Path | None) -> AlignedGold:
    """The gold values of the task's own test rows."""
    if not task.languages:
        what = f"there are none beside the predictions, and '{task.name}' is a metric, which has no rows."
        raise PredictionError("gold values", what, "Give 'gold' in each row, or --references PATH.")
    examples = loader.load(task, task.evaluation_split, code, None if data is None else Path(data))
    values, ids, clusters = gold_of(task.family, task.metric, examples)
    where = f"the {task.evaluation_split} rows of '{task.name}' in '{code}'"
    limits: tuple[int, ...] = ()
    order, bitext = None, examples[0]
    if task.metric == MINING_F1.name:
        sides = ((getattr(bitext, f"{side}_ids"), getattr(bitext, side)) for side in ("source", "target"))
        ids, targets = ([*names] or [str(row) for row in range(len(texts))] for names, texts in sides)
        values = [tuple(targets[row] for row in rows) for rows in values]
    elif isinstance(bitext, Bitext):
        texts = bitext.target
        order = tuple(sorted(range(len(values)), key=lambda row: texts[row].strip()))
        limits = (len(bitext.source),) * len(values)
    else:
        limits = tuple(len(example.options) for example in examples if isinstance(example, Choice))
    rows = GoldRows(tuple(ids), tuple(values), np.array(clusters, dtype=np.int64))
    return AlignedGold(where, rows, order, limits=limits)


def laid(task: Task, rows: GivenRows, gold: AlignedGold) -> tuple[Any, ...]:
    """The predictions in the order of the gold values. PredictionError if they are of other rows."""
    ids = gold.rows.ids
    if not rows.predicted:
        raise PredictionError(rows.where, "has no predictions.", "Give 'prediction' in each row.")
    if not rows.ids or tuple(rows.ids) == ids:
        if gold.has_ids and not rows.ids and (gold.is_beside or not rows.is_ordered):
            what = f"has no ids, and the gold values of {gold.where} have: which row is which is not known."
            now = (
                "Give 'id' in each row" + " of both, or the gold values apart, --references." * gold.is_beside
            )
            raise PredictionError(rows.where, what, f"{now.rstrip('.')}.")
        if rows.size != len(ids):
            what = f"{rows.size:,} predictions for the {len(ids):,} rows of {gold.where}."
            raise PredictionError(rows.where, what, "Give exactly one prediction for each row.")
        predicted = list(rows.predicted)
        if gold.order is not None and rows.is_submission:
            for row, one in zip(gold.order, rows.predicted, strict=True):
                predicted[row] = one
    else:
        if gold.has_ids is False:
            what = f"has ids, and the gold values of {gold.where} have none."
            raise PredictionError(rows.where, what, "Give 'id' in each row of both, or of neither.")
        predicted = _by_id(task, rows, gold)
    for one, said, right in zip(ids, predicted, gold.rows.gold, strict=True):
        if task.family == "tagging" and len(said) != len(right):
            what = f"id '{one}' has {len(said)} tags for {len(right)} tokens."
            raise PredictionError(rows.where, what, "Give one tag for each token.")
    for one, said, limit in zip(ids, predicted, gold.limits, strict=bool(gold.limits)):
        if said >= limit:
            what = f"id '{one}': {said} is none of {limit}, which are numbered from 0."
            raise PredictionError(rows.where, what, "Give the number of an option or a sentence.")
    return tuple(predicted)


def _by_id(task: Task, rows: GivenRows, gold: AlignedGold) -> list[Any]:
    _check_once(rows.where, rows.ids)
    if not rows.partial:  # where official evaluators look up the answer of each row
        _check_once(gold.where, gold.rows.ids)
    said = dict(zip(rows.ids, rows.predicted, strict=True))
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
