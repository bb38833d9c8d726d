"""Reading every local row that a plan will need, before anything runs: broken files are told at once, and so
are images that rows name and that are not there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xstilts import images, task
from xstilts.errors import DataError, InputError, InputErrors, StudyError
from xstilts.families.fit import is_left_out
from xstilts.families.visual import WITHOUT_IMAGES
from xstilts.study.architecture import KINDS, SEEING, type_of
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase, chain
from xstilts.study.step import Places, Step
from xstilts.study.use import Use
from xstilts.study.vision import EYES

SHOWN = 5
"""Missing images that a message names."""


def check_rows(steps: Iterable[Step], places: Places) -> None:
    """Read the local files of all steps once, not the lab, not the Hub. InputErrors with every broken one,
    with the number of images that are missing, by task, and with every step that nothing can compute."""
    known = tuple(steps)
    blind = (error for step in known if (error := unseeing(step, places)) is not None)
    if errors := (*read(known, places).errors, *blind):
        raise InputErrors(errors)


def unseeing(step: Step, places: Places) -> InputError | None:
    """Why a step cannot be computed that shows images to a model; None if it shows none, or the model sees.

    What a model of the Hub can do is not known before it is fetched.
    """
    one = step.specification
    if isinstance(one, Backbone) or (isinstance(one, Evaluation) and one.model is None):
        return None
    uses = one.uses if isinstance(one, Phase) else (one.use,)
    if all(use.family != "visual" or use.view in WITHOUT_IMAGES for use in uses):
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


@dataclass(frozen=True)
class Reading:
    """What reading all local rows told: what is wrong, and notes on rows that are passed by."""

    errors: tuple[InputError, ...]
    notes: tuple[str, ...]


def read(steps: Iterable[Step], places: Places) -> Reading:
    """Read the local files of all steps once, and look for the images that their rows name."""
    wanted: dict[tuple[str, str, str], bool] = {}
    for use in (use for step in steps for use in _uses(step)):
        wanted |= {part: bool(use.images) or wanted.get(part, False) for part in _parts(use)}
    named: dict[str, list[str]] = {}
    errors: dict[str, InputError] = {}
    notes: list[str] = []
    for (name, split, language), pictured in sorted(wanted.items()):
        one = places.task(name)
        local = task.from_files(one, places.data) or split == task.TRANSLATED
        if one.lab is not None or not local or (one.path is None and places.data is None):
            continue
        empty = 0
        try:
            for row in task.stream(one, split, language, places.data, empty=True):
                empty += is_left_out(row, trained=split in task.TRAINED)
                if pictured:
                    named.setdefault(name, []).extend(getattr(row, "images", ()))
        except InputError as error:
            errors[str(error)] = error
            continue
        if empty:
            notes.append(f"{name}: {empty:,} rows of {split} in '{language}' have no text and are passed by")
    for name, found in named.items():
        if (lack := _lack(places.task(name), found, places)) is not None:
            errors[str(lack)] = lack
    return Reading(tuple(errors.values()), tuple(notes))


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


def _uses(step: Step) -> Iterator[Use]:
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


def _parts(use: Use) -> Iterator[tuple[str, str, str]]:
    yield from ((use.task, use.split, language) for language in use.languages)
    if use.development is not None:
        yield use.task, use.development.split, use.development.language
