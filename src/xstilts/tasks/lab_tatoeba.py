"""Parallel sentences of the lab."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LICENCE, OTHERS, Lab

TASK = Task(
    family="retrieval",
    languages=OTHERS,
    source_language=BASE,
    metric="retrieval_accuracy",
    trained_by="",
    description="Parallel sentences to be found among 300, after Tatoeba.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="tatoeba", sizes={"dev": 300, "test": 300}),
    skills=("alignment of sentences",),
)
