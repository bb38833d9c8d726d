"""What is commonly known of a kind: its class, home, colour, tool or taste."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.task import Lab, Task

TASK = Task(
    family="choice",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    description="What is commonly known of a kind: its class, home, colour, tool or taste.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="common", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("common knowledge",),
)
