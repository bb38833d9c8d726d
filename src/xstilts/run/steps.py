"""The steps of a run that are neither in the store nor given up, in the order in which they are taken.

Launcher and workers each keep such a list. It is a copy of what the store says, and never anybody's truth.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.study.step import Step

WEIGHT = {"backbone": 1, "phase": 4, "evaluation": 1}
"""Roughly how long a step of a kind takes beside the others; only the order depends on it."""


@dataclass(frozen=True)
class Entry:
    """What a worker knows of a step before it takes it: making the step of its `spec` takes a millisecond."""

    name: str
    fingerprint: str
    parents: Sequence[str]
    spec: Mapping[str, Any]


class Remaining:
    """The steps that are left. Parents that are not among them are in the store."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._left = {entry.fingerprint: entry for entry in entries}

    def __len__(self) -> int:
        return len(self._left)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._left

    def ready(self) -> Iterator[Entry]:
        """Those whose parents are in the store, the first first. They may be finished meanwhile."""
        for entry in list(self._left.values()):
            if entry.fingerprint in self._left and not any(parent in self._left for parent in entry.parents):
                yield entry

    def finish(self, fingerprint: str) -> None:
        """The step is in the store."""
        self._left.pop(fingerprint, None)

    def give_up(self, fingerprint: str) -> list[str]:
        """The step will not be in the store; gives all that need it, which are given up with it."""
        lost = {fingerprint: None}
        while more := {
            name: None
            for name, entry in self._left.items()
            if name not in lost and not lost.keys().isdisjoint(entry.parents)
        }:
            lost |= more
        for name in lost:
            self._left.pop(name, None)
        return [name for name in lost if name != fingerprint]


def ordered(steps: Sequence[Step], done: Collection[str] = ()) -> list[Entry]:
    """The steps of a plan that are not done, in the order in which those that are ready are taken.

    Evaluations are short, and finished cells are what a reader waits for. Of the rest, what most depends on
    goes first (the longest remaining path, then the most descendants), so that workers do not stand idle at
    the end.
    """
    children: dict[str, list[str]] = {}
    for step in steps:
        for parent in step.parents:
            children.setdefault(parent, []).append(step.fingerprint)
    path: dict[str, int] = {}
    below: dict[str, int] = {}
    rank: dict[str, tuple[bool, int, int]] = {}
    for step in reversed(steps):
        name, after = step.fingerprint, children.get(step.fingerprint, ())
        own = 0 if name in done else WEIGHT[step.kind]
        path[name] = own + max((path[child] for child in after), default=0)
        below[name] = sum(1 + below[child] for child in after)  # a step has one parent
        rank[name] = (step.kind != "evaluation", -path[name], -below[name])
    left = [step for step in steps if step.fingerprint not in done]
    return [
        Entry(step.name, step.fingerprint, step.parents, step.spec)
        for step in sorted(left, key=lambda step: rank[step.fingerprint])
    ]
