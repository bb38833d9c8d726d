"""Plain text of fifteen languages for masked language modelling: Bible verses, Wikipedia sentences, news.

Read from a data folder only (`text/{lang}.tsv`, key and text in two columns).
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Text
from xstilts.data.task import Files, Task


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Text]:
    (path,) = paths
    for _, text in readers.keyed_lines(path):
        yield Text(text)


TASK = Task(
    family="masked",
    languages=("ar", "de", "en", "es", "fi", "fr", "hi", "id", "ja", "ko", "ru", "sw", "tr", "vi", "zh"),
    metric="",
    files=Files(patterns={"train": ("text/{lang}.tsv",)}, read=_read),
    description="Unlabelled text for masked language modelling",
    citation="Federmann, Kocmi and Xin (2022), NTREX-128. SUMEval; Pan et al. (2017), WikiANN. ACL",
    licence="Bibles public domain (Hindi CC BY-SA 4.0); Wikipedia CC BY-SA 3.0; NTREX CC BY-SA 4.0",
)
