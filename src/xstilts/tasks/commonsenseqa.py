"""CommonsenseQA: questions that only common knowledge answers, with five answers. English."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Choice
from xstilts.data.task import Files, Hub, Task


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    (path,) = paths
    for number, row in readers.json_lines(path, ("id", "answerKey", "question")):
        where = f"{path}:{number}"
        question = readers.require(row["question"], ("stem", "choices"), where, ("stem",))
        choices = [
            readers.require(one, ("label", "text"), where, ("label", "text"))
            for one in readers.parts(question, "choices", where)
        ]
        label = readers.position(path, number, row["answerKey"], [one["label"] for one in choices])
        yield Choice(question["stem"], tuple(one["text"] for one in choices), label, str(row["id"]))


def _read_hub(rows: Iterator[Mapping[str, Any]], language: str) -> Iterator[Choice]:
    for row in rows:
        choices = row["choices"]
        label = choices["label"].index(row["answerKey"])
        yield Choice(row["question"], tuple(choices["text"]), label, row["id"])


TASK = Task(
    family="choice",
    options=5,
    languages=("en",),
    metric="accuracy",
    files=Files(
        patterns={
            split: (f"intermediate/commonsenseqa/{split}_rand_split.jsonl",) for split in ("train", "dev")
        },
        read=_read,
    ),
    hub=Hub(
        dataset="tau/commonsense_qa",
        revision="94630fe30dad47192a8546eb75f094926d47e155",
        files={
            "train": "data/train-00000-of-00001.parquet",
            "dev": "data/validation-00000-of-00001.parquet",
        },
        read=_read_hub,
    ),
    evaluation_split="dev",
    examples={"train": 9_741, "dev": 1_221},  # nyu-mll/jiant 6c4097c5, scripts/taskmaster
    description="Questions of common knowledge, five answers",
    citation="Talmor, Herzig, Lourie and Berant (2019), CommonsenseQA: A Question Answering "
    "Challenge Targeting Commonsense Knowledge. NAACL",
    licence="MIT",
    url="https://www.tau-nlp.org/commonsenseqa",
)
