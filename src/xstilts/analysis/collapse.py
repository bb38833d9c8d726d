"""Runs that collapsed: trainings on a target that ended no better than guessing, and what they do to means.

XLM-R is known to do so now and then; a mean over seeds then hides a model that guesses. What is looked at are
the predictions in the source language (`analysis.permutation` says how); where that is not evaluated, the
phase's development score is compared with the majority answer's. Retrieval trains nothing, and cannot
collapse.

All means of a report keep the collapsed runs. Beside them stand the means without, for every comparison that
contains one: nothing is dropped in silence.

Of the runs that learned their target two things more are said. What they learned in part only: a class that
they never predict, say (`analysis.habits`). And the languages in which nothing of it arrived: whose answers
are no better than nine in ten of their own exchanged, and whose score lies, by more than chance explains,
below a third of what the source language gains over guessing. The second keeps small test sets and languages
that are merely low from being called collapsed; it is corrected for the number of languages of the run
(Bonferroni).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtri

from xstilts.analysis import files
from xstilts.analysis.claims import Verdict, judge
from xstilts.analysis.effects import EFFECT, SCORE, Effects
from xstilts.analysis.habits import habits
from xstilts.analysis.permutation import RISK, Examined, above_chance, examine
from xstilts.analysis.results import Line, Resampled, Results
from xstilts.analysis.statistics import Estimate
from xstilts.data.examples import Answer
from xstilts.metrics import Metric
from xstilts.store import Store
from xstilts.study.plan import Cell, Plan

AT_CHANCE = "development score at chance"
KEPT = 1 / 3  # of the source language's gain over guessing: a language that keeps as much is not at chance
USUAL = 1.28  # standard deviations above their mean that nine in ten guesses do not exceed
LEAST = 20  # examples of a language that are looked at
NO_ANSWER = "squad2"  # metrics whose majority answer is no guess within the context

Runs = Mapping[Cell, Examined]
"""What is found in the source language of every run that trained on its target."""
Guesses = Mapping[Cell, Mapping[str, Examined]]
"""For runs that learned the source language the other languages in which they guess."""


@dataclass(frozen=True)
class CollapsedRun:
    """A collapsed training: its cell, what was found, and the arm's mean score with all seeds and without."""

    arm: str
    cell: Cell
    found: Examined
    whole: Estimate | None
    without: Estimate | None


@dataclass(frozen=True)
class ChangedEffect:
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


class Answered(NamedTuple):
    """Predictions of all languages, and the score of a context's first words where they are spans of it."""

    path: Path
    family: str
    metric: Metric
    first_words: float


@dataclass(frozen=True)
class AtChance:
    """A language in which runs that learned the source language guess; scores are means over these seeds."""

    arm: str
    target: str
    language: str
    seeds: tuple[int, ...]
    score: float
    baseline: float
    source: float


@dataclass(frozen=True)
class Partial:
    """What a run learned in part only, of its target's source language (of retrieval: in any language)."""

    arm: str
    cell: Cell
    score: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Collapses:
    """All that the report says of collapsed runs, and of those that learned in part; empty if there are none.

    `trained` is the number of runs that were looked at.
    """

    runs: tuple[CollapsedRun, ...] = ()
    languages: tuple[AtChance, ...] = ()
    partial: tuple[Partial, ...] = ()
    comparisons: tuple[ChangedEffect, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    trained: int = 0


def examined(plan: Plan, store: Store) -> dict[Cell, Examined]:
    """What is found in the source language of every run that trained on its target and is in the store."""
    trained = [cell for cell in plan.cells if not cell.reference and plan.evaluation(cell).trained_by]
    found = {cell: _examined(plan, store, cell) for cell in trained}
    return {cell: one for cell, one in found.items() if one is not None}


def at_chance(plan: Plan, store: Store, runs: Runs) -> dict[Cell, dict[str, Examined]]:
    """Find for runs that learned the source language the other languages in which they guess, and why."""
    found = {}
    for cell, source in runs.items():
        if not source.why and store.folder(cell.evaluation) is not None:
            trained_by = plan.evaluation(cell).trained_by
            assert trained_by is not None
            scores = store.scores(cell.evaluation)["languages"]
            found[cell] = dict(
                _guessing(_answered(plan, store, cell), source, scores, trained_by.languages[0])
            )
    return {cell: languages for cell, languages in found.items() if languages}


def collapses(effects: Effects, verdicts: Sequence[Verdict], runs: Runs, guesses: Guesses) -> Collapses:
    """Find every collapsed run with all it is part of, with and without; languages at chance; notes."""
    results = effects.results
    found = {cell: one for cell, one in runs.items() if one.why}
    noted = [(cell, one) for cell, one in runs.items() if one.notes]
    partial = [Partial(_name(results, cell), cell, one.score, one.notes) for cell, one in noted]
    languages = tuple(_by_language(results, runs, guesses))
    whole = Collapses(trained=len(runs), languages=languages, partial=(*partial, *_hubs(results)))
    if not found:
        return whole
    rest = Effects(_Rest(results, frozenset(found)))
    collapsed = []
    for cell, one in found.items():
        line = Line(cell.backbone, cell.arm)
        means = (each.estimate(SCORE, line, cell.target) for each in (effects, rest))
        collapsed.append(CollapsedRun(_name(results, cell), cell, one, *means))
    rulings = (Ruling(one, other) for one, other in zip(verdicts, judge(rest), strict=True))
    return replace(
        whole,
        runs=tuple(collapsed),
        comparisons=tuple(_comparisons(effects, rest)),
        rulings=tuple(each for each in rulings if _measured(each.whole) != _measured(each.without)),
    )


def _name(results: Results, cell: Cell) -> str:
    return results.name_of(Line(cell.backbone, cell.arm))


def _by_language(results: Results, runs: Runs, guesses: Guesses) -> Iterator[AtChance]:
    """Join the seeds of an arm that are at chance in a language."""
    groups: dict[tuple[str, str, str], list[tuple[int, Examined, Examined]]] = {}
    for cell, languages in guesses.items():
        for code, one in languages.items():
            key = (_name(results, cell), cell.target, code)
            groups.setdefault(key, []).append((cell.seed, one, runs[cell]))
    for key, seeds in groups.items():
        scores = ([one.score, one.baseline, source.score] for _, one, source in seeds)
        yield AtChance(*key, tuple(seed for seed, _, _ in seeds), *np.mean([*scores], axis=0).tolist())


def is_at_chance(found: Examined, source: Examined, languages: int) -> bool:
    """Whether one of so many languages of a run guesses, though the source language was learned."""
    distance = float(ndtri(1 - RISK / max(1, languages)))
    like_a_guess = found.why != "" and found.score <= found.baseline + USUAL * found.spread
    return like_a_guess and found.score + distance * found.spread < _kept(found.baseline, source)


def _kept(baseline: float, source: Examined) -> float:
    """The score of a language that keeps a third of what the source language gains over guessing."""
    return baseline + KEPT * (source.score - source.baseline)


def _guessing(
    answered: Answered, source: Examined, scores: Mapping[str, Any], trained_in: str
) -> Iterator[tuple[str, Examined]]:
    """The languages in which a run guesses; those that keep much of the source's gain need no test."""
    others = [code for code in scores if code != trained_in]
    for code in others:
        low = scores[code]["value"] < _kept(source.baseline, source)
        if scores[code]["n"] < LEAST or not (low or code in _alike(answered.path)):
            continue
        found = _by_predictions(answered.path, code, *answered[1:])
        if found is not None and is_at_chance(found, source, len(others)):
            yield code, found


@lru_cache(maxsize=4096)
def _alike(path: Path) -> frozenset[str]:
    """The languages in which all predictions of an evaluation are alike."""
    counts = files.predictions(path, ("language", "predicted")).group_by("language").n_unique()
    return frozenset(counts.filter(pl.col("predicted") == 1)["language"])


def _hubs(results: Results) -> Iterator[Partial]:
    """Retrieval that finds the same sentence again and again, by language."""
    plan, store = results.plan, results.store
    for cell in plan.cells:
        evaluation = plan.evaluation(cell)
        if cell.reference or evaluation.trained_by is not None or store.folder(cell.evaluation) is None:
            continue
        path, use = store.file(cell.evaluation, "predictions.parquet"), evaluation.use
        notes = [f"{code}: {note}" for code in use.languages for note in _notes(path, code, use.family)]
        if notes:
            scores = [one["value"] for one in store.scores(cell.evaluation)["languages"].values()]
            yield Partial(_name(results, cell), cell, float(np.mean(scores)), tuple(notes))


class _Rest(Results):
    """The results without some cells, which count as missing; what was drawn of the others stays."""

    def __init__(self, whole: Results, dropped: frozenset[Cell]) -> None:
        super().__init__(whole.plan, whole.store)
        self._whole, self._dropped = whole, dropped

    @cached_property
    def missing(self) -> frozenset[Cell]:
        return self._whole.missing | self._dropped

    @cached_property
    def drawn(self) -> Mapping[tuple[str, str], Resampled]:
        return self._whole.drawn


def _comparisons(effects: Effects, rest: Effects) -> Iterator[ChangedEffect]:
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
                name = f"{results.name_of(line)} − {EFFECT.against}"
                yield ChangedEffect(name, shown, whole, without)


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
        answered = _answered(plan, store, cell)
        found = _by_predictions(answered.path, source, *answered[1:])
        if found is not None:
            return found
    if own is None:
        return None
    learned = above_chance(own["value"], own["chance"], own["n"])
    return Examined(own["value"], own["chance"], "" if learned else AT_CHANCE)


def _answered(plan: Plan, store: Store, cell: Cell) -> Answered:
    """The predictions of a run that is in the store."""
    evaluation = plan.evaluation(cell)
    assert evaluation.trained_by is not None
    within = evaluation.use.family == "span" and not evaluation.metric.startswith(NO_ANSWER)
    own = (store.record(cell.phases[-1]) or {}).get("source_score", {}).get(evaluation.trained_by.task)
    path = store.file(cell.evaluation, "predictions.parquet")
    first_words = own["chance"] if own and within else 0.0
    metric = plan.places.metric(evaluation.use, evaluation.metric)
    return Answered(path, evaluation.use.family, metric, first_words)


@lru_cache(maxsize=4096)
def _by_predictions(
    path: Path, language: str, family: str, metric: Metric, first_words: float
) -> Examined | None:
    """A finished evaluation never changes, so it is examined once. StoreError if its file is damaged."""
    return examine(*_answers(path, language, family), metric, language, first_words)


@lru_cache(maxsize=4096)
def _notes(path: Path, language: str, family: str) -> tuple[str, ...]:
    return habits(*_answers(path, language, family))


def _answers(path: Path, language: str, family: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """Gold and predicted values of a language."""
    frame = files.predictions(path, ("language", "index", "gold", "predicted"))
    rows = frame.filter(pl.col("language") == language).sort("index")
    gold, predicted = (
        files.values(path, rows[name].to_list(), family, name) for name in ("gold", "predicted")
    )
    if family == "span":
        gold = [tuple(Answer(text, 0) for text in answers) for answers in gold]
    elif any(isinstance(each, list) for each in gold):
        gold, predicted = ([tuple(each) for each in values] for values in (gold, predicted))
    return gold, predicted
