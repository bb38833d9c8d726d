"""What is wrong with what a study allows on purpose."""

from collections.abc import Iterator

from xstilts.errors import did_you_mean
from xstilts.study.benchmark import expand
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile, task_name


def check_allowed(study: StudyFile) -> Iterator[Problem]:
    """It names a kind, a reason, and a target of the study or none."""
    targets = [task_name(name) for name in expand(study.target.tasks)]
    for number, one in enumerate(study.allowed):
        place: Place = ("allowed", number)
        if one.kind is None:
            yield Problem((*place, "kind"), "is missing.", "`xstilts audit` tells the kind of each leak.")
        if not one.why:
            yield Problem((*place, "why"), "is missing.", "Say why it is meant; the report repeats it.")
        if one.task is not None and one.task not in targets:
            now = did_you_mean(one.task, targets) or f"There are {', '.join(targets) or 'none'}."
            yield Problem((*place, "task"), f"no target named '{one.task}'.", now)
