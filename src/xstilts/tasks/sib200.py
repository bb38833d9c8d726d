"""SIB-200: the topic of a sentence, one of seven; row i of the test is the same in all languages.

The release has quotes around a sentence with quotes, and doubles those inside: it is read without them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task

LABELS = ("entertainment", "geography", "health", "politics", "science/technology", "sports", "travel")
_CODES = {
    "af": "afr_Latn",
    "ar": "arb_Arab",
    "bg": "bul_Cyrl",
    "bn": "ben_Beng",
    "de": "deu_Latn",
    "el": "ell_Grek",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "et": "est_Latn",
    "fa": "pes_Arab",
    "fi": "fin_Latn",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "ht": "hat_Latn",
    "id": "ind_Latn",
    "ja": "jpn_Jpan",
    "jv": "jav_Latn",
    "kk": "kaz_Cyrl",
    "ko": "kor_Hang",
    "ml": "mal_Mlym",
    "mr": "mar_Deva",
    "my": "mya_Mymr",
    "nl": "nld_Latn",
    "pt": "por_Latn",
    "qu": "quy_Latn",
    "ru": "rus_Cyrl",
    "sw": "swh_Latn",
    "ta": "tam_Taml",
    "th": "tha_Thai",
    "tl": "tgl_Latn",
    "tr": "tur_Latn",
    "ur": "urd_Arab",
    "vi": "vie_Latn",
    "yo": "yor_Latn",
    "zh": "zho_Hans",
}


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    for number, row in readers.written_table(path, ("index_id", "category", "text")):
        yield Pair(row["text"], None, readers.label(path, number, row["category"], LABELS), row["index_id"])


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    return (Pair(row["text"], None, row["category"], row["index_id"]) for row in rows)


TASK = Task(
    family="classification",
    languages=tuple(_CODES),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={split: (f"target/sib200/{{lang}}/{split}.tsv",) for split in ("train", "dev", "test")},
        codes=_CODES,
        read=_read,
    ),
    hub=Hub(
        dataset="Davlan/sib200",
        revision="38977a667f6fc264d5c26ec57a01e16db040b358",
        files={split: f"data/{{lang}}/{split}.tsv" for split in ("train", "dev", "test")},
        codes=_CODES,
        read=_read_hub,
    ),
    examples={"train": 701, "dev": 99, "test": 204},
    description="Topics of sentences from Wikinews, Wikibooks and Wikivoyage",
    citation="Adelani et al. (2024), SIB-200: A Simple, Inclusive, and Big Evaluation Dataset for Topic "
    "Classification in 200+ Languages and Dialects. EACL",
    licence="CC BY-SA 4.0",
    url="https://github.com/dadelani/sib-200",
    version=2,
)
