"""The answer is the run of words k in the context; some contexts take several windows."""

import random
from collections.abc import Iterator
from pathlib import Path

from xstilts.data.examples import Answer, Question
from xstilts.data.task import Files, Task

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h"]
SPLITS = {split: (f"{split}.txt",) for split in ("train", "dev", "test")}


def read(paths: tuple[Path, ...], language: str) -> Iterator[Question]:
    rng = random.Random(f"questions {paths[0].stem} {language}")
    for number in range(int(paths[0].read_text())):
        words = rng.choices(WORDS, k=60 if number % 40 == 7 else rng.randint(2, 9))
        answer = " ".join("k" * rng.randint(1, 2))
        words.insert(rng.randrange(len(words) + 1), answer)
        context = " ".join(words)
        yield Question(context, "k ?", (Answer(answer, context.index(answer)),), str(number))


TASK = Task(
    family="span",
    languages=("en", "de"),
    metric="squad_f1",
    description="A toy.",
    citation="None.",
    licence="None.",
    files=Files(patterns=SPLITS, read=read),
)
