"""A few of the lab's pictures with captions."""

from xstilts.data.task import Task
from xstilts.lab import Lab

TASK = Task(
    family="masked",
    languages=("x-en", "x-ia"),
    source_language="x-en",
    metric="",
    description="A toy.",
    citation="None.",
    licence="None.",
    made=Lab(name="captions", sizes={"train": 24, "dev": 6}),
    evaluation_split="dev",
)
