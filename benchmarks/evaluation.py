"""What an evaluation spends its time on: the model, and everything beside it.

    python benchmarks/evaluation.py --backbone DIR [--pairs test.jsonl.gz] [--rows 2000] [--json FILE]
    python benchmarks/evaluation.py --backbone DIR --beside OTHER/src    # another version of xstilts, in turn

Two phases of one update make two models, which are asked about the same pairs of sentences, one after the
other, as a worker computes evaluations: `first` has rows to encode, `again` may find them. Each round is a
process of its own. On a processor with one thread times are those of the processor, so that other work on it
counts for less; else they are those of the clock. The share of the matrix rate is that of the useful
operations of the forward passes (2 for each parameter of a matrix and real token, and attention) in the rate
that this machine reaches on the products of training, the better of that before and that after.
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

import torch

import contenders
import throughput
from rates import Shape, matrix_rate
from xstilts.compute import checkpoint, work
from xstilts.compute.model import Model
from xstilts.store import Store
from xstilts.study.phase import Evaluation, Inference
from xstilts.study.step import Step


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = throughput.parser("Where the time of an evaluation goes")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many")
    parser.add_argument("--beside", type=Path, help="the folder `src` of another version")
    parser.add_argument("--profile", action="store_true", help="print what torch's profiler says of `again`")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.examples, options.epochs, options.seeds = options.rows, 1, 1
    options.precision = options.precision or "fp32"
    torch.set_num_threads(options.threads)
    if options.child is not None:
        print(json.dumps(_measured(options.child, options)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lengths = throughput.prepare(folder, options)
        (folder / "lengths.json").write_text(json.dumps(lengths))
        versions = {"this": None} | ({"other": options.beside} if options.beside else {})
        rounds: dict[str, list[Any]] = {version: [] for version in versions}
        for _ in range(options.rounds):
            for version, source in versions.items():
                rounds[version].append(_run(folder, source))
    figures: dict[str, Any] = {version: _medians(found) for version, found in rounds.items()}
    if options.beside:
        other, this = figures["other"], figures["this"]
        figures["faster_by"] = {name: other[name]["seconds"] / this[name]["seconds"] for name in PARTS}
    figures |= {"tokens": sum(lengths), "rounds": rounds, "threads": options.threads}
    shown = {name: value for name, value in figures.items() if name != "rounds"}
    print(json.dumps(shown, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


PARTS = ("first", "again")


def _run(folder: Path, source: Path | None) -> Any:
    """The figures of one round, in a process of its own, with the package in that folder."""
    command = [sys.executable, __file__, *sys.argv[1:], "--child", str(folder)]
    paths = {} if source is None else {"PYTHONPATH": str(source.resolve())}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | paths)
    *shown, last = done.stdout.splitlines()
    if shown:
        print("\n".join(shown))
    return json.loads(last)


def _medians(rounds: list[Any]) -> Any:
    """The median of each figure over the rounds."""
    return {
        part: {name: statistics.median(one[part][name] for one in rounds) for name in rounds[0][part]}
        for part in PARTS
    }


def _measured(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The figures of two evaluations."""
    lengths = json.loads((folder / "lengths.json").read_text())
    shape = throughput.shape_of(folder, lengths, options.batch_size)
    useful = shape.flops(sum(lengths), sum(length**2 for length in lengths)) / 3
    alone = options.threads == 1 and not torch.cuda.is_available()
    clock = time.process_time if alone else time.perf_counter
    step, places = contenders.phase(throughput.job_of(folder, options, options.precision, 1))
    evaluations = []
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        store.prepare()
        for seed in (1, 2):
            trained = step.specification
            trained = trained.changed(recipe=trained.recipe.changed(epochs=None, updates=1), seed=seed)
            work.compute(Step(trained), store, places, lambda event: None)
            evaluations.append(_evaluation(trained, options))
        found = {}
        for part, evaluation in zip(PARTS, map(Step, evaluations), strict=True):
            before = _rate(shape, options, clock)
            profiled = options.profile and part == "again"
            figures = _timed(evaluation, store, places, clock, profiled=profiled)
            rate = max(before, _rate(shape, options, clock))
            record = store.record(evaluation.fingerprint) or {}
            found[part] = figures | {
                "peak_mb": record["memory"]["peak_mb"],
                "matrix_rate": rate,
                "share_of_matrix_rate": useful / figures["in_model"] / rate,
                "outside_model": 1 - figures["in_model"] / figures["seconds"],
                "tokens_per_second": sum(lengths) / figures["seconds"],
            }
    return found


def _rate(shape: Shape, options: argparse.Namespace, clock: Callable[[], float]) -> float:
    return matrix_rate(shape, options.precision, clock=clock)


def _evaluation(trained: Any, options: argparse.Namespace) -> Evaluation:
    return Evaluation(
        model=trained,
        use=trained.uses[0].changed(split="test"),
        trained_by=trained.uses[0],
        metric="accuracy",
        metric_version=1,
        inference=Inference(
            max_length=trained.recipe.max_length,
            stride=0,
            precision=trained.recipe.precision,
            threads=options.threads,
        ),
    )


def _timed(
    step: Step, store: Store, places: Any, clock: Callable[[], float], *, profiled: bool
) -> dict[str, float]:
    """Seconds of an evaluation, of its forward passes, and of loading its model."""
    spent = {"in_model": 0.0, "loading": 0.0}

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*inputs: Any) -> Any:
            began = clock()
            result = call(*inputs)
            spent[name] += clock() - began
            return result

        return measured

    profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    with (
        mock.patch.object(Model, "forward", timed("in_model", Model.forward)),
        mock.patch.object(checkpoint, "load", timed("loading", checkpoint.load)),
    ):
        if profiled:
            profiler.start()
        began = clock()
        work.compute(step, store, places, lambda event: None)
        seconds = clock() - began
        if profiled:
            profiler.stop()
            print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12))
    return {"seconds": seconds} | spent


if __name__ == "__main__":
    main()
