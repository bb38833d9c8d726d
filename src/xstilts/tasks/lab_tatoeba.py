"""Parallel sentences of the lab."""

from xstilts.lab import BASE, CITATION, LICENCE, OTHERS
from xstilts.task import Lab, Task

TASK = Task(
    family="retrieval",
    languages=OTHERS,
    source_language=BASE,
    metric="retrieval_accuracy",
    trained_by="",
    description="Parallel sentences to be found among 300, after Tatoeba.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="tatoeba", sizes={"dev": 300, "test": 300}),
    skills=("alignment of sentences",),
)
