"""Names of the lab, in context."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.tags import ENTITIES
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=ENTITIES,
    metric="span_f1",
    description="Names of people, places and firms, known and invented, told apart by their context.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="ner", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("names",),
)
