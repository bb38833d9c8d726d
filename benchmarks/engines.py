"""What the launchers cost: the time until the first step begins, and that of a step beside its work.

    python benchmarks/engines.py [--steps 1000] [--workers 2] [--engines local ray submitit] [--json FILE]

The steps compute nothing, and half of them wait for another. `submitit` is what the Slurm launcher does,
with submitit's local executor in the place of Slurm. Ray starts a cluster of its own.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from overhead import COMPUTE, trivial_steps
from xstilts.run import launch, local, machine, ray, slurm
from xstilts.run.launch import Listener, Result, Run
from xstilts.run.options import RayOptions, SlurmOptions
from xstilts.store import Store
from xstilts.study.step import Places, Step


class Processes(slurm.Jobs):
    """submitit's local executor in the place of Slurm: each job is a process of this computer."""

    def __init__(self, folder: Path, options: SlurmOptions) -> None:
        self._folder, self.room = folder, options.jobs
        self._executor = slurm.imported().LocalExecutor(folder / "logs")
        self._executor.update_parameters(timeout_min=60)
        self._jobs: dict[str, Any] = {}

    def start(self, count: int) -> list[str]:
        """Names of that many new jobs."""
        new = [self._executor.submit(slurm.serve, str(self._folder)) for _ in range(count)]
        self._jobs |= {one.job_id: one for one in new}
        return [one.job_id for one in new]

    def states(self) -> dict[str, str]:
        """The states of the jobs, in words of Slurm."""
        return {name: "COMPLETED" if one.done() else "RUNNING" for name, one in self._jobs.items()}

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs."""
        for name in jobs:
            self._jobs[name].cancel()


def on_processes(wanted: Run, listener: Listener, options: SlurmOptions) -> Result:
    """The Slurm launcher on submitit's local executor."""
    with mock.patch.object(slurm, "Jobs", Processes):
        return slurm.run(wanted, listener, options)


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="What the launchers cost")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=machine.cores())
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    figures = {name: measured(ENGINES[name], options.steps, options.workers) for name in options.engines}
    print(f"{'engine':10}{'start-up, s':>12}{'ms a step':>12}{'all, s':>10}")
    for name, one in figures.items():
        print(f"{name:10}{one['start']:12.1f}{1000 * one['step']:12.1f}{one['all']:10.1f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measured(run: Callable[..., Result], count: int, workers: int) -> dict[str, float]:
    """Seconds until the first step begins, from then on for each step, and for all from call to return."""
    steps = trivial_steps(count)
    times: list[float] = []

    def listener(step: Step, event: Mapping[str, Any]) -> None:
        if event["event"] in ("started", "finished"):
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with mock.patch.object(launch, "COMPUTE", COMPUTE):
            result = run(Run(steps, Store(Path(folder)), Places()), listener, workers)
        ended = time.perf_counter()
    assert result.computed == len(steps), result.failed
    first, last = times[0], times[-1]
    return {"start": first - began, "step": (last - first) / len(steps), "all": ended - began}


def _local(wanted: Run, listener: Listener, workers: int) -> Result:
    return local.run(wanted, listener, workers=workers)


def _ray(wanted: Run, listener: Listener, workers: int) -> Result:
    return ray.run(wanted, listener, RayOptions(steps=workers))


def _submitit(wanted: Run, listener: Listener, workers: int) -> Result:
    return on_processes(wanted, listener, SlurmOptions(cpus=1, gpus=0, jobs=workers))


ENGINES: dict[str, Callable[..., Result]] = {"local": _local, "ray": _ray, "submitit": _submitit}


if __name__ == "__main__":
    main()
