"""What all engines share: which step is next, what became of each, what a failure blocks.

An engine places steps and nothing else. It takes a step from a `Driver`, has `runner.work` compute it
somewhere, and tells the driver what was answered. What crosses to another process are the store's path, the
places and the step's specification, as JSON.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xstilts.errors import StoreError
from xstilts.runner.queue import Queue
from xstilts.store import Store
from xstilts.study.step import Step

COMPUTE = "xstilts.runner.work:compute"
COMPUTE_IN_LESS_MEMORY = "xstilts.runner.work:compute_in_less_memory"
ATTEMPTS = 3
"""How often a step is tried that takes its worker with it (killed for memory, a crash in a library)."""
BUSY_SECONDS = 1.0
AGAIN = "Tried again with half the micro-batch."

Listener = Callable[[Step, Mapping[str, Any]], None]
"""Told what happens to a step; `event` is started, progress, busy, finished, failed or blocked."""


@dataclass
class Result:
    """What became of the steps: numbers of computed and found ones, messages of failed ones, blocked ones."""

    computed: int = 0
    found: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything is in the store."""
        return not self.failed and not self.blocked


class Driver:
    """The books of a run. Making one prepares the store; StoreError if it cannot be written."""

    def __init__(
        self, steps: Sequence[Step], store: Store, listener: Listener, *, busy_seconds: float | None = None
    ) -> None:
        store.prepare()
        done = [step.fingerprint for step in steps if store.done(step)]
        self.store, self.listener = store, listener
        self.result = Result(found=len(done))
        self.left = len(steps) - len(done)
        """Steps that are neither in the store nor given up."""
        self._queue = Queue(steps, done)
        self._active: set[str] = set()
        self._settled = set(done)
        self._busy_seconds = BUSY_SECONDS if busy_seconds is None else busy_seconds
        self._later: list[tuple[float, Step]] = []
        self._deaths: dict[str, int] = {}

    def take(self) -> Step | None:
        """The next step whose parents are in the store; None if there is none now.

        Raises StoreError if the store was removed.
        """
        self.store.require()
        self._bring_back()
        return self._queue.take()

    def settled(self, step: Step) -> bool:
        """Whether the step is in the store, failed or blocked."""
        return step.fingerprint in self._settled

    def hear(self, step: Step, answer: Mapping[str, Any]) -> bool:
        """Take in what the computation of a step says; whether that was its last word.

        Raises StoreError if the store cannot be written any more: that is not the fault of the step.
        """
        if step.fingerprint not in self._active:
            self._active.add(step.fingerprint)
            self.listener(step, {"event": "started"})
        if answer["event"] == "started":
            return False
        if answer["event"] == "progress":
            self.listener(step, answer)
            return False
        self._active.discard(step.fingerprint)
        if answer["event"] == "failed":
            if answer["store"] is not None:
                raise StoreError(*answer["store"])
            self.give_up(step, answer["message"])
        elif answer["outcome"] == "busy":
            self.postpone(step)
            self.listener(step, {"event": "busy"})
        else:
            self._settle(step)
            computed = answer["outcome"] == "done"
            self.result.computed += computed
            self.result.found += not computed
            self.listener(step, answer)
            self._queue.finish(step)
        return True

    def postpone(self, step: Step) -> None:
        """Another process is at the step: it is taken again after a while."""
        self._later.append((time.monotonic() + self._busy_seconds, step))

    def give_up(self, step: Step, message: str) -> None:
        """The step failed: what needs it will not be computed, all else will."""
        blocked = [one for one in self._queue.descendants(step) if not self.settled(one)]
        self._settle(step, *blocked)
        self.result.failed[step.fingerprint] = message
        self.result.blocked += [one.fingerprint for one in blocked]
        self.listener(step, {"event": "failed", "message": message})
        for one in blocked:
            self.listener(one, {"event": "blocked", "by": step.name})

    def lose(
        self, step: Step, status: object, words: str, *, tries: int = ATTEMPTS, memory: bool = False
    ) -> None:
        """The step's worker died with that exit status, saying `words`. It is tried again, not for ever.

        If it was killed for want of `memory`, the next try has half the micro-batch; so it has after a second
        kill for which no reason is known. A `status` may also be words.
        """
        self._active.discard(step.fingerprint)
        count = self._deaths[step.fingerprint] = self._deaths.get(step.fingerprint, 0) + 1
        memory = memory or (count > 1 and status == -signal.SIGKILL)
        why = f"exit status {status}" if isinstance(status, int) else status
        message = f"its worker died {count} times ({why})." if count > 1 else f"its worker died ({why})."
        if count < tries:
            if memory:
                self.store.fail(step, f"{message} {AGAIN}", words, killed=True)
            self._queue.put_back(step)
            return
        self.store.fail(step, message, words, killed=memory)
        self.give_up(step, message)

    def bury(self, step: Step, owner: str) -> None:
        """Free the claims which a process, known to be dead, had for a step; it need not be silent first.

        Of the step and of its ancestors, whose dropped checkpoints it may have been computing. `owner` is
        what the process called itself when it started (`claims.owner`).
        """
        one: Step | None = step
        while one is not None:
            self.store.free(one.fingerprint, owner)
            one = one.parent

    def _bring_back(self) -> None:
        """Steps that another driver was at are tried again after a while."""
        now = time.monotonic()
        for _, step in [one for one in self._later if one[0] <= now]:
            self._queue.put_back(step)
        self._later = [one for one in self._later if one[0] > now]

    def _settle(self, *steps: Step) -> None:
        self._settled |= {step.fingerprint for step in steps}
        self.left -= len(steps)
