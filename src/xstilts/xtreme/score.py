"""Scoring files in XTREME's layouts: one label or one tag a line, SQuAD's JSON, ids, pairs of ids.

Folders hold a file for each language, `test-de.tsv` or `test-de.json`, as XTREME's submissions do; the folder
of several tasks holds one such folder for each. Any file may be compressed (`.gz`).

The scores are those of the official evaluators, which score anything. Here the task is named, so what cannot
be its gold values or predictions is refused: a data file, other labels, other ids, sentences of another
length.
"""

import gzip
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from xstilts import metrics
from xstilts.data import languages as known_languages
from xstilts.data.task import Task
from xstilts.data.unpacked import unpacked
from xstilts.errors import InputError, InputErrors, PredictionError, did_you_mean
from xstilts.metrics.xtreme import XTREME, aggregate, transfer_gaps
from xstilts.plain import parse_json, undecodable
from xstilts.study.load import find_task
from xstilts.xtreme import layouts

BENCHMARK = "xtreme"
AFTER = ("train", "dev", "test", "predictions")
"""What stands after the language in names of files."""

Languages = dict[str, dict[str, float]]
"""language -> measure -> percentage."""


def score(task: str, predictions: Path, references: Path, language: str | None = None) -> dict[str, Any]:
    """The scores of a file, of a folder of languages, or, for "xtreme", of a folder of tasks.

    Gives {"task", "languages": {code: {measure: percentage}}, "average": {measure: percentage}}; for "xtreme"
    {"tasks": {name: such a dict}, "overall": {group: percentage}, "gaps": {task: points}}. `language` is
    that of a single file, where its name does not end in it; of a folder only this one is scored. Raises
    PredictionError, or several of them together, for what cannot be read, is missing, has another number of
    lines or is nothing of the task.
    """
    for path in (predictions, references):
        if not path.exists():
            raise PredictionError(str(path), "no such file or folder.")
    if task == BENCHMARK:
        if language is not None:
            now = "Name one of its tasks, or leave --language out."
            raise PredictionError("--language", "is not for a folder of several tasks.", now)
        return _benchmark(predictions, references)
    one = find_task(task)
    if not one.metric:
        raise PredictionError(f"task '{one.name}'", "is masked text, which has no score.", "Name another.")
    if language is not None and language not in one.languages:
        raise _no_language(one, language)
    if references.is_dir() != predictions.is_dir():
        what = "a file and a folder do not go together."
        raise PredictionError(str(predictions), what, "Name two of a kind.")
    if references.is_dir():
        folders = within(predictions, one.name), within(references, one.name)
        return _told(one, _folder(one, *folders, () if language is None else (language,)))
    code = language or code_of(references)
    said = {code, code_of(references), code_of(predictions)}.intersection(one.languages)
    if len(said) > 1:
        what = f"the files are of several languages, by their names ({', '.join(sorted(said))})."
        raise PredictionError(str(predictions), what, "Name the predictions and references of one.")
    if one.metric == "mlqa_f1" and code not in one.languages:
        what = f"cannot tell the language of the answers from '{references.name}'."
        raise PredictionError(str(references), what, "Name it with --language.")
    name = code if code in one.languages else "all"
    return _told(one, {name: _file(one, predictions, references, code)})


def _told(task: Task, languages: Languages) -> dict[str, Any]:
    """The scores of a task, with the plain mean over its languages of every measure that all of them have."""
    average = {
        measure: sum(values.values()) / len(values)
        for measure, values in _by_measure(languages).items()
        if len(values) == len(languages)
    }
    return {"task": task.name, "languages": languages, "average": average}


def _by_measure(languages: Languages) -> dict[str, dict[str, float]]:
    measures = {measure for values in languages.values() for measure in values}
    return {
        measure: {code: values[measure] for code, values in languages.items() if measure in values}
        for measure in sorted(measures)
    }


def _benchmark(predictions: Path, references: Path) -> dict[str, Any]:
    """The tasks of XTREME that are in both folders, each in all languages that XTREME has."""
    tasks: dict[str, Any] = {}
    errors: list[InputError] = []
    for name, part in XTREME.items():
        if (predictions / name).is_dir() and (references / name).is_dir():
            task = find_task(name)
            try:
                found = _folder(task, predictions / name, references / name, part.languages)
                tasks[name] = _told(task, found)
            except InputErrors as error:
                errors += error.errors
    if errors:
        raise InputErrors(errors)
    if not tasks:
        what = f"no folder that {references} has too is named after a task of XTREME."
        raise PredictionError(str(predictions), what, f"They are {', '.join(XTREME)}.")
    table = {name: _by_measure(told["languages"]) for name, told in tasks.items()}
    summary = aggregate(table)
    for name, averages in summary["tasks"].items():
        tasks[name]["score"] = averages["avg_metric"]
    return {"tasks": tasks, "overall": summary["overall"], "gaps": transfer_gaps(table)}


def _folder(task: Task, predictions: Path, references: Path, languages: Sequence[str] = ()) -> Languages:
    """Every language of the references, or those that are asked for; InputErrors with all that is wrong."""
    suffix = ".json" if task.family == "span" else ".tsv"
    there = (path for end in (suffix, f"{suffix}.gz") for path in references.glob(f"test-*{end}"))
    names = sorted({uncompressed(path).stem.removeprefix("test-") for path in there})
    if not names:
        raise InputErrors([PredictionError(str(references), f"holds no file named test-LANGUAGE{suffix}.")])
    found: Languages = {}
    errors: list[InputError] = [
        _no_language(task, code) for code in names if not languages and code not in task.languages
    ]
    for code in languages or names:
        files = [folder / f"test-{code}{suffix}" for folder in (references, predictions)]
        packed = [path.with_name(f"{path.name}.gz") for path in files]
        gold, predicted = (
            other if other.is_file() and not path.is_file() else path
            for path, other in zip(files, packed, strict=True)
        )
        lacking = [path for path in (gold, predicted) if not path.is_file()]
        errors += [PredictionError(str(path), "is missing.") for path in lacking]
        try:
            if not lacking:
                found[code] = _file(task, predicted, gold, code)
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(errors)
    return found


def uncompressed(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path


def code_of(path: Path) -> str:
    """The language in which a file's name ends, if it does: `test-de.tsv`, `xquad.de.json`, `gold_de.json`.

    What it holds may stand after it: `tydiqa.goldp.fi.dev.json`, `test_de_predictions.txt`. In MLQA's names
    the answers are in the language of the context.
    """
    if context := re.search(r"context-(\w+)-question", path.name):
        return context[1]
    parts = re.split("[-._]", uncompressed(path).stem.rstrip("_"))
    return parts[-2] if len(parts) > 1 and parts[-1] in AFTER else parts[-1]


def _no_language(task: Task, code: str) -> PredictionError:
    near = known_languages.near(code, task.languages) or f"It has {', '.join(task.languages)}."
    return PredictionError(f"task '{task.name}'", f"has no language '{code}'.", near)


def within(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _file(task: Task, predictions: Path, references: Path, language: str) -> dict[str, float]:
    """All measures of one file, the task's own first."""
    try:
        gold, predicted = _read(task, predictions, references)
        if not gold:
            raise PredictionError(str(references), "holds no examples.")
        known = {task.metric: metrics.of(task)}
        known |= {name: metrics.find(name, task.labels) for name in metrics.beside(task.metric)}
        sums = {name: one.statistics(gold, predicted, language).sum(axis=0) for name, one in known.items()}
        beside = {name: float(one.value(sums[name])) for name, one in known.items()}
        value = beside.pop(task.metric)
    except PredictionError as error:
        named = error.where.startswith((str(predictions), str(references)))
        where = error.where if named else f"{predictions}: {error.where}"
        raise PredictionError(where, error.what, error.now) from error
    if task.family == "span":
        (exact,) = beside.values()
        return {"f1": value, "exact_match": exact}
    if task.metric in ("mining_f1", "span_f1"):
        correct, found, right = map(float, sums[task.metric])
        precision, recall = 100 * correct / found if found else 0.0, 100 * correct / right if right else 0.0
        return {"f1": value, "precision": precision, "recall": recall, **beside}
    return {"accuracy" if task.metric.endswith("accuracy") else task.metric: value, **beside}


def _read(task: Task, predictions: Path, references: Path) -> tuple[list[Any], list[Any]]:
    if task.family == "span":
        given = json_of(predictions)
        if not isinstance(given, Mapping):
            raise PredictionError("predictions", "are no JSON object.", "Give {question id: answer}.")
        try:
            gold, predicted = layouts.answers(json_of(references), given, task.metric.startswith("squad2"))
        except (KeyError, TypeError) as error:
            what = f"{references} is not in SQuAD's layout ({error})."
            raise PredictionError("references", what, "It needs data, paragraphs, qas, answers.") from error
        _check_questions(task, gold, predicted, references)
        return list(gold), list(predicted)
    if task.metric == "mining_f1":
        pairs = layouts.pairs(text_of(references)), layouts.pairs(text_of(predictions))
        _check_pairs(*pairs, references)
        return ([pairs[0]] if pairs[0] else []), [pairs[1]]
    right, said = text_of(references), text_of(predictions)
    right_lines, said_lines = layouts.lines(right), layouts.lines(said)
    is_free = task.family == "visual" and not set(task.labels).isdisjoint(right_lines)
    for path, values in ((references, [] if is_free else right_lines), (predictions, said_lines)):
        for number, value in enumerate(values, start=1):  # of free answers those that are no label are wrong
            if value or task.family != "tagging":
                check_label(task, value, f"{path}:{number}")
    if task.family == "retrieval":
        _check_rows(right_lines, said_lines, predictions)
    if task.family != "tagging":
        return right_lines, said_lines
    if not any(right_lines):
        return [], []
    _check_sentences(right_lines, said_lines, references)
    return layouts.sentences(right), layouts.sentences(said)


def is_number(value: str) -> bool:
    """Whether it may be the number of a row or an option: digits, and not more than any file has rows for."""
    return value.isascii() and value.isdigit() and len(value) <= 18


def check_label(task: Task, value: str, where: str) -> None:
    """Raises PredictionError for what is no label of the task, and no number where the task has none."""
    if value in task.labels:
        return
    if not task.labels and is_number(value):
        check_option(task, int(value), where)
        return
    kind = "tag" if task.family == "tagging" else "label"
    what = f"is no {kind} of '{task.name}'." if task.labels else "is not the number of a row or an option."
    if "\t" in value:
        now = "It looks like a data file: give its last column alone, one value a line."
    elif not (now := did_you_mean(value, task.labels)) and 0 < len(task.labels) <= 30:
        now = f"One of {', '.join(task.labels)} is needed."
    raise PredictionError(where, f"{value!r:.60} {what}", now)


def check_option(task: Task, number: int, where: str) -> None:
    """Raises PredictionError for the number of an option that no row of the task has."""
    if task.options and number >= task.options:
        what = f"{number} is none of the {task.options} options of '{task.name}', which are numbered from 0."
        raise PredictionError(where, what, "Give the number of an option.")


def _check_rows(gold: list[str], predicted: list[str], path: Path) -> None:
    """The rows that are found are rows of the text that is searched: the references find each of them."""
    last = max(len(gold), *(int(row) + 1 for row in gold)) - 1 if gold else 0
    for number, row in enumerate(predicted, start=1):
        if gold and int(row) > last:
            what = f"{row} is not the number of a row: they count from 0 to {last}."
            raise PredictionError(f"{path}:{number}", what, "Are they of this language, counted from 0?")


def _check_sentences(gold: list[str], predicted: list[str], references: Path) -> None:
    """Both files have their blank lines at the same places; a last one more or less does not matter."""
    one, two = (lines[:-1] if lines and not lines[-1] else lines for lines in (gold, predicted))
    for number, (right, said) in enumerate(zip_longest(one, two), start=1):
        if right is None or said is None or bool(right) != bool(said):
            counts = [len(layouts.sentences("\n".join(lines))) for lines in (predicted, gold)]
            what = f"{counts[0]} predictions for {counts[1]} examples." if counts[0] != counts[1] else ""
            states = {None: "ends", True: "has a tag", False: "has a blank line"}
            here, there = (states[line if line is None else bool(line)] for line in (said, right))
            parts = f"the file {here} where {references} {there}."
            raise PredictionError(f"line {number}", f"{parts} {what}".strip(), "Give one tag for each token.")


def _check_pairs(gold: list[tuple[str, ...]], predicted: list[tuple[str, ...]], references: Path) -> None:
    """Every line is a pair of ids, and both files have ids of the same two texts."""
    for name, pairs in ((str(references), gold), ("predictions", predicted)):
        for pair in pairs:
            if len(pair) != 2:
                what = f"the line {' '.join(pair)!r:.60} is not two ids with a tab between."
                raise PredictionError(name, what, "Give one pair of ids a line.")
    for side in (0, 1) if gold and predicted else ():
        ids = [[pair[side] for pair in pairs] for pairs in (gold, predicted)]
        # An id, or what it begins with before its number, stands in both.
        known, given = ({*names, *(name.rstrip("0123456789") for name in names)} for names in ids)
        if known.isdisjoint(given):
            what = f"no id is one of {references}, nor begins like one."
            raise PredictionError("predictions", what, "Are they of this language, in this order?")


def _check_questions(task: Task, gold: Sequence[Any], predicted: Sequence[Any], references: Path) -> None:
    """Some questions are answered, and some have gold answers."""
    if not gold:
        return
    if all(answer is None for answer in predicted):
        what = f"no id is that of a question in {references}."
        raise PredictionError("predictions", what, "Give {question id: answer} for these questions.")
    if not task.metric.startswith("squad2") and not any(one.text for answers in gold for one in answers):
        what = f"no question in {references} has a gold answer."
        raise PredictionError("references", what, "XTREME's download takes them out of its test files.")


def text_of(path: Path) -> str:
    try:
        with unpacked(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PredictionError(str(path), f"is damaged or cut short ({error}).", "Fetch it again.") from error
    except OSError as error:
        raise PredictionError(str(path), f"cannot be read ({error.strerror}).") from error
    if wrong := undecodable(content.split(b"\n")):
        number, what, now = wrong
        raise PredictionError("encoding", f"{path.name}:{number} {what}", now)
    return content.decode("utf-8-sig")


def json_of(path: Path) -> Any:
    try:
        return parse_json(text_of(path))
    except json.JSONDecodeError as error:
        what = f"{path.name} is no JSON ({error.msg} in line {error.lineno})."
        raise PredictionError("layout", what, "Give one JSON object.") from error
