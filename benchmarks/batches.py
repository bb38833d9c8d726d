"""How random batches are and how much padding they have, by the number of rows. No benchmark of speed.

    python benchmarks/batches.py [--batch-size 32] [--spread 0.5]

Lengths are log-normal around 27 tokens, from 5 to 128, as those of sentence pairs are. *Met again*: the share
of the pairs of rows in a batch that are in a batch again in the next epoch; *chance*: the share that would be
if batches were drawn without a look at length. *Padding* of whole batches, and of the passes that a CPU makes
of each.
"""

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.compute.context import MICRO_TOKENS
from xstilts.compute.data import Encoded, passes
from xstilts.compute.device import OVERHEAD
from xstilts.compute.training_data import Schedule
from xstilts.families.items import Item
from xstilts.study.recipe import Recipe

SIZES = (33, 100, 300, 1_000, 2_000, 4_000, 8_000, 20_000, 100_000)


def main() -> None:
    """Print a table with a row for each size."""
    parser = argparse.ArgumentParser(description="Randomness and padding of batches")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--spread", type=float, default=0.5, help="standard deviation of the log of lengths")
    options = parser.parse_args()
    print("| rows | met again | chance | padding of batches | of passes | passes a batch |")
    print("|---|---|---|---|---|---|")
    for rows in SIZES:
        rng = np.random.default_rng(rows)
        lengths = np.clip(rng.lognormal(3.3, options.spread, rows), 5, 128).astype(int).tolist()
        data = Encoded.of(
            [Item(([5] * n,), (n,), ([0],), [0], row) for row, n in enumerate(lengths)], "outputs"
        )
        schedule = Schedule.of([data], 1, Recipe(epochs=2.0, batch_size=options.batch_size))
        batches = [schedule.at(update)[1] for update in range(schedule.total)]
        first, second = batches[: len(batches) // 2], batches[len(batches) // 2 :]
        chance = sum(len(batch) * (len(batch) - 1) for batch in second) / (rows * (rows - 1))
        parts = [list(passes(data, batch, MICRO_TOKENS, OVERHEAD)) for batch in first]
        every = [part for passed in parts for part in passed]
        numbers = f"{_met_again(first, second, rows):.1%} | {chance:.1%} | {_padding(data, first):.1%} | "
        print(f"| {rows:,} | {numbers}{_padding(data, every):.1%} | {len(every) / len(first):.1f} |")


def _met_again(first: list[NDArray[Any]], second: list[NDArray[Any]], rows: int) -> float:
    batch_of = np.empty(rows, np.int64)
    for number, batch in enumerate(second):
        batch_of[batch] = number
    counts = [np.bincount(batch_of[batch]) for batch in first]
    met = sum(int((count * (count - 1)).sum()) for count in counts)
    return met / sum(len(batch) * (len(batch) - 1) for batch in first)


def _padding(data: Encoded, batches: list[NDArray[Any]]) -> float:
    padded = sum(int(data.width[batch].max()) * len(batch) for batch in batches)
    return 1 - int(data.width.sum()) / padded


if __name__ == "__main__":
    main()
