"""Scoring files in XTREME's layouts: one label or one tag a line, SQuAD's JSON, ids, pairs of ids.

Folders hold a file for each language, `test-de.tsv` or `test-de.json`, as XTREME's submissions do; the folder
of several tasks holds one such folder for each.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xstilts import metrics
from xstilts.errors import InputError, InputErrors, PredictionError
from xstilts.metrics import layouts
from xstilts.metrics.xtreme import XTREME, aggregate, transfer_gaps
from xstilts.plain import parse_json
from xstilts.task import Task, find

BENCHMARK = "xtreme"

Languages = dict[str, dict[str, float]]
"""language -> measure -> percentage."""


def score(task: str, predictions: Path, references: Path, language: str | None = None) -> dict[str, Any]:
    """The scores of a file, of a folder of languages, or, for "xtreme", of a folder of tasks.

    Gives {"task", "languages": {code: {measure: percentage}}, "average": {measure: percentage}}; for "xtreme"
    {"tasks": {name: such a dict}, "overall": {group: percentage}, "gaps": {task: points}}. `language` is
    that of a single file, where its name does not end in it. Raises PredictionError, or several of them
    together, for what cannot be read, is missing or has another number of lines.
    """
    for path in (predictions, references):
        if not path.exists():
            raise PredictionError(str(path), "no such file or folder.")
    if task == BENCHMARK:
        return _benchmark(predictions, references)
    one = find(task)
    if references.is_dir() != predictions.is_dir():
        raise PredictionError(
            str(predictions), "a file and a folder do not go together.", "Name two of a kind."
        )
    if references.is_dir():
        languages = _folder(one, _within(predictions, one.name), _within(references, one.name))
    else:
        code = language or references.stem.rpartition("-")[2]
        if one.metric == "mlqa_f1" and code not in one.languages:
            what = f"cannot tell the language of the answers from '{references.name}'."
            raise PredictionError(str(references), what, "Name it with --language.")
        name = code if language or code in one.languages else "all"
        languages = {name: _file(one, predictions, references, code)}
    return {"task": one.name, "languages": languages, "average": _average(languages)}


def _benchmark(predictions: Path, references: Path) -> dict[str, Any]:
    """The tasks of XTREME that are in both folders, each in all languages that XTREME has."""
    tasks: dict[str, Any] = {}
    errors: list[InputError] = []
    for name, part in XTREME.items():
        if not ((predictions / name).is_dir() and (references / name).is_dir()):
            continue
        try:
            found = _folder(find(name), predictions / name, references / name, part.languages)
        except InputErrors as error:
            errors.extend(error.errors)
            continue
        tasks[name] = {"task": name, "languages": found, "average": _average(found)}
    if errors:
        raise InputErrors(errors)
    if not tasks:
        what = f"no folder that {references} has too is named after a task of XTREME."
        raise PredictionError(str(predictions), what, f"They are {', '.join(XTREME)}.")
    table = {name: _by_measure(one["languages"]) for name, one in tasks.items()}
    summary = aggregate(table)
    averages = summary["tasks"]
    return {
        "tasks": {name: one | {"score": averages[name]["avg_metric"]} for name, one in tasks.items()},
        "overall": summary["overall"],
        "gaps": transfer_gaps(table),
    }


def _folder(
    task: Task, predictions: Path, references: Path, languages: tuple[str, ...] | None = None
) -> Languages:
    """Every language of the references, or those that are asked for; InputErrors with all that is wrong."""
    suffix = ".json" if task.family == "span" else ".tsv"
    names = {path.stem.removeprefix("test-"): path for path in sorted(references.glob(f"test-*{suffix}"))}
    if not names:
        raise InputErrors([PredictionError(str(references), f"holds no file named test-LANGUAGE{suffix}.")])
    found: Languages = {}
    errors: list[InputError] = []
    for code in languages or tuple(names):
        gold, predicted = references / f"test-{code}{suffix}", predictions / f"test-{code}{suffix}"
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


def _within(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _file(task: Task, predictions: Path, references: Path, language: str) -> dict[str, float]:
    """All measures of one file, the task's own first."""
    try:
        gold, predicted = _read(task, predictions, references)
        if not gold:
            raise PredictionError(str(references), "holds no examples.")
        metric = metrics.find(task.metric)
        sums = metric.statistics(gold, predicted, language).sum(axis=0)
        value = float(metric.value(sums))
        beside = {
            name: float(one.value(one.statistics(gold, predicted, language).sum(axis=0)))
            for name in metrics.beside(task.metric)
            if (one := metrics.find(name)) and not _ragged(name, gold, predicted)
        }
    except PredictionError as error:
        raise PredictionError(f"{predictions}: {error.where}", error.what, error.now) from error
    if task.family == "span":
        (exact,) = beside.values()
        return {"f1": value, "exact_match": exact}
    if task.metric.endswith("f1"):
        correct, found, right = (float(number) for number in sums)
        precision, recall = 100 * correct / found if found else 0.0, 100 * correct / right if right else 0.0
        return {"f1": value, "precision": precision, "recall": recall, **beside}
    return {"accuracy": value, **beside}


def _ragged(name: str, gold: list[Any], predicted: list[Any]) -> bool:
    """Token accuracy is not defined where sentences differ in length; the official F1 is."""
    return name == "token_accuracy" and list(map(len, gold)) != list(map(len, predicted))


def _read(task: Task, predictions: Path, references: Path) -> tuple[list[Any], list[Any]]:
    if task.family == "span":
        given = _json(predictions)
        if not isinstance(given, Mapping):
            raise PredictionError("predictions", "are no JSON object.", "Give {question id: answer}.")
        try:
            gold, predicted = layouts.answers(_json(references), given, task.metric.startswith("squad2"))
        except (KeyError, TypeError) as error:
            what = f"{references} is not in SQuAD's layout ({error})."
            raise PredictionError("references", what, "It needs data, paragraphs, qas, answers.") from error
        return list(gold), list(predicted)
    if task.metric == "mining_f1":
        return [layouts.pairs(_text(references))], [layouts.pairs(_text(predictions))]
    reader = layouts.sentences if task.family == "tagging" else layouts.lines
    return list(reader(_text(references))), list(reader(_text(predictions)))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"{path.name} is not UTF-8 ({error.reason} at byte {error.start})."
        raise PredictionError("encoding", what, "Convert it to UTF-8.") from error
    except OSError as error:
        raise PredictionError(str(path), f"cannot be read ({error.strerror}).") from error


def _json(path: Path) -> Any:
    try:
        return parse_json(_text(path))
    except json.JSONDecodeError as error:
        what = f"{path.name} is no JSON ({error.msg} in line {error.lineno})."
        raise PredictionError("layout", what, "Give one JSON object.") from error


def _by_measure(languages: Languages) -> dict[str, dict[str, float]]:
    measures = {measure for values in languages.values() for measure in values}
    return {
        measure: {code: values[measure] for code, values in languages.items() if measure in values}
        for measure in sorted(measures)
    }


def _average(languages: Languages) -> dict[str, float]:
    """The plain mean over the languages of every measure that all of them have."""
    table = _by_measure(languages)
    return {
        measure: sum(values.values()) / len(values)
        for measure, values in table.items()
        if len(values) == len(languages)
    }
