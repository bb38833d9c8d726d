"""A few of the lab's pictures and statements about them."""

from xstilts.lab.pairs import INFERENCE
from xstilts.task import Lab, Task

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
    lab=Lab(name="vnli", sizes={"train": 27, "dev": 9, "test": 18}),
)
