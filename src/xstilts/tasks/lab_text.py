"""Text of the lab to pretrain on; of lab English alone, it is the control without labels."""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab

TASK = Task(
    family="masked",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    metric="",
    description="Documents to pretrain on; outside lab English every second one mixes two languages.",
    citation=CITATION,
    licence=LICENCE,
    # The training split has so many examples times the language's share, see xstilts.lab.languages.
    made=Lab(name="text", sizes={"train": 52_000, "dev": 400}),
    evaluation_split="dev",
    skills=("language modelling",),
)
