"""Systems compared: predictions of files, arrays or data frames, laid beside the gold values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts import metrics
from xstilts.analysis import systems as comparing
from xstilts.analysis.permutation import is_constant
from xstilts.analysis.results import EvaluatedTarget
from xstilts.analysis.systems import GivenResults, SystemRun
from xstilts.data.task import Task
from xstilts.errors import InputError, InputErrors, PredictionError, did_you_mean
from xstilts.systems import files
from xstilts.systems.align import gold_rows, laid
from xstilts.systems.values import UNKNOWN, GivenRun, records, task_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class SystemComparison:
    """What a test of systems found: each system's scores, and its differences to the reference.

    `effects` has a row for each system, quantity and group of languages: docs/testing-predictions.md.
    """

    results: GivenResults

    @cached_property
    def effects(self) -> "pl.DataFrame":
        """Scores and differences with intervals, probabilities and smallest detectable effects."""
        return comparing.compared(self.results)

    @cached_property
    def answer(self) -> str:
        """What each system changes, in a sentence."""
        return comparing.answer(self.results)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """What has to be read with it."""
        return tuple(comparing.conditions(self.results))

    def report(self, out: str | Path = "systems") -> list[Path]:
        """Write systems.html and systems.csv into a folder; gives the files."""
        from xstilts.report import systems as page

        return page.write(self.effects, self.answer, self.conditions, Path(out))

    def __str__(self) -> str:
        return "\n".join((self.answer, *self.conditions))

    def _repr_html_(self) -> str:
        from xstilts.report import systems as page

        return page.table(self.effects)


def test(
    task: str,
    systems: Mapping[str, Any] | Sequence[str | Path],
    gold: Any = None,
    data: str | Path | None = None,
    languages: str | Sequence[str] = (),
) -> SystemComparison:
    """Compare systems with the first of them, on predictions that anybody made.

    `task` is a task, a task file, STUDY:NAME, or a metric. Each system is a path (several with commas, or
    with *), a data frame with the columns `prediction` and, as far as known, `id`, `gold`, `language`,
    `cluster` and `seed`, a sequence of predictions in the order of the gold values, or a mapping of such: by
    seed (numbers) or by language (codes). A list of paths is named by their names. `gold` is the same, with
    gold values; without it they are those beside the predictions, or those of the task's own test rows, below
    `data` or on the Hub. `languages` are those compared, by default all.

    Raises InputErrors, or an InputError, for all that does not fit.
    """
    one = task_of(task)
    languages = (languages,) if isinstance(languages, str) else languages
    only = languages[0] if len(languages) == 1 else ""
    given = systems if isinstance(systems, Mapping) else files.systems(list(map(str, systems)))
    if len(given) < 2:
        what = f"there is {'only ' + next(iter(given)) if given else 'none'}."
        raise PredictionError("systems", what, "Name a reference and at least one other system.")
    runs = _with_seeds({name: _by_seed(name, _runs(one, each, name, only)) for name, each in given.items()})
    codes = _common_languages(one, runs, languages)
    told = None if gold is None else _runs(one, gold, "gold", only, is_gold=True)[0]
    errors, found = list[InputError](), list[SystemRun]()
    rows = {code: gold_rows(one, code, told, runs, data) for code in codes}
    if comparing.without_spans(one.metric, {code: each.rows for code, each in rows.items()}) == list(codes):
        what = (
            "no gold tag names anything, so the score is 0 whatever is predicted: nothing could be measured."
        )
        now = "Give gold values with names in them, or compare by token_accuracy."
        raise PredictionError(rows[codes[0]].where, what, now)
    for name, own in runs.items():
        for seed, run in own.items():
            predicted = {}
            for code in codes:
                try:
                    predicted[code] = laid(one, run.languages[code], rows[code])
                except PredictionError as error:
                    errors.append(error)
            found.append(SystemRun(name, seed, predicted))
    if errors:
        raise InputErrors(errors)
    _check_copies(found)
    source = one.source_language if one.trained_by != "" else ""
    labels = one.labels
    if one.family == "classification" and not labels:  # a metric, which takes those that there are
        columns = [each.rows.gold for each in rows.values()]
        columns += [column for run in found for column in run.predicted.values()]
        labels = tuple(sorted({label for column in columns for label in column}))
    measure = metrics.of(replace(one, labels=labels))
    target = EvaluatedTarget(one.name, one.family, one.metric, codes, source, measure)
    return SystemComparison(GivenResults(target, {code: each.rows for code, each in rows.items()}, found))


def _runs(task: Task, given: Any, where: str, language: str, *, is_gold: bool = False) -> list[GivenRun]:
    """The runs of a system, of whatever kind they are given as."""
    if isinstance(given, str | Path):
        return files.runs(task, files.paths(str(given)), language, is_gold=is_gold)
    if isinstance(given, list) and given and all(isinstance(each, Path) for each in given):
        return files.runs(task, given, language, is_gold=is_gold)
    if hasattr(given, "columns"):
        columns = {str(name): given[name].to_list() for name in given.columns}
        size = len(next(iter(columns.values()), []))
        rows = ({name: column[row] for name, column in columns.items()} for row in range(size))
        told = ((f"{where}: row {number}", row) for number, row in enumerate(rows))
        return records(task, told, where, language or _default(task), None)
    if not isinstance(given, Mapping):
        key = "gold" if is_gold else "prediction"
        told = ((f"{where}: row {number}", {key: raw}) for number, raw in enumerate(given))
        found = records(task, told, where, language or _default(task), None)
        for own in found[0].languages.values():
            own.is_ordered = True
        return found
    if all(isinstance(key, int) for key in given):
        return [
            run._replace(seed=seed)
            for seed, each in given.items()
            for run in _runs(task, each, f"{where}, seed {seed}", language, is_gold=is_gold)
        ]
    parts = {
        code: _runs(task, each, f"{where}, {code}", code, is_gold=is_gold)[0] for code, each in given.items()
    }
    return [GivenRun(where, None, {code: run.languages[code] for code, run in parts.items()})]


def _default(task: Task) -> str:
    return task.languages[0] if len(task.languages) == 1 else "" if task.languages else UNKNOWN


def _by_seed(name: str, runs: Sequence[GivenRun]) -> dict[int, GivenRun]:
    """The runs by seed; where none has one, 1, 2 and so on. PredictionError if some have, or one twice."""
    if not runs:
        raise PredictionError(name, "has no predictions.", "Give it at least one run.")
    known = [run.seed for run in runs if run.seed is not None]
    if known and len(known) < len(runs):
        lacking = next(run.where for run in runs if run.seed is None)
        what = f"tells no seed, and other runs of '{name}' do."
        raise PredictionError(lacking, what, "Name all alike: NAME-seed1, NAME-seed2.")
    found: dict[int, GivenRun] = {}
    for seed, run in zip(known or range(1, len(runs) + 1), runs, strict=True):
        if seed in found:
            what = f"has seed {seed}, and so has {found[seed].where}."
            raise PredictionError(run.where, what, f"Give each seed of '{name}' once.")
        found[seed] = run
    return found


def _with_seeds(runs: Mapping[str, Mapping[int, GivenRun]]) -> dict[str, Mapping[int, GivenRun]]:
    """The systems, where one with a single run has the first seed of the others, whatever it was called.

    PredictionError if two with several runs have different seeds.
    """
    several = {name: own for name, own in runs.items() if len(own) > 1}
    first, seeds = next(iter(several.items()), ("", {1: None}))
    for name, own in several.items():
        if own.keys() != seeds.keys():
            here, there = (", ".join(map(str, sorted(each))) for each in (own, seeds))
            what = f"has the seeds {here}, and '{first}' has {there}."
            now = "A difference is taken seed by seed: give both the same seeds, or one of them a single run."
            raise PredictionError(f"system '{name}'", what, now)
    return {
        name: own if name in several else dict.fromkeys([min(seeds)], *own.values())
        for name, own in runs.items()
    }


def _check_copies(runs: Sequence[SystemRun]) -> None:
    """Of several runs of a system either all predict the same, or no two do: else a file was given twice.

    Runs that collapsed to one answer for all rows are alike without being copies.
    """
    for name in dict.fromkeys(run.system for run in runs):
        own = [run for run in runs if run.system == name]
        pairs = [(one, two) for place, one in enumerate(own) for two in own[:place]]
        same = [(one, two) for one, two in pairs if one.predicted == two.predicted]
        copied = [pair for pair in same if not all(map(is_constant, pair[0].predicted.values()))]
        if copied and len(same) < len(pairs):
            two, one = (run.seed for run in copied[0])
            what = f"the seeds {one} and {two} have the same predictions in every row."
            raise PredictionError(f"system '{name}'", what, "Was a file copied? Give each seed's own, once.")


def _common_languages(
    task: Task, runs: Mapping[str, Mapping[int, GivenRun]], wanted: Sequence[str]
) -> tuple[str, ...]:
    """The languages of all runs, in the order of the task. PredictionError if they differ, or lack one."""
    every = [run for own in runs.values() for run in own.values()]
    order = task.languages or tuple(sorted(every[0].languages))
    for code in wanted:
        if code not in order:
            now = did_you_mean(code, order) or f"It has {', '.join(order)}."
            raise PredictionError(f"task '{task.name}'", f"has no language '{code}'.", now)
    asked = set(wanted or every[0].languages)
    for run in every:
        lacking, beyond = sorted(asked - set(run.languages)), sorted(set(run.languages) - asked)
        if lacking or (beyond and not wanted):
            words = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(beyond)} as well"
            what = f"{words}: the other files have {', '.join(sorted(asked))}."
            raise PredictionError(
                run.where, what, "Compare languages that all have: --language, once for each."
            )
    return tuple(code for code in order if code in asked)
