"""XNLI: natural language inference in fifteen languages, row i being the same pair in each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task

LABELS = ("contradiction", "entailment", "neutral")
_HUB_LABELS = ("entailment", "neutral", "contradiction")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    for number, (premise, hypothesis, label) in readers.written_columns(
        path, ("premise", "hypothesis", "label")
    ):
        yield Pair(premise, hypothesis, readers.label(path, number, label, LABELS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for row in rows:
        yield Pair(row["premise"], row["hypothesis"], _HUB_LABELS[row["label"]])


TASK = Task(
    family="classification",
    languages=("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
    labels=LABELS,
    metric="accuracy",
    trained_by="mnli",
    files=Files(
        patterns={"dev": ("target/xnli/dev-{lang}.tsv",), "test": ("target/xnli/test-{lang}.tsv",)},
        read=_read,
    ),
    hub=Hub(
        dataset="facebook/xnli",
        revision="b8dd5d7af51114dbda02c0e3f6133f332186418e",
        files={
            "dev": "{lang}/validation-00000-of-00001.parquet",
            "test": "{lang}/test-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    examples={"dev": 2_490, "test": 5_010},  # XTREME, table 1
    description="Natural language inference in fifteen languages, parallel",
    citation="Conneau et al. (2018), XNLI: Evaluating Cross-lingual Sentence Representations. EMNLP",
    licence="CC BY-NC 4.0",
    url="https://github.com/facebookresearch/XNLI",
)
