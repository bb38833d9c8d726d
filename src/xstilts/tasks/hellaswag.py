"""HellaSwag: which of four endings does a description of an event have? English.

As in jiant, the context is the finished part of the description and the begun sentence opens each ending
(`ctx_a`, `ctx_b`). Files that hold only both together (`ctx`) have all of it as the context.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Choice
from xstilts.data.task import Files, Hub, Task

_NUMBERS = ("0", "1", "2", "3")


def _choice(row: Mapping[str, Any], label: int) -> Choice:
    if row.get("ctx_a") is None:
        context, begun = row["ctx"], ""
    else:
        context, begun = row["ctx_a"], row.get("ctx_b") or ""
    options = tuple(f"{begun} {ending}".strip() for ending in row["endings"])
    return Choice(context, options, label, str(row["ind"]))


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    (path,) = paths
    for number, row in readers.json_lines(path, ("ind", "endings", "label"), ("ctx",)):
        endings = readers.texts(row, "endings", f"{path}:{number}")
        yield _choice(row, readers.position(path, number, row["label"], _NUMBERS[: len(endings)]))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Choice]:
    return (_choice(row, int(row["label"])) for row in rows)


TASK = Task(
    family="choice",
    options=4,
    languages=("en",),
    metric="accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/hellaswag/hellaswag_train.jsonl",),
            "dev": ("intermediate/hellaswag/hellaswag_val.jsonl",),
        },
        read=_read,
    ),
    hub=Hub(
        dataset="Rowan/hellaswag",
        revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
        files={
            "train": "data/train-00000-of-00001.parquet",
            "dev": "data/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 39_905, "dev": 10_042},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="The plausible ending of a described event, among four",
    citation="Zellers, Holtzman, Bisk, Farhadi and Choi (2019), HellaSwag: Can a Machine Really Finish Your "
    "Sentence? ACL",
    licence="MIT",
    url="https://rowanzellers.com/hellaswag/",
)
