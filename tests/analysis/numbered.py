"""A study with two axes as it looks when it has run: examples of NLI, and shares of other languages.

Planted: with more examples NLI saturates, NER grows with the logarithm, retrieval does not change. Languages
of a family gain with the share of that family in the training data.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from xstilts import lab
from xstilts.store import Store
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.study import Arm, Axis, Intermediate, StudyFile

from . import example
from .example import EASE, World

TARGETS = ("lab_nli", "lab_ner", "lab_tatoeba")
SIZES = {f"n{size}": float(size) for size in (125, 250, 500, 1000, 2000, 4000, 8000)} | {"n1000b": 1000.0}
MIXED = {"english": 0.0} | {f"{letter}{share}": float(share) for letter in "gs" for share in (10, 25, 50)}
FAMILIES = {"g": "Lab G", "s": "Lab S"}
SIZE = Axis(name="English examples of lab_nli", scale="log", arms=SIZES)
SHARE = Axis(
    name="percent of another family",
    arms=MIXED,
    group={arm: FAMILIES[arm[0]] for arm in MIXED if arm != "english"},
)
AXES = (SIZE, SHARE)
SPOKEN = {"g": ("x-en", "x-ga", "x-gb"), "s": ("x-en", "x-sa", "x-sb")}


def growth(arm: str, target: str) -> float:
    """What an arm adds to the log-odds of a right answer, in all languages."""
    size = SIZES.get(arm)
    if arm == "none" or target == "lab_tatoeba":
        return 0.0
    if size is None:
        return 0.8
    return 1.6 - 1.5 * (size / 125) ** -0.9 if target == "lab_nli" else 0.3 * np.log2(size / 125)


def odds(arm: str, target: str, seed: int) -> Callable[[str], float]:
    """Log-odds of a right answer, by language."""
    tilt = np.random.default_rng([seed, *f"{arm} {target}".encode()]).normal(0, 0.06)
    family = FAMILIES.get(arm[0]) if arm in SHARE.group else None

    def value(code: str) -> float:
        language = lab.LANGUAGES[code]
        gain = 0.02 * MIXED[arm] if language.family == family and code != lab.BASE else 0.0
        return EASE[target] - 1.0 + growth(arm, target) + gain + tilt - 1.5 * language.distance

    return value


def phases(arm: str, target: str, seed: int) -> list[Phase]:
    """The phases of a cell; arms differ in examples or in languages."""
    parent: Backbone | Phase = Backbone(checksum="sha256:lab", weights="pretrained")
    recipe = Recipe(learning_rate=7e-4, epochs=2.0, precision="fp32")
    found: list[Phase] = []
    if arm != "none":
        number = [*SIZES, *MIXED].index(arm) + 1
        uses = (example.use("lab_nli", SPOKEN.get(arm[0], (lab.BASE,))),)
        own = recipe.changed(updates=number, epochs=None)
        found.append(Phase(parent=parent, uses=uses, recipe=own, seed=seed))
    if target != "lab_tatoeba":
        uses = (example.use(target, (lab.BASE,)),)
        found.append(Phase(parent=found[-1] if found else parent, uses=uses, recipe=recipe, seed=seed))
    return found


def make(folder: Path, seeds: tuple[int, ...] = (1, 2, 3)) -> World:
    """The study's plan, and a store with all results."""
    store = Store(folder / "store")
    store.prepare()
    arms = {arm: Arm(tasks=() if arm == "none" else ("lab_nli",)) for arm in ("none", *SIZES, *MIXED)}
    question = "How does transfer grow with examples, and with other languages?"
    study = StudyFile(name="numbered", question=question, axes=AXES, intermediate=Intermediate(arms=arms))
    steps: dict[str, Step] = {}
    cells = []
    for arm in arms:
        for target in TARGETS:
            for seed in seeds:
                chain = phases(arm, target, seed)
                model = chain[-1] if chain else Backbone(checksum="sha256:lab", weights="pretrained")
                one = example.evaluation(model, target)
                steps |= {step.fingerprint: step for step in map(Step, (*chain, one))}
                cells.append(
                    Cell(
                        backbone="lab-mini",
                        arm=arm,
                        target=target,
                        seed=seed,
                        reference="",
                        evaluation=one.fingerprint,
                        phases=tuple(phase.fingerprint for phase in chain),
                    )
                )
                if not store.done(Step(one)):
                    example.write_evaluation(store, one, odds(arm, target, seed), seed)
    return World(Plan(study, tuple(steps.values()), tuple(cells), example.places(folder)), store)


def claiming(world: World, *claims: object) -> World:
    """The same study with these claims."""
    return replace(world, plan=replace(world.plan, study=world.plan.study.changed(claims=claims)))
