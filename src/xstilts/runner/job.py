"""A job of a cluster: takes step after step whose parents are in the store, until its time is nearly over.

Jobs need no driver to hand out work: each reads the list of steps, looks into the store, and claims. So they
go on if the driver is gone. A job that Slurm ends before its time (preemption), or warns that its time is
nearly over, gives its claim back and is queued again; the step continues from its last state.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from xstilts import claims
from xstilts.errors import StoreError
from xstilts.runner import meeting
from xstilts.runner.context import Event
from xstilts.runner.driver import Driver
from xstilts.runner.machine import share
from xstilts.runner.workbench import Workbench
from xstilts.store import Store
from xstilts.study.step import Step

WARNING = signal.SIGUSR2
"""What Slurm sends a while before the time of a job is over."""
LOOK_SECONDS = 1.0
BUSY_SECONDS = 5.0
TELL_SECONDS = 5.0
"""Time between two lines about the progress of a step."""


class _TimeIsUpError(SystemExit):
    """The job is asked to leave; raised wherever it is, so that claims are given back on the way out."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(0)


def serve(folder: str) -> None:
    """Compute what there is to do in the run that meets in that folder. What submitit starts."""
    from submitit import JobEnvironment

    job = JobEnvironment().job_id
    diary = meeting.Diary(Path(folder), job)
    for number in (WARNING, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    diary.tell({"event": "joined", "owner": claims.owner()})
    why, again = "", False
    try:
        _Job(Path(folder), diary).work()
        why = "nothing to do"
    except _TimeIsUpError as end:
        why, again = signal.Signals(end.number).name, end.number == WARNING
    except StoreError as error:
        with contextlib.suppress(StoreError):  # the diary is in the store, which may be gone
            diary.tell({"event": "stopped", "store": list(error.args)})
        raise
    finally:
        if why:
            diary.tell({"event": "left", "why": why})
    if again:
        _queue_again(job)


class _Job:
    """Its part of the run: books of its own, and a workbench."""

    def __init__(self, folder: Path, diary: meeting.Diary) -> None:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        os.environ.update(share(run["cpus"], run["gpus"], divide=run["divide_model"]))
        meeting.agree(run["settings"])
        self._folder, self._diary = folder, diary
        self._idle_seconds: float = run["idle_seconds"]
        self._store = Store(Path(run["settings"]["store"]))
        self._bench = Workbench(run["settings"])
        steps = [Step.from_spec(spec) for spec in run["steps"]]
        self._books = Driver(steps, self._store, self._tell, busy_seconds=BUSY_SECONDS)
        self._told = 0.0

    def work(self) -> None:
        """Until all is done or given up, or others have been at everything that is left for a while."""
        useful = time.monotonic()
        while self._books.left:
            step = self._books.take()
            if step is not None and not self._is_anothers(step):
                self._bench.serve(step.spec, partial(self._hear, step))
                useful = time.monotonic()
            elif step is None:
                if time.monotonic() - useful > self._idle_seconds:
                    return
                time.sleep(LOOK_SECONDS)

    def _is_anothers(self, step: Step) -> bool:
        """Whether another job has failed at the step or is at it now; the books then know."""
        message = meeting.failed(self._folder, step.fingerprint)
        if message is not None:
            self._books.give_up(step, message)
            return True
        if self._store.claimed(step.fingerprint) and not self._store.done(step):
            self._books.postpone(step)
            return True
        return False

    def _hear(self, step: Step, event: Event) -> None:
        if event["event"] == "failed" and event["store"] is None:
            meeting.fail(self._folder, step.fingerprint, event["message"])
        self._books.hear(step, event)

    def _tell(self, step: Step, event: Mapping[str, Any]) -> None:
        if event["event"] == "progress":
            if time.monotonic() - self._told < TELL_SECONDS:
                return
            self._told = time.monotonic()
        if event["event"] != "blocked":
            self._diary.tell({"step": step.fingerprint, **event})


def _leave(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # what is being put away must not be cut off by a second signal
    raise _TimeIsUpError(number)


def _queue_again(job: str) -> None:
    """Ask Slurm for another turn; where that is not allowed, the driver asks for another job."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(["scontrol", "requeue", job], timeout=60, check=False, capture_output=True)
