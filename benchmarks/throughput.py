"""Training throughput of xstilts beside the Hugging Face Trainer, on the same model and the same examples.

    pip install -e '.[bench]'
    python benchmarks/throughput.py [--size small] [--examples 3000] [--json FILE]
    python benchmarks/throughput.py --backbone DIR [--pairs train.jsonl.gz]

Three contenders take turns, each in a process of its own (see contenders.py): the Trainer as the official
example scripts use it, the Trainer at its best, and xstilts. The encoder has XLM-R's architecture and random
weights, or is a real one in a folder; the pairs are made up, with the lengths of XNLI, or the first of a file
in the layout of MultiNLI's JSON lines. The precision of the last two is whichever of bf16 and fp32 multiplies
matrices faster on this machine, if `--precision` does not say; both rates are measured first.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import contenders
import sentence_pairs
from contenders import CONTENDERS, Figures, Job
from rates import PRECISIONS, Shape, matrix_rate
from xstilts.data.examples import Pair
from xstilts.run.machine import LIBRARY_SETTINGS

SIZES = {
    "tiny": (2, 64, 2, 256),
    "small": (4, 256, 4, 1024),
    "base": (12, 768, 12, 3072),
    "large": (24, 1024, 16, 4096),
}
"""Layers, hidden units, heads, units between; base and large are those of XLM-R."""
VOCABULARY, MAX_LENGTH = 8000, 128
SCRIPT, BEST, OURS, *_ = CONTENDERS


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    options = _options()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lengths = prepare(folder, options)
        shape = shape_of(folder, lengths, options.batch_size)
        rates = {precision: matrix_rate(shape, precision) for precision in PRECISIONS}
        precision = options.precision or max(rates, key=lambda name: rates[name])
        _say(f"{machine()}, {options.threads} threads")
        _say(
            f"{shape.matrices / 1e6:.1f} million parameters in matrices; "
            f"{options.examples:,} pairs, {sum(lengths) / len(lengths):.0f} tokens each in the mean"
        )
        _say(", ".join(f"{name} {rate / 1e9:,.0f} GFLOP/s" for name, rate in rates.items()) + " in matrices")
        which = "as asked for" if options.precision else "which is faster here"
        _say(f"The example script computes in fp32, the others in {precision}, {which}.\n")
        jobs = [job_of(folder, options, precision, seed) for seed in range(1, options.seeds + 1)]
        names = [name for name in (SCRIPT, BEST, OURS) if name != SCRIPT or not options.no_script]
        measured: dict[str, list[Figures]] = {name: [] for name in names}
        for job in jobs:
            for contender in names:
                if contender != SCRIPT or job.seed == 1:
                    measured[contender].append(_measure(contender, job))
    figures = _figures(measured, shape, lengths, options.epochs) | {
        "machine": machine(),
        "threads": options.threads,
        "precision": precision,
        "matrix_rate": rates,
        "settings": {key: value for key, value in vars(options).items() if key != "json"}
        | {"backbone": str(options.backbone), "pairs": str(options.pairs)},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    figures["share_of_matrix_rate"] = figures["flops_per_second"] / rates[precision]
    _print(figures, rates[precision])
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def parser(description: str) -> argparse.ArgumentParser:
    """The options of a benchmark on pairs of sentences."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--size", choices=SIZES, default="small", help="of the encoder")
    found.add_argument(
        "--backbone", type=Path, help="the folder of a real encoder, in place of one of a size"
    )
    found.add_argument("--pairs", type=Path, help="a file of pairs, in place of made-up ones")
    found.add_argument("--batch-size", type=int, default=32, help="as in the commands of the example scripts")
    found.add_argument("--learning-rate", type=float, default=1e-3)
    found.add_argument("--threads", type=int, default=torch.get_num_threads())
    found.add_argument("--precision", choices=PRECISIONS, help="by default the faster one")
    found.add_argument("--json", type=Path, help="where to write the figures")
    return found


def _options() -> argparse.Namespace:
    found = parser("Training throughput beside the Hugging Face Trainer")
    found.add_argument("--examples", type=int, default=3000)
    found.add_argument("--epochs", type=int, default=1)
    found.add_argument("--seeds", type=int, default=3, help="of xstilts and the best Trainer")
    found.add_argument("--no-script", action="store_true", help="leave the example script out: it is slow")
    return found.parse_args()


def shape_of(folder: Path, lengths: Sequence[int], batch_size: int) -> Shape:
    """The shape of the encoder in the folder, with batches of pairs of these lengths."""
    config = json.loads((folder / "backbone" / "config.json").read_text())
    layers, hidden, inner = (config[key] for key in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    return Shape(layers, hidden, inner, max(1, sum(lengths) * batch_size // len(lengths)))


def prepare(folder: Path, options: argparse.Namespace) -> list[int]:
    """Write pairs, task file and backbone into the folder; gives the length of every pair in tokens."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if options.pairs is None:
        pairs = sentence_pairs.write(folder, options.examples)
    else:
        pairs = sentence_pairs.copy(options.pairs, folder, options.examples)
    shutil.copy(sentence_pairs.__file__, folder / "sentence_pairs.py")
    if options.backbone is None:
        made_up(folder / "backbone", SIZES[options.size], tokenizer_of(pairs, VOCABULARY))
    else:
        (folder / "backbone").symlink_to(options.backbone.resolve())
    tokenizer = AutoTokenizer.from_pretrained(folder / "backbone")
    return lengths_of(pairs, tokenizer)


def tokenizer_of(pairs: Sequence[Pair], vocabulary: int) -> Any:
    """A tokenizer of the pairs' words."""
    return contenders.tokenizer(
        [text for pair in pairs for text in (pair.text, pair.text2 or "")], vocabulary
    )


def lengths_of(pairs: Sequence[Pair], tokenizer: Any) -> list[int]:
    """The length of every pair in tokens."""
    texts = [pair.text for pair in pairs], [pair.text2 for pair in pairs]
    return [len(ids) for ids in tokenizer(*texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]]


def made_up(folder: Path, size: tuple[int, int, int, int], tokenizer: Any, rows: int | None = None) -> None:
    """Write an encoder of XLM-R's architecture with random weights; its table has a row for each token of the
    tokenizer, or so many rows."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    layers, hidden, heads, intermediate = size
    torch.manual_seed(1)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        encoder = XLMRobertaModel(
            XLMRobertaConfig(
                vocab_size=rows or len(tokenizer),
                num_hidden_layers=layers,
                hidden_size=hidden,
                num_attention_heads=heads,
                intermediate_size=intermediate,
                max_position_embeddings=514,
                type_vocab_size=1,
            ),
            add_pooling_layer=False,
        )
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def job_of(folder: Path, options: argparse.Namespace, precision: str, seed: int) -> Job:
    return Job(
        folder=folder,
        examples=options.examples,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        max_length=MAX_LENGTH,
        precision=precision,
        threads=options.threads,
        seed=seed,
    )


def _measure(contender: str, job: Job) -> Figures:
    values = json.dumps(asdict(job) | {"folder": str(job.folder)})
    command = [sys.executable, contenders.__file__, contender, values]
    setting = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"  # as a worker has it; the Trainer has oneDNN's default
    environment = os.environ | ({setting: LIBRARY_SETTINGS[setting]} if contender == OURS else {})
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    figures = Figures(**json.loads(done.stdout.splitlines()[-1]))
    _say(f"{contender}, seed {job.seed}: {figures.seconds:.1f} s, loss {figures.loss:.3f}")
    return figures


def _figures(
    measured: dict[str, list[Figures]], shape: Shape, lengths: list[int], epochs: int
) -> dict[str, Any]:
    tokens = epochs * sum(lengths)
    flops = shape.flops(tokens, epochs * sum(length**2 for length in lengths))
    summary: dict[str, dict[str, Any]] = {}
    for contender, runs in measured.items():
        seconds = statistics.median(run.seconds for run in runs)
        summary[contender] = {
            "tokens_per_second": tokens / seconds,
            "padding": runs[0].padding,
            "memory": max(run.memory for run in runs),
            "losses": [run.loss for run in runs],
            "seconds": [run.seconds for run in runs],
            "seconds_in_all": [run.seconds_in_all for run in runs],
        }
    speed = {contender: row["tokens_per_second"] for contender, row in summary.items()}
    return {
        "ratio_to_example_script": speed[OURS] / speed[SCRIPT] if SCRIPT in speed else None,
        "ratio_to_best_trainer": speed[OURS] / speed[BEST],
        "flops_per_second": flops / tokens * speed[OURS],
        "real_tokens": tokens,
        "parameters_in_matrices": shape.matrices,
        "contenders": summary,
    }


def _print(figures: dict[str, Any], rate: float) -> None:
    print(f"\n{'':<16}{'tokens/s':>10}{'padding':>10}{'memory':>10}{'loss':>8}{'ratio':>8}")
    for contender, row in figures["contenders"].items():
        loss = statistics.mean(row["losses"])
        ratio = figures["contenders"][OURS]["tokens_per_second"] / row["tokens_per_second"]
        numbers = f"{row['tokens_per_second']:>10,.0f}{row['padding']:>10.1%}{row['memory'] / 1e6:>7,.0f} MB"
        print(f"{contender:<16}{numbers}{loss:>8.3f}{ratio:>7.2f}x")
    for contender, row in figures["contenders"].items():
        if len(row["losses"]) > 1:
            spread = ", ".join(f"{loss:.3f}" for loss in row["losses"])
            print(f"losses of {contender} by seed: {spread}")
    share = figures["share_of_matrix_rate"]
    reached = f"{figures['flops_per_second'] / 1e9:,.0f} of {rate / 1e9:,.0f} GFLOP/s"
    print(f"share of the {figures['precision']} matrix rate that xstilts reaches: {share:.0%} ({reached})")


def machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                capability = torch.backends.cpu.get_cpu_capability()
                return f"{line.split(':')[1].strip()}, {capability}"
    return platform.processor() or platform.machine()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
