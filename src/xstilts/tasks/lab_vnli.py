"""Visual inference of the lab: does a statement follow from a picture, is it excluded, or is it open?"""

from xstilts.lab import BASE, CITATION, LANGUAGES, LICENCE
from xstilts.lab.pairs import INFERENCE
from xstilts.task import Lab, Task

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
    lab=Lab(name="vnli", sizes={"train": 4_500, "dev": 306, "test": 450}),
    skills=("inference", "negation and quantifiers", "opposites and kinds", "seeing"),
)
