"""PAWS-X: do two sentences made of the same words mean the same? Seven languages.

The English training rows are those of PAWS-Wiki (49,401 pairs), in XTREME's layout: `train-en.tsv`. A folder
that has only the development and test files can be evaluated, not trained on.

XTREME's script writes these files with quotes around a sentence that has quotes, and doubles those inside.
Here a sentence is read as the data set has it, as on the Hub. XTREME's own baseline reads the doubled quotes:
of the 2,000 test pairs 134 in German, 242 in Spanish, 258 in French, 244 in Korean and 14 in Chinese have
some, none in English and Japanese.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers, translated
from xstilts.data.examples import Pair
from xstilts.data.task import TRANSLATED, Files, Hub, Task

LABELS = ("0", "1")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    for number, (first, second, label) in readers.written_columns(path, ("sentence1", "sentence2", "label")):
        yield Pair(first, second, readers.label(path, number, label, LABELS))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    for number, row in enumerate(rows, start=1):
        label = readers.label(Path(f"pawsx.{language}"), number, str(row["label"]), LABELS)
        yield Pair(row["sentence1"], row["sentence2"], label)


def _read_translated(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    return translated.xtreme_pairs(path, LABELS, skip=True)


TASK = Task(
    family="classification",
    languages=("de", "en", "es", "fr", "ja", "ko", "zh"),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={split: (f"target/pawsx/{split}-{{lang}}.tsv",) for split in ("train", "dev", "test")},
        read=_read,
    ),
    hub=Hub(
        dataset="google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        files={
            "train": "PAWS-X.{lang}/train-00000-of-00001.parquet",
            "dev": "PAWS-X.{lang}/validation-00000-of-00001.parquet",
            "test": "PAWS-X.{lang}/test-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    translations=Files(
        patterns={
            TRANSLATED: (
                "xtreme_translations/PAWSX/translate-train/en-{lang}-translated.tsv",
                "target/pawsx/translated/en-{lang}-translated.tsv",
            )
        },
        read=_read_translated,
    ),
    examples={"train": {"en": 49_401}, "dev": 2_000, "test": 2_000},  # XTREME, table 1
    description="Paraphrase identification against word order, in seven languages",
    citation="Yang, Zhang, Tar and Baldridge (2019), PAWS-X: A Cross-lingual Adversarial Dataset for "
    "Paraphrase Identification. EMNLP",
    licence="free use with acknowledgement of Google LLC as the source",
    url="https://github.com/google-research-datasets/paws/tree/master/pawsx",
    version=2,
)
