"""Runs that collapsed: trainings on a target that ended no better than guessing, and what they do to means.

XLM-R is known to do so now and then; a mean over seeds then hides a model that guesses. What is looked at are
the predictions in the source language (`analysis.permutation` says how); where that is not evaluated, or its
rows cannot tell, the phase's development score is compared with the majority answer's. Retrieval trains
nothing, and cannot collapse.

All means of a report keep the collapsed runs. Beside them stand the means without, for every comparison that
contains one: nothing is dropped in silence.

Of the runs that learned their target two things more are said. What they learned in part only: a class that
they never predict, say (`analysis.habits`). And the languages in which nothing of it arrived: whose answers
are no better than nine in ten of their own exchanged, and whose score lies, by more than chance explains,
below a third of what the source language gains over guessing. The second keeps small test sets and languages
that are merely low from being called collapsed; it is corrected for the number of languages of the run
(Bonferroni).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from xstilts.analysis import files, transfer
from xstilts.analysis.claims import Verdict, judge
from xstilts.analysis.effects import EFFECT, SCORE, Effects
from xstilts.analysis.habits import habits
from xstilts.analysis.permutation import RISK, Examined, above_chance, examine
from xstilts.analysis.results import Results, line_of
from xstilts.analysis.statistics import Estimate
from xstilts.data.examples import Answer
from xstilts.metrics import Metric
from xstilts.plain import by_key
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

    arm: str
    target: str
    whole: Estimate
    without: Estimate | None

    @property
    def name(self) -> str:
        return f"{self.arm} − {EFFECT.against}"


@dataclass(frozen=True)
class Ruling:
    """A claim that rests on collapsed runs, as it was judged and without them."""

    whole: Verdict
    without: Verdict


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
    found = {}
    for cell in plan.cells:
        trained_by = plan.evaluation(cell).trained_by
        if cell.reference or trained_by is None:
            continue
        source = trained_by.languages[0]
        own = _development(store, cell, trained_by.task)
        one = None
        if store.folder(cell.evaluation) is not None and source in plan.evaluation(cell).use.languages:
            one = _by_answers(plan, store, cell, source)
        if one is None and own is not None:
            learned = above_chance(own["value"], own["chance"], own["n"])
            one = Examined(own["value"], own["chance"], "" if learned else AT_CHANCE)
        if one is not None:
            found[cell] = one
    return found


def at_chance(plan: Plan, store: Store, runs: Runs) -> dict[Cell, dict[str, Examined]]:
    """Find for runs that learned the source language the other languages in which they guess, and why.

    Languages that keep much of the source's gain need no test.
    """
    found: dict[Cell, dict[str, Examined]] = {}
    for cell, source in runs.items():
        trained_by = plan.evaluation(cell).trained_by
        if trained_by is None or source.why or store.folder(cell.evaluation) is None:
            continue
        scores = store.scores(cell.evaluation)["languages"]
        others = [code for code in scores if code != trained_by.languages[0]]
        for code in others:
            low = scores[code]["value"] < _kept(source.baseline, source)
            if scores[code]["n"] < LEAST or not (low or code in _alike(_path(store, cell))):
                continue
            one = _by_answers(plan, store, cell, code)
            if one is not None and is_at_chance(one, source, len(others)):
                found.setdefault(cell, {})[code] = one
    return found


def collapses(
    effects: Effects, maps: transfer.Maps, verdicts: Sequence[Verdict], runs: Runs, guesses: Guesses
) -> Collapses:
    """Find every collapsed run with all it is part of, with and without; languages at chance; notes."""
    results = effects.results
    languages, partial = tuple(_by_language(results, runs, guesses)), tuple(_partial(results, runs))
    whole = Collapses(trained=len(runs), languages=languages, partial=partial)
    collapsed = {cell: one for cell, one in runs.items() if one.why}
    if not collapsed:
        return whole
    rest = Effects(_Rest(results, frozenset(collapsed)))
    shown = []
    for cell, one in collapsed.items():
        means = (each.estimate(SCORE, line_of(cell), cell.target) for each in (effects, rest))
        shown.append(CollapsedRun(results.name_of(line_of(cell)), cell, one, *means))
    rulings = (Ruling(one, other) for one, other in zip(verdicts, judge(rest), strict=True))
    changed = (each for each in rulings if _measured(each.whole) != _measured(each.without))
    comparisons = tuple(_comparisons(effects.results, maps, transfer.maps(rest)))
    return replace(whole, runs=tuple(shown), comparisons=comparisons, rulings=tuple(changed))


def _by_language(results: Results, runs: Runs, guesses: Guesses) -> Iterator[AtChance]:
    """Join the seeds of an arm that are at chance in a language."""
    groups = by_key(
        ((results.name_of(line_of(cell)), cell.target, code), (cell, one))
        for cell, languages in guesses.items()
        for code, one in languages.items()
    )
    for key, found in groups.items():
        scores = [(one.score, one.baseline, runs[cell].score) for cell, one in found]
        seeds = tuple(cell.seed for cell, _ in found)
        yield AtChance(*key, seeds, *np.mean(scores, axis=0).tolist())


def is_at_chance(found: Examined, source: Examined, languages: int) -> bool:
    """Whether one of so many languages of a run guesses, though the source language was learned."""
    distance = float(ndtri(1 - RISK / max(1, languages)))
    like_a_guess = found.why != "" and found.score <= found.baseline + USUAL * found.spread
    return like_a_guess and found.score + distance * found.spread < _kept(found.baseline, source)


def _kept(baseline: float, source: Examined) -> float:
    """The score of a language that keeps a third of what the source language gains over guessing."""
    return baseline + KEPT * (source.score - source.baseline)


def _partial(results: Results, runs: Runs) -> Iterator[Partial]:
    """What runs learned in part only; and retrieval that finds the same sentence again and again."""
    for cell, one in runs.items():
        if one.notes:
            yield Partial(results.name_of(line_of(cell)), cell, one.score, one.notes)
    plan, store = results.plan, results.store
    for cell in plan.cells:
        evaluation = plan.evaluation(cell)
        if cell.reference or evaluation.trained_by is not None or store.folder(cell.evaluation) is None:
            continue
        path, use = _path(store, cell), evaluation.use
        notes = [f"{code}: {note}" for code in use.languages for note in _notes(path, code, use.family)]
        if notes:
            scores = [one["value"] for one in store.scores(cell.evaluation)["languages"].values()]
            yield Partial(results.name_of(line_of(cell)), cell, float(np.mean(scores)), tuple(notes))


class _Rest(Results):
    """The results without some cells, which count as missing; what was drawn of the others stays."""

    def __init__(self, whole: Results, dropped: frozenset[Cell]) -> None:
        super().__init__(whole.plan, whole.store)
        self.missing, self.drawn = whole.missing | dropped, whole.drawn


def _comparisons(results: Results, maps: transfer.Maps, rest: transfer.Maps) -> Iterator[ChangedEffect]:
    """Of the maps of transfer what changes without the runs, but for controls."""
    cells, others = (itertools.chain(*each.values()) for each in (maps, rest))
    for cell, other in zip(cells, others, strict=True):
        if cell.kind == "effect" and not cell.line.reference and cell.estimate is not None:
            without = other.estimate
            if without is None or cell.value != without.value:
                arm = results.name_of(cell.line)
                yield ChangedEffect(arm, cell.column, cell.estimate, without)


def _measured(verdict: Verdict) -> list[float | None]:
    """The values that a verdict rests on."""
    return [None if part.estimate is None else part.estimate.value for part in verdict.parts]


def _path(store: Store, cell: Cell) -> Path:
    return store.file(cell.evaluation, "predictions.parquet")


def _development(store: Store, cell: Cell, task: str) -> Mapping[str, Any] | None:
    """The development score of a run in the source language, as its last phase tells; None if it does not."""
    scores: Mapping[str, Any] = (store.record(cell.phases[-1]) or {}).get("source_score", {})
    return scores.get(task)


def _by_answers(plan: Plan, store: Store, cell: Cell, language: str) -> Examined | None:
    """What the predictions of a run that is in the store know of a language; None if these cannot tell."""
    evaluation, first_words = plan.evaluation(cell), 0.0
    family, trained_by = evaluation.use.family, evaluation.trained_by
    if family == "span" and trained_by is not None and not evaluation.metric.startswith(NO_ANSWER):
        first_words = (_development(store, cell, trained_by.task) or {"chance": 0.0})["chance"]
    metric = plan.places.metric(evaluation.use, evaluation.metric)
    return _by_predictions(_path(store, cell), language, family, metric, first_words)


@lru_cache(maxsize=4096)
def _by_predictions(
    path: Path, language: str, family: str, metric: Metric, first_words: float
) -> Examined | None:
    """A finished evaluation never changes, so it is examined once. StoreError if its file is damaged.

    `first_words` is the score of a context's first words, where answers are spans of it.
    """
    return examine(*_answers(path, language, family), metric, language, first_words)


@lru_cache(maxsize=4096)
def _notes(path: Path, language: str, family: str) -> tuple[str, ...]:
    return habits(*_answers(path, language, family))


@lru_cache(maxsize=4096)
def _alike(path: Path) -> frozenset[str]:
    """The languages in which all predictions of an evaluation are alike."""
    counts = files.predictions(path, ("language", "predicted")).group_by("language").n_unique()
    return frozenset(counts.filter(predicted=1)["language"])


def _answers(path: Path, language: str, family: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """Gold and predicted values of a language."""
    frame = files.predictions(path, ("language", "index", "gold", "predicted"))
    rows = frame.filter(language=language).sort("index")
    gold, predicted = (files.values(path, rows[key].to_list(), family, key) for key in ("gold", "predicted"))
    if family == "span":
        gold = [tuple(Answer(text, 0) for text in answers) for answers in gold]
    elif any(isinstance(each, list) for each in gold):
        gold, predicted = ([tuple(each) for each in values] for values in (gold, predicted))
    return gold, predicted
