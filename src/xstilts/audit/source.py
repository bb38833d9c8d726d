"""Which rows are at hand: those of the lab, of files, and of the Hub what was fetched before."""

from pathlib import Path

from xstilts.data.loader import from_files, identity
from xstilts.data.task import TRANSLATED, Hub, Task
from xstilts.errors import InputError


def at_hand(task: Task, split: str, language: str, data: Path | None) -> bool:
    """Whether rows can be read without fetching anything.

    The lab's unlabelled text is not: drawing half a million texts takes a minute, for notes at the most.
    """
    if task.made is not None and task.family == "masked":
        return False
    if task.made is None and task.hub is not None and split != TRANSLATED and not from_files(task, data):
        return _cached(task.hub, split, language)
    try:
        return bool(identity(task, split, language, data))
    except InputError:
        return False


def absent(task: Task, split: str, data: Path | None) -> str:
    """Why the rows of a split are not at hand, in words."""
    if task.made is not None:
        return "the lab's own text"
    if task.hub is not None and split != TRANSLATED and not from_files(task, data):
        return "not fetched yet" if split in task.hub.files else "the Hub has no such rows"
    return "no such files" if data is not None or task.path is not None else "no data folder is named"


def _cached(hub: Hub, split: str, language: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    if split not in hub.files or (hub.codes and language not in hub.codes):
        return False
    name = hub.files[split].replace("{lang}", hub.codes.get(language, language))
    found = try_to_load_from_cache(hub.dataset, name, revision=hub.revision, repo_type="dataset")
    return isinstance(found, str) and all(_cached(other, split, language) for other in hub.also)
