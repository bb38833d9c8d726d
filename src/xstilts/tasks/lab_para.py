"""Paraphrase or not of two linked clauses made of the same words in another order."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.pairs import PARAPHRASE
from xstilts.task import Lab, Task

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    labels=PARAPHRASE,
    description="Paraphrase or not of two linked clauses made of the same words in another order.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="para", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("word order", "pair matching"),
)
