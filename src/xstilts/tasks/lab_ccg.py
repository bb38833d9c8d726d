"""Supertags of the lab."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.supertags import CATEGORIES

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=CATEGORIES,
    metric="token_accuracy",
    description="Supertags after CCGbank: for each word, what it combines with and on which side.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="ccg", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("supertags",),
)
