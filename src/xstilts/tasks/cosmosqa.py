"""Cosmos QA: questions about what a personal story leaves unsaid, with four answers. English.

The revision is that of the Hub's own Parquet copy, for the data set itself is a loading script.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Choice
from xstilts.data.task import Files, Hub, Task

_NUMBERS = ("0", "1", "2", "3")
_ANSWERS = tuple(f"answer{number}" for number in _NUMBERS)


def _choice(row: Mapping[str, Any], label: int) -> Choice:
    options = tuple(row[name] for name in _ANSWERS)
    return Choice(f"{row['context']} {row['question']}", options, label, row["id"])


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    (path,) = paths
    for number, row in readers.csv_rows(path, ("id", "context", "question", *_ANSWERS, "label")):
        yield _choice(row, readers.position(path, number, row["label"], _NUMBERS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Choice]:
    return (_choice(row, int(row["label"])) for row in rows)


TASK = Task(
    family="choice",
    options=4,
    languages=("en",),
    metric="accuracy",
    files=Files(
        patterns={"train": ("intermediate/cosmosqa/train.csv",), "dev": ("intermediate/cosmosqa/valid.csv",)},
        read=_read,
    ),
    hub=Hub(
        dataset="allenai/cosmos_qa",
        revision="ed50fe83db62b355759053b1cd5eef344ee371e0",
        files={"train": "default/train/0000.parquet", "dev": "default/validation/0000.parquet"},
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 25_262, "dev": 2_985},  # huggingface/datasets 040102f, dataset_infos.json
    description="Reading between the lines of personal stories, four answers",
    citation="Huang, Le Bras, Bhagavatula and Choi (2019), Cosmos QA: Machine Reading Comprehension with "
    "Contextual Commonsense Reasoning. EMNLP",
    licence="CC BY 4.0, by the card on the Hub",
    url="https://wilburone.github.io/cosmos/",
)
