"""Entailment or not, on the edits of lab_nli, the time at the other end of the hypothesis."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.pairs import ENTAILMENT
from xstilts.task import Lab, Task

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    labels=ENTAILMENT,
    description="Entailment or not, on the edits of lab_nli, the time at the other end of the hypothesis.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="entail", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("inference by edits", "negation and quantifiers", "pair matching"),
)
