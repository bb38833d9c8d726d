"""Part-of-speech tagging with the 17 universal tags of Universal Dependencies, as in XTREME.

Two layouts are read. XTREME's own files (`xtreme/`, token and tag in two columns) come first where they
exist, then CoNLL-U releases (`ud/`; of several treebanks of a language the first by name). Sentences whose
words are withheld (`_` in their place, as in `ar_nyuad`) are passed by, and so are files in which nine in
ten words are, if there is another. The layouts differ in their words: XTREME keeps a contraction whole
(Portuguese `do`), CoNLL-U counts its syntactic words (`de`, `o`). XTREME publishes its test files without
tags; those cannot be scored and are refused. A language with development data alone has no test split here:
the two are never mixed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Tagged
from xstilts.data.task import Files, Hub, Task
from xstilts.errors import DataError

LABELS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)

_HUB_NAMES = {
    "af": "Afrikaans",
    "ar": "Arabic",
    "bg": "Bulgarian",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "kk": "Kazakh",
    "ko": "Korean",
    "mr": "Marathi",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ru": "Russian",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "yo": "Yoruba",
    "zh": "Chinese",
}
_LATER = ("lt", "pl", "ro", "uk", "wo")  # XTREME-R has them too


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Tagged]:
    (path,) = paths
    words = False
    for row in _sentences(path):
        words = words or bool(row.tokens)
        yield row
    if not words:
        what = "holds no words, or they are withheld (`_` in their place)."
        now = "Take another treebank, or put the words in as the treebank's README says."
        raise DataError(str(path), what, now)


def _sentences(path: Path) -> Iterator[Tagged]:
    if _is_conllu(path):
        return readers.conllu(path, LABELS)
    return (row for row in readers.tagged_columns(path, LABELS) if not readers.withheld(row.tokens))


def _is_conllu(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".conllu")


def _has_words(path: Path) -> bool:
    """Whether more than a tenth of a file's words are there."""
    column = 1 if _is_conllu(path) else 0
    rows = (line for _, line in readers.lines(path) if line.strip() and not line.startswith("#"))
    words = [line.split("\t")[column : column + 1] for line in rows]
    return 10 * words.count(["_"]) < 9 * len(words)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Tagged]:
    for row in rows:
        yield Tagged(tuple(row["tokens"]), tuple(LABELS[tag] for tag in row["pos_tags"]))


TASK = Task(
    family="tagging",
    languages=tuple(sorted((*_HUB_NAMES, *_LATER))),
    labels=LABELS,
    metric="span_f1",
    files=Files(
        patterns={
            split: (
                f"target/udpos/xtreme/{split}-{{lang}}.tsv",
                f"target/udpos/ud/{{lang}}_*-ud-{split}.conllu",
            )
            for split in ("train", "dev", "test")
        },
        substitutes={"target/udpos/ud/*.conllu": "of a release of Universal Dependencies, not XTREME's"},
        read=_read,
        usable=_has_words,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "train": "udpos.{lang}/train-00000-of-00001.parquet",
            "dev": "udpos.{lang}/validation-00000-of-00001.parquet",
            "test": "udpos.{lang}/test-00000-of-00001.parquet",
        },
        codes=_HUB_NAMES,
        read=_read_hub,
    ),
    examples={"train": {"en": 21_253}, "dev": {"en": 3_974}},  # XTREME, table 1
    description="Part-of-speech tagging, 17 universal tags",
    citation="Nivre et al. (2020), Universal Dependencies v2. LREC; Hu et al. (2020), XTREME. ICML",
    licence="by treebank: CC BY-SA, CC BY-NC-SA and others",
    url="https://universaldependencies.org/",
    version=2,
)
