"""What xstilts costs beside training: steps of a plan, planning, starting.

    python benchmarks/overhead.py [--steps 1000] [--cells 10000] [--json FILE]

A step: leasing it in a worker process, writing its folder and record, renaming it into place;
half of the steps wait for another. Nothing is trained. Planning: a study of so many cells, from the file to
the list of steps with their fingerprints. Starting: `xstilts --help`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from xstilts.compute import work
from xstilts.compute.context import Event, Means
from xstilts.run import launch, local
from xstilts.store import Store
from xstilts.study.backbone import Backbone
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.plan import plan
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

STARTS = 7
COMPUTE = "overhead:compute"
TARGETS = ("udpos", "xnli")
SEEDS = 100
STUDY = """
name = "overhead"
question = "How long does planning take?"
references = []
[backbones]
base = {{ model = "FacebookAI/xlm-roberta-base", revision = "0123456789012345678901234567890123456789" }}
[intermediate]
seeds = {seeds}
[intermediate.arms]
{arms}
[target]
seeds = {seeds}
tasks = {targets}
"""


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="What xstilts costs beside training")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=None, help="by default one per core")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    figures: dict[str, Any] = start() | planning(options.cells) | steps(options.steps, options.workers)
    print(f"xstilts --help           {figures['help_seconds']:.2f} s, the median of {STARTS} (aim: 0.3 s)")
    cells = f"{figures['cells']:,} cells, {figures['planned_steps']:,} steps"
    print(f"planning {cells}  {figures['plan_seconds']:.2f} s (aim: 2 s for 10,000 cells)")
    print(f"checking the study file  {figures['load_seconds']:.2f} s")
    print(f"a step                   {1000 * figures['seconds_per_step']:.1f} ms of {figures['steps']:,}")
    print(f"a second run             {figures['seconds_again']:.2f} s, which computes nothing")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def start() -> dict[str, Any]:
    """The time from giving the command to its end."""
    command = [str(Path(sys.executable).with_name("xstilts")), "--help"]
    seconds = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    return {"help_seconds": statistics.median(seconds)}


def planning(cells: int) -> dict[str, Any]:
    """The time from a study file to its steps; the data sets are on the Hub, so no file is read."""
    arms = [
        f'arm{number} = {{ tasks = ["mnli"], examples = {1000 + number} }}' for number in range(_arms(cells))
    ]
    text = STUDY.format(seeds=list(range(1, SEEDS + 1)), arms="\n".join(arms), targets=list(TARGETS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(text, encoding="utf-8")
        began = time.perf_counter()
        study = load(path)
        loaded = time.perf_counter()
        planned = plan(study)
        ended = time.perf_counter()
    return {
        "cells": len(planned.cells),
        "planned_steps": len(planned.steps),
        "load_seconds": loaded - began,
        "plan_seconds": ended - loaded,
    }


def _arms(cells: int) -> int:
    return max(1, cells // (len(TARGETS) * SEEDS))


def steps(count: int, workers: int | None) -> dict[str, Any]:
    """The time that the local engine takes for steps that compute nothing, and to find them all done."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    trivial = trivial_steps(count)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.prepare()
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            with mock.patch.object(launch, "COMPUTE", COMPUTE):
                wanted = launch.Run(trivial, store, Places())
                result = local.run(wanted, lambda step, event: None, workers=workers)
            seconds.append(time.perf_counter() - began)
            assert result.complete, result.failed
    return {
        "steps": len(trivial),
        "seconds_per_step": seconds[0] / len(trivial),
        "seconds_again": seconds[1],
    }


def trivial_steps(count: int) -> list[Step]:
    """Phases, and an evaluation of each."""
    facts: dict[str, Any] = {"task_version": 1, "family": "classification", "family_version": 1}
    use = Use(task="nothing", split="train", languages=("en",), data=("none",), **facts)
    backbone, recipe = Backbone(checksum="none"), Recipe()
    inference = Inference(max_length=8, stride=0, precision="fp32")
    found = []
    for seed in range(count // 2):
        phase = Phase(parent=backbone, uses=(use,), recipe=recipe, seed=seed)
        evaluation = Evaluation(
            model=phase, use=use, trained_by=use, metric="accuracy", metric_version=1, inference=inference
        )
        found += [Step(phase), Step(evaluation)]
    return found


def compute(step: Step, store: Store, places: Places, report: Callable[[Event], None], means: Means) -> str:
    """What a worker does with a step, but for the work itself."""
    nothing: dict[str, Any] = {"_result": lambda step, context: {}, "read": lambda step, places: ()}
    with mock.patch.multiple(work, **nothing):
        return work.compute(step, store, places, report, means)


if __name__ == "__main__":
    main()
