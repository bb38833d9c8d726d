"""Parts of speech of the lab, in context."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.tags import PARTS_OF_SPEECH

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=PARTS_OF_SPEECH,
    metric="token_accuracy",
    description="Parts of speech of words that have several, and of invented words.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="pos", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("parts of speech",),
)
