"""Remarks of hotel guests in English and German: translations, without labels."""

import csv
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Text
from xstilts.data.task import Files, Task


def read(paths: tuple[Path, ...], language: str) -> Iterator[Text]:
    """One pair a line; which language stands first alternates."""
    (path,) = paths
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            english, german = row["english"], row["german"]
            yield Text(german, english) if number % 2 else Text(english, german)


TASK = Task(
    family="masked",
    languages=("de",),
    source_language="de",
    metric="",
    files=Files(patterns={"train": ("translations.csv",)}, read=read),
    description="Remarks of hotel guests, each in English and German",
    citation="made up for this example",
    licence="CC0 1.0",
)
