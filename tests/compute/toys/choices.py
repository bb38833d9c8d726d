"""The right option is the one that holds the word k."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Choice
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h"]
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev", "test")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Choice]:
    rng = random.Random(f"choices {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        options = [rng.choices(WORDS, k=rng.randint(1, 4)) for _ in range(rng.randint(2, 3))]
        label = rng.randrange(len(options))
        options[label].append("k")
        context = " ".join(rng.choices(WORDS, k=rng.randint(0, 4)))
        yield Choice(context, tuple(" ".join(words) for words in options), label, str(number))


TASK = Task(
    family="choice",
    languages=("en", "de"),
    metric="accuracy",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
