"""The beginning of the alphabet, so that the place of a hidden word tells it; some pairs."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Text
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "k", "?"]
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Text]:
    rng = random.Random(f"texts {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        text = " ".join(WORDS[: rng.randint(3, len(WORDS))])
        yield Text(text, text.upper() if number % 4 == 3 else None)


TASK = Task(
    family="masked",
    languages=("en", "de"),
    metric="",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
