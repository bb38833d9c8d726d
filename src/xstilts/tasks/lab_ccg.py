"""Supertags in the manner of combinatory categorial grammar."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.supertags import CATEGORIES
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="token_accuracy",
    labels=CATEGORIES,
    description="Supertags in the manner of combinatory categorial grammar.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="ccg", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("word order", "supertags"),
)
