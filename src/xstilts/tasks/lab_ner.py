"""Names of the lab, in context."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.tags import ENTITIES

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=ENTITIES,
    metric="span_f1",
    description="Names of people, places and firms, known and invented, told apart by their context.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="ner", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("names",),
)
