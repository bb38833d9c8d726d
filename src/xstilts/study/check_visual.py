"""What is wrong with the controls of a study: they belong to targets about images."""

from collections.abc import Iterator

from xstilts.data.task import TEST_TRANSLATED, Task
from xstilts.study.benchmark import expand
from xstilts.study.check_tasks import found_tasks
from xstilts.study.claim import CONTROLS
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile


def controls_of(study: StudyFile, target: Task) -> tuple[str, ...]:
    """The controls among the study's references that a target can have."""
    return tuple(name for name in study.references if name in CONTROLS and not _refusal(name, target))


def _refusal(control: str, target: Task) -> str:
    """Why a target cannot have a control; empty if it can."""
    if target.family != "visual":
        return "it is about text alone"
    if control == "caption-only" and not target.captions:
        return "its rows have no captions"
    translated = target.made is not None or (target.files and TEST_TRANSLATED in target.files.patterns)
    if control == "translate-test" and not translated:
        return "its release keeps no translations of the evaluated rows"
    return ""


def check_controls(study: StudyFile) -> Iterator[Problem]:
    """References are named once; each control has a target that can have it."""
    place: Place = ("references",)
    found = found_tasks(study, expand(study.target.tasks))
    for name in dict.fromkeys(study.references):
        if study.references.count(name) > 1:
            yield Problem(place, f"names '{name}' more than once.", "Remove the others.")
        if name in CONTROLS and not any(not _refusal(name, target) for target in found.values()):
            why = "; ".join(f"'{one}': {_refusal(name, target)}" for one, target in found.items())
            what = f"'{name}' is a control of targets about images, and no target can have it"
            yield Problem(place, f"{what}{f' ({why})' if why else ''}.", "Take it out, or add such a target.")
