"""A few of the lab's pictures and statements about them."""

from xstilts.data.task import Task
from xstilts.lab import Lab
from xstilts.lab.pairs import INFERENCE

TASK = Task(
    family="visual",
    languages=("x-en", "x-ia"),
    source_language="x-en",
    labels=INFERENCE,
    metric="accuracy",
    captions=True,
    description="A toy.",
    citation="None.",
    licence="None.",
    made=Lab(name="vnli", sizes={"train": 27, "dev": 9, "test": 18}),
)
