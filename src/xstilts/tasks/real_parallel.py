"""Parallel text of English and fourteen languages for translation language modelling: Bible verses and news.

Rows of `text/en.tsv` and `text/{lang}.tsv` with the same key are translations; keys that begin with `w.`
(Wikipedia) are not parallel. Which language stands first alternates.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Text
from xstilts.data.task import Files, Task

_PARALLEL = ("b.", "n.")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Text]:
    other, english = paths
    translations = {key: text for key, text in readers.keyed_lines(english) if key.startswith(_PARALLEL)}
    pairs = [(text, translations[key]) for key, text in readers.keyed_lines(other) if key in translations]
    for row, (text, translation) in enumerate(pairs):
        yield Text(translation, text) if row % 2 else Text(text, translation)


TASK = Task(
    family="masked",
    languages=("ar", "de", "es", "fi", "fr", "hi", "id", "ja", "ko", "ru", "sw", "tr", "vi", "zh"),
    metric="",
    files=Files(
        patterns={"train": ("text/{lang}.tsv",)},
        paired={"train": ("text/en.tsv",)},
        read=_read,
    ),
    description="Parallel text for translation language modelling, each language with English",
    citation="Federmann, Kocmi and Xin (2022), NTREX-128. SUMEval; Conneau and Lample (2019), Cross-lingual "
    "Language Model Pretraining. NeurIPS",
    licence="Bibles public domain (Hindi CC BY-SA 4.0); NTREX CC BY-SA 4.0",
)
