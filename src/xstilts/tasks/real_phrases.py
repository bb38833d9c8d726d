"""Short phrases for masked language modelling: clauses with their translations, and clauses said twice.

Whole verses alone teach a small encoder very late to look from one sentence of a pair to the other; short
phrases teach it early. A verse and its English are cut at punctuation; where both have as many clauses, the
first translates the first and so on. Which language stands first alternates. Every short clause stands
beside itself too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Text
from xstilts.data.task import Files, Task

_LONGEST = 40
"""Characters of a phrase."""
_PUNCTUATION = re.compile(r'[.,;:!?()\[\]"“”„«»—،؛؟。、，；：！？।॥…「」『』]+')


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Text]:
    other, english = paths
    translations = dict(readers.keyed_lines(english)) if language != "en" else {}
    row = 0
    for key, text in readers.keyed_lines(other):
        if key.startswith("w."):  # not parallel, and no sentences
            continue
        clauses = _clauses(text)
        for clause in clauses:
            if len(clause) <= _LONGEST:
                yield Text(clause, clause)
        translated = _clauses(translations.get(key, ""))
        if len(clauses) != len(translated) or len(clauses) == 1:
            continue
        for clause, translation in zip(clauses, translated, strict=True):
            if max(len(clause), len(translation)) <= _LONGEST:
                row += 1
                yield Text(translation, clause) if row % 2 else Text(clause, translation)


def _clauses(text: str) -> list[str]:
    return [clause.strip() for clause in _PUNCTUATION.split(text) if clause.strip()]


TASK = Task(
    family="masked",
    languages=("ar", "de", "en", "es", "fi", "fr", "hi", "id", "ja", "ko", "ru", "sw", "tr", "vi", "zh"),
    metric="",
    files=Files(
        patterns={"train": ("text/{lang}.tsv",)},
        paired={"train": ("text/en.tsv",)},
        read=_read,
    ),
    description="Short clauses with their translations, and twice, for masked language modelling",
    citation="Federmann, Kocmi and Xin (2022), NTREX-128. SUMEval; Conneau and Lample (2019), Cross-lingual "
    "Language Model Pretraining. NeurIPS",
    licence="Bibles public domain (Hindi CC BY-SA 4.0); NTREX CC BY-SA 4.0",
)
