"""What an evaluation spends its time on: the model, and everything beside it.

    python benchmarks/evaluation.py --backbone DIR [--pairs test.jsonl.gz] [--rows 2000] [--json FILE]

A phase of one update makes the model; then it is asked about pairs of sentences, as a worker computes an
evaluation. The share of the matrix rate is that of the useful operations of the forward passes (2 for each
parameter of a matrix and real token, and attention) in the rate that this machine reaches on the products of
training.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import contenders
import throughput
from rates import matrix_rate
from xstilts.runner import work
from xstilts.runner.model import Model
from xstilts.store import Store
from xstilts.study.phase import Evaluation, Inference
from xstilts.study.step import Step


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = throughput.parser("Where the time of an evaluation goes")
    parser.add_argument("--rows", type=int, default=2000)
    options = parser.parse_args()
    options.examples, options.epochs, options.seeds = options.rows, 1, 1
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lengths = throughput.prepare(folder, options)
        shape = throughput.shape_of(folder, lengths, options.batch_size)
        figures = _measured(folder, options) | {
            "tokens": sum(lengths),
            "matrix_rate": matrix_rate(shape, options.precision or "fp32"),
        }
    forward = shape.flops(sum(lengths), sum(length**2 for length in lengths)) / 3
    figures["share_of_matrix_rate"] = forward / figures["in_model"] / figures["matrix_rate"]
    figures["outside_model"] = 1 - figures["in_model"] / figures["seconds"]
    figures["tokens_per_second"] = figures["tokens"] / figures["seconds"]
    print(json.dumps(figures, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the evaluation, and of its forward passes."""
    step, places = contenders.phase(throughput.job_of(folder, options, options.precision or "fp32", 1))
    trained = step.specification
    trained = trained.changed(recipe=trained.recipe.changed(epochs=None, updates=1))
    store = Store(folder / "store")
    store.prepare()
    work.compute(Step(trained), store, places, lambda event: None)
    evaluation = Evaluation(
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
    spent, forward = [0.0], Model.forward

    def timed(self: Model, *inputs: Any) -> torch.Tensor:
        began = time.perf_counter()
        scores = forward(self, *inputs)
        spent[0] += time.perf_counter() - began
        return scores

    began = time.perf_counter()
    with mock.patch.object(Model, "forward", timed):
        work.compute(Step(evaluation), store, places, lambda event: None)
    return {"seconds": time.perf_counter() - began, "in_model": spent[0]}


if __name__ == "__main__":
    main()
