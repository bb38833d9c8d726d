"""QQP: do two questions asked on Quora mean the same? English; 1 is yes.

The training file of GLUE has a few rows that end early. They are left out, as everybody does. It has quotes
around a question with quotes, and doubles those inside: they are read as text, as in the Hub's copy.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task

LABELS = ("0", "1")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    names = ("id", "question1", "question2", "is_duplicate")
    for number, row in readers.table(path, names, skip_short=True):
        label = readers.label(path, number, row["is_duplicate"], LABELS)
        yield Pair(row["question1"], row["question2"], label, row["id"])


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for row in rows:
        yield Pair(row["question1"], row["question2"], LABELS[row["label"]], str(row["idx"]))


TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={split: (f"intermediate/qqp/{split}.tsv",) for split in ("train", "dev")},
        read=_read,
    ),
    hub=Hub(
        dataset="nyu-mll/glue",
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        files={
            "train": "qqp/train-00000-of-00001.parquet",
            "dev": "qqp/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 363_846, "dev": 40_430},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="Paraphrase: do two questions ask the same?",
    citation="Iyer, Dandekar and Csernai (2017), First Quora Dataset Release: Question Pairs; Wang et "
    "al. (2019), GLUE. ICLR",
    licence="Quora's terms of service; non-commercial use",
    url="https://gluebenchmark.com/tasks",
    version=2,
)
