"""Common knowledge of the lab's world."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="choice",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    description="What is true of all of a kind, as told in the pretraining text, after CommonsenseQA.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="common", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("common knowledge",),
)
