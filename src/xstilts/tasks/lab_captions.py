"""Pictures of the lab with captions, to pretrain on what words look like."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="masked",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="",
    description="Captions of pictures, one or two sentences each; the same pictures in all languages.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="captions", sizes={"train": 20_000, "dev": 400}),
    evaluation_split="dev",
    skills=("seeing",),
)
