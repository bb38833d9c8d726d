"""Made-up sentence pairs with three labels: the task of throughput.py, written and read by this file.

Lengths are log-normal with the moments of XNLI's English test set (measured: the logarithm of the number of
words has mean 2.79 and deviation 0.51 in premises, 2.15 and 0.39 in hypotheses). Words follow Zipf's law. A
third of the words of the hypothesis are cues that give the label away, so that every training ends well below
chance whatever its seed, and losses can be compared.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.data.examples import Pair
from xstilts.data.task import Files, Task

LABELS = ("contradiction", "entailment", "neutral")
FILE = "train.csv"
WORDS, CUES = 20_000, 5
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def write(folder: Path, count: int) -> list[Pair]:
    """Write `count` pairs, always the same, to the file beside which the task file will lie."""
    rng = np.random.Generator(np.random.PCG64(20_051_301))
    words = _words(rng)
    frequency = 1 / np.arange(1, WORDS + 1)
    frequency /= frequency.sum()

    def sentence(mean: float, deviation: float) -> list[str]:
        length = max(1, round(float(rng.lognormal(mean, deviation))))
        return [words[number] for number in rng.choice(WORDS, size=length, p=frequency)]

    pairs = []
    for _ in range(count):
        premise, hypothesis, label = sentence(2.79, 0.51), sentence(2.15, 0.39), int(rng.integers(3))
        for place in rng.choice(len(hypothesis), size=-(-len(hypothesis) // 3), replace=False):
            hypothesis[place] = f"{LABELS[label][:2]}x{rng.integers(CUES)}"
        pairs.append(Pair(" ".join(premise), " ".join(hypothesis), LABELS[label]))
    _save(folder, pairs)
    return pairs


def copy(source: Path, folder: Path, count: int) -> list[Pair]:
    """Write the first `count` pairs of a file in the layout of MultiNLI's JSON lines, as `write` does."""
    opened: Any = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, count)]
    pairs = [Pair(row["sentence1"], row["sentence2"], row["gold_label"]) for row in rows]
    _save(folder, pairs)
    return pairs


def _save(folder: Path, pairs: list[Pair]) -> None:
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((pair.text, pair.text2, pair.label) for pair in pairs)


def _words(rng: np.random.Generator) -> list[str]:
    """Different words of one to four syllables, the frequent ones short."""
    found: dict[str, None] = {}
    while len(found) < WORDS:
        longest = 2 + (len(found) > 100) + (len(found) > 3000)
        found["".join(rng.choice(SYLLABLES, size=int(rng.integers(1, longest + 1))))] = None
    return list(found)


def read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    """The pairs of the file."""
    with paths[0].open(encoding="utf-8", newline="") as file:
        for premise, hypothesis, label in csv.reader(file):
            yield Pair(premise, hypothesis, label)


TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(patterns={"train": (FILE,), "test": (FILE,)}, read=read),
    description="Made-up sentence pairs; cue words give the label away",
    citation="made up for the benchmark",
    licence="CC0 1.0",
)
