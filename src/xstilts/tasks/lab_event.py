"""The next event in the lab's world."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="choice",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="accuracy",
    description="What somebody usually does next, told apart from what others do, after SWAG and COPA.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="event", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("habits",),
)
