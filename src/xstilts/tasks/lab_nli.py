"""Natural language inference with three labels, decided by natural logic on one or two edits."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.pairs import INFERENCE
from xstilts.task import Lab, Task

TASK = Task(
    family="classification",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    labels=INFERENCE,
    description="Natural language inference with three labels, decided by natural logic on one or two edits.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="nli", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("inference by edits", "negation and quantifiers", "pair matching"),
)
