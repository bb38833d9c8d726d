"""Tatoeba: find the translation of each English sentence among the sentences of another language.

As in XTREME, English sentences are the queries and the other language is searched; nothing is trained.
XTREME's script sorts the English sentences, so that nothing tells any more which translates which: such files
are refused.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Bitext
from xstilts.data.task import Files, Hub, Task
from xstilts.errors import NoGoldError

_CODES = {
    "af": "afr",
    "ar": "ara",
    "bg": "bul",
    "bn": "ben",
    "de": "deu",
    "el": "ell",
    "es": "spa",
    "et": "est",
    "eu": "eus",
    "fa": "pes",
    "fi": "fin",
    "fr": "fra",
    "he": "heb",
    "hi": "hin",
    "hu": "hun",
    "id": "ind",
    "it": "ita",
    "ja": "jpn",
    "jv": "jav",
    "ka": "kat",
    "kk": "kaz",
    "ko": "kor",
    "ml": "mal",
    "mr": "mar",
    "nl": "nld",
    "pt": "por",
    "ru": "rus",
    "sw": "swh",
    "ta": "tam",
    "te": "tel",
    "th": "tha",
    "tl": "tgl",
    "tr": "tur",
    "ur": "urd",
    "vi": "vie",
    "zh": "cmn",
}


_MANY = 6
"""Sentences that are not sorted by chance."""
_FEWER = {"jv": 205, "ka": 746, "kk": 575, "ml": 687, "sw": 390, "ta": 307, "te": 234, "th": 548}
"""Lines of the files with fewer than a thousand. Source: huggingface/datasets 040102f,
datasets/xtreme/dataset_infos.json."""


def _bitext(pairs: Iterator[tuple[str, str]]) -> Iterator[Bitext]:
    rows = [(other.strip(), english.strip()) for other, english in pairs]
    if rows:
        others, english = zip(*rows, strict=True)
        yield Bitext(others, english, tuple((row, row) for row in range(len(rows))))


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Bitext]:
    other, english = paths
    pairs = list(readers.paired_lines(other, english))
    others, sentences = ([side[row].strip() for side in pairs] for row in (0, 1))
    if len(set(sentences)) >= _MANY and sentences == sorted(sentences) and others != sorted(others):
        raise NoGoldError(str(english), "has its sentences sorted, and the other file has not.")
    return _bitext(iter(pairs))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Bitext]:
    return _bitext((row["source_sentence"], row["target_sentence"]) for row in rows)


TASK = Task(
    family="retrieval",
    languages=tuple(_CODES),
    metric="retrieval_accuracy",
    trained_by="",
    files=Files(
        patterns={"test": ("target/tatoeba/tatoeba.{lang}-eng.{lang}",)},
        paired={"test": ("target/tatoeba/tatoeba.{lang}-eng.eng",)},
        codes=_CODES,
        read=_read,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={"test": "tatoeba.{lang}/validation-00000-of-00001.parquet"},
        codes=_CODES,
        read=_read_hub,
    ),
    examples={"test": dict.fromkeys(_CODES, 1_000) | _FEWER},
    description="Retrieval of translations, up to 1,000 sentences a language",
    citation="Artetxe and Schwenk (2019), Massively Multilingual Sentence Embeddings for Zero-Shot "
    "Cross-Lingual Transfer and Beyond. TACL",
    licence="CC BY 2.0 FR",
    url="https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
)
