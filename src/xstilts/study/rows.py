"""Reading every local row that a plan will need, before anything runs: broken files are told at once."""

from collections.abc import Iterable, Iterator

from xstilts import task
from xstilts.errors import InputError, InputErrors
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase
from xstilts.study.step import Places, Step
from xstilts.study.use import Use


def check_rows(steps: Iterable[Step], places: Places) -> None:
    """Read the local files of all steps once, not the lab, not the Hub. InputErrors with every broken one."""
    wanted = {part for step in steps for use in _uses(step) for part in _parts(use)}
    errors: dict[str, InputError] = {}
    for name, split, language in sorted(wanted):
        one = places.task(name)
        local = task.from_files(one, places.data) or split == task.TRANSLATED
        if one.lab is not None or not local or (one.path is None and places.data is None):
            continue
        try:
            task.load(one, split, language, places.data)
        except InputError as error:
            errors[str(error)] = error
    if errors:
        raise InputErrors(errors.values())


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
