"""Visual inference of the lab: does a statement follow from a picture, is it excluded, or is it open?"""

from xstilts.data.task import Task
from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE, Lab
from xstilts.lab.pairs import INFERENCE

TASK = Task(
    family="visual",
    languages=tuple(LANGUAGES),
    source_language=BASE,
    labels=INFERENCE,
    metric="accuracy",
    captions=True,
    description="Inference from pictures with three labels: who sleeps or is awake, of what colour, where.",
    citation=CITATION,
    licence=LICENCE,
    made=Lab(name="vnli", sizes={"train": 4_500, "dev": 306, "test": 450}),
    skills=("inference", "negation and quantifiers", "opposites and kinds", "seeing"),
)
