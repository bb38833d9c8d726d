"""Tells trackers the course of a run, each in a thread of its own: one that fails or hangs holds nothing up.

What each was told stands in the store, `tracking/<tracker>-<place>/<run>.json`; so nothing is told twice, and
what was missed, also before trackers were asked for, is told by the next run.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from xstilts.store import Store, read_json, schema, write_json
from xstilts.study.plan import Plan
from xstilts.study.step import Step
from xstilts.tracking.course import Course, Told
from xstilts.tracking.tracker import FOLDER, Tracker

LOOK_SECONDS = 30.0
"""Time between two looks at the curve of a running phase; its state is saved once in a minute."""

PATIENCE_SECONDS = 60.0
"""How long a tracker may be silent when all steps are done."""

Listener = Callable[[Step, Mapping[str, Any]], None]
"""As `xstilts.run.launch` has it."""


class Following:
    """A listener of the launcher that tells another one first, then the trackers. Use as a context."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        found: Sequence[Tracker],
        listener: Listener,
        say: Callable[[str], None],
    ) -> None:
        self._listener, self._next_look = listener, dict[str, float]()
        course = Course(plan, Store(store.root)) if found else None
        self._run_of = course.run_of if course is not None else {}
        self._tellers = [_Teller(tracker, course, store, say) for tracker in found if course is not None]

    def __enter__(self) -> Self:
        for teller in self._tellers:
            teller.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        for teller in self._tellers:
            teller.end()

    def __call__(self, step: Step, event: Mapping[str, Any]) -> None:
        """Take in an event: what became of a step, or how far it is."""
        self._listener(step, event)
        run, now = self._run_of.get(step.fingerprint), time.monotonic()
        if run is None or (event["event"] == "progress" and now < self._next_look.get(run, now)):
            return
        self._next_look[run] = now + LOOK_SECONDS
        for teller in self._tellers:
            teller.wanted.put(run)


class _Teller(threading.Thread):
    """Tells one tracker what is `wanted`: runs of which something may have become; None is the end.

    At first it looks at all, for any of them may have been computed before.
    """

    def __init__(self, tracker: Tracker, course: Course, store: Store, say: Callable[[str], None]) -> None:
        super().__init__(daemon=True, name=type(tracker).__name__)
        self._tracker, self._course, self._say = tracker, course, say
        place = tracker.place.replace(str(store.root), "")
        digest = hashlib.sha256(place.encode()).hexdigest()[:8]
        self._book: Path = store.root / FOLDER / f"{self.name}-{digest}"
        self.wanted = SimpleQueue[str | None]()
        for run in course.trainings:
            self.wanted.put(run)
        self._active = time.monotonic()

    def end(self) -> None:
        """Wait until all is told, unless the tracker is silent for long."""
        self._active = time.monotonic()
        self.wanted.put(None)
        while self.is_alive() and time.monotonic() - self._active < PATIENCE_SECONDS:
            self.join(0.1)
        if self.is_alive():
            self._give_up(f"has not answered for {PATIENCE_SECONDS:g} s")

    def run(self) -> None:
        """Tell what is wanted until the end."""
        try:
            self._book.mkdir(parents=True, exist_ok=True)
            while (run := self.wanted.get()) is not None:
                path = self._book / f"{run}.json"
                told = schema.made(read_json(path, shape=Told), Told) if path.is_file() else Told()
                if (found := self._course.news(self._course.trainings[run], told)) is not None:
                    news, now = found
                    self._tracker.tell(news)
                    write_json(path, asdict(now))
                self._active = time.monotonic()
            self._tracker.close()
        except Exception as error:  # whatever it is, of a library or of the network: no study ends by it
            self._give_up(f"{type(error).__name__}: {error}".strip().splitlines()[0].rstrip("."))

    def _give_up(self, why: str) -> None:
        self._say(f"{self.name}: {why}. The study goes on without it; the next run tells it what it missed.")
