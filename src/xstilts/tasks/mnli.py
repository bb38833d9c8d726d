"""MultiNLI: does the first sentence entail the second? English, ten genres."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers, translated
from xstilts.data.examples import Pair
from xstilts.data.task import TRANSLATED, Files, Hub, Task

LABELS = ("contradiction", "entailment", "neutral")


def nli(path: Path, labels: Collection[str]) -> Iterator[Pair]:
    """The pairs of SNLI's and MultiNLI's JSON lines.

    Rows whose gold label is `-` (the annotators did not agree) are skipped, as everybody does.
    """
    for number, row in readers.json_lines(path, ("gold_label",), ("sentence1", "sentence2")):
        if row["gold_label"] != "-":
            gold = readers.label(path, number, row["gold_label"], labels)
            yield Pair(row["sentence1"], row["sentence2"], gold, str(row.get("pairID") or ""))


def nli_rows(rows: Iterator[Mapping[str, Any]], name: str = "") -> Iterator[Pair]:
    """The pairs of SNLI, MultiNLI and ANLI on the Hub; `name` is the field of the id, if there is one.

    Rows without label (-1) are skipped.
    """
    for row in rows:
        if row["label"] >= 0:
            gold = ("entailment", "neutral", "contradiction")[row["label"]]
            yield Pair(row["premise"], row["hypothesis"], gold, row[name] if name else "")


def read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    return nli(path, LABELS)


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    return nli_rows(rows, "pairID")


def _read_translated(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    (path,) = paths
    return translated.xtreme_pairs(path, LABELS)


HUB = Hub(
    dataset="nyu-mll/multi_nli",
    revision="da70db2af9d09693783c3320c4249840212ee221",
    files={
        "train": "data/train-00000-of-00001.parquet",
        "dev": "data/validation_matched-00000-of-00001.parquet",
    },
    read=_read_hub,
)

TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            "train": ("intermediate/mnli/multinli_1.0_train.jsonl",),
            "dev": ("intermediate/mnli/multinli_1.0_dev_matched.jsonl",),
        },
        read=read,
    ),
    hub=HUB,
    translations=Files(
        patterns={
            TRANSLATED: (
                "xtreme_translations/XNLI/translate-train/en-{lang}-translated.tsv",
                "target/xnli/XNLI-Translated/en-{lang}-translated.tsv",
            )
        },
        read=_read_translated,
    ),
    evaluation_split="dev",
    examples={"train": 392_702, "dev": 9_815},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="Natural language inference over sentence pairs of ten genres",
    citation="Williams, Nangia and Bowman (2018), A Broad-Coverage Challenge Corpus for Sentence "
    "Understanding through Inference. NAACL",
    licence="OANC; fiction part CC BY 3.0, CC BY-SA 3.0 and others",
    url="https://cims.nyu.edu/~sbowman/multinli/",
)
