"""Systems whose predictions others made, compared as a study compares its arms.

Systems are lines, their seeds are cells, the reference stands where a study has its arm `none`. Resamples,
variance between seeds, intervals and corrections are those of a study: on the predictions of a study's arms
the numbers are those of its report.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts.analysis import frames, permutation, statistics
from xstilts.analysis.effects import Effects
from xstilts.analysis.pools import LanguageRows, Pool
from xstilts.analysis.pools import pools as pools_of
from xstilts.analysis.results import NOTHING, EvaluatedTarget, Line, PerExample, Results, columns, spoken
from xstilts.analysis.statistics import LEVEL, Estimate
from xstilts.analysis.wording import count, detectable, interval
from xstilts.metrics.tagging import SPAN_F1
from xstilts.plain import by_key
from xstilts.study.plan import Cell, Plan
from xstilts.study.step import Places
from xstilts.study.study import StudyFile

COLUMNS = columns(
    "system reference task quantity level language language_family metric languages examples "
    "estimate low high p p_corrected smallest_effect seeds",
    examples=pl.Int64(),
)
"""The columns of a comparison: docs/testing-predictions.md."""
ENOUGH = 10
"""Rows of a language below which a reader is warned."""


@dataclass(frozen=True)
class GoldRows:
    """The rows of a language that all systems answer: ids, gold values, the first row about the same text."""

    ids: tuple[str, ...]
    gold: tuple[Any, ...]
    firsts: NDArray[np.int64]


@dataclass(frozen=True)
class SystemRun:
    """What a system predicts with one seed: by language, in the order of the gold rows."""

    system: str
    seed: int
    predicted: Mapping[str, tuple[Any, ...]]


class GivenResults(Results):
    """Predictions that are given, where a study has those of its store.

    A system is called as its arm, or BACKBONE/ARM: under these names it has the very draws of a study. A
    system with one run beside others with several, and one whose runs are all alike, is the same with every
    seed. The first of `runs` is of the reference.
    """

    def __init__(
        self, target: EvaluatedTarget, gold: Mapping[str, GoldRows], runs: Sequence[SystemRun]
    ) -> None:
        self.gold, self.runs = gold, {f"{run.system} {run.seed}": run for run in runs}
        cells = []
        for system, own in self.by_system.items():
            are_alike, first = _are_alike(own), min(run.seed for run in own)
            seeds = sorted({run.seed for run in runs}) if are_alike else [run.seed for run in own]
            backbone, _, arm = system.rpartition("/")
            for seed in seeds:
                key = f"{system} {first if are_alike else seed}"
                cells.append(Cell(backbone, arm, target.name, seed, "", key, (key,)))
        self.plan, self.study = Plan(StudyFile(), (), tuple(cells), Places()), "test"
        self.targets, self.missing = (target,), frozenset()

    @cached_property
    def by_system(self) -> Mapping[str, list[SystemRun]]:
        """The runs of each system."""
        return by_key((run.system, run) for run in self.runs.values())

    @property
    def reference(self) -> Line:
        """The line that all others are compared with."""
        return self.lines[0]

    def per_example(self, fingerprint: str, width: int) -> dict[str, PerExample]:
        """The statistics of a run, by language."""
        metric, predicted = self.targets[0].measure, self.runs[fingerprint].predicted
        return {
            code: PerExample(np.arange(len(rows.ids)), metric.statistics(rows.gold, predicted[code], code))
            for code, rows in self.gold.items()
        }

    def certainty(self, fingerprint: str, family: str) -> None:
        """Nothing: predictions alone do not say how sure a system is."""

    @cached_property
    def pools(self) -> dict[str, dict[str, Pool]]:
        told = self.targets[0].family != "retrieval"  # whose gold values are rows of translations
        found = {}
        for code, rows in self.gold.items():
            gold = [json.dumps(texts(value)) for value in rows.gold] * told
            found[code] = LanguageRows(rows.ids, rows.firsts, gold)
        return {self.targets[0].name: pools_of(found)}


def _are_alike(runs: Sequence[SystemRun]) -> bool:
    return all(run.predicted == runs[0].predicted for run in runs)


def texts(value: Any) -> Any:
    """A gold value as plain text, or as texts."""
    return [getattr(each, "text", each) for each in value] if isinstance(value, tuple) else value


class SystemEffects(Effects):
    """Quantities of given systems, each compared with the reference."""

    def against(self, line: Line, name: str) -> Line | None:
        """The reference, also of another backbone."""
        assert isinstance(self.results, GivenResults)
        return self.results.reference


def compared(results: GivenResults) -> pl.DataFrame:
    """Scores, differences to the reference, gaps and their differences of all systems. Columns as in COLUMNS.

    All differences of a level are corrected together (Holm).
    """
    target, table = results.targets[0], frames.effects_table(SystemEffects(results), {})
    tested = (table["quantity"] == "difference") & (table["level"] == "transfer")
    adjusted = iter(statistics.holm(table.filter(tested)["p"].to_list()))
    corrected = [next(adjusted) if own else p for own, p in zip(tested, table["p_corrected"], strict=True)]
    sizes = {
        (scope.level, scope.language, scope.family): sum(len(results.gold[code].ids) for code in scope.codes)
        for scope in frames.scopes(target)
    }
    scopes = table.select("level", "language", "language_family").iter_rows()
    has_backbone, compares = (pl.col(name) != NOTHING for name in ("backbone", "against"))
    return table.with_columns(
        pl.Series("p_corrected", corrected, pl.Float64),
        pl.Series("examples", [sizes[scope] for scope in scopes], pl.Int64),
        system=pl.when(has_backbone).then(pl.format("{}/{}", "backbone", "arm")).otherwise("arm"),
        reference=pl.when(compares).then(pl.lit(_name(results.reference))).otherwise(pl.lit(NOTHING)),
        task=pl.lit(target.name),
    ).select(*COLUMNS)


def _name(line: Line) -> str:
    return "/".join(name for name in line[:2] if name)


class SystemRow(NamedTuple):
    """A system in some languages: rows of the comparison. The reference has no difference."""

    where: str
    system: str
    score: Mapping[str, Any]
    difference: Mapping[str, Any] | None


def grouped(effects: pl.DataFrame, level: str) -> list[SystemRow]:
    """The systems at a level, languages together; families of one language stand among the languages."""
    shown = effects.filter((pl.col("level") == level) & ((pl.col("languages") > 1) | (level != "family")))
    keys = ("language", "language_family", "system")
    compared_to = shown.filter(quantity="difference")
    differences = compared_to.rows_by_key(keys, named=True, include_key=True, unique=True)
    scores = shown.filter(quantity="score").group_by("language", "language_family", maintain_order=True)
    asked = effects.filter(level="language")["language"].n_unique()
    found = []
    for (code, family), rows in scores:
        every = "all" if rows["languages"][0] == asked else "all but the source"
        where = {"transfer": every, "family": str(family), "language": spoken(str(code))}[level]
        for row in rows.iter_rows(named=True):
            told = where if level == "language" else f"{where} ({row['languages']})"
            difference = differences.get((code, family, row["system"]))
            found.append(SystemRow(told, row["system"], row, difference))
    return found


def answer(results: GivenResults, effects: pl.DataFrame) -> str:
    """State what each system changes, on the languages without labels, with the correction for all."""
    target, parts = results.targets[0], []
    for row in effects.filter(quantity="difference", level="transfer").iter_rows(named=True):
        numbers = (row[name] for name in ("estimate", "low", "high", "p", "smallest_effect", "seeds"))
        chance = f" (could be chance: smallest detectable {detectable(row['smallest_effect'])})"
        is_strong = row["p_corrected"] < 1 - LEVEL
        parts.append(f"{row['system']} {interval(Estimate(*numbers))}{'' if is_strong else chance}")
    where = count(len(target.transfer), "language")
    if target.source in target.languages:
        where += f" other than {spoken(target.source)}" if target.has_gap else f", {spoken(target.source)}"
    told = "; ".join(parts)
    return f"Difference to {_name(results.reference)} on {target.name}, points in {where}: {told}."


def conditions(results: GivenResults) -> Iterator[str]:
    """State what a reader must keep in mind."""
    systems = results.by_system
    most = max(map(len, systems.values()))
    single = [name for name, own in systems.items() if len(own) == 1]
    if most == 1:
        yield "One run of each system: the intervals cover the choice of test examples only, not the seed."
    elif single:
        yield (
            f"One run of {', '.join(single)} beside {most} of others: the intervals say nothing of what "
            "another seed of it would change."
        )
    if alike := [name for name, own in systems.items() if len(own) > 1 and _are_alike(own)]:
        yield f"All runs of {', '.join(alike)} predict the same: they count as one that no seed changes."
    predicted = {name: [run.predicted for run in own] for name, own in systems.items()}
    for name, other in itertools.combinations(systems, 2):
        if predicted[name] == predicted[other]:
            yield f"{name} and {other} predict the same in every row: was a file given twice?"
    if 1 < most < 5:
        yield f"{most} seeds tell little about their own spread: the intervals are wide for that."
    if results.targets[0].family not in ("tagging", "retrieval") and all(
        np.array_equal(rows.firsts, np.arange(len(rows.firsts))) for rows in results.gold.values()
    ):
        yield (
            "Every row stands for itself: if several are about one text (a premise, a paragraph), name it "
            "(`cluster`), or let the task's own rows tell it (`--data`)."
        )
    if few := [code for code, rows in results.gold.items() if len(rows.ids) < ENOUGH]:
        where = f"{len(few)} languages" if len(few) > 3 else ", ".join(map(spoken, few))
        rows = count(min(len(results.gold[code].ids) for code in few), "row")
        yield f"Only {rows} in {where}: so few say next to nothing, and their intervals hold for more."
    why, where_zero = unmeasured(results.targets[0].metric, results.gold)
    if where_zero:
        yield (
            f"{why} in {', '.join(map(spoken, where_zero))}: the score is 0 there whatever is predicted, "
            "and nothing could be measured."
        )
    yield from _other_values(results)
    yield from _guessing(results)
    yield "What the systems were trained on is not known here: nothing was looked for in their training data."


def unmeasured(metric: str, gold: Mapping[str, GoldRows]) -> tuple[str, list[str]]:
    """The languages whose score is 0 whatever is predicted, and why: their gold tags have no span where spans
    are what is measured, or their gold values are all the same where a correlation is."""
    if metric == SPAN_F1.name:
        nameless = [code for code, own in gold.items() if not SPAN_F1.score(own.gold, own.gold, code)]
        return "No gold tag names anything", nameless
    alike = [code for code, own in gold.items() if len(set(own.gold)) == 1]
    return "All gold values are the same", alike if metric.endswith("_correlation") else []


def _other_values(results: GivenResults) -> Iterator[str]:
    """A sentence for every run whose values are not those of the gold: written otherwise, counted from 1."""
    right = _values(rows.gold for rows in results.gold.values())
    target = results.targets[0]
    are_numbers = target.metric in ("pearson_correlation", "spearman_correlation")
    for name, run in _called(results) if target.family != "span" and not are_numbers else ():
        said = _values(run.predicted.values())
        if said and right and said.isdisjoint(right):
            one, other = (f"{min(values, key=str)!r:.40}" for values in (said, right))
            yield (
                f"{name}: no prediction is any of the gold values ({one} here, {other} there). "
                "Are both written alike?"
            )
        elif target.family == "choice" and max(said) > max(right):
            yield (
                f"{name}: the option {max(said)} is predicted, and no gold value is above {max(right)}. "
                "Are both numbered from 0?"
            )


def _values(columns: Iterable[Sequence[Any]]) -> set[Any]:
    """All values; of tags those that are not `O`."""
    cells = [cell for column in columns for cell in column]
    parts = {part for cell in cells if isinstance(cell, tuple) for part in cell}
    return parts - {"O"} | {cell for cell in cells if not isinstance(cell, tuple)}


def _called(results: GivenResults) -> Iterator[tuple[str, SystemRun]]:
    """The runs with their names, with the seed where a system has several."""
    several = len(results.runs) > len(results.lines)
    for run in results.runs.values():
        yield f"{run.system}, seed {run.seed}" if several else run.system, run


def _guessing(results: GivenResults) -> Iterator[str]:
    """A sentence for every run that is no better than its own answers exchanged, with the languages."""
    metric = results.targets[0].measure
    for name, run in _called(results) if results.targets[0].family != "retrieval" else ():
        found = [
            spoken(code)
            for code, rows in results.gold.items()
            if (seen := permutation.examine(rows.gold, run.predicted[code], metric, code)) and seen.why
        ]
        if found:
            yield (
                f"{name}{',' * (name != run.system)} guesses in {', '.join(found)}: "
                "it is no better than its own answers exchanged."
            )
