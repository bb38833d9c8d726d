"""Texts whose first word decides: "yes" for a, b, c and d. Learned in a few dozen updates."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Pair
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h"]
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev", "test")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Pair]:
    rng = random.Random(f"pairs {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        words = rng.choices(WORDS, k=rng.randint(3, 12))
        label = "yes" if words[0] in "abcd" else "no"
        yield Pair(" ".join(words), rng.choice(WORDS), label, f"{language}-{number}")


TASK = Task(
    family="classification",
    languages=("en", "de"),
    labels=("no", "yes"),
    metric="accuracy",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
