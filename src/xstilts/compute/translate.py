"""Translating the training rows of a task with a sequence-to-sequence model of transformers.

Rows are translated in parts; each part is kept when it is done, so that a killed run continues and ends with
the same file. Translation models know sentences, so texts are translated sentence by sentence. The answer to
a question is translated by itself and then looked for in the translations of the sentences that hold it.
"""

import gzip
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

from xstilts.compute.context import installed
from xstilts.compute.data import generator
from xstilts.compute.translator import Translator, Wish
from xstilts.data import languages, loader, translated
from xstilts.data.examples import Answer, Choice, Example, Pair, Question
from xstilts.data.task import Task
from xstilts.errors import DataError
from xstilts.plain import say
from xstilts.store import read_json, write_json
from xstilts.study.load import find_task

VERSION = 1
"""Raised by hand when the same model would give other rows."""

PART = 256
"""Rows that are translated, and kept, together."""

UNSPACED = ("Hans", "Jpan")
"""Scripts that put no space between sentences."""


def translate_all(
    name: str,
    to: Sequence[str],
    wish: Wish,
    target_codes: Sequence[str],
    folders: tuple[Path | None, Path | None],
) -> Iterator[Path]:
    """Translate a task into several languages; gives each file when it is written.

    `target_codes` are the model's own names of the languages, in their order, or none; `folders` are those of
    the data and of what is written. Without the second one it is the data folder, and for a user's task file
    the folder of that file. Raises whatever `Translator` and `translate` raise, before anything is translated
    where that can be known.
    """
    task, (data, out) = find_task(name), folders
    for language in to:
        check(task, language)
    if target_codes and len(target_codes) != len(to):
        what = f"{len(target_codes)} given for {len(to)} languages."
        raise DataError("--target-code", what, "Give one for each --to, in the same order, or none.")
    out = out or (task.path.parent if task.path is not None else data)
    if out is None:
        raise DataError(
            "--out", "no folder to write to.", "Name one with --out, or a data folder with --data."
        )
    translator = Translator(wish)
    codes: Sequence[str | None] = target_codes or [None] * len(to)
    pairs = list(zip(to, codes, strict=True))
    for language, code in pairs:
        translator.codes(task.source_language, language, code)
    for language, code in pairs:
        yield translate(task, language, translator, code, (data, out))


def translate(
    task: Task,
    language: str,
    translator: Translator,
    target_code: str | None,
    folders: tuple[Path | None, Path],
) -> Path:
    """Write the training rows of a task in another language, and beside them a record of how they were made.

    `folders` are that of the source rows (None: the Hub), and the one below which translations are written.
    Gives the path of `LANGUAGE.jsonl.gz`. If it is there and was made in the same way, nothing is done.
    Raises DataError if the rows cannot be read or are not translated, or if the file is there and was made in
    another way.
    """
    check(task, language)
    codes, (data, out) = translator.codes(task.source_language, language, target_code), folders
    # Everything that the rows depend on but the versions of the libraries.
    wish, source = translator.wish, task.source_language
    made = {
        "version": VERSION,
        "task": task.name,
        "task_version": task.version,
        "source": {"language": source, "data": loader.identity(task, "train", source, data)},
        "language": language,
        "model": wish.model if wish.revision is not None else translator.folder.name,
        "revision": wish.revision,
        "checksum": translator.checksum,
        "codes": list(codes),
        "settings": {
            "examples": wish.examples,
            "batch": wish.batch,
            "beams": wish.beams,
            "longest": wish.longest,
        },
    }
    folder = out / translated.folder(task)
    path, record = folder / f"{language}.jsonl.gz", folder / f"{language}.json"
    if _done(path, record, made):
        say(f"{task.name} to {language}: {path} is there already.")
        return path
    rows = _rows(task, wish, data)
    parts = folder / f"{language}.partial"
    # The folder of the finished parts, without those that were made in another way.
    stated = parts / "made.json"
    if parts.exists() and not (stated.exists() and read_json(stated) == made):
        shutil.rmtree(parts)
    with _writing(parts):
        parts.mkdir(parents=True, exist_ok=True)
        write_json(stated, made)
    joint = "" if languages.find(language).script in UNSPACED else " "
    began, kept = time.monotonic(), 0
    for start in range(0, len(rows), PART):
        part = parts / f"{start:08}.json"
        if part.exists():
            kept = start + PART
            continue
        content = _part(rows[start : start + PART], translator, codes, joint)
        with _writing(parts):
            write_json(part, content)
        done, total = min(start + PART, len(rows)), len(rows)
        speed = (done - kept) / (time.monotonic() - began)
        left = f", about {ceil((total - done) / speed / 60)} min left" if done < total else ""
        say(f"{task.name} to {language}: {done:,} of {total:,} rows, {speed:.1f} a second{left}")
    with _writing(parts):
        _finish(path, record, made, sorted(parts.glob("[0-9]*.json")))
        shutil.rmtree(parts)
    return path


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns a full disk, a forbidden write and a folder that was removed into a DataError."""
    try:
        yield
    except OSError as error:
        now = "Name another folder with --out, or make room there."
        raise DataError(str(folder), f"cannot be written ({error.strerror}).", now) from error


def check(task: Task, language: str) -> None:
    """Raises DataError if the rows of the task are not translated into that language by a model."""
    translated.check(task, language)
    if task.made is not None:
        what = "needs no model: the lab says the same meanings in every language."
        raise DataError(f"task '{task.name}'", what, "Its translated rows are there without this command.")


def _rows(task: Task, wish: Wish, data: Path | None) -> list[Example]:
    """The rows to translate, in the order of the source."""
    rows = loader.load(task, "train", task.source_language, data)
    if wish.examples is None or wish.examples >= len(rows):
        return rows
    drawn = generator("translate", task.name).permutation(len(rows))[: wish.examples]
    return [rows[row] for row in sorted(drawn)]


def _done(path: Path, record: Path, made: Mapping[str, Any]) -> bool:
    """Whether the file is there; DataError if it was made in another way, or it is not known how."""
    there = [one for one in (path, path.with_suffix("")) if one.exists()]
    if not there:
        return False
    known = read_json(record) if record.exists() else {}
    if {name: known.get(name) for name in made} == made:
        return True
    differs = ", ".join(name for name in made if known.get(name) != made[name])
    what = f"is there already, made in another way ({differs} differ)." if known else "is there already."
    raise DataError(str(there[0]), what, "Remove it, or name another folder with --out.")


def _part(
    rows: Sequence[Example], translator: Translator, codes: tuple[str | None, str | None], joint: str
) -> dict[str, Any]:
    """Translated rows, with how many were dropped and why, and how many texts were cut."""
    found, cut = translator((text for row in rows for text in told(row)), *codes)
    new = [retold(row, Telling(found, joint)) for row in rows]
    dropped = Counter(row for row in new if isinstance(row, str))
    kept = [translated.to_json(row) for row in new if not isinstance(row, str)]
    return {"rows": kept, "dropped": dict(sorted(dropped.items())), "cut": dict(cut)}


def _finish(path: Path, record: Path, made: Mapping[str, Any], parts: Sequence[Path]) -> None:
    """One file of all parts. The record is there before the file, which comes whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    dropped, cut, rows = Counter[str](), Counter[str](), 0
    try:
        with beside.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            for part in map(read_json, parts):
                for row in part["rows"]:
                    file.write(translated.to_line(row).encode())
                dropped.update(part["dropped"])
                cut.update(part["cut"])
                rows += len(part["rows"])
        if not rows:
            what = f"no row is left: {dict(dropped)}."
            raise DataError(str(path), what, "Does the model translate from this language into that one?")
        counts = {"rows": rows, "dropped": dict(sorted(dropped.items())), "cut": dict(cut)}
        packages = ("torch", "transformers", "tokenizers", "sentencepiece")
        found = {name: known for name in packages if (known := installed(name))}
        write_json(record, {**made, **counts, "versions": found})
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    lost = "".join(f", {number:,} dropped ({why})" for why, number in sorted(dropped.items()))
    say(f"{made['task']} to {made['language']}: {rows:,} rows{lost}.")


EMPTY, NOT_FOUND = "empty translation", "answer not found"
"""Why a row is dropped."""

_BREAK = re.compile(r"""(?<=[.!?…。！？।])["'”’»)\]]*(?:\s+|(?<=[。！？]))(?=\S)""")
_ABBREVIATION = re.compile(r"(?:^|[\s(\"'“])(?:[A-Z][a-z]{0,3}|(?:[A-Za-z]\.)*[A-Za-z])\.$")
_STOPS = ".。।!！?？"


@dataclass(frozen=True)
class Telling:
    """The translation of each sentence, and what stands between two of them in the new language."""

    sentences: Mapping[str, str]
    joint: str = " "


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end; none if it is blank.

    A full stop ends no sentence after a short word with a capital (`Dr.`, `St.`), after single letters
    (`U.S.`), nor before a small letter: rather two sentences in one than one in two.
    """
    found, start = list[tuple[int, int]](), len(text) - len(text.lstrip())
    for gap in _BREAK.finditer(text):
        before = text[start : gap.end()].rstrip()
        if text[gap.end()].islower() or _ABBREVIATION.search(before):
            continue
        found.append((start, start + len(before)))
        start = gap.end()
    end = len(text.rstrip())
    return [*found, (start, end)] if start < end else found


def told(example: Example) -> Iterator[str]:
    """All that must be translated for a row: its sentences and its answers."""
    match example:
        case Pair():
            texts: Sequence[str] = (example.text, example.text2 or "")
        case Choice():
            texts = (example.context, *example.options)
        case Question():
            texts = (example.context, example.question)
            yield from (answer.text for answer in example.answers)
        case _:
            raise AssertionError("only rows of translated.FAMILIES are translated")
    for text in texts:
        yield from (text[start:end] for start, end in sentences(text))


def retold(example: Example, telling: Telling) -> Example | str:
    """The row in the new language with its label or answer; or why it is dropped: EMPTY or NOT_FOUND."""
    match example:
        case Pair():
            text2 = None if example.text2 is None else _text(example.text2, telling)
            pair = replace(example, text=_text(example.text, telling), text2=text2)
            lost = _lost(example.text, pair.text) or _lost(example.text2, text2)
            return EMPTY if lost else pair
        case Choice():
            options = tuple(_text(option, telling) for option in example.options)
            choice = replace(example, context=_text(example.context, telling), options=options)
            lost = _lost(example.context, choice.context) or any(map(_lost, example.options, options))
            return EMPTY if lost else choice
        case Question():
            context, asked = _text(example.context, telling), _text(example.question, telling)
            if _lost(example.context, context) or _lost(example.question, asked):
                return EMPTY
            found = [_answer(example.context, answer, telling) for answer in example.answers]
            answers = tuple(
                Answer(context[start:end], start)
                for start, end in (place for place in found if place is not None)
            )
            if example.answers and not answers:
                return NOT_FOUND
            return Question(context, asked, answers, example.id)
        case _:
            raise AssertionError("only rows of translated.FAMILIES are translated")


def _lost(old: str | None, new: str | None) -> bool:
    return bool(old and old.strip()) and not (new and new.strip())


def _text(text: str, telling: Telling) -> str:
    parts = (telling.sentences[text[start:end]].strip() for start, end in sentences(text))
    return telling.joint.join(part for part in parts if part)


def _answer(context: str, answer: Answer, telling: Telling) -> tuple[int, int] | None:
    """Where the answer stands in the translated context: as it is, else whatever its capitals.

    Of several places in the sentences that hold it, the one nearest to where it stands in the original.
    """
    wanted = telling.sentences[answer.text].strip()
    if not answer.text.rstrip().endswith(tuple(_STOPS)):
        wanted = wanted.rstrip(_STOPS)
    old, new = sentences(context), list[tuple[int, int]]()
    at = 0
    for start, end in old:
        length = len(telling.sentences[context[start:end]].strip())
        new.append((at, at + length))
        at += length + (len(telling.joint) if length else 0)
    held = [
        row
        for row, (start, end) in enumerate(old)
        if start < answer.start + len(answer.text) and answer.start < end
    ]
    if not held or not wanted:
        return None
    before, told_before = old[held[0]][0], new[held[0]][0]
    share = (answer.start - before) / (old[held[-1]][1] - before)
    region = _text(context, telling)[told_before : new[held[-1]][1]]
    for flags in (0, re.IGNORECASE):
        places = [match.start() for match in re.finditer(re.escape(wanted), region, flags)]
        if places:
            best = min(places, key=lambda place: abs(place - share * len(region)))
            return told_before + best, told_before + best + len(wanted)
    return None
