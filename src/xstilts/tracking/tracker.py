"""What a tracker is, and what it is told; trackers by their names: of this package, and of others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from xstilts.errors import InputError, did_you_mean
from xstilts.store import Store

NAMES = {"tensorboard": "TensorBoard", "wandb": "WeightsAndBiases", "mlflow": "MLflow", "trackio": "Trackio"}
"""The classes of the trackers of this package, by the names of their files; each is an extra of that name."""
GROUP = "xstilts.trackers"
"""The group of entry points by which other packages offer trackers. One is called as those here are."""
FOLDER = "tracking"
"""Where in a store trackers may write."""

State = Literal["running", "finished", "failed"]
Point = tuple[int, Mapping[str, float]]
"""The number of an update, and what is known then: train/loss, train/learning_rate, train/tokens, and
development/score at some."""


@dataclass(frozen=True)
class News:
    """What is new of a training: a phase and the evaluations of its model.

    A model that no phase of the study trained (a backbone as it is, the majority answer) has news too.
    """

    id: str
    """Of the study's name and the fingerprint of the phase, so that a resumed phase continues its run."""
    study: str
    name: str
    """How people read it; no two runs of a study are called alike."""
    facts: Mapping[str, str | int | float | bool]
    """backbone, arm, target, seed, phase, tasks, fingerprint, and recipe.* with what it was trained with."""
    state: State
    is_first: bool
    """Whether nothing was told of this run before."""
    update: int
    """The last that is known of."""
    points: Sequence[Point] = ()
    """Those of the curve that were not told yet."""
    values: Mapping[str, float] = field(default_factory=dict)
    """What is known once: development/TASK/METRIC, evaluation/TASK/LANGUAGE and evaluation/TASK/transfer,
    in percent; cost/seconds and the like."""
    message: str = ""
    """Why it failed."""

    @property
    def known(self) -> dict[str, float | str]:
        """The values, and why it failed."""
        return {**self.values, **({"failure": self.message} if self.message else {})}


@runtime_checkable
class Tracker(Protocol):
    """Shows the course of trainings. Its methods are called by one thread, and may raise what they like."""

    @property
    def place(self) -> str:
        """Where it shows them: a folder, an address. At another place everything is told again."""

    def tell(self, news: News) -> None:
        """Add the news to the run of that id, which is made if it is not there yet."""

    def close(self) -> None:
        """Write what is not written yet. Runs that are not finished may be continued later."""


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
