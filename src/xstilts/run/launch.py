"""What all launchers share: they start workers, watch what these tell, and replace those that die.

A worker takes its steps itself (`run.worker`), and the store's leases say who is at what. So a launcher keeps
no books but those of its own run: what became of the steps, and how often one has taken its worker with it.
"""

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xstilts.compute.context import Means
from xstilts.compute.work import AGAIN
from xstilts.disk import is_there
from xstilts.errors import EngineError, StoreError
from xstilts.plain import by_key
from xstilts.run import rendezvous
from xstilts.run.machine import LIBRARY_SETTINGS
from xstilts.run.rendezvous import Remaining, ordered
from xstilts.store import GONE, Store
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.step import Places, Step

COMPUTE = "xstilts.compute.work:compute"
"""The function that computes a step."""
ATTEMPTS = 3
"""How often a step is tried that takes its worker with it (killed for memory, a crash in a library)."""
BARREN = 3
"""So many workers in a row that end before they begin a step are a fault of the cluster or of its options."""
SEEK_SECONDS = 1.0
"""Time between two looks, at the least, for steps that another launcher's workers have computed."""

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


@dataclass(frozen=True)
class Pace:
    """Seconds. How often the launcher looks at what workers tell, and asks which of them are there; how long
    what a worker wrote may take to be seen. Then a worker's: between two looks for something to do, between
    two tries of a step that another is at, between two words on a step's progress, and idle until it leaves.
    """

    look: float
    ask: float
    grace: float = 0.0
    search: float = 1.0
    busy: float = 5.0
    tell: float = 1.0
    idle: float = math.inf


@dataclass(frozen=True)
class Run:
    """What is to be computed, and how."""

    steps: Sequence[Step]
    store: Store
    places: Places
    save_memory: bool = False

    def settings(self, pace: Pace, gpus: float, *, divide: bool) -> dict[str, Any]:
        """What workers are told besides the steps. Several `gpus` train a phase together."""
        processes = max(1, int(gpus))
        means = Means(self.save_memory, processes, divide and processes > 1)
        return {
            "compute": COMPUTE,
            "places": self.places.to_json(),
            "means": asdict(means),
            "pace": {name: None if math.isinf(value) else value for name, value in asdict(pace).items()},
            "environment": dict(LIBRARY_SETTINGS),
        }


@dataclass(frozen=True)
class End:
    """How the process of a worker ended: an exit status, or words; the last that it said.

    If it `returns`, a new process has its name and its place, or will have.
    """

    why: int | str
    words: str = ""
    memory: bool = False
    tries: int = ATTEMPTS
    returns: bool = False


class Crew(Protocol):
    """What starts workers and knows of them."""

    @property
    def room(self) -> int:
        """How many workers there may be."""

    def start(self, count: int) -> list[str]:
        """Names of new workers, at the most so many. EngineError if they are refused."""

    def ended(self, workers: Mapping[str, Mapping[str, Any]]) -> dict[str, End]:
        """Those whose process is over, of workers by name, with what each said when it joined."""

    def kill(self, worker: str) -> None:
        """End a worker that hangs."""

    def remove(self, worker: str) -> None:
        """Forget a worker that has ended."""

    def stop(self, workers: Sequence[str]) -> None:
        """Have workers leave that are still there, and make them."""


@dataclass
class _Worker:
    """What is known of a worker."""

    log: rendezvous.Log
    joined: Mapping[str, Any] = field(default_factory=dict)
    step: Step | None = None
    fruitful: bool = False
    """Whether it has begun a step, or left by itself."""
    heard: float = field(default_factory=time.monotonic)
    silent: bool = False
    gone_since: float | None = None


class Launch:
    """A run that is watched. Making one prepares the store; StoreError if it cannot be written."""

    def __init__(self, run: Run, listener: Listener, pace: Pace, limit: float = math.inf) -> None:
        run.store.prepare()
        done = {step.fingerprint for step in run.steps if run.store.done(step)}
        self.result = Result(found=len(done))
        self.entries = ordered(run.steps, done)
        self.left = Remaining(self.entries)
        self._run, self._listener, self._pace, self._limit = run, listener, pace, limit
        self._steps = {step.fingerprint: step for step in run.steps}
        self._workers: dict[str, _Worker] = {}
        self._deaths: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        self._barren, self._asked, self._sought = 0, -math.inf, -math.inf

    def attend(self, folder: Path, crew: Crew) -> None:
        """See to it that there are workers until nothing is left; end them if the block is left early."""
        try:
            with self._run.store.guarded():
                while self.left:
                    self.look(folder, crew)
                    if self.left:
                        time.sleep(self._pace.look)
        finally:
            crew.stop(list(self._workers))

    def look(self, folder: Path, crew: Crew) -> None:
        """Once around. StoreError if the store was removed, or cannot be written any more."""
        store, now = self._run.store, time.monotonic()
        store.require()
        if not is_there(folder):
            raise StoreError(str(folder), *GONE)
        asks = now - self._asked >= self._pace.ask
        seeks = asks and now - self._sought >= max(self._pace.ask, SEEK_SECONDS)
        self._sought = now if seeks else self._sought
        done = [one.fingerprint for one in self.left.ready() if store.done(one)] if seeks else []
        ended = crew.ended({name: one.joined for name, one in self._workers.items()}) if asks else {}
        for worker in self._workers.values():
            for event in worker.log.news():
                worker.heard = time.monotonic()
                match event["event"]:
                    case "joined":  # for the first time, or a new process in the place of one that is gone
                        self._lose(worker, End("it was started again", returns=True), folder)
                        worker.joined = event
                    case "left":
                        worker.step, worker.fruitful = None, True
                    case "stopped":
                        raise StoreError(*event["store"])
                    case kind:
                        step, before = self._steps[event.pop("step")], worker.step
                        worker.fruitful = True
                        worker.step = step if kind in ("started", "progress") else None
                        # Whoever computes a step tells that it is done, or being computed: only that is news.
                        is_news = event.get("outcome") != "found" and (kind != "busy" or before is step)
                        if is_news and step.fingerprint in self.left:
                            self._pass_on(step, event)
        if not asks:
            return
        self._asked = now
        for name, worker in list(self._workers.items()):
            if name in ended:
                self._notice_end(name, ended[name], crew, folder)
            else:
                worker.gone_since = None
                if worker.step is not None and time.monotonic() - worker.heard > self._limit:
                    worker.silent = True
                    crew.kill(name)
        self._notice_found(done)
        if self.left:
            self._call_up(folder, crew)

    def _pass_on(self, step: Step, event: dict[str, Any]) -> None:
        """Into the books, and to the listener."""
        match event["event"]:
            case "failed":
                self._give_up(step, event["message"])
            case "finished":
                self.left.finish(step.fingerprint)
                self.result.computed += event["outcome"] == "done"
                self.result.found += event["outcome"] == "found"
                self._listener(step, event)
            case _:
                self._listener(step, event)

    def _give_up(self, step: Step, message: str) -> None:
        """The step failed: what needs it will not be computed, all else will."""
        blocked = self.left.give_up(step.fingerprint)
        self.result.failed[step.fingerprint] = message
        self.result.blocked += blocked
        self._listener(step, {"event": "failed", "message": message})
        for one in blocked:
            self._listener(self._steps[one], {"event": "blocked", "by": step.name})

    def _notice_end(self, name: str, end: End, crew: Crew, folder: Path) -> None:
        """Once a worker has been gone for so long that everything it wrote has been read."""
        worker, now = self._workers[name], time.monotonic()
        worker.gone_since = worker.gone_since or now
        if now - worker.gone_since < self._pace.grace:
            return
        self._lose(worker, end, folder)
        if end.returns:
            return
        del self._workers[name]
        crew.remove(name)
        self._run.store.tidy()
        self._barren = 0 if worker.fruitful else self._barren + 1
        if self._barren >= BARREN:
            what = f"ended before they began a step ({end.why}). The last one said:\n{end.words}\n"
            raise EngineError(f"{BARREN} workers in a row", what, "See docs/cluster.md, Nothing starts.")

    def _lose(self, worker: _Worker, end: End, folder: Path) -> None:
        """The process of a worker is over. A step that it had in hand is tried again, not for ever.

        If it was killed for want of memory, the next try has half the micro-batch; so it has after a second
        kill for which no reason is known. Then its leases are freed, which need not be silent first: those of
        the step and of its ancestors, whose dropped checkpoints it may have been computing.
        """
        step, worker.step, store = worker.step, None, self._run.store
        if step is None:
            return
        if step.fingerprint in self.left and not store.done(step):
            self._listener(step, {"event": "busy"})
            count = self._deaths[step.fingerprint] = self._deaths.get(step.fingerprint, 0) + 1
            memory = end.memory or (count > 1 and end.why == -signal.SIGKILL)
            why, tries = f"exit status {end.why}" if isinstance(end.why, int) else end.why, end.tries
            if worker.silent:
                why, tries, memory = f"it said nothing for {self._limit / 60:g} min", 2, False
            message = f"its worker died {count} times ({why})." if count > 1 else f"its worker died ({why})."
            if count >= tries:
                self._run.store.fail(step, message, end.words, killed=memory)
                rendezvous.fail(folder, step.fingerprint, message)
                self._give_up(step, message)
            elif memory:
                self._run.store.fail(step, f"{message} {AGAIN}", end.words, killed=True)
        held: Step | None = step
        while held is not None:
            store.free(held.fingerprint, worker.joined["owner"])
            held = held.parent

    def _notice_found(self, done: Sequence[str]) -> None:
        """Steps that are in the store without a word of our workers: those of another launcher.

        They were `done` before our workers' words were read, so that theirs would have been among these.
        """
        now, at_work = time.monotonic(), self._at_work()
        for name in done:
            since = self._seen.setdefault(name, now)
            if name in self.left and name not in at_work and now - since >= self._pace.grace:
                self._pass_on(self._steps[name], {"event": "finished", "outcome": "found"})

    def _call_up(self, folder: Path, crew: Crew) -> None:
        """As many workers as there are steps that nobody is at, within the bounds."""
        room = crew.room - len(self._workers)
        if room <= 0:
            return
        at_work, leased = self._at_work(), self._run.store.leased
        names = (entry.fingerprint for entry in self.left.ready())
        free = [name for name in names if name not in at_work and name not in self._seen and not leased(name)]
        idle = sum(worker.step is None for worker in self._workers.values())
        if (count := min(len(free) - idle, room)) <= 0:
            return
        try:
            new = crew.start(count)
        except EngineError:  # a limit of the user's, a busy controller: it ends the run only if none is there
            if not self._workers:
                raise
        else:
            self._workers |= {name: _Worker(rendezvous.Log(folder, name)) for name in new}

    def _at_work(self) -> set[str]:
        return {worker.step.fingerprint for worker in self._workers.values() if worker.step is not None}


class CheckpointDropper:
    """A listener that tells another one first, and drops checkpoints that nothing waits for.

    Checkpoints of target phases go when their evaluations are stored: they are most of what a study takes.
    Who needs one computes the phase anew, with the same bytes on the CPU. Intermediate phases and backbones
    stay, for others start from them.
    """

    def __init__(self, steps: Sequence[Step], store: Store, listener: Listener) -> None:
        self._store, self._listener = store, listener
        children = by_key((parent, step) for step in steps for parent in step.parents)
        self._phases: dict[str, Step] = {}
        for step in steps:
            trained = step.specification
            after = [child.specification for child in children.get(step.fingerprint, ())]
            asked = [one for one in after if isinstance(one, Evaluation)]
            own = isinstance(trained, Phase) and any(one.trained_by in trained.uses for one in asked)
            if own and len(asked) == len(after):
                self._phases[step.fingerprint] = step
        self._evaluations = {name: children[name] for name in self._phases}
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
