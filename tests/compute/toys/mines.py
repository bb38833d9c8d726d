"""Sentences of distinct words, half of which stand on the other side too."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Bitext
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "k"]


def read(paths: tuple[Path, ...], language: str) -> Iterator[Bitext]:
    rng = random.Random(f"mines {language} {paths[0].stem}")
    sentences = sorted({" ".join(rng.sample(WORDS, rng.randint(2, 6))) for _ in range(36)})
    rng.shuffle(sentences)
    shared, rest = sentences[:12], sentences[12:]
    source, target = shared + rest[::2], shared + rest[1::2]
    rng.shuffle(target)
    gold = tuple((row, target.index(sentence)) for row, sentence in enumerate(shared))
    yield Bitext(tuple(source), tuple(target), gold)


TASK = Task(
    family="retrieval",
    languages=("de", "fr"),
    trained_by="",
    metric="mining_f1",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns={"test": ("test.txt",), "dev": ("dev.txt",)}, read=read),
)
