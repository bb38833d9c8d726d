"""What the rows of steps are read from: files, how many rows they hold, and how many the release has.

A part of a release, or another split, may take the place of the whole; that is never silent. `check`, the
records of steps and every report tell these sources.

Every local row that a plan will need is read before anything runs: broken files are told at once, and so are
images that rows name and that are not there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from xstilts import families, metrics
from xstilts.data import hub, images, loader, task
from xstilts.data.examples import Bitext, Example, is_left_out
from xstilts.errors import DataError, InputError, InputErrors, StudyError, TaskError
from xstilts.families.visual import WITHOUT_IMAGES
from xstilts.metrics.metric import TRIED
from xstilts.plain import by_key, first_of
from xstilts.study.architecture import KINDS, SEEING, type_of
from xstilts.study.backbone import EYES, Backbone
from xstilts.study.phase import Evaluation, Phase, base_of
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

MISSING = "missing"
"""The identity of rows that are not there, in a draft of a plan."""


class Part(NamedTuple):
    """The rows of a split of a task in a language; `data` is their identity."""

    task: str
    split: str
    language: str
    data: str


@dataclass(frozen=True)
class Source:
    """What a part is read from; `instead` says what the rows are if they are not the release's own split.

    `files` are paths below the data folder, or beside a user's task file; of the Hub they are called
    `hub:REPOSITORY@REVISION/PATH`, of the lab `lab:NAME`. In them `code` stands for the language.
    `rows` is None where nobody counted them, `release` where it is not known how many the release has.
    """

    task: str
    split: str
    language: str
    data: str
    files: tuple[str, ...]
    code: str
    rows: int | None
    release: int | None
    instead: str = ""

    @property
    def differs(self) -> bool:
        """Whether there are other rows than in the release, as far as that is known."""
        return bool(self.instead) or (None not in (self.rows, self.release) and self.rows != self.release)


@dataclass(frozen=True)
class SourceGroup:
    """The sources of a split of a task whose paths differ in the language alone: {lang} in `files`."""

    task: str
    split: str
    files: tuple[str, ...]
    instead: str
    members: tuple[Source, ...]

    @property
    def languages(self) -> str:
        return " ".join(one.language for one in self.members)

    @property
    def read(self) -> str:
        """'intermediate/mnli/multinli_1.0_train.jsonl', with what it is instead of the release's split."""
        return ", ".join(self.files) + (f" ({self.instead})" if self.instead else "")

    @property
    def rows(self) -> str:
        """'17,244 rows', '2,505 rows each' or '1 to 10 rows, in all 33'; "" if not all are counted."""
        counts = [one.rows for one in self.members if one.rows is not None]
        return _numbers(counts, " row") if len(counts) == len(self.members) else ""

    @property
    def release(self) -> str:
        """The release's rows in the languages in which they are others than those that were read."""
        other = [
            one for one in self.members if one.release is not None and one.rows not in (None, one.release)
        ]
        if not other:
            return ""
        told = _numbers([one.release for one in other if one.release is not None])
        partly = len(other) < len(self.members)
        return f"{told} in {' '.join(one.language for one in other)}" if partly else told

    def __str__(self) -> str:
        """'mnli, train, en: intermediate/mnli/train.jsonl, 17,244 rows; the release has 392,702'."""
        return self._told(self.read)

    @property
    def difference(self) -> str:
        """The same without the files."""
        return self._told(self.instead)

    def _told(self, read: str) -> str:
        told = ", ".join(text for text in (read, self.rows) if text)
        release = f"; the release has {self.release}" if self.release else ""
        return f"{self.task}, {self.split}, {self.languages}: {told}{release}"


def uses(step: Step) -> Iterator[Use]:
    """What the step itself reads; its parents are steps of their own."""
    specification = step.specification
    if isinstance(specification, Backbone):
        yield from specification.tokenizer.uses if specification.tokenizer else ()
    elif isinstance(specification, Phase):
        yield from specification.uses
    else:
        yield specification.use
        if specification.thresholds is not None:
            yield specification.thresholds
        if specification.model is None and specification.trained_by is not None:
            yield specification.trained_by
        if specification.prompt is not None and specification.prompt.use is not None:
            yield specification.prompt.use


def parts(use: Use) -> Iterator[Part]:
    """The rows that a use reads: its own, and those of development."""
    for language, data in zip(use.languages, use.data, strict=True):
        yield Part(use.task, use.split, language, data)
    if use.development is not None:
        yield Part(use.task, use.development.split, use.development.language, use.development.data)


def parts_of(steps: Iterable[Step]) -> tuple[Part, ...]:
    """The parts that steps read, each once, sorted; without those that are missing."""
    found = {part for step in steps for use in uses(step) for part in parts(use)}
    return tuple(sorted(part for part in found if part.data != MISSING))


def source(part: Part, places: Places, rows: int | None = None) -> Source:
    """What a part is read from. `rows` is their number; that of the lab's is known without."""
    task = places.task(part.task)
    split, language = loader.original(task, part.split, part.language)
    if rows is None:
        rows = loader.size_without_reading(task, split, language)
    release = task.released(part.split, part.language)
    if task.made is not None:
        return Source(*part, (task.made.title,), language, rows, release)
    if paths := loader.sources(task, split, language, places.data):
        folder = places.data if task.path is None else task.path.parent
        assert task.files is not None and folder is not None
        files = tuple(path.relative_to(folder).as_posix() for path in paths)
        instead = dict.fromkeys(
            text
            for path in files
            for pattern, text in task.files.substitutes.items()
            if fnmatchcase(path.removesuffix(".gz"), pattern)
        )
        code = task.files.codes.get(language, language)
        return Source(*part, files, code, rows, release, ", ".join(instead))
    assert task.hub is not None, "what has neither files nor a place on the Hub has no identity"
    files = tuple(hub.paths(task.hub, split, language, task.name))
    return Source(*part, files, task.hub.codes.get(language, language), rows, release)


def read(step: Step, places: Places) -> list[Source]:
    """What a step has read, with the numbers of rows, for its record."""
    return [source(part, places, counted(part, places)) for part in parts_of((step,))]


_counts: dict[tuple[Part, str, Path | None], int] = {}


def counted(part: Part, places: Places, rows: Sequence[Example] | None = None) -> int:
    """The number of rows of a part, which `rows` are if whoever asks has read them.

    Others are counted once in a process; those of other tasks than the lab's are read for it.
    """
    task = places.task(part.task)
    key = part, task.name if task.path is None else str(task.path), places.data
    if key not in _counts:
        known = loader.size_without_reading(task, part.split, part.language)
        if known is None:
            read = loader.stream(task, part.split, part.language, places.data) if rows is None else rows
            known = number_of(read)
        _counts[key] = known
    return _counts[key]


def number_of(rows: Iterable[Example]) -> int:
    """How many rows examples are: of a text in two languages its gold pairs."""
    return sum(len(row.gold) if isinstance(row, Bitext) else 1 for row in rows)


def grouped(sources: Iterable[Source], *, by_files: bool = True) -> list[SourceGroup]:
    """Sources by task, split and files, in the order of the first of each."""
    found = by_key(
        ((one.task, one.split, _pattern(one) if by_files else (), one.instead), one) for one in sources
    )
    return [
        SourceGroup(name, split, pattern if len(members) > 1 else members[0].files, instead, tuple(members))
        for (name, split, pattern, instead), members in found.items()
    ]


def differing(sources: Iterable[Source]) -> list[str]:
    """A sentence for each split of a task that has other rows than the release."""
    found = grouped((one for one in sources if one.differs), by_files=False)
    return [f"Not the whole release: {group.difference}." for group in found]


def _pattern(one: Source) -> tuple[str, ...]:
    """The files with {lang} for the code of the language, where that stands by itself."""
    code = re.compile(rf"(?<![^\W_]){re.escape(one.code)}(?![^\W_])")
    return tuple(code.sub("{lang}", path) for path in one.files)


def _numbers(counts: Sequence[int], noun: str = "") -> str:
    noun = f"{noun}s" if noun and max(counts) > 1 else noun
    if len(counts) == 1:
        return f"{counts[0]:,}{noun}"
    if len(set(counts)) == 1:
        return f"{counts[0]:,}{noun} each"
    return f"{min(counts):,} to {max(counts):,}{noun}, in all {sum(counts):,}"


SHOWN = 5
"""Missing images or other languages that a message names."""


def check_rows(steps: Iterable[Step], places: Places) -> None:
    """Read the local files of all steps once, not the lab, nor of the Hub more than tasks that the study
    declares. InputErrors with every broken one, with the number of images that are missing, by task, and with
    every step that nothing can compute."""
    known = tuple(steps)
    blind = (error for step in known if (error := unseeing(step, places)) is not None)
    if errors := (*look(known, places, fetch=True)[1], *blind):
        raise InputErrors(errors)


def look(
    steps: Iterable[Step], places: Places, *, fetch: bool = False
) -> tuple[dict[Part, int], tuple[InputError, ...], tuple[str, ...]]:
    """The number of rows of every part that is read from files here, and everything that is wrong: broken
    files, images that rows name and that are not there, and metrics of users that are none. Also notes: on
    rows that are passed by, without text or in other languages, and on what was not looked at. Of declared
    tasks the rows of the Hub count as files here where they were fetched before, or if they are to be now."""
    known = tuple(steps)
    pictured = {part for step in known for use in uses(step) if use.images for part in parts(use)}
    named: dict[str, list[str]] = {}
    counts: dict[Part, int] = {}
    errors: dict[str, InputError] = {}
    without: dict[tuple[str, str], dict[str, int]] = {}
    elsewhere: dict[tuple[str, str, tuple[Path, ...]], Mapping[str, int]] = {}
    unseen = dict[str, None]()
    for part in parts_of(known):
        one = places.task(part.task)
        local = loader.reads_files(one, part.split, places.data)
        if one.definition is not None and one.hub is not None and not local:
            local = fetch or hub.in_cache(one.hub, part.split, part.language)
            unseen |= {} if local else {part.task: None}
        if not local or (one.path is None and places.data is None):
            continue
        try:
            if one.measure is not None and part.split == one.evaluation_split:
                _try_measure(one, part, places)
            count, passed_by, pictures = 0, 0, list[str]()
            for row in loader.stream(one, part.split, part.language, places.data, empty=True):
                if is_left_out(row, trained=part.split in task.TRAINED):
                    passed_by += 1
                else:
                    count += number_of((row,))
                    pictures += getattr(row, "images", ())
            counts[part] = count
            if part in pictured:
                named.setdefault(part.task, []).extend(pictures)
            if passed_by:
                without.setdefault((part.task, part.split), {})[part.language] = passed_by
            if one.elsewhere is not None:
                paths = loader.sources(one, part.split, part.language, places.data)
                if (key := (part.task, part.split, paths)) not in elsewhere:
                    elsewhere[key] = one.elsewhere(paths)
        except InputError as error:
            fault = f"{error.where}: {error.what}" if isinstance(error, TaskError) else str(error)
            errors.setdefault(fault, error)  # a line of a user's own task fails in every file alike
    for name, found in named.items():
        if (lack := _lack(places.task(name), found, places)) is not None:
            errors[str(lack)] = lack
    notes = (
        f"{name}: {sum(found.values()):,} rows of {split} in {', '.join(map(repr, found))} have no text "
        "and are passed by"
        for (name, split), found in without.items()
    )
    others = (
        f"{name}: {split} has {sum(found.values()):,} rows in other languages: {_first(found)}"
        for (name, split, _), found in elsewhere.items()
        if found
    )
    later = (f"{name}: its rows on the Hub are checked when they are fetched: by `run`" for name in unseen)
    return counts, tuple(errors.values()), (*notes, *others, *later)


def _first(counts: Mapping[str, int]) -> str:
    """ "'fr' (12), 'it' (3)": the languages that a message names, those with most rows first."""
    sizes = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return first_of([f"{code!r} ({size:,})" for code, size in sizes], SHOWN)


def _try_measure(one: task.Task, part: Part, places: Places) -> None:
    """Score a few gold values with a user's own metric; TaskError with its line if that fails."""
    assert one.measure is not None
    stream = loader.stream(one, part.split, part.language, places.data)
    gold = [families.find(one.family).gold(row) for row in islice(stream, TRIED)]
    with task.own_code(one.path):
        metrics.try_out(one.measure, gold, part.language)


def unseeing(step: Step, places: Places) -> InputError | None:
    """Why a step cannot be computed that shows images to a model; None if it shows none, or the model sees.

    What a model of the Hub can do is not known before it is fetched.
    """
    one = step.specification
    model = one.model if isinstance(one, Evaluation) else one
    if model is None or isinstance(one, Backbone):
        return None
    asked = one.uses if isinstance(one, Phase) else (one.use,)
    if all(not use.kind.pictured or use.view in WITHOUT_IMAGES for use in asked):
        return None
    backbone, folder = base_of(model), places.folder(model)
    if backbone.vision is not None or backbone.model is not None:
        return None
    if folder is not None and ((folder / EYES).is_file() or KINDS.get(type_of(folder) or "") in SEEING):
        return None
    what = "shows images to a model that reads text alone."
    return StudyError(step.name, what, "Give its backbone eyes: `vision = { size = 32, patch = 16 }`.")


def _lack(one: task.Task, named: list[str], places: Places) -> InputError | None:
    """The error that tells which of the images that rows name are missing."""
    try:
        missing = images.missing(one, named, places.images)
    except InputError as error:
        return error
    if not missing:
        return None
    shown = first_of(missing, SHOWN)
    what = f"{len(missing):,} of {len(set(named)):,} images are not there: {shown}."
    return DataError(f"task '{one.name}'", what, images.WAY_OUT)
