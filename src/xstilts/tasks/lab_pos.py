"""Parts of speech, with words whose tag depends on their context and words never seen."""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.tags import PARTS_OF_SPEECH
from xstilts.task import Lab, Task

TASK = Task(
    family="tagging",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="token_accuracy",
    labels=PARTS_OF_SPEECH,
    description="Parts of speech, with words whose tag depends on their context and words never seen.",
    citation=CITATION,
    licence=LICENCE,
    lab=Lab(name="pos", sizes={"train": 8_000, "dev": 300, "test": 300}),
    skills=("parts of speech",),
)
