"""Runs that collapsed: trainings on a target that ended no better than guessing, and what they do to means.

XLM-R is known to do so now and then; a mean over seeds then hides a model that guesses. What is looked at are
the predictions in the source language (`report.exchange` says how); where that is not evaluated, the phase's
development score is compared with the majority answer's. Retrieval trains nothing and cannot collapse.

All means of a report keep the collapsed runs. Beside them stand the means without, for every comparison that
contains one: nothing is dropped in silence.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from xstilts import metrics
from xstilts.families.examples import Answer
from xstilts.report import files
from xstilts.report.claims import Verdict, judge, line_name
from xstilts.report.effects import EFFECT, SCORE, Effects
from xstilts.report.exchange import Examined, examine
from xstilts.report.results import Line, Results
from xstilts.report.statistics import Estimate
from xstilts.store import Store
from xstilts.study.plan import Cell, Plan

NOTABLE_ERRORS = 2.0  # standard errors above chance from which a development score counts as learned
AT_CHANCE = "development score at chance"
NO_ANSWER = "squad2"  # metrics whose majority answer is no guess within the context


@dataclass(frozen=True)
class Run:
    """A collapsed training: its cell, what was found, and the arm's mean score with all seeds and without."""

    arm: str
    cell: Cell
    found: Examined
    whole: Estimate | None
    without: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """A comparison that contains collapsed runs, as it stands in the report and without them."""

    name: str
    target: str
    whole: Estimate
    without: Estimate | None


@dataclass(frozen=True)
class Ruling:
    """A claim that rests on collapsed runs, as it was judged and without them."""

    whole: Verdict
    without: Verdict


@dataclass(frozen=True)
class Collapses:
    """All that the report says of collapsed runs; empty if there are none."""

    runs: tuple[Run, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    rulings: tuple[Ruling, ...] = ()


def above_chance(value: float, chance: float, n: int) -> bool:
    """Whether a percentage exceeds chance by more than two standard errors of a share of n examples."""
    share = min(max(chance / 100, 0.01), 0.99)
    return value > chance + NOTABLE_ERRORS * 100 * math.sqrt(share * (1 - share) / max(1, n))


def collapsed(plan: Plan, store: Store) -> dict[Cell, Examined]:
    """The cells whose training on the target ended at chance in the source language, and why."""
    found = {}
    for cell in plan.cells:
        if cell.reference or plan.evaluation(cell).trained_by is None:
            continue
        examined = _examined(plan, store, cell)
        if examined is not None and examined.why:
            found[cell] = examined
    return found


def collapses(effects: Effects) -> Collapses:
    """Every collapsed run, and everything it is part of, with and without."""
    results = effects.results
    found = collapsed(results.plan, results.store)
    if not found:
        return Collapses()
    rest = Effects(_Rest(results.plan, results.store, frozenset(found)))
    runs = []
    for cell, examined in found.items():
        line = Line(cell.backbone, cell.arm)
        means = (one.estimate(SCORE, line, cell.target) for one in (effects, rest))
        runs.append(Run(line_name(results, line), cell, examined, *means))
    rulings = (Ruling(one, other) for one, other in zip(judge(effects), judge(rest), strict=True))
    return Collapses(
        tuple(runs),
        tuple(_comparisons(effects, rest)),
        tuple(each for each in rulings if _measured(each.whole) != _measured(each.without)),
    )


class _Rest(Results):
    """The results without some cells, which count as missing."""

    def __init__(self, plan: Plan, store: Store, dropped: frozenset[Cell]) -> None:
        super().__init__(plan, store)
        self._dropped = dropped

    @cached_property
    def missing(self) -> tuple[Cell, ...]:
        return tuple(
            cell
            for cell in self.plan.cells
            if cell in self._dropped or self.store.folder(cell.evaluation) is None
        )


def _comparisons(effects: Effects, rest: Effects) -> Iterator[Comparison]:
    """Of the heat map (each arm with none, on a target or on their mean) what changes without the runs."""
    results = effects.results
    names = tuple(target.name for target in results.targets)
    sets = [(name,) for name in names] + ([names] if len(names) > 1 else [])
    for line in results.lines:
        if line.reference or effects.against(line, EFFECT.against) in (line, None):
            continue
        for targets in sets:
            whole, without = (one.estimate(EFFECT, line, *targets) for one in (effects, rest))
            if whole is not None and (without is None or whole.value != without.value):
                shown = targets[0] if len(targets) == 1 else "mean"
                name = f"{line_name(results, line)} − {EFFECT.against}"
                yield Comparison(name, shown, whole, without)


def _measured(verdict: Verdict) -> list[float | None]:
    """The values that a verdict rests on."""
    return [None if part.estimate is None else part.estimate.value for part in verdict.parts]


def _examined(plan: Plan, store: Store, cell: Cell) -> Examined | None:
    """What is found of a run that is in the store; by its predictions if there are any that can tell."""
    evaluation = plan.evaluation(cell)
    assert evaluation.trained_by is not None
    record = store.record(cell.phases[-1]) or {}
    scores: Mapping[str, Any] = record.get("source_score", {})
    own = scores.get(evaluation.trained_by.task)
    source = evaluation.trained_by.languages[0]
    if store.folder(cell.evaluation) is not None and source in evaluation.use.languages:
        within = evaluation.use.family == "span" and not evaluation.metric.startswith(NO_ANSWER)
        first_words = own["chance"] if own and within else 0.0
        path = store.file(cell.evaluation, "predictions.parquet")
        found = _by_predictions(path, source, evaluation.use.family, evaluation.metric, first_words)
        if found is not None:
            return found
    if own is None:
        return None
    learned = above_chance(own["value"], own["chance"], own["n"])
    return Examined(own["value"], own["chance"], "" if learned else AT_CHANCE)


@lru_cache(maxsize=4096)
def _by_predictions(
    path: Path, language: str, family: str, metric: str, first_words: float
) -> Examined | None:
    """A finished evaluation never changes, so it is examined once. StoreError if its file is damaged."""
    frame = files.predictions(path, ("language", "index", "gold", "predicted"))
    rows = frame.filter(pl.col("language") == language).sort("index")
    gold, predicted = (
        files.values(path, rows[name].to_list(), family, name) for name in ("gold", "predicted")
    )
    if family == "span":
        gold = [tuple(Answer(text, 0) for text in answers) for answers in gold]
    elif family == "tagging":
        gold, predicted = ([tuple(tags) for tags in values] for values in (gold, predicted))
    return examine(gold, predicted, metrics.find(metric), language, first_words)
