"""A few of the lab's pictures with captions."""

from xstilts.task import Lab, Task

TASK = Task(
    family="masked",
    languages=("x-en", "x-ia"),
    source_language="x-en",
    metric="",
    description="A toy.",
    citation="None.",
    licence="None.",
    lab=Lab(name="captions", sizes={"train": 24, "dev": 6}),
    evaluation_split="dev",
)
