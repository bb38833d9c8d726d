"""The local engine: a pool of worker processes on this computer.

The driver hands out steps whose parents are in the store and does no work itself; workers claim, compute and
rename into place. Two drivers may run on one store: a step that another has claimed comes back later. A
driver that is killed loses nothing; started again, it reads from the store what is left to do.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from xstilts.errors import StoreError
from xstilts.runner.machine import environments
from xstilts.runner.queue import Queue
from xstilts.store import Store
from xstilts.study.step import Places, Step

COMPUTE = "xstilts.runner.work:compute"
COMPUTE_IN_LESS_MEMORY = "xstilts.runner.work:compute_in_less_memory"
ATTEMPTS = 3
"""How often a step is tried that takes its worker with it (killed for memory, a crash in a library)."""
LOOK_SECONDS = 0.2
BUSY_SECONDS = 1.0
FAREWELL_SECONDS = 5.0

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


def run(
    steps: Sequence[Step],
    store: Store,
    places: Places,
    listener: Listener,
    *,
    workers: int | None = None,
    compute: str = COMPUTE,
) -> Result:
    """Compute all steps that are not in the store; the failure of one blocks only what needs it.

    `compute` names the function that does the work, as module:function. Raises StoreError if the store cannot
    be written any more (a full disk); everything finished until then is there.
    """
    settings = {"store": str(store.root.resolve()), "places": places.to_json(), "compute": compute}
    store.prepare()
    done = [step.fingerprint for step in steps if store.done(step)]
    driver = _Driver(store, listener, Queue(steps, done), left=len(steps) - len(done))
    driver.result.found = len(done)
    if driver.left:
        try:
            with _pool(settings, environments(workers)[: driver.left]) as pool:
                driver.drive(pool)
        finally:
            store.tidy()
    return driver.result


@dataclass
class _Worker:
    """A worker process, and what it is doing."""

    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    step: Step | None = None
    process: subprocess.Popen[bytes] = field(init=False)
    log: IO[bytes] = field(init=False)
    rest: bytes = b""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new process, which loads nothing heavy before its first step."""
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xstilts.runner.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, **self.environment},
        )
        self.rest = b""
        self.tell(self.settings)

    @property
    def answers(self) -> IO[bytes]:
        """The pipe that the process answers through."""
        assert self.process.stdout is not None
        return self.process.stdout

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a line. A worker that has just died is noticed where its answers end."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def hear(self) -> list[dict[str, Any]] | None:
        """The answers that have arrived whole; None if the process has ended."""
        arrived = os.read(self.answers.fileno(), 1 << 16)
        *lines, self.rest = (self.rest + arrived).split(b"\n")
        return [json.loads(line) for line in lines] if arrived else None

    def end(self) -> str:
        """Wait for the process to end, by force if it takes too long; gives the end of its standard error."""
        try:
            self.process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.seek(0)
        words = self.log.read()[-4000:].decode(errors="replace")
        for stream in (self.process.stdin, self.process.stdout, self.log):
            with contextlib.suppress(BrokenPipeError):  # a line that a dead process did not take
                if stream is not None:
                    stream.close()
        return words


@contextlib.contextmanager
def _pool(settings: Mapping[str, Any], environments: Sequence[Mapping[str, str]]) -> Iterator[list[_Worker]]:
    """Workers that are asked to leave, and made to, when the block ends for whatever reason."""
    workers: list[_Worker] = []
    try:
        for environment in environments:
            workers.append(_Worker(settings, environment))
        yield workers
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.end()


@dataclass
class _Driver:
    """Hands out steps until none is left."""

    store: Store
    listener: Listener
    queue: Queue
    left: int
    result: Result = field(default_factory=Result)
    later: list[tuple[float, Step]] = field(default_factory=list)
    deaths: dict[str, int] = field(default_factory=dict)

    def drive(self, pool: list[_Worker]) -> None:
        with selectors.DefaultSelector() as selector:
            for worker in pool:
                selector.register(worker.answers, selectors.EVENT_READ, worker)
            while self.left:
                self._bring_back()
                for worker in pool:
                    if worker.step is None:
                        self._hand_out(worker)
                for key, _ in selector.select(LOOK_SECONDS):
                    worker, answers = key.data, key.data.hear()
                    if answers is None:
                        selector.unregister(key.fileobj)
                        self._replace(worker)
                        selector.register(worker.answers, selectors.EVENT_READ, worker)
                    for answer in answers or ():
                        self._hear(worker, answer)

    def _hand_out(self, worker: _Worker) -> None:
        step = self.queue.take()
        if step is not None:
            worker.step = step
            self.listener(step, {"event": "started"})
            worker.tell(step.spec)

    def _bring_back(self) -> None:
        """Steps that another driver was at are tried again after a while."""
        now = time.monotonic()
        for _, step in [one for one in self.later if one[0] <= now]:
            self.queue.put_back(step)
        self.later = [one for one in self.later if one[0] > now]

    def _hear(self, worker: _Worker, answer: Mapping[str, Any]) -> None:
        step = worker.step
        assert step is not None, "an answer without a question"
        if answer["event"] == "progress":
            self.listener(step, answer)
            return
        worker.step = None
        if answer["event"] == "failed":
            if answer["store"] is not None:
                raise StoreError(*answer["store"])
            self._fail(step, answer["message"])
        elif answer["outcome"] == "busy":
            self.later.append((time.monotonic() + BUSY_SECONDS, step))
            self.listener(step, {"event": "busy"})
        else:
            self.left -= 1
            computed = answer["outcome"] == "done"
            self.result.computed += computed
            self.result.found += not computed
            self.listener(step, answer)
            self.queue.finish(step)

    def _fail(self, step: Step, message: str) -> None:
        """The step failed: what needs it will not be computed, all else will."""
        blocked = self.queue.descendants(step)
        self.left -= 1 + len(blocked)
        self.result.failed[step.fingerprint] = message
        self.result.blocked += [one.fingerprint for one in blocked]
        self.listener(step, {"event": "failed", "message": message})
        for one in blocked:
            self.listener(one, {"event": "blocked", "by": step.name})

    def _replace(self, worker: _Worker) -> None:
        """A worker died. Its step is tried again, but not for ever."""
        words, status, step = worker.end(), worker.process.returncode, worker.step
        self.store.tidy()
        worker.step = None
        if step is not None:
            count = self.deaths[step.fingerprint] = self.deaths.get(step.fingerprint, 0) + 1
            if count < ATTEMPTS:
                self.queue.put_back(step)
            else:
                message = f"its worker died {count} times (exit status {status}; -9 may mean: out of memory)."
                self.store.fail(step, message, words)
                self._fail(step, message)
        worker.start()
