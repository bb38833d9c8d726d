"""Sentences of distinct words, and the same sentences in another order."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Bitext
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "k"]


def read(paths: tuple[Path, ...], language: str) -> Iterator[Bitext]:
    rng = random.Random(f"bitexts {language}")
    sentences = sorted({" ".join(rng.sample(WORDS, rng.randint(1, 5))) for _ in range(20)})
    order = rng.sample(range(len(sentences)), len(sentences))
    gold = tuple((source, target) for source, target in enumerate(order))
    yield Bitext(tuple(sentences[target] for target in order), tuple(sentences), gold)


TASK = Task(
    family="retrieval",
    languages=("de", "fr"),
    trained_by="",
    metric="retrieval_accuracy",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns={"test": ("test.txt",)}, read=read),
)
