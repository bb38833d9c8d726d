"""What the guest of a hotel says: a complaint, praise or a request. English to train, German to ask.

The sentences are made up from templates; line i of the two test files is the same remark.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Task

LABELS = ("complaint", "praise", "request")


def read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    """One example a line; a label that is none of LABELS is an error that names file and line."""
    (path,) = paths
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield Pair(row["text"], None, readers.label(path, number, row["label"], LABELS))


TASK = Task(
    family="classification",
    languages=("de", "en"),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={"train": ("train.csv",), "dev": ("dev.csv",), "test": ("test-{lang}.csv",)},
        read=read,
    ),
    description="Is the remark of a hotel guest a complaint, praise or a request?",
    citation="made up for this example",
    licence="CC0 1.0",
)
