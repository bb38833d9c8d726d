"""Paragraphs of Wikipedia in the forty languages of XTREME, for masked language modelling.

Two thousand articles of each language, the first ones of its first file: a paragraph is a line of at least a
hundred characters, as jiant's `mlm_simple` takes one line for one example.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from xstilts.data.examples import Text
from xstilts.data.task import Hub, Task

ARTICLES = 2_000
SHORTEST = 100
LANGUAGES = """
    af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl
    tr ur vi yo zh
"""


def _read(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Text]:
    for row in islice(rows, ARTICLES):
        for line in row["text"].splitlines():
            if len(line) >= SHORTEST:
                yield Text(line)


TASK = Task(
    family="masked",
    languages=tuple(LANGUAGES.split()),
    metric="",
    hub=Hub(
        dataset="wikimedia/wikipedia",
        revision="b04c8d1ceb2f5cd4588862100d08de323dccfbaa",
        files={"train": "20231101.{lang}/train-00000-of-*.parquet"},
        read=_read,
    ),
    description="Unlabelled paragraphs of Wikipedia for masked language modelling",
    citation="Wikimedia Foundation, dump of November 2023",
    licence="CC BY-SA 3.0 and GFDL",
    url="https://dumps.wikimedia.org",
)
