"""ANLI+ (Phang et al. 2020): three rounds of Adversarial NLI with SNLI and MultiNLI, under one head. English.

On the Hub all five parts are read. In a data folder the release itself (`anli_v1.0/`) comes first. Where
there are only development and test files (`anli/`), the former serve as training data and the test file of
the third round as evaluation data. SNLI and MultiNLI are read too where the folder holds these themselves,
not a stand-in.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Pair
from xstilts.data.task import Files, Hub, Task
from xstilts.tasks import mnli, snli

LABELS = mnli.LABELS
_LETTERS = {"c": "contradiction", "e": "entailment", "n": "neutral"}
_ROUNDS = ("1", "2", "3")
_FOLDERS = ("intermediate/anli_v1.0", "intermediate/anli")


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    for path in paths:
        yield from mnli.nli(path, LABELS) if "nli_1.0" in path.name else _read_round(path)


def _read_round(path: Path) -> Iterator[Pair]:
    for number, row in readers.json_lines(path, ("uid", "label"), ("context", "hypothesis")):
        letter = readers.label(path, number, row["label"], _LETTERS)
        yield Pair(row["context"], row["hypothesis"], _LETTERS[letter], str(row["uid"]))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Pair]:
    return mnli.nli_rows(rows, "uid")


def _train(number: str) -> tuple[str, ...]:
    release = tuple(f"{folder}/R{number}/train.jsonl" for folder in _FOLDERS)
    return (*release, f"{_FOLDERS[1]}/R{number}/dev.jsonl")


def _hub(number: str, also: tuple[Hub, ...] = ()) -> Hub:
    return Hub(
        dataset="facebook/anli",
        revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
        files={split: f"plain_text/{split}_r{number}-00000-of-00001.parquet" for split in ("train", "dev")},
        read=_read_hub,
        also=also,
    )


TASK = Task(
    family="classification",
    languages=("en",),
    labels=LABELS,
    metric="accuracy",
    files=Files(
        patterns={
            "train": _train("1"),
            "dev": (f"{_FOLDERS[0]}/R1/dev.jsonl", f"{_FOLDERS[1]}/R3/test.jsonl"),
        },
        also={
            "train": (
                *(_train(number) for number in _ROUNDS[1:]),
                ("intermediate/snli/snli_1.0_train.jsonl",),
                ("intermediate/mnli/multinli_1.0_train.jsonl",),
            ),
            "dev": (
                *((f"{_FOLDERS[0]}/R{number}/dev.jsonl",) for number in _ROUNDS[1:]),
                ("intermediate/snli/snli_1.0_dev.jsonl",),
                ("intermediate/mnli/multinli_1.0_dev_matched.jsonl",),
            ),
        },
        substitutes={
            **{f"{_FOLDERS[1]}/R{number}/dev.jsonl": "development rows of ANLI" for number in _ROUNDS},
            f"{_FOLDERS[1]}/R3/test.jsonl": "test rows of ANLI's third round",
        },
        read=_read,
    ),
    hub=_hub("1", (*(_hub(number) for number in _ROUNDS[1:]), snli.HUB, mnli.HUB)),
    evaluation_split="dev",
    examples={"train": 1_104_934, "dev": 22_857},  # the sums of its five parts
    description="Natural language inference: SNLI, MultiNLI and three adversarial rounds",
    citation="Nie, Williams, Dinan, Bansal, Weston and Kiela (2020), Adversarial NLI: A New Benchmark for "
    "Natural Language Understanding. ACL",
    licence="CC BY-NC 4.0; SNLI and MultiNLI under their own",
    url="https://github.com/facebookresearch/anli",
)
