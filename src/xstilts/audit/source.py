"""Which rows are at hand: those of the lab, of files, and of the Hub what was fetched before."""

from pathlib import Path

from xstilts.data import hub
from xstilts.data.loader import from_files, identity, stream
from xstilts.data.task import TRANSLATED, Task
from xstilts.errors import InputError


def at_hand(task: Task, split: str, language: str, data: Path | None) -> bool:
    """Whether rows can be read without fetching anything.

    The lab's unlabelled text is not: drawing half a million texts takes a minute, for notes at the most.
    """
    if task.made is not None and task.family == "masked":
        return False
    on_hub = task.hub is not None and task.made is None and split != TRANSLATED and not from_files(task, data)
    if task.hub is not None and on_hub and not hub.in_cache(task.hub, split, language):
        return False
    try:
        there = on_hub or bool(identity(task, split, language, data))
        # of a file with several languages the rows tell in which there are any
        return there and (task.definition is None or any(True for _ in stream(task, split, language, data)))
    except InputError:
        return False


def absent(task: Task, split: str, data: Path | None) -> str:
    """Why the rows of a split are not at hand, in words."""
    if task.made is not None:
        return "the lab's own text"
    if task.hub is not None and split != TRANSLATED and not from_files(task, data):
        return "not fetched yet" if split in task.hub.files else "the Hub has no such rows"
    return "no such files" if data is not None or task.path is not None else "no data folder is named"
