"""Entailment of the lab: does the hypothesis follow?"""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.pairs import ENTAILMENT

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=ENTAILMENT,
    metric="accuracy",
    description="Inference with two labels, after RTE: the edits of lab_nli in another word order.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="entail", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("inference", "negation and quantifiers", "opposites and kinds"),
)
