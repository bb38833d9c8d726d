"""Supertags of the lab."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.supertags import CATEGORIES
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=CATEGORIES,
    metric="token_accuracy",
    description="Supertags after CCGbank: for each word, what it combines with and on which side.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="ccg", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("supertags",),
)
