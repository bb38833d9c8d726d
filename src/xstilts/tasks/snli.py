"""SNLI: does the second sentence follow from the caption of a picture? English."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task
from xstilts.tasks import mnli

LABELS = ("contradiction", "entailment", "neutral")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    return mnli.nli(path, LABELS)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    return mnli.nli_rows(rows)


HUB = Hub(
    dataset="stanfordnlp/snli",
    revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
    files={
        "train": "plain_text/train-00000-of-00001.parquet",
        "dev": "plain_text/validation-00000-of-00001.parquet",
        "test": "plain_text/test-00000-of-00001.parquet",
    },
    read=_read_hub,
)

TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            split: (f"intermediate/snli/snli_1.0_{split}.jsonl",) for split in ("train", "dev", "test")
        },
        read=_read,
    ),
    hub=HUB,
    examples={"train": 549_367, "dev": 9_842, "test": 9_824},
    description="Natural language inference over captions of pictures",
    citation="Bowman, Angeli, Potts and Manning (2015), A large annotated corpus for learning natural "
    "language inference. EMNLP",
    licence="CC BY-SA 4.0",
    url="https://nlp.stanford.edu/projects/snli/",
)
