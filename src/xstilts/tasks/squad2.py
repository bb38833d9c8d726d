"""SQuAD 2.0: questions about a paragraph of Wikipedia, a third of which it does not answer. English.

A sample in one file (`sample-v2.0.json`) serves as training data where the release itself is not there; then
there is no development data.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Question
from xstilts.data.task import Files, Hub, Task


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    return readers.squad(path, unanswerable=True)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Question]:
    return (readers.squad_row(row, unanswerable=True) for row in rows)


TASK = Task(
    family="span",
    languages=("en",),
    metric="squad2_f1",
    files=Files(
        patterns={
            "train": ("intermediate/squad/train-v2.0.json", "intermediate/squad/sample-v2.0.json"),
            "dev": ("intermediate/squad/dev-v2.0.json",),
        },
        substitutes={"intermediate/squad/sample-v2.0.json": "a sample of the release"},
        read=_read,
    ),
    hub=Hub(
        dataset="rajpurkar/squad_v2",
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
        files={
            "train": "squad_v2/train-00000-of-00001.parquet",
            "dev": "squad_v2/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 130_319, "dev": 11_873},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="Questions about paragraphs of Wikipedia, answered by a span or by nothing",
    citation="Rajpurkar, Jia and Liang (2018), Know What You Don't Know: Unanswerable Questions for "
    "SQuAD. ACL",
    licence="CC BY-SA 4.0",
    url="https://rajpurkar.github.io/SQuAD-explorer/",
)
