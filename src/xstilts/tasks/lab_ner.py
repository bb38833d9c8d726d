"""Names of persons, places and firms in IOB2, some of them common words, some never seen."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.tags import ENTITIES
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="span_f1",
    labels=ENTITIES,
    description="Names of persons, places and firms in IOB2, some of them common words, some never seen.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="ner", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("names",),
)
