"""Checkpoints of target phases go when their evaluations are stored: they are most of what a study takes.

What is dropped can be had again: who needs it computes the phase anew, with the same bytes on the CPU.
Intermediate phases and backbones stay, for others start from them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from xstilts.run.launch import Listener
from xstilts.store import Store
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.step import Step


class Sweep:
    """A listener of the launcher that tells another one first. Making one drops what nothing waits for."""

    def __init__(self, steps: Sequence[Step], store: Store, listener: Listener) -> None:
        self._store, self._listener = store, listener
        self._evaluations = {phase.fingerprint: of_it for phase, of_it in _targets(steps)}
        self._phases = {step.fingerprint: step for step in steps if step.fingerprint in self._evaluations}
        for phase in self._phases:
            self._look(phase)

    def __call__(self, step: Step, event: Mapping[str, Any]) -> None:
        """Take in an event: after the last evaluation of a target phase its checkpoint goes."""
        self._listener(step, event)
        if event["event"] == "finished":
            for parent in step.parents:
                self._look(parent)

    def _look(self, phase: str) -> None:
        if phase in self._phases and all(map(self._store.done, self._evaluations[phase])):
            self._store.drop(self._phases[phase])


def _targets(steps: Sequence[Step]) -> list[tuple[Step, list[Step]]]:
    """The phases that only evaluations start from, one of them of what the phase was trained for."""
    children: dict[str, list[Step]] = {}
    for step in steps:
        for parent in step.parents:
            children.setdefault(parent, []).append(step)
    return [
        (step, children[step.fingerprint])
        for step in steps
        if isinstance(step.specification, Phase)
        and _is_target(step.specification, children.get(step.fingerprint, []))
    ]


def _is_target(phase: Phase, children: Sequence[Step]) -> bool:
    asked = [child.specification for child in children if isinstance(child.specification, Evaluation)]
    return len(asked) == len(children) and any(one.trained_by in phase.uses for one in asked)
