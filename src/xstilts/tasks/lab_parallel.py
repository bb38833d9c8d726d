"""Sentence pairs of the lab to pretrain on."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="masked",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="",
    description="Sentence pairs to pretrain on: translations, restatements, questions with their answers.",
    citation=CITATION,
    licence=LICENCE,
    # The training split has so many examples times the language's share, see xstilts.lab.languages.
    made=Lab(name="parallel", sizes={"train": 78_000, "dev": 400}),
    evaluation_split="dev",
    skills=("language modelling", "alignment of sentences"),
)
