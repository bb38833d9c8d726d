"""The local launcher: worker processes on this computer, which end with it.

Two launchers may run on one store. One that is killed loses nothing; started again, it reads from the store
what is left to do.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from xstilts.run.launch import End, Launch, Listener, Pace, Result, Run
from xstilts.run.machine import environments, memory_kills, threads
from xstilts.run.options import LocalOptions
from xstilts.run.rendezvous import rendezvous

PACE = Pace(look=0.05, ask=0.2, search=0.1, busy=1.0, tell=0.5)
FAREWELL_SECONDS = 5.0
SILENCE_SECONDS = 1800.0
"""How long a worker may say nothing: loading, encoding and a large language are silent, but shorter."""


def run(
    wanted: Run,
    listener: Listener,
    options: LocalOptions = LocalOptions(),  # noqa: B008 (a frozen value)
    *,
    workers: int | None = None,
    limit: float = SILENCE_SECONDS,
) -> Result:
    """Compute all steps that are not in the store; the failure of one blocks only what needs it.

    A worker that says nothing for `limit` seconds is ended, and its step tried again. Raises StoreError if
    the store cannot be written any more (a full disk); everything finished until then is there.
    """
    launch = Launch(wanted, listener, PACE, limit)
    if launch.left:
        processes = options.processes_per_phase
        told = wanted.settings(PACE, processes, divide=options.divide_model)
        places = environments(workers, processes, threads=threads(wanted.steps))
        try:
            with rendezvous(wanted.store, launch.entries, told, here=True) as folder:
                launch.attend(folder, _Processes(folder, places))
        finally:
            wanted.store.tidy()
    return launch.result


class _Processes:
    """Processes of this computer, each with its share of the cores and GPUs."""

    def __init__(self, folder: Path, environments: Sequence[Mapping[str, str]]) -> None:
        self._folder = folder
        self._free = list(environments)[::-1]
        self._taken: dict[str, Mapping[str, str]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._kills: dict[str, int | None] = {}
        self._started = 0

    @property
    def room(self) -> int:
        return len(self._free) + len(self._taken)

    def start(self, count: int) -> list[str]:
        new = []
        for _ in range(count):
            self._started += 1
            name, environment = str(self._started), self._free.pop()
            self._taken[name], self._kills[name] = environment, memory_kills()
            with (self._folder / "logs" / name).open("wb") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-P", "-m", "xstilts.run.worker", str(self._folder), name],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **environment},
                )
            new.append(name)
        return new

    def ended(self, workers: Collection[str]) -> dict[str, End]:
        """Those are waited for later: until then nobody takes their leases for leases of dead processes."""
        statuses = {name: _status(self._processes[name]) for name in workers}
        return {name: self._end(name, status) for name, status in statuses.items() if status is not None}

    def kill(self, worker: str) -> None:
        self._processes[worker].kill()

    def remove(self, worker: str) -> None:
        process = self._processes.pop(worker)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        self._free.append(self._taken.pop(worker))

    def stop(self, workers: Sequence[str]) -> None:
        for name in workers:
            self._processes[name].terminate()
        until = time.monotonic() + FAREWELL_SECONDS
        for name in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._processes[name].wait(max(0.0, until - time.monotonic()))
            self._processes[name].kill()
            self.remove(name)

    def _end(self, name: str, status: int) -> End:
        words = (self._folder / "logs" / name).read_bytes()[-4000:].decode(errors="replace")
        if status == -signal.SIGKILL and (self._kills[name] is None or memory_kills() != self._kills[name]):
            return End("it was killed for want of memory", words, memory=True, tries=2)
        return End(status, words)


def _status(process: "subprocess.Popen[bytes]") -> int | None:
    """The exit status of a process that has ended, without its being waited for; None if it goes on."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll()
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
