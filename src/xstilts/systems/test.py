"""Systems compared: predictions of files, arrays or data frames, laid beside the gold values."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts import metrics
from xstilts.analysis import systems as comparing
from xstilts.analysis.permutation import is_constant
from xstilts.analysis.results import EvaluatedTarget
from xstilts.analysis.systems import GivenResults, GoldRows, SystemRun, texts
from xstilts.data import loader
from xstilts.data.examples import Bitext, Choice
from xstilts.data.task import Task
from xstilts.errors import InputError, InputErrors, PredictionError, did_you_mean
from xstilts.families.gold import gold as gold_of
from xstilts.metrics.mining import MINING_F1
from xstilts.plain import by_key
from xstilts.systems import given as reading
from xstilts.systems.given import GivenRows, GivenRun, only_language, records, task_of

if TYPE_CHECKING:
    import polars as pl

SHOWN = 3
"""Ids that a message names."""
BySeed = Mapping[str, Mapping[int, GivenRun]]
"""The runs of each system."""


@dataclass(frozen=True, repr=False)
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
        return comparing.answer(self.results, self.effects)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """What has to be read with it."""
        return tuple(comparing.conditions(self.results))

    def report(self, out: str | Path = "systems") -> list[Path]:
        """Write systems.html and systems.csv into a folder; gives the files."""
        from xstilts.report import systems as page

        return page.write(self.effects, self.answer, self.conditions, Path(out))

    def __repr__(self) -> str:
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
    given = systems if isinstance(systems, Mapping) else reading.systems(list(map(str, systems)))
    if len(given) < 2:
        what = f"there is {'only ' + next(iter(given)) if given else 'none'}."
        raise PredictionError("systems", what, "Name a reference and at least one other system.")
    runs = _with_seeds({name: _by_seed(name, _runs(one, each, name, only)) for name, each in given.items()})
    codes = _common_languages(one, runs, languages)
    told = None if gold is None else _runs(one, gold, "gold", only, is_gold=True)[0]
    rows = {code: _gold_rows(one, code, told, runs, data) for code in codes}
    why, where_zero = comparing.unmeasured(one.metric, rows)
    if where_zero == list(codes):
        reason = f"{why[0].lower()}{why[1:]}"
        what = f"{reason}, so the score is 0 whatever is predicted: nothing could be measured."
        now = "Give other gold values, or compare by token_accuracy (of tags) or accuracy."
        raise PredictionError(rows[codes[0]].where, what, now)
    errors, found = list[InputError](), list[SystemRun]()
    for name, own in runs.items():
        for seed, run in own.items():
            predicted = {}
            for code in codes:
                try:
                    predicted[code] = _laid(one, run.languages[code], rows[code])
                except PredictionError as error:
                    errors.append(error)
            found.append(SystemRun(name, seed, predicted))
    if errors:
        raise InputErrors(errors)
    _check_copies(found)
    source = one.source_language if one.trained_by != "" else ""
    labels = one.labels
    if one.family == "classification" and not labels:  # a metric, which takes those that there are
        columns = [each.gold for each in rows.values()]
        columns += [column for run in found for column in run.predicted.values()]
        labels = tuple(sorted({label for column in columns for label in column}))
    measure = metrics.of(replace(one, labels=labels))
    target = EvaluatedTarget(one.name, one.family, one.metric, codes, source, measure)
    return SystemComparison(GivenResults(target, rows, found))


def _runs(task: Task, given: Any, where: str, language: str, *, is_gold: bool = False) -> list[GivenRun]:
    """The runs of a system, of whatever kind they are given as."""
    if isinstance(given, str | Path):
        return reading.runs(task, reading.paths(str(given)), language, is_gold=is_gold)
    if isinstance(given, list) and given and all(isinstance(each, Path) for each in given):
        return reading.runs(task, given, language, is_gold=is_gold)
    is_frame = hasattr(given, "columns")
    if isinstance(given, Mapping) and not is_frame:
        if all(isinstance(key, int) for key in given):
            return [
                run._replace(seed=seed)
                for seed, each in given.items()
                for run in _runs(task, each, f"{where}, seed {seed}", language, is_gold=is_gold)
            ]
        parts = {}
        for code, each in given.items():
            parts[code] = _runs(task, each, f"{where}, {code}", code, is_gold=is_gold)[0].languages[code]
        return [GivenRun(where, None, parts)]
    rows: Iterable[Mapping[str, Any]]
    if is_frame:
        columns = {str(name): given[name].to_list() for name in given.columns}
        rows = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    else:
        rows = ({"gold" if is_gold else "prediction": raw} for raw in given)
    told = ((f"{where}: row {number}", row) for number, row in enumerate(rows))
    found = records(task, told, where, language or only_language(task), None)
    for run in found:
        for own in run.languages.values():
            own.is_ordered = not is_frame
    return found


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


def _with_seeds(runs: BySeed) -> dict[str, Mapping[int, GivenRun]]:
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
    for name, own in by_key((run.system, run) for run in runs).items():
        pairs = [(one, two) for place, one in enumerate(own) for two in own[:place]]
        same = [(one, two) for one, two in pairs if one.predicted == two.predicted]
        copied = [pair for pair in same if not all(map(is_constant, pair[0].predicted.values()))]
        if copied and len(same) < len(pairs):
            two, one = (run.seed for run in copied[0])
            what = f"the seeds {one} and {two} have the same predictions in every row."
            raise PredictionError(f"system '{name}'", what, "Was a file copied? Give each seed's own, once.")


def _common_languages(task: Task, runs: BySeed, wanted: Sequence[str]) -> tuple[str, ...]:
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
            now = "Compare languages that all have: --language, once for each."
            raise PredictionError(run.where, what, now)
    return tuple(code for code in order if code in asked)


@dataclass(frozen=True)
class AlignedGold(GoldRows):
    """The gold rows of a language, and where they come from.

    `order` are the rows that the lines of a submission answer, where XTREME sorts them. `has_ids` is None of
    a task's own rows, which are known by their ids and by their places alike. `is_beside`: they stand in a
    system's file, whose order need not be that of any other. `limits` are the numbers of options of each row,
    or of sentences to choose from; none if not known.
    """

    where: str
    order: tuple[int, ...] | None = None
    has_ids: bool | None = None
    is_beside: bool = False
    limits: tuple[int, ...] = ()


def _gold_rows(
    task: Task, code: str, told: GivenRun | None, runs: BySeed, data: str | Path | None
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
        places = list(map(str, range(chosen.size)))
        ids, values = chosen.ids or places, chosen.gold
        _, first, inverse = np.unique(chosen.clusters or places, return_index=True, return_inverse=True)
        firsts = first[inverse]
        if task.metric == MINING_F1.name:  # also sentences without a translation that a system pairs
            ids = [*ids, *sorted({one for rows in every for one in rows.ids} - {*ids})]
            values = [*values, *[()] * (len(ids) - len(values))]
            firsts = np.arange(len(ids))
        rows = tuple(ids), tuple(values), firsts
        found = AlignedGold(*rows, chosen.where, has_ids=bool(chosen.ids), is_beside=told is None)
    for other in beside:
        _check_same(code, other, found)
    return found


def _check_same(code: str, rows: GivenRows, gold: AlignedGold) -> None:
    """PredictionError if gold values beside predictions contradict those that are compared with."""
    ids = gold.ids
    if not rows.ids or tuple(rows.ids) == ids:
        pairs = list(zip(ids, rows.gold, gold.gold, strict=False))
    else:
        _check_once(rows.where, rows.ids)
        _check_once(gold.where, ids)
        values = dict(zip(ids, gold.gold, strict=True))
        own = zip(rows.ids, rows.gold, strict=True)
        pairs = [(one, value, values[one]) for one, value in own if one in values]
    for one, value, right in pairs:
        if texts(value) != texts(right):
            what = f"'{code}', id '{one}': the gold value is {texts(value)!r:.60}, and "
            what += f"{texts(right)!r:.60} in {gold.where}."
            raise PredictionError(rows.where, what, "Are both of this task, split and order of labels?")


def _check_once(where: str, ids: Sequence[str]) -> None:
    twice = next((one for one, times in Counter(ids).items() if times > 1), None)
    if twice is not None:
        now = "Give each row an id of its own, or all files the same rows in the same order."
        raise PredictionError(where, f"has the id '{twice}' twice.", now)


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
        ids, targets = ([*names] or list(map(str, range(len(every)))) for names, every in sides)
        values = [tuple(targets[row] for row in rows) for rows in values]
    elif isinstance(bitext, Bitext):
        sentences = bitext.target
        order = tuple(sorted(range(len(values)), key=lambda row: sentences[row].strip()))
        limits = (len(bitext.source),) * len(values)
    else:
        limits = tuple(len(example.options) for example in examples if isinstance(example, Choice))
    rows = tuple(ids), tuple(values), np.array(clusters, dtype=np.int64)
    return AlignedGold(*rows, where, order, limits=limits)


def _laid(task: Task, rows: GivenRows, gold: AlignedGold) -> tuple[Any, ...]:
    """The predictions in the order of the gold values. PredictionError if they are of other rows."""
    ids = gold.ids
    if not rows.predicted:
        raise PredictionError(rows.where, "has no predictions.", "Give 'prediction' in each row.")
    if not rows.ids or tuple(rows.ids) == ids:
        if gold.has_ids and not rows.ids and (gold.is_beside or not rows.is_ordered):
            what = f"has no ids, and the gold values of {gold.where} have: which row is which is not known."
            apart = " of both, or the gold values apart, --references" * gold.is_beside
            raise PredictionError(rows.where, what, f"Give 'id' in each row{apart}.")
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
    for one, said, right in zip(ids, predicted, gold.gold, strict=True):
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
        _check_once(gold.where, gold.ids)
    said = dict(zip(rows.ids, rows.predicted, strict=True))
    known = set(gold.ids)
    if known.isdisjoint(said):
        what = f"no id is one of {gold.where} ('{rows.ids[0]}' here, '{gold.ids[0]}' there)."
        raise PredictionError(rows.where, what, "Are both of this task, split and language?")
    lacking = [one for one in gold.ids if one not in said]
    beyond = [one for one in rows.ids if one not in known]
    if rows.partial:  # as the official evaluators do
        nothing = () if task.metric == MINING_F1.name else None
        return [said.get(one, nothing) for one in gold.ids]
    for words, found in (("lacks", lacking), ("has besides", beyond)):
        if found:
            shown = ", ".join(f"'{one}'" for one in found[:SHOWN]) + ", ..." * (len(found) > SHOWN)
            what = f"{words} {len(found):,} ids of {len(known):,} in {gold.where}: {shown}."
            raise PredictionError(rows.where, what, "All systems must answer the same rows.")
    return [said[one] for one in gold.ids]
