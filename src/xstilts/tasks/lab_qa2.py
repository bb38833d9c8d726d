"""Questions of the lab, some without an answer in the passage."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="span",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="squad2_f1",
    description="The questions of lab_qa, every third without an answer in the passage, after SQuAD 2.0.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="qa2", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("finding an argument", "knowing what is not said"),
)
