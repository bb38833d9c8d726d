"""SQuAD 1.1: questions about a paragraph of Wikipedia, each answered by a span of it. English."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers, translated
from xstilts.data.examples import Question
from xstilts.data.task import TRANSLATED, Files, Hub, Task


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    return readers.squad(path)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Question]:
    return (readers.squad_row(row) for row in rows)


def _read_translated(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    return translated.xtreme_questions(path)


TASK = Task(
    family="span",
    languages=("en",),
    metric="squad_f1",
    files=Files(
        patterns={
            "train": ("intermediate/squad/train-v1.1.json",),
            "dev": ("intermediate/squad/dev-v1.1.json",),
        },
        read=_read,
    ),
    hub=Hub(
        dataset="rajpurkar/squad",
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
        files={
            "train": "plain_text/train-00000-of-00001.parquet",
            "dev": "plain_text/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    translations=Files(
        patterns={
            TRANSLATED: (
                "xtreme_translations/SQuAD/translate-train/squad.translate.train.en-{lang}.json",
                "intermediate/squad/translate-train/squad.translate.train.en-{lang}.json",
            )
        },
        read=_read_translated,
    ),
    evaluation_split="dev",
    examples={"train": 87_599, "dev": 10_570},  # XTREME, table 1
    description="Questions about paragraphs of Wikipedia, answered by a span",
    citation="Rajpurkar, Zhang, Lopyrev and Liang (2016), SQuAD: 100,000+ Questions for Machine "
    "Comprehension of Text. EMNLP",
    licence="CC BY-SA 4.0",
    url="https://rajpurkar.github.io/SQuAD-explorer/",
)
