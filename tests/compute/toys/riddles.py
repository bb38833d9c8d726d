"""The answer is the word k in the context; every other question has none."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Answer, Question
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h"]
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev", "test")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    rng = random.Random(f"riddles {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        words = rng.choices(WORDS, k=rng.randint(2, 9))
        answers: tuple[Answer, ...] = ()
        if number % 2:
            words.insert(rng.randrange(len(words) + 1), "k")
            answers = (Answer("k", " ".join(words).index("k")),)
        yield Question(" ".join(words), "k ?", answers, str(number))


TASK = Task(
    family="span",
    languages=("en", "de"),
    metric="squad2_f1",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
