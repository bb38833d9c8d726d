"""Reading every local row that a plan will need, before anything runs: broken files are told at once, and so
are images that rows name and that are not there.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from xstilts import families, metrics
from xstilts.data import hub, images, loader, task
from xstilts.data.examples import Example
from xstilts.data.fit import is_left_out
from xstilts.data.own_code import own_code
from xstilts.errors import DataError, InputError, InputErrors, StudyError, TaskError
from xstilts.families.visual import WITHOUT_IMAGES
from xstilts.metrics.own import TRIED
from xstilts.study.architecture import KINDS, SEEING, type_of
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase, chain
from xstilts.study.sources import Part, number_of, parts, parts_of, uses
from xstilts.study.step import Places, Step
from xstilts.study.vision import EYES

SHOWN = 5
"""Missing images that a message names."""


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
    rows that are passed by because they have no text, and on what was not looked at. Of declared tasks the
    rows of the Hub count as files here where they were fetched before, or if they are to be fetched now."""
    known = tuple(steps)
    pictured = {part for step in known for use in uses(step) if use.images for part in parts(use)}
    named: dict[str, list[str]] = {}
    counts: dict[Part, int] = {}
    errors: dict[str, InputError] = {}
    without: dict[tuple[str, str], dict[str, int]] = {}
    unseen = dict[str, None]()
    for part in parts_of(known):
        one = places.task(part.task)
        local = loader.from_files(one, places.data) or part.split == task.TRANSLATED
        if one.definition is not None and one.hub is not None and not local:
            local = fetch or hub.in_cache(one.hub, part.split, part.language)
            unseen |= {} if local else {part.task: None}
        if one.made is not None or not local or (one.path is None and places.data is None):
            continue
        try:
            if one.measure is not None and part.split == one.evaluation_split:
                _try_measure(one, part, places)
            given = loader.stream(one, part.split, part.language, places.data, empty=True)
            empty: list[bool] = []
            rows = _with_text(given, empty, trained=part.split in task.TRAINED)
            if part in pictured:
                pictures = [getattr(row, "images", ()) for row in rows]
                named.setdefault(part.task, []).extend(name for names in pictures for name in names)
                counts[part] = len(pictures)
            else:
                counts[part] = number_of(rows)
            if any(empty):
                without.setdefault((part.task, part.split), {})[part.language] = sum(empty)
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
    later = (f"{name}: its rows on the Hub are checked when they are fetched: by `run`" for name in unseen)
    return counts, tuple(errors.values()), (*notes, *later)


def _try_measure(one: task.Task, part: Part, places: Places) -> None:
    """Score a few gold values with a user's own metric; TaskError with its line if that fails."""
    assert one.measure is not None
    stream = loader.stream(one, part.split, part.language, places.data)
    gold = [families.find(one.family).gold(row) for row in islice(stream, TRIED)]
    with own_code(one.path):
        metrics.try_out(one.measure, gold, part.language)


def _with_text(rows: Iterable[Example], empty: list[bool], *, trained: bool) -> Iterator[Example]:
    """The rows that are read; `empty` is told of each whether it is one of the others."""
    for row in rows:
        empty.append(is_left_out(row, trained=trained))
        if not empty[-1]:
            yield row


def unseeing(step: Step, places: Places) -> InputError | None:
    """Why a step cannot be computed that shows images to a model; None if it shows none, or the model sees.

    What a model of the Hub can do is not known before it is fetched.
    """
    one = step.specification
    if isinstance(one, Backbone) or (isinstance(one, Evaluation) and one.model is None):
        return None
    asked = one.uses if isinstance(one, Phase) else (one.use,)
    if all(use.family != "visual" or use.view in WITHOUT_IMAGES for use in asked):
        return None
    *_, backbone = chain(one.model if isinstance(one, Evaluation) else one)
    assert isinstance(backbone, Backbone)
    if backbone.vision is not None or backbone.model is not None:
        return None
    folder = places.backbones.get(str(backbone.checksum))
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
    more = f" and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
    what = (
        f"{len(missing):,} of {len(set(named)):,} images are not there: {', '.join(missing[:SHOWN])}{more}."
    )
    return DataError(f"task '{one.name}'", what, images.WAY_OUT)
