"""Translating the training rows of a task with a sequence-to-sequence model of transformers.

Rows are translated in parts; each part is kept when it is done, so that a killed run continues and ends with
the same file.
"""

import gzip
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path
from typing import Any

from xstilts.compute.data import generator
from xstilts.compute.retell import Telling, retold, told
from xstilts.compute.translator import Translator, Wish
from xstilts.data import languages, loader, translated
from xstilts.data.examples import Example
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


@dataclass(frozen=True)
class TranslationFolders:
    """Where the source rows are read (None: the Hub), and the folder below which translations are written."""

    data: Path | None
    out: Path


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
    one, (data, out) = find_task(name), folders
    for language in to:
        check(one, language)
    if target_codes and len(target_codes) != len(to):
        what = f"{len(target_codes)} given for {len(to)} languages."
        raise DataError("--target-code", what, "Give one for each --to, in the same order, or none.")
    out = out or (one.path.parent if one.path is not None else data)
    if out is None:
        raise DataError(
            "--out", "no folder to write to.", "Name one with --out, or a data folder with --data."
        )
    translator = Translator(wish)
    codes: Sequence[str | None] = target_codes or [None] * len(to)
    pairs = list(zip(to, codes, strict=True))
    for language, code in pairs:
        translator.codes(one.source_language, language, code)
    for language, code in pairs:
        yield translate(one, language, translator, code, TranslationFolders(data, out))


def translate(
    one: Task, language: str, translator: Translator, target_code: str | None, places: TranslationFolders
) -> Path:
    """Write the training rows of a task in another language, and beside them a record of how they were made.

    Gives the path of `LANGUAGE.jsonl.gz`. If it is there and was made in the same way, nothing is done.
    Raises DataError if the rows cannot be read or are not translated, or if the file is there and was made in
    another way.
    """
    check(one, language)
    codes = translator.codes(one.source_language, language, target_code)
    made = _made(one, language, translator, codes, places)
    folder = places.out / translated.folder(one)
    path, record = folder / f"{language}.jsonl.gz", folder / f"{language}.json"
    if _done(path, record, made):
        say(f"{one.name} to {language}: {path} is there already.")
        return path
    rows = _rows(one, translator.wish, places)
    parts = folder / f"{language}.partial"
    _begin(parts, made)
    joint = "" if languages.find(language).script in UNSPACED else " "
    began, kept = time.monotonic(), 0
    for start in range(0, len(rows), PART):
        part = parts / f"{start:08}.json"
        if part.exists():
            kept = start + PART
            continue
        write_json(part, _part(rows[start : start + PART], translator, codes, joint))
        _tell(one, language, min(start + PART, len(rows)), len(rows), kept, time.monotonic() - began)
    _finish(path, record, made, sorted(parts.glob("[0-9]*.json")))
    shutil.rmtree(parts)
    return path


def check(one: Task, language: str) -> None:
    """Raises DataError if the rows of the task are not translated into that language by a model."""
    translated.check(one, language)
    if one.made is not None:
        what = "needs no model: the lab says the same meanings in every language."
        raise DataError(f"task '{one.name}'", what, "Its translated rows are there without this command.")


def _made(
    one: Task,
    language: str,
    translator: Translator,
    codes: tuple[str | None, str | None],
    places: TranslationFolders,
) -> dict[str, Any]:
    """Everything that the rows depend on but the versions of the libraries."""
    wish, source = translator.wish, one.source_language
    return {
        "version": VERSION,
        "task": one.name,
        "task_version": one.version,
        "source": {"language": source, "data": loader.identity(one, "train", source, places.data)},
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


def _rows(one: Task, wish: Wish, places: TranslationFolders) -> list[Example]:
    """The rows to translate, in the order of the source."""
    rows = loader.load(one, "train", one.source_language, places.data)
    if wish.examples is None or wish.examples >= len(rows):
        return rows
    drawn = generator("translate", one.name).permutation(len(rows))[: wish.examples]
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


def _begin(parts: Path, made: Mapping[str, Any]) -> None:
    """The folder of the finished parts, without those that were made in another way."""
    stated = parts / "made.json"
    if parts.exists() and not (stated.exists() and read_json(stated) == made):
        shutil.rmtree(parts)
    try:
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        now = "Name another folder with --out."
        raise DataError(str(parts), f"cannot be written ({error.strerror}).", now) from error
    write_json(stated, made)


def _part(
    rows: Sequence[Example], translator: Translator, codes: tuple[str | None, str | None], joint: str
) -> dict[str, Any]:
    """Translated rows, with how many were dropped and why, and how many texts were cut."""
    found, cut = translator((text for row in rows for text in told(row)), *codes)
    new = [retold(row, Telling(found, joint)) for row in rows]
    dropped = Counter(row for row in new if isinstance(row, str))
    kept = [translated.to_json(row) for row in new if not isinstance(row, str)]
    return {"rows": kept, "dropped": dict(sorted(dropped.items())), "cut": dict(cut)}


def _tell(one: Task, language: str, done: int, total: int, kept: int, seconds: float) -> None:
    speed = (done - kept) / seconds
    left = f", about {ceil((total - done) / speed / 60)} min left" if done < total else ""
    say(f"{one.name} to {language}: {done:,} of {total:,} rows, {speed:.1f} a second{left}")


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
        write_json(record, {**made, **counts, "versions": _versions()})
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    lost = "".join(f", {number:,} dropped ({why})" for why, number in sorted(dropped.items()))
    say(f"{made['task']} to {made['language']}: {rows:,} rows{lost}.")


def _versions() -> dict[str, str]:
    found = {}
    for name in ("torch", "transformers", "tokenizers", "sentencepiece"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
