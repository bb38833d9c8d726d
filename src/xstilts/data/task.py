"""A task: where its rows are, what kind it is, which languages it has, how it is scored.

A task is one file, `tasks/<name>.py`, which binds `TASK`. A study may also name the path of a user's own.
"""

import re
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from xstilts.data.examples import Example
from xstilts.errors import DataError, TaskError, did_you_mean

if TYPE_CHECKING:
    from xstilts.metrics import Metric

TRANSLATED = "train-translated"
"""The split that holds the source language's training rows in another language: see
`xstilts.data.translated`. In the source language itself these are the training rows."""

TEST_TRANSLATED = "test-translated"
"""The split that holds the evaluated rows of a language in the source language, translated by machine. The
lab translates without fault: there these are the rows of the source language."""

TRAINED = ("train", TRANSLATED)
FAMILIES = ("classification", "choice", "tagging", "span", "visual", "retrieval", "masked")


@dataclass(frozen=True, kw_only=True)
class Files:
    """The original release, in a folder that the user names with `--data`.

    `patterns` gives for each split the paths to try, in order, below that folder; a path may contain
    `{lang}`, and each may be plain or end in `.gz`: as named, or else the other. `paired` names a second file
    that is read beside the first (line-aligned text), `gold` one with the right pairs, read after those.
    `codes` maps a language to the code that the release uses for it. `unlabelled` names languages in which
    the release withholds the labels of a split: their files are never read. Of several files that match a
    pattern the first by name is read that is `usable`; if none is, the first, whose reader says what is
    wrong. `substitutes` says of paths (`*` stands for anything) what their rows are where they are not those
    of the release's own split: reports tell it. `read(paths, language)` yields the examples of a file.
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

    def fill(self, pattern: str, language: str) -> str:
        """A pattern with the release's own code of a language."""
        return pattern.replace("{lang}", self.codes.get(language, language))

    def matches(self, folder: Path, patterns: Iterable[str], language: str) -> Iterator[Path]:
        """The files that are there, plain or compressed, in the order in which they are tried."""
        for pattern in patterns:
            plain = self.fill(pattern, language).removesuffix(".gz")
            both = [plain, plain + ".gz"]
            if pattern.endswith(".gz"):  # what is named goes first
                both.reverse()
            if "*" in plain:  # by name, whether compressed or not
                paths = sorted(path for one in both for path in folder.glob(one))
            else:
                paths = [folder / one for one in both]
            yield from (path for path in paths if path.is_file())

    def find(self, split: str, language: str, folder: Path) -> tuple[Path, ...]:
        """The file of a split, what is paired with it, what is gold, if all these are there; and those of the
        further files that are.
        """
        if split not in self.patterns or language in self.unlabelled.get(split, ()):
            return ()
        found = list[Path]()
        for beside in (self.patterns, self.paired, self.gold):
            if split in beside:
                if (path := self._first(folder, beside[split], language)) is None:
                    return ()
                found.append(path)
        further = (self._first(folder, patterns, language) for patterns in self.also.get(split, ()))
        return (*found, *(path for path in further if path is not None))

    def _first(self, folder: Path, patterns: tuple[str, ...], language: str) -> Path | None:
        """The first file that is usable; if none is, the first; None if there is none."""
        paths, usable = list(self.matches(folder, patterns, language)), self.usable
        if len(paths) > 1 and usable is not None:
            paths = [path for path in paths if _is_usable(usable, path, path.stat().st_mtime_ns)] or paths
        return paths[0] if paths else None


@lru_cache(maxsize=4096)
def _is_usable(usable: Callable[[Path], bool], path: Path, changed: int) -> bool:
    """Whether a file can be used; what is wrong with one that is broken is told where it is read."""
    try:
        return usable(path)
    except (DataError, OSError, EOFError, zlib.error):
        return True


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
    files and data sets, which are read after it. `read(rows, language)` yields the examples of the rows;
    instead of it `read_files(paths, language)` does so of the files: of all that a path with `*` stands for.
    """

    dataset: str
    revision: str
    files: Mapping[str, str]
    read: Callable[[Iterator[Mapping[str, Any]], str], Iterator[Example]] | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    also: tuple["Hub", ...] = ()
    read_files: Callable[[tuple[Path, ...], str], Iterator[Example]] | None = None

    @property
    def sources(self) -> tuple["Hub", ...]:
        """This data set and all that are read after it."""
        return (self, *(source for other in self.also for source in other.sources))


class Made(Protocol):
    """Rows that a program makes, as the embedded lab does; `sizes` has the number of examples of each split.

    They are the same in every language but for its words, and so are their translations.
    """

    @property
    def sizes(self) -> Mapping[str, int]: ...

    @property
    def identity(self) -> str:
        """What the rows depend on besides their number: the kind of source, its version, a name."""

    @property
    def title(self) -> str:
        """What reports call the source, where others have a file."""

    def rows(self, split: str, language: str, size: int) -> Iterable[Example]:
        """The first rows of a split in a language."""

    def image(self, name: str) -> Any:
        """The image of that name in red, green and blue [height, width, 3]."""


class Wording(NamedTuple):
    """A prompt: how a language model is asked about a row, in the words of one language.

    `template` holds the row's texts by their names (`TEXTS`) in braces and ends with `{answer}`. `answers`
    stand for the labels of the task, in their order. `phrases` are replaced in the row's texts: what a reader
    puts into them in the source language, each with what says so in the language of the prompt.
    """

    template: str
    answers: tuple[str, ...] = ()
    phrases: tuple[tuple[str, str], ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of the texts that the template holds, the answer left out."""
        parts = Formatter().parse(self.template.removesuffix("{answer}"))
        return tuple(name for _, name, *_ in parts if name is not None)


TEXTS = {"classification": ("text", "text2"), "choice": ("context",), "span": ("question", "context")}
"""The texts of a row that a prompt may name, by family."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The facts of a task.

    `labels` stand in arg-max order; `options` is how many each row of a choice has, 0 if not all have as
    many. `trained_by` names the task whose training data trains this one: None for its own, the empty string
    for nothing (retrieval). `evaluation_fallback` is the split that is evaluated where the source has no
    `evaluation_split` at all; if that is "train", the source language,
    which is trained on it, is left out. `translations` says where a release keeps machine translations of the
    training rows, as the split TRANSLATED. `images` are the paths to try below the folder of images, where
    `{id}` is the name in a row and `{name}` its last part; `captions` says that rows tell in words what is on
    them. `no_hub` says why the rows are not read from the
    Hub. `examples` is how many rows the release has, by split: one number for all languages, or those of the
    languages for which it is known. `version` is raised by hand whenever the rows change, and enters every
    fingerprint. `prompts` has the words in which a language model is asked, by language.

    `measure` is the metric itself, named `metric`, where it is none of the package. Of a task that a study
    declares, `definition(split, language)` is a digest of how its rows are read, which their identity holds,
    `rows_in` has the languages of the splits that have not all, `reads` tells the columns, and
    `elsewhere(paths)` counts the rows in languages that it does not name, where a column tells the language.
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
    options: int = 0
    trained_by: str | None = None
    files: Files | None = None
    hub: Hub | None = None
    made: Made | None = None
    translations: Files | None = None
    images: tuple[str, ...] = ()
    captions: bool = False
    no_hub: str = ""
    examples: Mapping[str, int | Mapping[str, int]] = field(default_factory=dict)
    evaluation_split: str = "test"
    evaluation_fallback: str = ""
    development_split: str = "dev"
    skills: tuple[str, ...] = ()
    prompts: Mapping[str, Wording] = field(default_factory=dict)
    version: int = 1
    name: str = ""
    path: Path | None = None
    measure: "Metric | None" = None
    definition: Callable[[str, str], str] | None = None
    rows_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: Callable[[tuple[Path, ...]], Mapping[str, int]] | None = None
    reads: str = ""

    def __post_init__(self) -> None:
        for part in ("languages", "labels", "images", "skills"):
            _check_tuple(part, getattr(self, part))
        if self.family not in FAMILIES:
            now = f"{did_you_mean(str(self.family), FAMILIES)} There are {', '.join(FAMILIES)}.".strip()
            raise TaskError("TASK", f"no family '{self.family}'.", now)
        if self.prompts and self.family not in TEXTS:
            what = f"tasks of the family {self.family} take no prompts."
            raise TaskError("TASK", what, "Take `prompts` out.")
        texts = TEXTS.get(self.family, ())
        for language, prompt in self.prompts.items():
            named, known = prompt.texts, (*self.languages, self.source_language)
            worded = prompt.template.endswith("{answer}") and named and {*named} <= {*texts}
            answered = len({*prompt.answers}) == len(prompt.answers) == len(self.labels)
            if not (worded and answered and language in known):
                what = f"the prompt in '{language}' does not fit the task."
                now = "A template names " + " and ".join(f"{{{name}}}" for name in texts)
                now += f" and ends with {{answer}}; `answers` are {len(self.labels)} different ones."
                raise TaskError("TASK", what, now)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of examples of each split in the source language, or else in the language with most, as
        far as it is known without reading them."""
        if self.made is not None:
            return self.made.sizes
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


@contextmanager
def own_code(path: Path | None) -> Iterator[None]:
    """Tell whatever goes wrong in the code of a user's task file with the line of it, as a TaskError.

    What is no fault of the code passes: a file that cannot be read or decoded, and errors that say where.
    """
    try:
        yield
    except Exception as error:
        cause = error.__cause__ if isinstance(error, DataError) else error
        if path is None or cause is None:
            raise
        number, line = _line_of(path, cause)
        of_the_file = isinstance(cause, OSError | EOFError | zlib.error | UnicodeDecodeError)
        if isinstance(error, DataError) and (number == 0 or of_the_file):
            raise
        where = f"{path}:{number}" if number else str(path)
        if isinstance(error, TaskError):
            raise TaskError(where, error.what, error.now) from error
        what = f"{type(cause).__name__}: {cause}".removesuffix(": ") + (f", in `{line}`." if line else ".")
        read = f" It happened at {error.where}." if isinstance(error, DataError) else ""
        raise TaskError(where, f"the task file fails: {what}", f"Correct the line.{read}") from error


def _line_of(path: Path, error: BaseException) -> tuple[int, str]:
    """The last line of a file that an error passed through; (0, "") if it passed through none."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 0, (error.text or "").strip()
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
    return (frames[-1].lineno or 0, frames[-1].line or "") if frames else (0, "")
