"""A task: where its rows are, what kind it is, which languages it has, how it is scored.

A task is one file, `tasks/<name>.py`, which binds `TASK`. Its name is the name of its file: there is no
list to edit. A study may also name a path to a user's own task file.
"""

import gzip
import importlib
import importlib.util
import pkgutil
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import xstilts.tasks
from xstilts import languages, located, metrics, readers
from xstilts.disk import is_file
from xstilts.errors import DataError, NoGoldError, TaskError, did_you_mean
from xstilts.families.examples import Example
from xstilts.families.fit import fit, is_left_out
from xstilts.own_code import own_code
from xstilts.unpacked import said_size

TRANSLATED = "train-translated"
"""The split that holds the source language's training rows in another language: see `xstilts.translated`. In
the source language itself these are the training rows."""

TEST_TRANSLATED = "test-translated"
"""The split that holds the evaluated rows of a language in the source language, translated by machine. The
lab translates without fault: there these are the rows of the source language."""

TRAINED = ("train", TRANSLATED)
FAMILIES = ("classification", "choice", "tagging", "span", "visual", "retrieval", "masked")


@dataclass(frozen=True, kw_only=True)
class Files:
    """The original release, in a folder that the user names with `--data`.

    `patterns` gives for each split the paths to try, in order, below that folder; a path may contain
    `{lang}`, and each may be plain or end in `.gz`. `paired` names a second file that is read beside the
    first (line-aligned text), `gold` one with the right pairs, read after those. `codes` maps a language to
    the code that the release uses for it. `unlabelled` names languages in which the release withholds the
    labels of a split: their files are never read. Of several files that match a pattern the first by name is
    read that is `usable`; if none is, the first, whose reader says what is wrong. `substitutes` says of paths
    (`*` stands for anything) what their rows are where they are not those of the release's own split: reports
    tell it. `read(paths, language)` yields the examples of a file.
    """

    patterns: Mapping[str, tuple[str, ...]]
    read: Callable[[tuple[Path, ...], str], Iterator[Example]]
    paired: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    also: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    gold: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    unlabelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    substitutes: Mapping[str, str] = field(default_factory=dict)
    usable: Callable[[Path], bool] | None = None

    def __post_init__(self) -> None:
        for part in ("patterns", "paired", "gold", "unlabelled"):
            for split, values in getattr(self, part).items():
                _check_tuple(f"files.{part}['{split}']", values)


def _check_tuple(part: str, values: object) -> None:
    """Raises TaskError for a text where a tuple belongs: `("en")` is none, and holds two letters."""
    if isinstance(values, str):
        raise TaskError("TASK", f"`{part}` must be a tuple, got {values!r}.", f"Write ({values!r},).")


NO_COMMIT = "is no full commit, and what a branch, a tag or a short hash names can change."


def is_commit(revision: str) -> bool:
    """Whether a revision of the Hub is a full commit: the one kind whose files stay what they are."""
    return re.fullmatch("[0-9a-f]{40}", revision) is not None


def find_commit(kind: Literal["model", "dataset"], name: str, revision: str) -> str:
    """How to find the commit that a revision of a model or a data set names now."""
    asked = f"huggingface_hub.HfApi().{kind}_info({name!r}, revision={revision!r}).sha"
    return (
        f"Name its 40 hexadecimal digits; the Hub shows them under 'Files and versions', and {asked} is them."
    )


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A data set on the Hugging Face Hub: Parquet, JSON lines or TSV at a commit, never a script.

    `files` gives for each split the path in the repository; it may contain `{lang}`. `also` names further
    files and data sets, which are read after it. `read(rows, language)` yields the examples of the rows.
    """

    dataset: str
    revision: str
    files: Mapping[str, str]
    read: Callable[[Iterator[Mapping[str, Any]], str], Iterator[Example]]
    codes: Mapping[str, str] = field(default_factory=dict)
    also: tuple["Hub", ...] = ()

    @property
    def sources(self) -> tuple["Hub", ...]:
        """This data set and all that are read after it."""
        return (self, *(source for other in self.also for source in other.sources))


@dataclass(frozen=True, kw_only=True)
class Lab:
    """Data that the embedded lab makes; `sizes` gives the number of examples of each split."""

    name: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Task:
    """The facts of a task.

    `labels` stand in arg-max order. `trained_by` names the task whose training data trains this one:
    None for its own, the empty string for nothing (retrieval). `evaluation_fallback` is the split that is
    evaluated where the source has no `evaluation_split` at all; if that is "train", the source language,
    which is trained on it, is left out. `translations` says where a release keeps machine translations of the
    training rows, as the split TRANSLATED. `images` are the paths to try below the folder of images, where
    `{id}` is the name in a row and `{name}` its last part; `captions` says that rows tell in words what is on
    them. `no_hub` says why the rows are not read from the
    Hub. `examples` is how many rows the release has, by split: one number for all languages, or those of the
    languages for which it is known. `version` is raised by hand whenever the rows change, and enters every
    fingerprint.
    """

    family: str
    languages: tuple[str, ...]
    metric: str
    description: str
    citation: str
    licence: str
    url: str = ""
    source_language: str = "en"
    labels: tuple[str, ...] = ()
    trained_by: str | None = None
    files: Files | None = None
    hub: Hub | None = None
    lab: Lab | None = None
    translations: Files | None = None
    images: tuple[str, ...] = ()
    captions: bool = False
    no_hub: str = ""
    examples: Mapping[str, int | Mapping[str, int]] = field(default_factory=dict)
    evaluation_split: str = "test"
    evaluation_fallback: str = ""
    development_split: str = "dev"
    skills: tuple[str, ...] = ()
    version: int = 1
    name: str = ""
    path: Path | None = None

    def __post_init__(self) -> None:
        for part in ("languages", "labels", "images", "skills"):
            _check_tuple(part, getattr(self, part))
        for part, known in (("family", FAMILIES), ("metric", ("", *metrics.names()))):
            if (given := getattr(self, part)) not in known:
                listed = f"There are {', '.join(one for one in known if one)}."
                now = f"{did_you_mean(str(given), known)} {listed}".strip()
                raise TaskError("TASK", f"no {part} '{given}'.", now)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of examples of each split in the source language, or else in the language with most, as
        far as it is known without reading them."""
        if self.lab is not None:
            return self.lab.sizes
        return {
            split: rows if isinstance(rows, int) else rows.get(self.source_language, max(rows.values()))
            for split, rows in self.examples.items()
        }

    def released(self, split: str, language: str) -> int | None:
        """The number of rows that the release has of a split in a language; None if it is not known.

        Of training rows in translation it is that of the originals.
        """
        if split == TRANSLATED:
            split, language = "train", self.source_language
        rows = self.examples.get(self.evaluation_split if split == TEST_TRANSLATED else split)
        return rows.get(language) if isinstance(rows, Mapping) else rows


def names() -> tuple[str, ...]:
    """The names of all tasks of the package, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(xstilts.tasks.__path__)))


@lru_cache(maxsize=256)
def find(name: str, relative_to: Path | None = None) -> Task:
    """The task of that name, or the task in that file (`./mytask.py`, relative to the study's folder).

    Raises TaskError if there is none, or if the file binds no `TASK`.
    """
    if name.endswith(".py"):
        path = Path(name) if relative_to is None else relative_to / name
        return _find_file(path.expanduser().resolve())
    if name not in names():
        now = f"{did_you_mean(name, names())} `xstilts tasks` lists all.".strip()
        raise TaskError(f"task '{name}'", f"no task named '{name}'.", now)
    task: Task = importlib.import_module(f"xstilts.tasks.{name}").TASK
    return replace(task, name=name)


def _find_file(path: Path) -> Task:
    if not is_file(path):
        raise TaskError(str(path), "no such task file.", "Name a Python file that binds TASK.")
    spec = importlib.util.spec_from_file_location(f"xstilts_user_task_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with own_code(path):
        spec.loader.exec_module(module)
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise TaskError(
            str(path), "binds no TASK.", "Write `TASK = Task(...)`; docs/adding-a-task.md shows one."
        )
    for hub in () if task.hub is None else task.hub.sources:
        if not is_commit(hub.revision):
            what = f"the revision {hub.revision!r} of {hub.dataset} {NO_COMMIT}"
            raise TaskError(str(path), what, find_commit("dataset", hub.dataset, hub.revision))
    return replace(task, name=path.stem, path=path)


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
    if task.lab is not None:
        from xstilts import lab

        size = _lab_size(task, split, language)
        yield from lab.generate(task.lab.name, language, "train" if split == TRANSLATED else split, size)
    elif (files := _layout(task, split, data)) is not None:
        paths = _paths(task, files, split, language, data)
        with own_code(task.path):
            yield from _read(task, files, paths, split, language, empty=empty)
    elif task.hub is not None:
        from xstilts import hub

        rows = hub.stream(task.hub, split, language, task.name)
        with own_code(task.path):
            yield from (row for row in rows if empty or not is_left_out(row, trained=split in TRAINED))
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
        now = "" if split in TRAINED else located.labelled(task.url, on_hub=task.hub is not None)
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
        raise DataError(str(paths[0]), "holds no examples.")


def identity(task: Task, split: str, language: str, data: Path | None = None) -> str:
    """What rows depend on: a Hub revision, the checksum of local files, or the lab's version."""
    split, language = original(task, split, language)
    if task.lab is not None:
        from xstilts import lab

        return f"lab:{lab.VERSION}:{task.lab.name}:{_lab_size(task, split, language)}"
    if paths := sources(task, split, language, data):
        return "sha256:" + located.checksum(tuple((path, path.stat().st_mtime_ns) for path in paths))
    if task.hub is None:
        raise DataError(f"task '{task.name}'", "names no source of data.")
    if split not in task.hub.files:
        what = f"has no split '{split}' on the Hub; it has {', '.join(task.hub.files)}."
        raise DataError(f"task '{task.name}'", what)
    revisions = dict.fromkeys(f"{hub.dataset}@{hub.revision}" for hub in task.hub.sources)
    return "hub:" + "+".join(revisions)


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
    paths = list(located.matches(folder, files.patterns[split], files, language))
    place = paths.index(read)
    return (*paths[:place], *(path for path in paths[place + 1 :] if path.parent == read.parent))


def size_without_reading(task: Task, split: str, language: str) -> int | None:
    """The number of rows that the lab makes; None of tasks whose rows have to be read to be counted."""
    return None if task.lab is None else _lab_size(task, *original(task, split, language))


def text_bytes(task: Task, split: str, language: str, data: Path | None = None) -> int | None:
    """How many bytes the local files of a split hold, uncompressed; None if there are none."""
    split, language = original(task, split, language)
    files = _layout(task, split, data)
    if files is None or (data is None and task.path is None):
        return None
    return sum(map(said_size, located.find(files, split, language, _folder(task, split, data)))) or None


def available(task: Task, split: str, data: Path | None = None) -> tuple[str, ...]:
    """The languages of the task for which the source has that split, in the task's order.

    There may be translations into languages that the task itself does not have: those stand by their codes,
    after the source language.
    """
    if split == TRANSLATED:
        from xstilts import translated

        others, layout = translated.languages(task), translated.layout(task)
        if task.lab is None:
            local = data is not None or task.path is not None
            folder = _folder(task, split, data) if local else Path()
            others = tuple(code for code in others if local and located.find(layout, split, code, folder))
        source = task.source_language in available(task, "train", data)
        return (task.source_language, *others) if source else others
    if not from_files(task, data) or (data is None and task.path is None):
        codes = task.hub.codes if task.hub is not None else {}
        if task.hub is not None and split not in task.hub.files:
            return ()
        return tuple(lang for lang in task.languages if lang in (codes or task.languages))
    assert task.files is not None
    folder = _folder(task, split, data)
    return tuple(lang for lang in task.languages if located.find(task.files, split, lang, folder))


def original(task: Task, split: str, language: str) -> tuple[str, str]:
    """Split and language whose rows are meant: what is in the source language needs no translation."""
    if split == TEST_TRANSLATED and task.lab is not None:
        return task.evaluation_split, task.source_language
    if language == task.source_language:
        split = {TRANSLATED: "train", TEST_TRANSLATED: task.evaluation_split}.get(split, split)
    return split, language


def _layout(task: Task, split: str, data: Path | None) -> Files | None:
    """The local files of a split; None if the rows come from elsewhere."""
    if split == TRANSLATED:
        from xstilts import translated

        return None if task.lab is not None else translated.layout(task)
    return task.files if from_files(task, data) else None


def from_files(task: Task, data: Path | None) -> bool:
    """Whether the rows of a task are read from files: beside a user's own task file, in the data folder if it
    holds any file of the task, and in any case if they are on no Hub."""
    if task.files is None or task.lab is not None:
        return False
    if task.path is not None or task.hub is None:
        return True
    if data is None or not data.is_dir():
        return data is not None
    files = task.files
    return any(
        located.first(data, patterns, files, language)
        for patterns in files.patterns.values()
        for language in task.languages
    )


def _lab_size(task: Task, split: str, language: str) -> int:
    assert task.lab is not None
    if split == TRANSLATED:
        from xstilts import translated

        translated.check(task, language)
        return task.lab.sizes["train"]
    if split not in task.lab.sizes:
        raise DataError(f"task '{task.name}'", f"has no split '{split}'; it has {', '.join(task.lab.sizes)}.")
    return task.lab.sizes[split]


def _paths(task: Task, files: Files, split: str, language: str, data: Path | None) -> tuple[Path, ...]:
    """The files of a split in a language; DataError with the paths tried if they are not there."""
    here = f"task '{task.name}'"
    if split == TRANSLATED:
        from xstilts import translated

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
    found = located.find(files, split, language, folder)
    if not found:
        wanted = (*files.patterns[split], *files.paired.get(split, ()), *files.gold.get(split, ()))
        tried = ", ".join(located.fill(pattern, files, language) for pattern in wanted)
        what = f"no {split} data of {here} in '{language}': looked for {tried} (plain or .gz)."
        now = "Check --data DIR, or leave the language out of the study."
        if split == TRANSLATED:
            now = translated.way_out(task, language)
        elif located.lacks_gold(files, split, language, folder):
            now = located.labelled(task.url, on_hub=task.hub is not None)
        elif language == task.source_language and split != task.evaluation_split and task.url:
            now = f"Check --data DIR, or get the files from {task.url}."
        raise DataError(str(folder), what, now)
    return found


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
