"""Social IQa: questions about people and their motives in an everyday situation, with three answers. English.

Of release 1.4 the test file is the evaluation data, and where there is no training file, the development file
serves as one. On the Hub the development set is the evaluation data; its revision is that of the Hub's own
Parquet copy, for the data set itself is a loading script.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Choice
from xstilts.data.task import Files, Hub, Task

_LETTERS = ("A", "B", "C")
_ANSWERS = tuple(f"answer{letter}" for letter in _LETTERS)


def _choice(row: Mapping[str, Any], label: int) -> Choice:
    return Choice(f"{row['context']} {row['question']}", tuple(row[name] for name in _ANSWERS), label)


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    (path,) = paths
    for number, row in readers.json_lines(path, ("correct",), ("context", "question", *_ANSWERS)):
        yield _choice(row, readers.position(path, number, row["correct"], _LETTERS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Choice]:
    """Labels count from 1 there."""
    return (_choice(row, int(row["label"]) - 1) for row in rows)


TASK = Task(
    family="choice",
    options=3,
    languages=("en",),
    metric="accuracy",
    files=Files(
        patterns={
            "train": tuple(f"intermediate/socialiqa/socialIQa_v1.4_{part}.jsonl" for part in ("trn", "dev")),
            "dev": ("intermediate/socialiqa/socialIQa_v1.4_tst.jsonl",),
        },
        substitutes={
            "intermediate/socialiqa/socialIQa_v1.4_dev.jsonl": "the release's development rows",
            "intermediate/socialiqa/socialIQa_v1.4_tst.jsonl": "the release's test rows",
        },
        read=_read,
    ),
    hub=Hub(
        dataset="allenai/social_i_qa",
        revision="537a2ec8ec565adc0b70b70752893e59e024df26",
        files={"train": "default/train/0000.parquet", "dev": "default/validation/0000.parquet"},
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 33_410, "dev": 1_954},  # huggingface/datasets 040102f, dataset_infos.json
    description="What people feel, want and do next, three answers",
    citation="Sap, Rashkin, Chen, Le Bras and Choi (2019), Social IQa: Commonsense Reasoning about Social "
    "Interactions. EMNLP",
    licence="CC BY 4.0",
    url="https://maartensap.com/social-iqa/",
)
