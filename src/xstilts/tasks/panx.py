"""PAN-X: names of persons, organisations and places in Wikipedia text, as XTREME cuts WikiANN.

The files of WikiANN itself, with the language before each word (`vi:`), are read as XTREME's are. XTREME
publishes its test files without tags, so local files are evaluated on the development rows; the copy
on the Hub has the tags of the test rows, and those are evaluated. The two are never mixed in a result, whose
specification names the split. English development rows also choose checkpoints where a recipe says
`select = "best"`: evaluated on dev, the English number (and no other) is then a little too high.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Tagged
from xstilts.data.task import Files, Hub, Task

LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""In the order in which the Hub's copy numbers them."""

_XTREME = (
    *("af", "ar", "bg", "bn", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu", "id"),
    *("it", "ja", "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw", "ta", "te", "th"),
    *("tl", "tr", "ur", "vi", "yo", "zh"),
)
_LATER = ("az", "gu", "lt", "pa", "pl", "qu", "ro", "uk")  # XTREME-R has them too


_TRAIN = {
    100: ("jv", "my", "yo"),
    1_000: ("kk", "sw", "te"),
    5_000: ("af", "hi", "mr"),
    10_000: ("bn", "eu", "ka", "ml", "tl"),
    15_000: ("et", "ta"),
}
_EVALUATED = {
    100: ("jv", "my", "yo"),
    1_000: ("af", "bn", "hi", "kk", "ml", "mr", "ms", "sw", "ta", "te", "tl", "ur"),
}
"""Languages with fewer sentences than most. Source: huggingface/datasets 040102f,
datasets/xtreme/dataset_infos.json."""


def _sized(fewer: Mapping[int, tuple[str, ...]], most: int) -> dict[str, int]:
    few = {language: rows for rows, languages in fewer.items() for language in languages}
    return dict.fromkeys(_XTREME, most) | few


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Tagged]:
    (path,) = paths
    return readers.tagged_columns(path, LABELS, language)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Tagged]:
    for row in rows:
        yield Tagged(tuple(row["tokens"]), tuple(LABELS[tag] for tag in row["ner_tags"]))


TASK = Task(
    family="tagging",
    languages=tuple(sorted((*_XTREME, *_LATER))),
    labels=LABELS,
    metric="span_f1",
    files=Files(
        patterns={split: (f"target/panx/{split}-{{lang}}.tsv",) for split in ("train", "dev")}, read=_read
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "train": "PAN-X.{lang}/train-00000-of-00001.parquet",
            "dev": "PAN-X.{lang}/validation-00000-of-00001.parquet",
            "test": "PAN-X.{lang}/test-00000-of-00001.parquet",
        },
        codes={language: language for language in _XTREME},
        read=_read_hub,
    ),
    evaluation_fallback="dev",
    examples={
        "train": _sized(_TRAIN, 20_000),
        "dev": _sized(_EVALUATED, 10_000),
        "test": _sized(_EVALUATED, 10_000),
    },
    description="Named entities in Wikipedia text: persons, organisations, places",
    citation="Pan et al. (2017), Cross-lingual Name Tagging and Linking for 282 Languages. ACL; Rahimi, Li "
    "and Cohn (2019), Massively Multilingual Transfer for NER. ACL",
    licence="Wikipedia text CC BY-SA 3.0; no licence stated for the annotation",
    url="https://github.com/google-research/xtreme",
    version=2,
)
