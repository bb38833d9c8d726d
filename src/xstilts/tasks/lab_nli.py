"""Inference of the lab: does the hypothesis follow, is it excluded, or is it open?"""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.pairs import INFERENCE

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=INFERENCE,
    metric="accuracy",
    description="Inference with three labels, after MultiNLI: negation, quantifiers, antonyms, kinds.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="nli", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("inference", "negation and quantifiers", "opposites and kinds"),
)
