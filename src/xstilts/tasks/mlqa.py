"""MLQA: questions about Wikipedia passages in seven languages, with MLQA's own rules of scoring.

As in XTREME, question and context are in the same language. The test files are evaluated; where a folder has
none, the development files.
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
    languages=("ar", "de", "en", "es", "hi", "vi", "zh"),
    metric="mlqa_f1",
    trained_by="squad",
    files=Files(
        patterns={
            split: (f"target/mlqa/{split}-context-{{lang}}-question-{{lang}}.json",)
            for split in ("dev", "test")
        },
        read=_read,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "dev": "MLQA.{lang}.{lang}/validation-00000-of-00001.parquet",
            "test": "MLQA.{lang}.{lang}/test-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_fallback="dev",
    examples={  # huggingface/datasets 040102f, datasets/xtreme/dataset_infos.json
        "dev": {"ar": 517, "de": 512, "en": 1_148, "es": 500, "hi": 507, "vi": 511, "zh": 504},
        "test": {"ar": 5_335, "de": 4_517, "en": 11_590, "es": 5_253, "hi": 4_918, "vi": 5_495, "zh": 5_137},
    },
    description="Questions about Wikipedia passages, answered by a span, in seven languages",
    citation="Lewis, Oguz, Rinott, Riedel and Schwenk (2020), MLQA: Evaluating Cross-lingual Extractive "
    "Question Answering. ACL",
    licence="CC BY-SA 3.0",
    url="https://github.com/facebookresearch/MLQA",
)
