"""Paraphrase of the lab: is the same told again, or have the words been exchanged?"""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.pairs import PARAPHRASE

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=PARAPHRASE,
    metric="accuracy",
    description="Paraphrase against word order, after PAWS-X: the same words, told again or exchanged.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="para", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("word order",),
)
