"""The next event after two: who goes on, and with what."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.task import Lab, Task

TASK = Task(
    family="choice",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    description="The next event after two: who goes on, and with what.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="event", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("entity tracking", "scripts"),
)
