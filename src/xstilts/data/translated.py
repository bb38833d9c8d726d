"""Translated training data: the rows of a task's source language in another one, under the split TRANSLATED.

Where they come from, in this order: the file `translated/TASK/LANGUAGE.jsonl` of the data folder, which
`xstilts translate` writes; translations that come with a release, laid in as they are (those of XTREME); or
the embedded lab, which says the same meanings in every language. Outside the lab, a language need not be one
of the task's own.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Answer, Choice, Example, Pair, Question
from xstilts.data.languages import by_code, find, near
from xstilts.data.task import TRANSLATED, Files, Task
from xstilts.errors import DataError

FAMILIES = ("classification", "choice", "span")
"""The families whose rows are translated text by text, with their answers kept."""

READING = 2
"""Raised by hand whenever `xtreme_pairs` reads other rows of the same file: it is in the identity of rows."""

DOCUMENT = "docs/translated-data.md"


def folder(task: Task) -> str:
    """Where `xstilts translate` writes, below the data folder or beside a user's task file."""
    return f"translated/{task.name}"


def layout(task: Task) -> Files:
    """The files that translated rows are read from: those made here, else those of the release."""
    release = task.translations
    further = release.patterns.get(TRANSLATED, ()) if release is not None else ()

    def read(paths: tuple[Path, ...], language: str) -> Iterator[Example]:
        if release is None or ".jsonl" in paths[0].suffixes:
            return _read(paths[0], task)
        return release.read(paths, language)

    return Files(patterns={TRANSLATED: (f"{folder(task)}/{{lang}}.jsonl", *further)}, read=read)


def languages(task: Task) -> tuple[str, ...]:
    """The other languages in which there may be rows; none if the task has no rows to translate."""
    if _refusal(task):
        return ()
    known = task.languages if task.made is not None else by_code()
    return tuple(code for code in known if code != task.source_language)


def check(task: Task, language: str) -> None:
    """Raises DataError if the task's training rows cannot be had in translation into that language."""
    here = f"task '{task.name}'"
    if refusal := _refusal(task):
        raise DataError(here, *refusal)
    if language == task.source_language:
        what = f"the training rows in '{language}' are the original."
        raise DataError(here, what, "Name another language.")
    if task.made is None:
        find(language)
    elif language not in task.languages:
        now = near(language, task.languages) or f"It has {', '.join(task.languages)}."
        raise DataError(here, f"has no language '{language}'.", now)


def way_out(task: Task, language: str) -> str:
    """What to do where there is no file."""
    name = task.name if task.path is None else str(task.path)
    name += f":{task.name}" if task.definition is not None else ""
    return f"Make it: `xstilts translate {name} --to {language} --model MODEL`. {DOCUMENT} tells more."


def _refusal(task: Task) -> tuple[str, str] | None:
    """Why a task has no translated rows and what to do instead; None if it may have some."""
    if task.trained_by:
        return "has no training rows of its own.", f"Name '{task.trained_by}', which trains it."
    if task.family == "masked":
        return "holds text without labels.", "Name the languages of its text instead of translating it."
    if task.family == "retrieval" or task.trained_by == "":
        return "is not trained, so it has no training rows.", "Translate a task that trains something."
    if task.family == "visual" and task.made is None:
        return "is about images, which `xstilts translate` does not read.", "Name a task of texts."
    if task.family not in FAMILIES and task.made is None:
        what = "has one tag for each word, and a translation has other words in another order."
        return what, f"Tasks of these families are translated: {', '.join(FAMILIES)}."
    return None


def to_json(example: Example) -> dict[str, Any]:
    """A row as `xstilts translate` writes it; empty fields are left out."""
    assert isinstance(example, Pair | Choice | Question), "only rows of FAMILIES are translated"
    return {name: value for name, value in asdict(example).items() if value not in (None, "")}


def to_line(row: Mapping[str, Any]) -> str:
    """A line of a file of translated rows."""
    return json.dumps(row, ensure_ascii=False) + "\n"


_FIELDS = {"classification": ("label",), "choice": ("options", "label"), "span": ("answers",)}
_TEXTS = {"classification": ("text",), "choice": (), "span": ("context", "question")}


def _read(path: Path, task: Task) -> Iterator[Example]:
    """The rows of a file of `xstilts translate`: one JSON object a line, as `to_json` makes it."""
    pairs = None
    for number, row in readers.json_lines(path, _FIELDS[task.family], _TEXTS[task.family]):
        is_pair = row.get("text2") is not None
        pairs = is_pair if pairs is None else pairs
        if is_pair != pairs:
            what = f"has {'a' if is_pair else 'no'} field 'text2', unlike the rows before it."
            raise DataError(f"{path}:{number}", what, "Translate it again, or mend the row.")
        try:
            yield _example(path, number, row, task)
        except (TypeError, KeyError, AttributeError) as error:
            what = f"is no row of the family {task.family} ({json.dumps(row, ensure_ascii=False)[:200]})."
            raise DataError(f"{path}:{number}", what, f"{DOCUMENT} shows one.") from error


def _example(path: Path, number: int, row: Mapping[str, Any], task: Task) -> Example:
    name = str(row.get("id", ""))
    if task.family == "classification":
        label = readers.label(path, number, row["label"], task.labels)
        return Pair(row["text"], row.get("text2"), label, name)
    if task.family == "choice":
        options = readers.texts(row, "options", f"{path}:{number}")
        right = readers.position(path, number, row["label"], [str(place) for place in range(len(options))])
        return Choice(row.get("context", ""), tuple(options), right, name)
    answers = tuple(Answer(answer["text"], answer["start"]) for answer in row["answers"])
    question = Question(row["context"], row["question"], answers, name)
    return readers.checked(question, f"{path}:{number}", unanswerable=task.metric == "squad2_f1")


def xtreme_pairs(path: Path, labels: Collection[str], *, skip: bool = False) -> Iterator[Pair]:
    """The rows of XTREME's `en-LANGUAGE-translated.tsv` (XNLI, PAWS-X).

    Columns, without header or quoting: both English texts, both translations, label; the files of before
    September 2020 lack the English ones, and are read too. XNLI's label `contradictory` is `contradiction`.
    With `skip`, rows of other columns or labels are passed by: PAWS-X has some. Quotes are those of
    `readers.written_columns`. Sources: the repository
    google-research/xtreme, third_party/processors/xnli.py and pawsx.py (three columns) and issue 37 (five);
    the readers xtreme_xnli and xtreme_pawsx of tensorflow/datasets.
    """
    quoted = readers.are_quoted(value for _, line in readers.lines(path) for value in line.split("\t"))
    for number, line in readers.lines(path):
        values = [readers.unquoted(value) if quoted else value for value in line.split("\t")]
        gold = {"contradictory": "contradiction"}.get(values[-1].strip(), values[-1].strip())
        if len(values) in (3, 5) and (gold in labels or not skip):
            yield Pair(values[-3], values[-2], readers.label(path, number, gold, labels))
        elif not skip:
            what = f"has {len(values)} columns separated by tabs, not 5 (or 3, without the English texts)."
            raise DataError(f"{path}:{number}", what, "Fetch the file again.")


def xtreme_questions(path: Path) -> Iterator[Question]:
    """The rows of XTREME's `squad.translate.train.en-LANGUAGE.json` and TyDiQA's alike, in SQuAD's format.

    A question whose answer does not stand at its place in the translated context is passed by, as XTREME does
    when it trains (google-research/xtreme, third_party/processors/squad.py).
    """
    return readers.squad(path, misplaced=False)
