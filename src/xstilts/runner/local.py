"""The local engine: a pool of worker processes on this computer.

The driver hands out steps whose parents are in the store and does no work itself; workers claim, compute and
rename into place. Two drivers may run on one store: a step that another has claimed comes back later. A
driver that is killed loses nothing; started again, it reads from the store what is left to do.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from xstilts.runner.driver import COMPUTE, Driver, Listener, Result
from xstilts.runner.machine import environments, memory_kills, threads
from xstilts.runner.workbench import settings
from xstilts.store import Store
from xstilts.study.step import Places, Step

LOOK_SECONDS = 0.2
FAREWELL_SECONDS = 5.0
SILENCE_SECONDS = 1800.0
"""How long a worker may say nothing: loading, encoding and a large language are silent, but shorter."""


def run(  # noqa: PLR0913 (what, where, and how much)
    steps: Sequence[Step],
    store: Store,
    places: Places,
    listener: Listener,
    *,
    workers: int | None = None,
    compute: str = COMPUTE,
    limit: float = SILENCE_SECONDS,
    processes: int = 1,
    divide: bool = False,
) -> Result:
    """Compute all steps that are not in the store; the failure of one blocks only what needs it.

    `compute` names the function that does the work, as module:function. A worker that says nothing for
    `limit` seconds is ended, and its step tried again. So many `processes` train a phase together, and may
    `divide` its model. Raises StoreError if the store cannot be written any more (a full disk); everything
    finished until then is there.
    """
    driver = Driver(steps, store, listener)
    if driver.left:
        try:
            found = environments(workers, processes, divide=divide, threads=threads(steps))[: driver.left]
            with _pool(settings(store, places, compute), found) as pool:
                _drive(driver, pool, limit)
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
    heard: float = 0.0
    silent: bool = False
    kills: int | None = None

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
        self.rest, self.silent, self.kills = b"", False, memory_kills()
        self.tell(self.settings)

    @property
    def answers(self) -> IO[bytes]:
        """The pipe that the process answers through."""
        assert self.process.stdout is not None
        return self.process.stdout

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a line. A worker that has just died is noticed where its answers end."""
        assert self.process.stdin is not None
        self.heard = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def hear(self) -> list[dict[str, Any]] | None:
        """The answers that have arrived whole; None if the process has ended."""
        arrived = os.read(self.answers.fileno(), 1 << 16)
        self.heard = time.monotonic()
        *lines, self.rest = (self.rest + arrived).split(b"\n")
        return [json.loads(line) for line in lines] if arrived else None

    def end_if_silent(self, limit: float) -> None:
        """Kill the process if it should say something and did not for so many seconds: it hangs."""
        if self.step is not None and time.monotonic() - self.heard > limit:
            self.silent = True
            self.process.kill()

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


def _drive(driver: Driver, pool: list[_Worker], limit: float) -> None:
    """Hand out steps until none is left."""
    with selectors.DefaultSelector() as selector:
        for worker in pool:
            selector.register(worker.answers, selectors.EVENT_READ, worker)
        while driver.left:
            for worker in pool:
                if worker.step is None and (step := driver.take()) is not None:
                    worker.step = step
                    worker.tell(step.spec)
                worker.end_if_silent(limit)
            for key, _ in selector.select(LOOK_SECONDS):
                worker, answers = key.data, key.data.hear()
                if answers is None:
                    selector.unregister(key.fileobj)
                    _replace(driver, worker, limit)
                    selector.register(worker.answers, selectors.EVENT_READ, worker)
                for answer in answers or ():
                    assert worker.step is not None, "an answer without a question"
                    if driver.hear(worker.step, answer):
                        worker.step = None


def _replace(driver: Driver, worker: _Worker, limit: float) -> None:
    """A worker died: another takes its place, and its step is tried again; once if the reason is plain."""
    words, status, step = worker.end(), worker.process.returncode, worker.step
    driver.store.tidy()
    worker.step = None
    if step is not None:
        if worker.silent:
            driver.lose(step, f"it said nothing for {limit / 60:g} min", words, tries=2)
        elif status == -signal.SIGKILL and (worker.kills is None or memory_kills() != worker.kills):
            driver.lose(step, "it was killed for want of memory", words, tries=2, memory=True)
        else:
            driver.lose(step, status, words)
    worker.start()
