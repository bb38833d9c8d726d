"""Memory of a training process, by the number of rows that it is trained on.

    python benchmarks/memory.py [--rows 100000 5000000] [--json FILE]

For each number a file of sentence pairs is written and one phase of 20 updates trained on it, in a process of
its own, twice: the first encodes the rows, the second finds them encoded. What is measured, every 50 ms, is
the memory that belongs to the process alone (RssAnon of /proc/self/status), less what it held with the
smallest number. What it has mapped of the columns is the page cache's, and shared by all workers.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

BOUND = 1024
"""MiB by which five million rows may grow the process (aim)."""

TASK = """
from pathlib import Path

from xstilts.data.readers import table
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Task


def read(paths, language):
    for number, row in table(paths[0], ("label", "text", "text2")):
        yield Pair(row["text"], row["text2"], row["label"], str(number))


TASK = Task(
    family="classification",
    languages=("en",),
    metric="accuracy",
    labels=("no", "yes"),
    description="Invented sentence pairs.",
    citation="none",
    licence="CC0",
    files=Files(patterns={{"train": ("{name}.tsv",)}}, read=read),
)
"""
STUDY = """
name = "memory"
question = "How much memory do so many rows take?"
references = []

[backbones.scratch]
architecture = "xlm-roberta"
weights = "random"
[backbones.scratch.shape]
hidden_size = 64
num_hidden_layers = 2
num_attention_heads = 4
intermediate_size = 128
max_position_embeddings = 130
type_vocab_size = 1
[backbones.scratch.tokenizer]
tasks = ["./few.py"]
vocabulary = 4000

[intermediate]
seeds = [{seed}]
[intermediate.recipe]
learning_rate = 1e-3
updates = 20
batch_size = 32
max_length = 96
stride = 32
precision = "fp32"
[intermediate.arms]
many = ["./many.py"]
"""


def main() -> None:
    """Measure, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="Memory of a training process, by its number of rows")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 5_000_000])
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.train, options.seed)))
        return
    figures: dict[str, Any] = {}
    for rows in options.rows:
        folder = Path(tempfile.mkdtemp())
        try:
            write(folder, rows)
            figures[str(rows)] = one = {
                name: _run(folder, seed) for seed, name in ((1, "encodes"), (2, "finds"))
            }
        finally:
            shutil.rmtree(folder)
        for name, found in one.items():
            print(f"{rows:>9,} rows, {name:7}: {found['mib']:,.0f} MiB, {found['seconds']:.0f} s", flush=True)
    least = figures[str(min(options.rows))]
    for name in ("encodes", "finds"):
        figures[f"growth_mib_{name}"] = (
            max(figures[str(rows)][name]["mib"] for rows in options.rows) - least[name]["mib"]
        )
        print(f"growth, {name}: {figures[f'growth_mib_{name}']:,.0f} MiB (aim: below {BOUND:,})")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def write(folder: Path, rows: int) -> None:
    """A study, and its tasks with few and with many rows."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 8))) for _ in range(3000)]
    for name, count in (("few", 2000), ("many", rows)):
        (folder / f"{name}.py").write_text(TASK.format(name=name))
        with (folder / f"{name}.tsv").open("w") as file:
            file.write("label\ttext\ttext2\n")
            for _ in range(count):
                first, second = (" ".join(rng.choices(words, k=rng.randint(4, 12))) for _ in range(2))
                file.write(f"{rng.choice(('no', 'yes'))}\t{first}\t{second}\n")


def _run(folder: Path, seed: int) -> Any:
    command = [sys.executable, __file__, "--train", str(folder), "--seed", str(seed)]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )


def train(folder: Path, seed: int) -> dict[str, float]:
    """Compute the steps of the study in this process; the most memory and the seconds."""
    from xstilts.compute.work import compute
    from xstilts.store import Store
    from xstilts.study.load import load
    from xstilts.study.plan import plan

    (folder / "study.toml").write_text(STUDY.format(seed=seed))
    store, most, ended = Store(folder / "store"), [0], threading.Event()
    found = plan(load(str(folder / "study.toml")))
    for name in ("steps", "temporary", "running", "leases", "failures"):  # not tidied: the columns stay
        (store.root / name).mkdir(parents=True, exist_ok=True)

    def watch() -> None:
        while not ended.wait(0.05):
            lines = Path("/proc/self/status").read_text().splitlines()
            most[0] = max(most[0], *(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

    began, watching = time.monotonic(), threading.Thread(target=watch)
    watching.start()
    for step in found.steps:
        compute(step, store, found.places, lambda event: None)
    ended.set()
    watching.join()
    return {"mib": most[0] / 1024, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    main()
