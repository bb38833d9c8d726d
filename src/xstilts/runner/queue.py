"""Which step is next: those whose parents are done; evaluations first, then the longest remaining path.

Evaluations are short, and finished cells are what a reader waits for. Of the rest, what most depends on goes
first, so that workers do not stand idle at the end.
"""

import heapq
from collections.abc import Iterable, Sequence

from xstilts.study.step import Step

WEIGHT = {"backbone": 1, "phase": 4, "evaluation": 1}
"""Roughly how long a step of a kind takes beside the others; only the order depends on it."""


class Queue:
    """The steps that are not done, each in one state: waiting for a parent, ready, taken, or at an end.

    Parents that are not among the steps are waited for by nobody: they are in the store.
    """

    def __init__(self, steps: Sequence[Step], done: Iterable[str]) -> None:
        self._done = set(done)
        self._steps = {step.fingerprint: step for step in steps}
        self._children: dict[str, list[Step]] = {}
        for step in steps:
            for parent in step.parents:
                self._children.setdefault(parent, []).append(step)
        self._rank = self._ranks(steps)
        self._ready: list[tuple[tuple[int, int, int, int], str]] = []
        for step in steps:
            self._push_if_ready(step)

    def take(self) -> Step | None:
        """The next ready step; None if none is ready now."""
        return self._steps[heapq.heappop(self._ready)[1]] if self._ready else None

    def put_back(self, step: Step) -> None:
        """A step that was taken and not done."""
        heapq.heappush(self._ready, (self._rank[step.fingerprint], step.fingerprint))

    def finish(self, step: Step) -> None:
        """A step is done: its children may be ready now."""
        self._done.add(step.fingerprint)
        for child in self._children.get(step.fingerprint, ()):
            self._push_if_ready(child)

    def descendants(self, step: Step) -> list[Step]:
        """Everything that needs the step, in the order of the plan, each once."""
        found: dict[str, Step] = {}
        for child in self._children.get(step.fingerprint, ()):
            found[child.fingerprint] = child
            found |= {one.fingerprint: one for one in self.descendants(child)}
        return list(found.values())

    def _push_if_ready(self, step: Step) -> None:
        waits_for = [parent for parent in step.parents if parent in self._steps]
        if step.fingerprint not in self._done and self._done.issuperset(waits_for):
            self.put_back(step)

    def _ranks(self, steps: Sequence[Step]) -> dict[str, tuple[int, int, int, int]]:
        """Small first: evaluations, longest path, most descendants (a step has one parent), plan order."""
        path: dict[str, int] = {}
        below: dict[str, int] = {}
        for step in reversed(steps):
            own = 0 if step.fingerprint in self._done else WEIGHT[step.kind]
            children = [child.fingerprint for child in self._children.get(step.fingerprint, ())]
            path[step.fingerprint] = own + max((path[child] for child in children), default=0)
            below[step.fingerprint] = sum(1 + below[child] for child in children)
        return {
            step.fingerprint: (
                0 if step.kind == "evaluation" else 1,
                -path[step.fingerprint],
                -below[step.fingerprint],
                order,
            )
            for order, step in enumerate(steps)
        }
