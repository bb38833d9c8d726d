"""Every word has a tag of its own; some sentences are longer than the model takes at once."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Tagged
from xstilts.data.task import Files, Task

TAGS = dict(
    zip(
        ["a", "b", "c", "d", "e", "f", "g", "h"],
        ["NOUN", "NOUN", "VERB", "VERB", "DET", "ADJ", "PUNCT", "PUNCT"],
        strict=True,
    )
)
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev", "test")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Tagged]:
    rng = random.Random(f"tags {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        words = rng.choices(list(TAGS), k=50 if number % 40 == 7 else rng.randint(1, 9))
        yield Tagged(tuple(words), tuple(TAGS[word] for word in words), str(number))


TASK = Task(
    family="tagging",
    languages=("en", "de"),
    labels=tuple(sorted(set(TAGS.values()))),
    metric="span_f1",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
