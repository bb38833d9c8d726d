"""Questions of the lab, each with an answer in the passage."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="span",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="squad_f1",
    description="Questions about two or three statements, answered by a span, after SQuAD 1.1.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="qa", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("finding an argument",),
)
