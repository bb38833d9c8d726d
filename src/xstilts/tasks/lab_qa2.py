"""Questions about a few events, some of which the context does not answer."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.task import Lab, Task

TASK = Task(
    family="span",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="squad2_f1",
    description="Questions about a few events, some of which the context does not answer.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="qa2", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("question answering", "entity tracking", "answerability"),
)
