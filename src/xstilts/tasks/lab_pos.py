"""Parts of speech of the lab, in context."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.tags import PARTS_OF_SPEECH
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=PARTS_OF_SPEECH,
    metric="token_accuracy",
    description="Parts of speech of words that have several, and of invented words.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="pos", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("parts of speech",),
)
