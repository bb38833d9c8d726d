"""Questions about a few events; the answer is a phrase of the context."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.task import Lab, Task

TASK = Task(
    family="span",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="squad_f1",
    description="Questions about a few events; the answer is a phrase of the context.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="qa", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("question answering", "entity tracking"),
)
