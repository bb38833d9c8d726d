"""What a tracker is, and what it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

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
