"""Trackers by their names: those of this package, and those that other packages offer."""

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from xstilts.errors import InputError, did_you_mean
from xstilts.store import Store
from xstilts.tracking.tracker import Tracker

NAMES = {"tensorboard": "TensorBoard", "wandb": "WeightsAndBiases", "mlflow": "MLflow", "trackio": "Trackio"}
"""The classes of the trackers of this package, by the names of their files; each is an extra of that name."""
GROUP = "xstilts.trackers"
"""The group of entry points by which other packages offer trackers. One is called as those here are."""
FOLDER = "tracking"
"""Where in a store trackers may write."""


def trackers(track: str | Tracker | Iterable[str | Tracker], study: str, store: Store) -> list[Tracker]:
    """The trackers of those names, and those that were given. InputError if one cannot be used."""
    asked: list[Any] = [track]
    if isinstance(track, Iterable) and not isinstance(track, str | Tracker):
        asked = list(track)
    found = [find(one, study, store.root / FOLDER) if isinstance(one, str) else one for one in asked]
    for one in found:
        if isinstance(one, type) or not isinstance(one, Tracker):
            now = "Give a name, or an object with place, tell and close: docs/trackers.md."
            raise InputError("track", f"{one!r} is no tracker.", now)
    return found


def find(name: str, study: str, folder: Path) -> Tracker:
    """The tracker of that name for a study; it may write below `folder`.

    Raises InputError if there is none, or if it cannot be used here.
    """
    made: Tracker
    if name in NAMES:
        try:
            made = getattr(import_module(f"xstilts.tracking.{name}"), NAMES[name])(study, folder)
        except ModuleNotFoundError as error:
            what = f"needs {error.name}, which is not installed."
            raise InputError(f"--track {name}", what, f"pip install 'xstilts[{name}]'") from error
        return made
    offered = {one.name: one for one in entry_points(group=GROUP)}
    if name not in offered:
        known = (*NAMES, *offered)
        now = f"{did_you_mean(name, known)} There are {', '.join(known)}: docs/trackers.md.".strip()
        raise InputError(f"--track {name}", "no such tracker.", now)
    made = offered[name].load()(study, folder)
    return made
