"""XQuAD: 1,190 questions of SQuAD's development set and their paragraphs, translated by professionals.

Question i is the same in each language. SQuAD's English rules of scoring hold for all, as in XTREME.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Question
from xstilts.data.task import Files, Hub, Task


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    return readers.squad(path)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Question]:
    return (readers.squad_row(row) for row in rows)


TASK = Task(
    family="span",
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    metric="squad_f1",
    trained_by="squad",
    files=Files(patterns={"test": ("target/xquad/xquad.{lang}.json",)}, read=_read),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={"test": "XQuAD.{lang}/validation-00000-of-00001.parquet"},
        read=_read_hub,
    ),
    examples={"test": 1_190},  # XTREME, table 1
    description="Questions about Wikipedia paragraphs, answered by a span, parallel in eleven languages",
    citation="Artetxe, Ruder and Yogatama (2020), On the Cross-lingual Transferability of Monolingual "
    "Representations. ACL",
    licence="CC BY-SA 4.0",
    url="https://github.com/google-deepmind/xquad",
)
