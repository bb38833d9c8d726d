"""A study of natural languages as it looks when it has run: scores fall with one distance, not with another.

Planted: log-odds fall by `STEEP` over the made `syntax` (tests/uriel.py), and with the arm `nli` by less;
over `phonology` by nothing. Families have something of their own, and so have languages.
"""

from pathlib import Path

import numpy as np

import uriel
from xstilts.data import typology
from xstilts.data.languages import find
from xstilts.store import Store
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.study import Arm, Intermediate, StudyFile

from . import example
from .example import World

SOURCE = "en"
LANGUAGES = tuple(uriel.CODES)
TRANSFER = LANGUAGES[1:]
STEEP = {"none": -4.0, "nli": -1.5, "mixed": -4.0}
SEEN = ("en", "tr", "zh")
NEAR = 4.0
"""What `mixed`, which has seen labels in these languages, gives to those that are near to one of them."""
TARGET = "lab_nli"


def odds(arm: str, seed: int, steep: float, noise: float = 0.15) -> dict[str, float]:
    """Log-odds of a right answer, by language."""
    distances = typology.distances("syntax", SOURCE, LANGUAGES)
    families = {find(code).family for code in LANGUAGES}
    rng = np.random.default_rng(3)
    common = {family: rng.normal(0, noise) for family in sorted(families)}
    own = {code: rng.normal(0, noise) for code in LANGUAGES}
    near = [typology.distances("syntax", one, LANGUAGES) for one in SEEN]
    gain = {
        code: NEAR * (0.4 - min(one[code] for one in near)) if arm == "mixed" else 0.0 for code in LANGUAGES
    }
    tilt = np.random.default_rng([seed, *arm.encode()]).normal(0, 0.03)
    return {
        code: 2.0 + steep * distances[code] + common[find(code).family] + own[code] + gain[code] + tilt
        for code in LANGUAGES
    }


def make(folder: Path, **study: object) -> World:
    """The study's plan and a store with all results; the package of URIEL must be made before."""
    store = Store(folder / "store")
    store.prepare()
    steps: dict[str, Step] = {}
    cells = []
    for arm, steep in STEEP.items():
        for seed in (1, 2, 3):
            model: Backbone | Phase = Backbone(checksum="sha256:real", weights="pretrained")
            recipe = Recipe(learning_rate=7e-4, epochs=2.0, precision="fp32")
            chain = []
            for task in (TARGET,) if arm == "none" else ("lab_pairs", TARGET):
                languages = SEEN if (arm, task) == ("mixed", "lab_pairs") else (SOURCE,)
                model = Phase(parent=model, uses=(example.use(task, languages),), recipe=recipe, seed=seed)
                chain.append(model)
            one = Evaluation(
                model=model,
                use=example.use(TARGET, LANGUAGES, "test"),
                trained_by=example.use(TARGET, (SOURCE,)),
                metric="accuracy",
                metric_version=1,
                inference=Inference(max_length=64, stride=0, precision="fp32"),
            )
            steps |= {step.fingerprint: step for step in map(Step, (*chain, one))}
            phases = tuple(phase.fingerprint for phase in chain)
            cells.append(Cell("real", arm, TARGET, seed, "", one.fingerprint, phases))
            example.write_evaluation(store, one, odds(arm, seed, steep).__getitem__, seed)
    arms = {arm: Arm(tasks=() if arm == "none" else ("lab_pairs",)) for arm in STEEP}
    question = "Does intermediate training help languages that are far away?"
    file = StudyFile(name="distant", question=question, intermediate=Intermediate(arms=arms))
    return World(
        Plan(file.changed(**study), tuple(steps.values()), tuple(cells), example.places(folder)), store
    )
