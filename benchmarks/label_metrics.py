"""How often the intervals of macro F1 and of correlations cover the truth, beside those of the accuracy.

    python benchmarks/label_metrics.py [--sets 150]

Five labels, of which the first is eight times as frequent as the last; a system that gives the right one with
a known probability and else any other. Test sets are drawn from that world, each is resampled as reports do
it, and it is counted how often the interval holds the value in the whole world (of 200,000 examples).
"""

import argparse

import numpy as np

from xstilts import metrics
from xstilts.analysis.statistics import multiplicities, pseudo_examples, resample

LABELS = ("1", "2", "3", "4", "5")
OFTEN = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
WORLD = 200_000


def answers(cells: np.ndarray) -> tuple[list[str], list[str]]:
    """Gold and predicted labels of cells of the table of both."""
    return [LABELS[cell // 5] for cell in cells], [LABELS[cell % 5] for cell in cells]


def covered(
    name: str, n: int, shares: np.ndarray, world: np.ndarray, sets: int
) -> tuple[float, float, float]:
    """The true value, the share of intervals that hold it, and their mean width."""
    metric = metrics.find(name, LABELS)
    truth = metric.score(*answers(world), "en")
    held, widths = [], []
    for number in range(sets):
        cells = np.random.default_rng(number).choice(25, size=n, p=shares)
        rows = metric.statistics(*answers(cells), "en")[None]
        pseudo = pseudo_examples(f"l{number}", "t", "en")[:, None]
        draws = resample(rows, metric.value, multiplicities(f"k{number}", n), pseudo, metric.imagined)
        low, high = np.quantile(draws, [0.025, 0.975])
        held.append(low <= truth <= high)
        widths.append(high - low)
    return truth, float(np.mean(held)), float(np.mean(widths))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=150)
    sets = parser.parse_args().sets
    rng = np.random.default_rng(0)
    print("| examples | right | metric | true value | covered | mean width |\n|---|---|---|---|---|---|")
    for n in (100, 500):
        for right in (0.5, 0.8, 0.95, 0.99):
            confusion = np.full((5, 5), (1 - right) / 4)
            np.fill_diagonal(confusion, right)
            shares = (OFTEN[:, None] * confusion).ravel()
            world = rng.choice(25, size=WORLD, p=shares / shares.sum())
            for name in metrics.FITTING["classification"]:
                truth, share, width = covered(name, n, shares / shares.sum(), world, sets)
                print(f"| {n} | {right:.0%} | {name} | {truth:.1f} | {share:.1%} | {width:.1f} |", flush=True)


if __name__ == "__main__":
    main()
