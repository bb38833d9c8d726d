"""TyDiQA-GoldP: questions that speakers of nine languages asked, each with the passage that answers it.

English rows train it. Its development files are what XTREME tests on, and are evaluated; where a folder has
none, the training rows of the other languages, which nothing trains on. Files come by language, or with all
languages mixed (the original release, and the Hub's copy): then the language stands in a question's id, as
in "finnish-7633091545614872858-1".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers, translated
from xstilts.data.examples import Question
from xstilts.data.task import TRANSLATED, Files, Hub, Task
from xstilts.errors import DataError

_NAMES = {
    "ar": "arabic",
    "bn": "bengali",
    "en": "english",
    "fi": "finnish",
    "id": "indonesian",
    "ko": "korean",
    "ru": "russian",
    "sw": "swahili",
    "te": "telugu",
}


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    own_file = f".{language}." in path.name
    return (
        question for question in readers.squad(path) if own_file or _is_in(language, question.id, str(path))
    )


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Question]:
    return (readers.squad_row(row) for row in rows if _is_in(language, row["id"], "tydiqa on the Hub"))


def _is_in(language: str, name: str, where: str) -> bool:
    """Whether the id of a question names that language; DataError if it names none of the nine."""
    said = name.partition("-")[0]
    if said not in _NAMES.values():
        what = (
            f"the id '{name}' of a question does not begin with its language ({', '.join(_NAMES.values())})."
        )
        raise DataError(where, what, "Give one file for each language.")
    return said == _NAMES[language]


def _read_translated(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    (path,) = paths
    return translated.xtreme_questions(path)


def _counted(*rows: int) -> dict[str, int]:
    return dict(zip(_NAMES, rows, strict=True))


TASK = Task(
    family="span",
    languages=tuple(_NAMES),
    metric="squad_f1",
    files=Files(
        patterns={
            split: (
                f"target/tydiqa/tydiqa.goldp.{{lang}}.{split}.json",
                f"target/tydiqa/tydiqa-goldp-v1.1-{split}.json",
            )
            for split in ("train", "dev")
        },
        read=_read,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "train": "tydiqa/train-00000-of-00001.parquet",
            "dev": "tydiqa/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    translations=Files(
        patterns={
            TRANSLATED: (
                "xtreme_translations/TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-{lang}.json",
                "target/tydiqa/translate-train/tydiqa.translate.train.en-{lang}.json",
            )
        },
        read=_read_translated,
    ),
    evaluation_split="dev",
    evaluation_fallback="train",
    examples={  # Clark et al. (2020), the gold passage task; together 49,881 and 5,077
        "train": _counted(14_805, 2_390, 3_696, 6_855, 5_702, 1_625, 6_490, 2_755, 5_563),
        "dev": _counted(921, 113, 440, 782, 565, 276, 812, 499, 669),
    },
    description="Questions asked by speakers, answered by a span of a Wikipedia passage, in nine languages",
    citation="Clark et al. (2020), TyDi QA: A Benchmark for Information-Seeking Question Answering in "
    "Typologically Diverse Languages. TACL",
    licence="Apache-2.0",
    url="https://github.com/google-research-datasets/tydiqa",
)
