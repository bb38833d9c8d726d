"""Parallel sentences of the lab among near misses."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LICENCE, OTHERS, Lab

TASK = Task(
    family="retrieval",
    languages=OTHERS,
    source_language=BASE,
    metric="mining_f1",
    trained_by="",
    description="Parallel sentences to be mined among near misses, after BUCC.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="bucc", sizes={"dev": 600, "test": 600}),
    skills=("alignment of sentences",),
)
