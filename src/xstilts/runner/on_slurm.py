"""The Slurm engine: jobs that take steps by themselves, and a driver that sees to it that there are enough.

    pip install 'xstilts[slurm]'         (submitit)

A wave of steps whose parents are in the store opens; the driver submits an array of jobs for it, no more
than `jobs` at a time; each job computes step after step (`runner.job`). Slurm queues preempted jobs again. A
job that ends with a step in hand has died of it: its claims are freed, and the step is tried again, but not
for ever. Slurm is asked by `squeue` alone, for many clusters keep no accounts.
"""

import contextlib
import math
import re
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xstilts.errors import EngineError, StoreError
from xstilts.runner import job, meeting
from xstilts.runner.driver import COMPUTE, Driver, Listener, Result
from xstilts.runner.engine import SlurmOptions
from xstilts.runner.machine import threads
from xstilts.runner.progress import say
from xstilts.runner.workbench import settings
from xstilts.store import Store, write_json
from xstilts.study.step import Places, Step

LOOK_SECONDS = 2.0
ASK_SECONDS = 10.0
"""Time between two questions to Slurm, which answers everybody on the cluster."""
GRACE_SECONDS = 10.0
"""How long what a job wrote may take to be seen here, after the step it tells of is in the store."""
FAREWELL_SECONDS = 60.0
BARREN = 3
"""So many jobs in a row that end before they begin a step are a fault of the cluster or of its options."""
WAVE = 200
UNKNOWN = "UNKNOWN"
_ENDS = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT"
ENDED = frozenset((*_ENDS.split(), UNKNOWN))
"""States of a job that is over; Slurm forgets such jobs after some minutes."""


class Crew(Protocol):
    """What starts jobs and knows of them."""

    def submit(self, count: int) -> list[str]:
        """Names of that many new jobs. EngineError if they are refused."""

    def states(self) -> dict[str, str] | None:
        """The states of the jobs that are known still; None if nobody answers now."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs."""


def run(
    steps: Sequence[Step],
    store: Store,
    places: Places,
    listener: Listener,
    *,
    options: SlurmOptions,
    compute: str = COMPUTE,
) -> Result:
    """Compute all steps that are not in the store, as jobs of the Slurm cluster that this computer is on.

    Raises EngineError if jobs are refused or end before they begin; StoreError if the store cannot be written
    any more, or if a node does not see it.
    """
    driver = Driver(steps, store, listener)
    if driver.left:
        with meeting.meeting(store) as folder:
            arrange(folder, steps, settings(store, places, compute), options)
            attend(driver, steps, folder, _Slurm(folder / "logs", options), options.jobs)
    return driver.result


def arrange(folder: Path, steps: Sequence[Step], told: Mapping[str, Any], options: SlurmOptions) -> None:
    """Write down what the jobs are to do."""
    (folder / "logs").mkdir()
    content = {
        "settings": {**told, **meeting.agreement(folder)},
        "steps": [step.spec for step in steps],
        "cpus": options.cpus,
        "gpus": options.gpus,
        "divide_model": options.divide_model,
        "idle_seconds": 60 * options.idle_minutes,
    }
    write_json(folder / "run.json", content)


def attend(driver: Driver, steps: Sequence[Step], folder: Path, crew: Crew, most: int) -> None:
    """Have at most `most` jobs work until nothing is left; end them if the block is left early."""
    watch = _Watch(driver, steps, folder, crew, most)
    try:
        while driver.left:
            watch.look()
            time.sleep(LOOK_SECONDS)
    finally:
        watch.dismiss()


@dataclass
class _Known:
    """What is known of a job."""

    diary: meeting.Diary
    owner: str = ""
    """Its process, as that called itself when it joined."""
    step: Step | None = None
    began_one: bool = False
    left: bool = False
    state: str = "PENDING"
    gone_since: float | None = None


@dataclass
class _Watch:
    """Reads what jobs tell, notices which have ended, and asks for new ones."""

    driver: Driver
    steps: Sequence[Step]
    folder: Path
    crew: Crew
    most: int
    jobs: dict[str, _Known] = field(default_factory=dict)
    barren: int = 0
    asked: float = -math.inf
    seen: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = {step.fingerprint: step for step in self.steps}

    def look(self) -> None:
        """Once around. StoreError if the store was removed, and with it what jobs tell."""
        self.driver.store.require()
        for known in self.jobs.values():
            for event in known.diary.news():
                self._hear(known, event)
        if time.monotonic() - self.asked >= ASK_SECONDS or not self.jobs:
            self.asked = time.monotonic()
            self._notice_ended()
            self._notice_found()
            if self.driver.left:
                self._call_up()

    def dismiss(self) -> None:
        """End the jobs that are still there, and wait for them to go."""
        if not self.jobs:
            return
        self.crew.cancel(list(self.jobs))
        until = time.monotonic() + FAREWELL_SECONDS
        while time.monotonic() < until:
            states = self.crew.states()
            if states is not None and all(states.get(name, UNKNOWN) in ENDED for name in self.jobs):
                return
            time.sleep(min(1.0, LOOK_SECONDS))

    def _hear(self, known: _Known, event: dict[str, Any]) -> None:
        match event["event"]:
            case "joined":  # for the first time, or after Slurm has queued the job again
                self._free(known)
                known.owner, known.left = event.get("owner", ""), False
            case "left":
                known.step, known.left = None, True
            case "stopped":
                raise StoreError(*event["store"])
            case kind:
                step = self._by_name[event["step"]]
                known.began_one = True
                known.step = step if kind in ("started", "progress") else None
                self._pass_on(step, event)

    def _pass_on(self, step: Step, event: dict[str, Any]) -> None:
        """Into the books. That a job found a step done is no news: whoever computed it tells."""
        if self.driver.settled(step) or event.get("outcome") == "found":
            return
        if event["event"] == "busy":
            self.driver.listener(step, event)
        else:
            self.driver.hear(step, {"store": None, **event})

    def _notice_ended(self) -> None:
        """Jobs that have gone for so long that everything they wrote has been read."""
        states = self.crew.states()
        if states is None:
            return
        now = time.monotonic()
        for name, known in list(self.jobs.items()):
            known.state = states.get(name, UNKNOWN)
            if known.state == "PENDING":  # its node died, and it waits for another
                self._free(known)
            if known.state not in ENDED:
                known.gone_since = None
            elif known.gone_since is None:
                known.gone_since = now
            if known.gone_since is not None and now - known.gone_since >= GRACE_SECONDS:
                del self.jobs[name]
                self._bury(name, known)

    def _bury(self, name: str, known: _Known) -> None:
        words = _tail(self.folder / "logs" / f"{name}_0_log.err")
        step = known.step
        self._free(known)
        if step is not None and not self.driver.settled(step):
            self.driver.lose(step, f"job {name}: {known.state}", words, memory=known.state == "OUT_OF_MEMORY")
            if (message := self.driver.result.failed.get(step.fingerprint)) is not None:
                meeting.fail(self.folder, step.fingerprint, message)
        self.barren = 0 if known.began_one or known.left else self.barren + 1
        if self.barren >= BARREN:
            what = f"ended before they began a step ({known.state}). The last one said:\n{words}\n"
            raise EngineError(f"{BARREN} jobs in a row", what, "See docs/cluster.md, Nothing starts.")

    def _free(self, known: _Known) -> None:
        """The process of the job is over: what it had in hand is put down, and claimed by nobody now."""
        if known.step is not None:
            self.driver.bury(known.step, known.owner)
        known.step = None

    def _notice_found(self) -> None:
        """Steps that are in the store without a word of our jobs: those of another driver."""
        now = time.monotonic()
        for step in self._front():
            if self.driver.store.done(step):
                self.seen[step.fingerprint] = now
        for name, since in list(self.seen.items()):
            if self.driver.settled(self._by_name[name]):
                del self.seen[name]
            elif now - since >= GRACE_SECONDS:
                self.driver.hear(self._by_name[name], {"event": "finished", "outcome": "found"})

    def _call_up(self) -> None:
        """As many jobs as there are steps that nobody is at, within the bounds."""
        at_work = {known.step.fingerprint for known in self.jobs.values() if known.step is not None}
        idle = sum(known.step is None for known in self.jobs.values())
        claimed = self.driver.store.claimed
        free = [
            one for one in self._front() if one.fingerprint not in at_work and not claimed(one.fingerprint)
        ]
        count = min(len(free) - idle, self.most - len(self.jobs))
        if count > 0:
            with self._some_suffice():
                new = self.crew.submit(count)
                self.jobs |= {name: _Known(meeting.Diary(self.folder, name)) for name in new}
                say(f"{len(new)} jobs submitted, {len(self.jobs)} are there: squeue --me --name xstilts")

    @contextlib.contextmanager
    def _some_suffice(self) -> Iterator[None]:
        """A refusal (a limit of the user's, a busy controller) ends the run only if no job is there."""
        try:
            yield
        except EngineError:
            if not self.jobs:
                raise

    def _front(self) -> list[Step]:
        """The steps whose parents are in the store and which, as far as is known, are not."""
        missing = {step.fingerprint for step in self.steps if not self.driver.settled(step)} - set(self.seen)
        return [
            step for step in self.steps if step.fingerprint in missing and missing.isdisjoint(step.parents)
        ]


class _Slurm:
    """The cluster that this computer is on."""

    def __init__(self, logs: Path, options: SlurmOptions) -> None:
        submitit = imported()
        try:
            self._executor = submitit.SlurmExecutor(folder=logs)
            self._executor.update_parameters(**parameters(options))
        except RuntimeError as error:
            now = "Run this on a login node, or choose another --engine."
            raise EngineError("--engine slurm", "no Slurm here: srun is not found.", now) from error
        self._folder = str(logs.parent)
        self._wave = min(WAVE, _largest_array())

    def submit(self, count: int) -> list[str]:
        names: list[str] = []
        while len(names) < count:
            wave = min(self._wave, count - len(names))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    jobs = self._executor.map_array(job.serve, [self._folder] * wave)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                if names:
                    return names
                words = str(error).strip().splitlines()[-1:] or [type(error).__name__]
                raise EngineError("sbatch", words[0], "See docs/cluster.md, Nothing starts.") from error
            names += [one.job_id for one in jobs]
        return names

    def states(self) -> dict[str, str] | None:
        lines = _ask("squeue", "--me", "--states=all", "--array", "--noheader", "--format=%i %T")
        if lines is None:
            return None
        return dict(line.split(None, 1) for line in lines.splitlines() if " " in line.strip())

    def cancel(self, jobs: Sequence[str]) -> None:
        _ask("scancel", *sorted({name.split("_")[0] for name in jobs}))


def imported() -> Any:
    """submitit; EngineError if it is not installed."""
    try:
        import submitit
    except ImportError as error:
        now = "Install it: pip install 'xstilts[slurm]'."
        raise EngineError("--engine slurm", "needs submitit, which is not installed.", now) from error
    return submitit


def parameters(options: SlurmOptions) -> dict[str, Any]:
    """What sbatch is told, in the words of submitit.

    srun takes the number of cores of a step not from its job, so it is told itself. --requeue: a preempted
    job, and one whose node died, is queued again.
    """
    words = {name: getattr(options, name) for name in ("partition", "account", "qos", "constraint")}
    memory = {} if options.memory_gb is None else {"mem": f"{math.ceil(1024 * options.memory_gb)}MB"}
    gpus = {"gpus_per_node": options.gpus} if options.gpus else {}
    exports = [f"export {name}={value}" for name, value in threads(options.cpus).items()]
    return {
        "job_name": "xstilts",
        "time": max(1, math.ceil(60 * options.hours)),
        "cpus_per_task": options.cpus,
        "srun_args": [f"--cpus-per-task={options.cpus}"],
        "setup": [*exports, *options.setup],
        "additional_parameters": {"requeue": True, **options.extra},
        **{name: word for name, word in words.items() if word},
        **memory,
        **gpus,
    }


def _largest_array() -> int:
    """MaxArraySize of the cluster, which is one more than the largest index."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config") or "")
    return max(1, int(found[1]) if found else WAVE)


def _ask(*command: str) -> str | None:
    """What a command of Slurm prints; None if the controller does not answer now."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-4000:].decode(errors="replace")
    except OSError:
        return ""
