"""MRPC: do two sentences from the news mean the same? English; 1 is yes.

The release has a training and a test file, without quoting. The test file serves as evaluation data here; on
the Hub that is GLUE's development set, which was cut from the training file.
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
    for number, row in readers.table(path, ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")):
        label = readers.label(path, number, row["Quality"], LABELS)
        yield Pair(row["#1 String"], row["#2 String"], label, f"{row['#1 ID']}-{row['#2 ID']}")


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for row in rows:
        yield Pair(row["sentence1"], row["sentence2"], LABELS[row["label"]], str(row["idx"]))


TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/mrpc/msr_paraphrase_train.txt",),
            "dev": ("intermediate/mrpc/msr_paraphrase_test.txt",),
        },
        substitutes={"intermediate/mrpc/msr_paraphrase_test.txt": "the release's test rows"},
        read=_read,
    ),
    hub=Hub(
        dataset="nyu-mll/glue",
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        files={
            "train": "mrpc/train-00000-of-00001.parquet",
            "dev": "mrpc/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 4_076, "dev": 1_725},
    description="Paraphrase of sentences from the news",
    citation="Dolan and Brockett (2005), Automatically Constructing a Corpus of Sentential Paraphrases. IWP",
    licence="Microsoft Research data licence, research use",
    url="https://www.microsoft.com/en-us/download/details.aspx?id=52398",
)
