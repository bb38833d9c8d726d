"""Parallel sentences of the lab among near misses."""

from xstilts.lab import BASE, CITATION, LICENCE, OTHERS
from xstilts.task import Lab, Task

TASK = Task(
    family="retrieval",
    languages=OTHERS,
    source_language=BASE,
    metric="mining_f1",
    trained_by="",
    description="Parallel sentences to be mined among near misses, after BUCC.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="bucc", sizes={"dev": 600, "test": 600}),
    skills=("alignment of sentences",),
)
