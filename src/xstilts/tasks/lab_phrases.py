"""Short translations of the lab to pretrain on."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LICENCE, OTHERS, Lab

TASK = Task(
    family="masked",
    languages=OTHERS,
    source_language=BASE,
    metric="",
    description="Words and short phrases of lab English with their translations, to pretrain on.",
    citation=CITATION,
    licence=LICENCE,
    # The training split has so many examples times the language's share, see xstilts.lab.languages.
    made=Lab(name="phrases", sizes={"train": 140_000, "dev": 400}),
    evaluation_split="dev",
    skills=("language modelling", "alignment of sentences"),
)
