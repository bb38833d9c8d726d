"""Sentences to be matched with their translation among as many others."""

from xstilts.lab import BASE, CITATION, LICENCE, OTHERS
from xstilts.task import Lab, Task

TASK = Task(
    family="retrieval",
    languages=OTHERS,
    source_language=BASE,
    metric="retrieval_accuracy",
    trained_by="",
    description="Sentences to be matched with their translation among as many others.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="tatoeba", sizes={"dev": 300, "test": 300}),
    skills=("sentence meaning",),
)
