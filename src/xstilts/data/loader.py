"""The rows of a task: from the program that makes them, else from the data folder if it has any of the task,
else from the Hub; what identity they have, which files they are, and in which languages there are any.
"""

import gzip
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from xstilts.data import code, hub, languages, readers, translated
from xstilts.data.examples import Example, Pair, Question, Seen, Tagged, fit, is_left_out
from xstilts.data.task import TEST_TRANSLATED, TRAINED, TRANSLATED, Files, Task, own_code
from xstilts.data.unpacked import said_size
from xstilts.disk import digest
from xstilts.errors import DataError, NoGoldError, TaskError, did_you_mean


def load(
    task: Task, split: str, language: str, data: Path | None = None, *, empty: bool = False
) -> list[Example]:
    """All examples of a split in a language, in the order of the source; see `stream`."""
    return list(stream(task, split, language, data, empty=empty))


def stream(
    task: Task, split: str, language: str, data: Path | None = None, *, empty: bool = False
) -> Iterator[Example]:
    """The examples of a split in a language, in the order of the source, one after the other.

    Rows come from the lab, else from the data folder if it has any of the task, else from the Hub. What
    `is_left_out` says of a row is so unless `empty` ones are wanted.
    Raises DataError if the source has no such split, a file is missing, or a row is broken.
    """
    split, language = original(task, split, language)
    _check_rows_in(task, split, language)
    if task.made is not None:
        size = _made_size(task, split, language)
        yield from task.made.rows("train" if split == TRANSLATED else split, language, size)
    elif (files := _layout(task, split, data)) is not None:
        paths = _paths(task, files, split, language, data)
        with own_code(task.path):
            rows = _read(task, files, paths, split, language, empty=empty)
            yield from _of_task(task, rows, str(paths[0]))
    elif task.hub is not None:
        rows = hub.stream(task.hub, split, language, task.name)
        with own_code(task.path):
            rows = (row for row in rows if empty or not is_left_out(row, trained=split in TRAINED))
            example: Example | None = None
            where = f"task '{task.name}' on the Hub"
            for example in _of_task(task, rows, where):
                yield example
            if example is None:
                raise DataError(where, f"its {split} rows in '{language}' have no text.")
    else:
        raise DataError(f"task '{task.name}'", "names no source of data.")


def _read(
    task: Task, files: Files, paths: tuple[Path, ...], split: str, language: str, *, empty: bool
) -> Iterator[Example]:
    found = False
    try:
        rows = files.read(paths, language)
        if not isinstance(rows, Iterable):
            what = f"`read` gives no rows but {type(rows).__name__}."
            raise TaskError(str(task.path or task.name), what, "Write `yield` before each row.")
        for example in fit(rows, str(paths[0])):
            left_out = is_left_out(example, trained=split in TRAINED)
            found = found or not left_out
            if empty or not left_out:
                yield example
    except NoGoldError as error:
        now = error.now if task.definition is not None else "" if split in TRAINED else _labelled(task)
        raise DataError(error.where, error.what, now) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        what = f"the compressed file is damaged or cut short ({error})."
        raise DataError(str(paths[0]), what, "Fetch it again.") from error
    except UnicodeDecodeError as error:
        raise readers.not_utf8(*paths) from error
    except OSError as error:
        where = str(error.filename or paths[0])
        raise DataError(where, f"cannot be read ({error.strerror or error}).") from error
    if not found:
        of = f" in '{language}'" if len(task.languages) > 1 else ""
        now = f"Lay in rows{of}" + (f", or take '{language}' out of `languages`." if of else ".")
        raise DataError(str(paths[0]), f"holds no examples{of}.", now)


MANY = 20
"""Of so many questions some have an answer, and of so many rows about images most have a label; where there
are fewer, annotators may not have agreed on any. Of so many rows not all have the same label, and of five
times as many words not all the same tag."""


def _of_task(task: Task, rows: Iterator[Example], where: str) -> Iterator[Example]:
    """The rows; DataError for one with a label that is not the task's, or where words or gold are missing."""
    known, words, withheld = frozenset(task.labels), 0, 0
    asked = right = 0
    seen, decided = set[str](), 0
    for row in rows:
        if isinstance(row, Seen | Question):
            asked += 1
            right += row.label in known if isinstance(row, Seen) else bool(row.answers)
        if isinstance(row, Tagged):
            words, withheld = words + len(row.tokens), withheld + row.tokens.count("_")
        labels: tuple[str, ...] = (row.label,) if isinstance(row, Pair) else ()
        labels = row.tags if isinstance(row, Tagged) else labels
        if not known.issuperset(labels):
            label = next(one for one in labels if one not in known)
            what = f"holds a row with the label {label!r}, which is not one of the task's."
            now = did_you_mean(label, task.labels) or "Correct `labels`, or the code that reads the rows."
            raise DataError(where, what, now)
        seen.update(labels)
        decided += len(labels)
        yield row
    few = 2 * right < asked if task.family == "visual" else not right
    if few and asked >= MANY:
        what = f"{asked - right:,} of {asked:,} rows have no right answer."
        now = "Lay in the file with the answers; where a task is about images, they are in English."
        raise DataError(where, what, now)
    if withheld and 10 * withheld >= 9 * words:
        what = "holds no words: they are withheld (`_` in their place)."
        raise DataError(where, what, "Put the words in as the README of the data says, or take other data.")
    if len(seen) == 1 < len(known) and decided >= (5 * MANY if words else MANY):
        things = "words has the tag" if words else "rows has the label"
        what = f"every one of {decided:,} {things} {seen.pop()!r}."
        raise DataError(where, what, "" if task.definition is not None else _labelled(task))


def identity(task: Task, split: str, language: str, data: Path | None = None) -> str:
    """What rows depend on: a Hub revision, the checksum of local files, or the lab's version; of a user's own
    task also how they are read."""
    split, language = original(task, split, language)
    if task.made is not None:
        return f"{task.made.identity}:{_made_size(task, split, language)}"
    _check_rows_in(task, split, language)
    read = ""
    if task.definition is not None and split != TRANSLATED:
        read = f"+read:{task.definition(split, language)}"
    elif task.path is not None and split != TRANSLATED:
        read = f"+code:{code.identity(task.path, code.READS)}"
    if paths := sources(task, split, language, data):
        if split == TRANSLATED and ".tsv" in paths[0].suffixes:
            read = f"+read:{translated.READING}"
        try:
            return f"sha256:{_checksum(tuple((path, path.stat().st_mtime_ns) for path in paths))}{read}"
        except OSError as error:
            where = str(error.filename or paths[0])
            raise DataError(where, f"cannot be read ({error.strerror or error}).") from error
    if task.hub is None:
        raise DataError(f"task '{task.name}'", "names no source of data.")
    if split not in task.hub.files:
        what = f"has no split '{split}' on the Hub; it has {', '.join(task.hub.files)}."
        raise DataError(f"task '{task.name}'", what)
    revisions = dict.fromkeys(f"{hub.dataset}@{hub.revision}" for hub in task.hub.sources)
    return "hub:" + "+".join(revisions) + read


@lru_cache(maxsize=4096)
def _checksum(files: tuple[tuple[Path, int], ...]) -> str:
    """The SHA-256 of files together, each with the time of its last change."""
    return digest(path for path, _ in files)


def sources(task: Task, split: str, language: str, data: Path | None = None) -> tuple[Path, ...]:
    """The local files that the rows of a split are read from; none if they come from the lab or the Hub.

    Raises DataError as `stream` does if they are not there.
    """
    split, language = original(task, split, language)
    files = _layout(task, split, data)
    return () if files is None else _paths(task, files, split, language, data)


def left_out(task: Task, split: str, language: str, data: Path | None = None) -> tuple[Path, ...]:
    """Of several files with the rows of a split those not read: tried before, or in the same folder."""
    split, language = original(task, split, language)
    files = _layout(task, split, data)
    if files is None or not any("*" in pattern for pattern in files.patterns.get(split, ())):
        return ()
    (read, *_), folder = _paths(task, files, split, language, data), _folder(task, split, data)
    paths = list(files.matches(folder, files.patterns[split], language))
    place = paths.index(read)
    return (*paths[:place], *(path for path in paths[place + 1 :] if path.parent == read.parent))


def size_without_reading(task: Task, split: str, language: str) -> int | None:
    """The number of rows that the lab makes; None of tasks whose rows have to be read to be counted."""
    return None if task.made is None else _made_size(task, *original(task, split, language))


def text_bytes(task: Task, split: str, language: str, data: Path | None = None) -> int | None:
    """How many bytes the local files of a split hold, uncompressed; None if there are none."""
    split, language = original(task, split, language)
    files = _layout(task, split, data)
    if files is None or (data is None and task.path is None):
        return None
    try:
        return sum(map(said_size, files.find(split, language, _folder(task, split, data)))) or None
    except OSError:  # what is wrong with the file is told where its identity is asked for
        return None


def available(task: Task, split: str, data: Path | None = None) -> tuple[str, ...]:
    """The languages of the task for which the source has that split, in the task's order.

    There may be translations into languages that the task itself does not have: those stand by their codes,
    after the source language.
    """
    if split == TRANSLATED:
        others, layout = translated.languages(task), translated.layout(task)
        if task.made is None:
            local = data is not None or task.path is not None
            folder = _folder(task, split, data) if local else Path()
            others = tuple(code for code in others if local and layout.find(split, code, folder))
        source = task.source_language in available(task, "train", data)
        return (task.source_language, *others) if source else others
    if task.definition is not None:  # what is declared has to be there
        return task.rows_in.get(split, task.languages) if split in splits(task, data) else ()
    if not from_files(task, data) or (data is None and task.path is None):
        codes = task.hub.codes if task.hub is not None else {}
        if task.hub is not None and split not in task.hub.files:
            return ()
        return tuple(lang for lang in task.languages if lang in (codes or task.languages))
    assert task.files is not None
    folder = _folder(task, split, data)
    return tuple(lang for lang in task.languages if task.files.find(split, lang, folder))


def splits(task: Task, data: Path | None) -> Collection[str]:
    """The splits that the source of a task's rows has, translations left out."""
    if task.made is not None:
        return task.made.sizes
    if task.files is not None and from_files(task, data):
        return task.files.patterns
    return () if task.hub is None else task.hub.files


def reads_files(task: Task, split: str, data: Path | None) -> bool:
    """Whether the rows of a split are read from files, as translated ones are but for the lab's."""
    return _layout(task, split, data) is not None


def original(task: Task, split: str, language: str) -> tuple[str, str]:
    """Split and language whose rows are meant: what is in the source language needs no translation."""
    if split == TEST_TRANSLATED and task.made is not None:
        return task.evaluation_split, task.source_language
    if language == task.source_language:
        split = {TRANSLATED: "train", TEST_TRANSLATED: task.evaluation_split}.get(split, split)
    return split, language


def _check_rows_in(task: Task, split: str, language: str) -> None:
    """Raises DataError if a split of a declared task is in other languages."""
    if language not in task.rows_in.get(split, (language,)):
        what = f"has no {split} rows in '{language}', but in {', '.join(task.rows_in[split])}."
        now = "Put {lang} into the path of the split, or name a column `language`."
        raise DataError(f"task '{task.name}'", what, now)


def _layout(task: Task, split: str, data: Path | None) -> Files | None:
    """The local files of a split; None if the rows come from elsewhere."""
    if split == TRANSLATED:
        return None if task.made is not None else translated.layout(task)
    return task.files if from_files(task, data) else None


def from_files(task: Task, data: Path | None) -> bool:
    """Whether the rows of a task are read from files: beside a user's own task file, in the data folder if it
    holds any file of the task, and in any case if they are on no Hub."""
    if task.files is None or task.made is not None:
        return False
    if task.path is not None or task.hub is None:
        return True
    if data is None or not data.is_dir():
        return data is not None
    patterns = [path for paths in task.files.patterns.values() for path in paths]
    return any(any(task.files.matches(data, patterns, language)) for language in task.languages)


def _made_size(task: Task, split: str, language: str) -> int:
    assert task.made is not None
    if split == TRANSLATED:
        translated.check(task, language)
        return task.made.sizes["train"]
    if split not in task.made.sizes:
        what = f"has no split '{split}'; it has {', '.join(task.made.sizes)}."
        raise DataError(f"task '{task.name}'", what)
    return task.made.sizes[split]


def _paths(task: Task, files: Files, split: str, language: str, data: Path | None) -> tuple[Path, ...]:
    """The files of a split in a language; DataError with the paths tried if they are not there."""
    here = f"task '{task.name}'"
    if split == TRANSLATED:
        translated.check(task, language)
    elif language not in task.languages:
        near = languages.near(language, task.languages) or f"It has {', '.join(task.languages)}."
        raise DataError(here, f"has no language '{language}'.", near)
    if split not in files.patterns:
        raise DataError(here, f"has no split '{split}'; it has {', '.join(files.patterns)}.")
    if language in files.unlabelled.get(split, ()):
        raise DataError(here, f"the {split} rows in '{language}' have no gold labels.", "Leave them out.")
    folder = _folder(task, split, data)
    if not folder.is_dir():
        raise DataError(str(folder), "no such data folder.", "Name it with --data DIR or XSTILTS_DATA.")
    if found := files.find(split, language, folder):
        return found
    wanted = (*files.patterns[split], *files.paired.get(split, ()), *files.gold.get(split, ()))
    tried = ", ".join(files.fill(pattern, language) for pattern in wanted)
    what = f"no {split} data of {here} in '{language}': looked for {tried} (plain or .gz)."
    if split == TRANSLATED:
        now = translated.way_out(task, language)
    elif split in files.gold and replace(files, gold={}).find(split, language, folder):
        now = _labelled(task)
    elif language == task.source_language and split != task.evaluation_split and task.url:
        now = f"Check --data DIR, or get the files from {task.url}."
    elif task.definition is None:
        now = "Check --data DIR, or leave the language out of the study."
    elif language == task.source_language:
        now = f"Lay it in, or correct the path of `{split}` in `splits`."
    else:
        now = f"Lay it in, or take '{language}' out of `languages`."
    raise DataError(str(folder), what, now)


def _labelled(task: Task) -> str:
    """What to do where the gold labels or answers of a file are missing."""
    source = f" ({task.url})" if task.url else ""
    hub = " or take all files of the task out of the folder, to read the Hub's copy" if task.hub else ""
    taken = "XTREME's download takes labels and answers out of its test files, which can then not be scored. "
    now = f"Lay in the labelled files of the data set itself{source}{hub}."
    return (taken if len(task.languages) > 1 else "") + now  # XTREME has no task in English alone


def _folder(task: Task, split: str, data: Path | None) -> Path:
    """A user's own task file reads beside itself; the package's tasks read below the data folder."""
    if task.path is not None:
        return task.path.parent
    if data is None:
        what = f"reads original files; {task.no_hub or 'there is no copy of them on the Hub'}."
        if split == TRANSLATED:
            what = "reads translated rows from files; they are not on the Hub."
        raise DataError(f"task '{task.name}'", what, "Name their folder with --data DIR or XSTILTS_DATA.")
    return data
