"""What is wrong with the axes of a study: they must place arms of the study at different numbers."""

from collections.abc import Collection, Iterator

from xstilts.errors import did_you_mean
from xstilts.study.axis import Axis
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile


def check_axes(study: StudyFile) -> Iterator[Problem]:
    """Axes have names of their own, arms of the study, and at least two different values."""
    names = [axis.name for axis in study.axes]
    for number, axis in enumerate(study.axes):
        place: Place = ("axes", number)
        if not axis.name:
            yield Problem((*place, "name"), "is missing.", "Say what the numbers are.")
        elif axis.name in names[:number]:
            yield Problem((*place, "name"), f"a second axis named '{axis.name}'.", "Rename one.")
        yield from _bad_arms(study, axis, place)
        yield from _bad_groups(axis, place)


def _bad_arms(study: StudyFile, axis: Axis, place: Place) -> Iterator[Problem]:
    arms, here = study.intermediate.arms, (*place, "arms")
    if not axis.arms:
        yield Problem(here, "is missing.", "Write arms = { NAME = NUMBER, ... }.")
        return
    for name, value in axis.arms.items():
        if name not in arms:
            yield Problem((*here, name), f"no arm named '{name}'.", near(name, arms))
        if axis.scale == "log" and value <= 0:
            what = f"must be greater than 0 on a logarithmic scale, got {value:g}."
            yield Problem((*here, name), what, 'Take the arm out, or write scale = "linear".')
    for group in axis.groups or ("",):
        if len(set(axis.curve(group).values())) < 2:
            of = f" of the group '{group}'" if group else ""
            yield Problem(here, f"the arms{of} all have the same value.", "An axis needs two different ones.")


def _bad_groups(axis: Axis, place: Place) -> Iterator[Problem]:
    for arm, name in axis.group.items():
        here = (*place, "group", arm)
        if arm not in axis.arms:
            yield Problem(here, f"the axis has no arm named '{arm}'.", near(arm, axis.arms))
        elif not name:
            yield Problem(here, "the name of a group is empty.", "Leave the arm out: it joins every group.")


def near(name: str, known: Collection[str]) -> str:
    """The known name that was meant, or all of them."""
    return did_you_mean(name, known) or f"There are {', '.join(known)}."
