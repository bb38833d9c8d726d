"""The Slurm launcher: workers are jobs, each of which computes many steps.

    pip install 'xstilts[slurm]'         (submitit)

When steps are ready that nobody is at, an array of jobs is submitted for them, no more than `jobs` at a time.
Slurm queues preempted jobs again, and a job whose time is nearly over has itself queued again. Slurm is asked
by `squeue` alone, for many clusters keep no accounts.
"""

import contextlib
import math
import re
import signal
import subprocess
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xstilts.errors import EngineError
from xstilts.plain import say
from xstilts.run import worker
from xstilts.run.launch import End, Launch, Listener, Pace, Result, Run
from xstilts.run.machine import LIBRARY_SETTINGS
from xstilts.run.options import SlurmOptions
from xstilts.run.rendezvous import rendezvous

PACE = Pace(look=2.0, ask=10.0, grace=10.0, tell=5.0)
FAREWELL_SECONDS = 60.0
WAVE = 200
WARNING = signal.SIGUSR2
"""What Slurm sends a while before the time of a job is over."""
UNKNOWN = "UNKNOWN"
_ENDS = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT"
ENDED = frozenset((*_ENDS.split(), UNKNOWN))
"""States of a job that is over; Slurm forgets such jobs after some minutes."""


def run(wanted: Run, listener: Listener, options: SlurmOptions) -> Result:
    """Compute all steps that are not in the store, as jobs of the Slurm cluster that this computer is on.

    Raises EngineError if jobs are refused or end before they begin; StoreError if the store cannot be written
    any more, or if a node does not see it.
    """
    launch = Launch(wanted, listener, PACE)
    if launch.left:
        pace = replace(PACE, idle=60 * options.idle_minutes)
        told = wanted.settings(pace, options.gpus, divide=options.divide_model)
        with rendezvous(wanted.store, launch.entries, told) as folder:
            launch.attend(folder, Jobs(folder, options))
    return launch.result


def serve(folder: str) -> None:
    """Compute what there is to do, as a job. What submitit starts."""
    from submitit import JobEnvironment

    job = JobEnvironment().job_id
    for number in (WARNING, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.leave)
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    try:
        worker.serve(Path(folder), job)
    except worker.Leave as end:
        if end.number == WARNING:  # where that is not allowed, the launcher asks for another job
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run(["scontrol", "requeue", job], timeout=60, check=False, capture_output=True)


class Jobs:
    """Jobs of the cluster that this computer is on."""

    def __init__(self, folder: Path, options: SlurmOptions) -> None:
        submitit = imported()
        self._folder, self.room = folder, options.jobs
        # MaxArraySize of the cluster, which is one more than the largest index.
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config") or "")
        self._wave = min(WAVE, max(1, int(found[1]) if found else WAVE))
        try:
            self._executor = submitit.SlurmExecutor(folder=folder / "logs")
            self._executor.update_parameters(**parameters(options))
        except RuntimeError as error:
            now = "Run this on a login node, or choose another --engine."
            raise EngineError("--engine slurm", "no Slurm here: srun is not found.", now) from error

    def start(self, count: int) -> list[str]:
        names: list[str] = []
        while len(names) < count:
            wave = min(self._wave, count - len(names))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    jobs = self._executor.map_array(serve, [str(self._folder)] * wave)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                if names:
                    break
                words = str(error).strip().splitlines()[-1:] or [type(error).__name__]
                raise EngineError("sbatch", words[0], "See docs/cluster.md, Nothing starts.") from error
            names += [one.job_id for one in jobs]
        say(f"{len(names)} jobs submitted: squeue --me --name xstilts")
        return names

    def ended(self, workers: Iterable[str]) -> dict[str, End]:
        states = self.states()
        found: dict[str, End] = {}
        if states is None:
            return found
        for name in workers:
            state = states.get(name, UNKNOWN)
            if state == "PENDING":  # or its node died, and it waits for another
                found[name] = End(f"job {name}: its node died", returns=True)
            elif state in ENDED:
                words = _tail(self._folder / "logs" / f"{name}_0_log.err")
                found[name] = End(f"job {name}: {state}", words, memory=state == "OUT_OF_MEMORY")
        return found

    def kill(self, worker: str) -> None:
        _ask("scancel", worker)

    def remove(self, worker: str) -> None:
        """Slurm forgets it by itself."""

    def stop(self, workers: Sequence[str]) -> None:
        if not workers:
            return
        self.cancel(workers)
        until = time.monotonic() + FAREWELL_SECONDS
        while time.monotonic() < until:
            states = self.states()
            if states is not None and all(states.get(name, UNKNOWN) in ENDED for name in workers):
                return
            time.sleep(min(1.0, PACE.look))

    def states(self) -> dict[str, str] | None:
        """The states of the jobs that are known still; None if nobody answers now."""
        lines = _ask("squeue", "--me", "--states=all", "--array", "--noheader", "--format=%i %T")
        if lines is None:
            return None
        return dict(line.split(None, 1) for line in lines.splitlines() if " " in line.strip())

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs."""
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
    exports = [f"export {name}={value}" for name, value in LIBRARY_SETTINGS.items()]
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
