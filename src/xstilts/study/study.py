"""The study: a question, the grid of phases and evaluations that answers it, and the claims it would settle.

This is the study file, validated: what stands in it and nothing else. `load` reads and checks it, `plan`
resolves it into steps.
"""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field

from xstilts.study.allowed import Allowed
from xstilts.study.arm import Arm, Overrides
from xstilts.study.axis import Axis
from xstilts.study.claim import Claim, Reference
from xstilts.study.recipe import Recipe, merged
from xstilts.study.specification import Specification
from xstilts.study.vision import VisionTable


class TokenizerTable(Specification):
    """`[backbones.X.tokenizer]`: the tasks whose training text it is trained on, in all or some languages."""

    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    vocabulary: int = Field(default=8000, ge=64)
    algorithm: Literal["bpe", "unigram"] = "bpe"
    examples: int | None = Field(default=None, ge=1)
    sentinels: int = Field(default=0, ge=0)


class BackboneTable(Specification):
    """`[backbones.X]`: a Hub name with its revision, a folder, a bundled name; or a shape to be made.

    `recipe` is laid over the recipes of all phases that start from it: architectures differ in the learning
    rate that they need, in the readout and in the attention that they allow.
    """

    model: str | None = None
    revision: str | None = None
    weights: Literal["pretrained", "random"] = "pretrained"
    seed: int = Field(default=0, ge=0, lt=2**63)
    architecture: str | None = None
    shape: dict[str, bool | int | float | str] = Field(default_factory=dict)
    tokenizer: TokenizerTable | None = None
    vision: VisionTable | None = None
    recipe: Overrides = Field(default_factory=dict)


class Intermediate(Specification):
    """`[intermediate]`: the arms. Without `seeds` those of the targets, so that every chain is a draw of its
    own; other ones pair one to one; a single one saves trainings, for all target seeds share the result.
    """

    seeds: tuple[int, ...] | None = None
    recipe: Overrides = Field(default_factory=dict)
    recipes: dict[str, Overrides] = Field(default_factory=dict)
    arms: dict[str, Arm] = Field(default_factory=dict)


class Target(Specification):
    """`[target]`: tasks, or names of benchmarks, each trained in its source language and asked in all.

    `trained_by` names for a task another whose training rows train it, instead of those that its file says.
    `test_examples` caps the rows of each language that are evaluated; retrieval is always asked whole.
    """

    seeds: tuple[int, ...] = (1,)
    tasks: tuple[str, ...] = ()
    trained_by: dict[str, str] = Field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    test_examples: int | None = Field(default=None, ge=1)
    recipe: Overrides = Field(default_factory=dict)
    recipes: dict[str, Overrides] = Field(default_factory=dict)


class StudyFile(Specification):
    """A study file. `references` are measured beside the arms; "random" stands for the backbone's shape with
    weights drawn anew, put through `random_arms`; "prompted" and "few-shot" (with so many `shots`) ask
    the pretrained model in words; some are controls of targets about images. `origins` says
    of settings where they come from, by their dotted place in the file.
    """

    name: str = ""
    question: str = ""
    references: tuple[Reference, ...] = ("majority", "random")
    random_arms: tuple[str, ...] = ("none",)
    shots: int = Field(default=4, ge=1, le=64)
    backbones: dict[str, BackboneTable] = Field(default_factory=dict)
    intermediate: Intermediate = Field(default_factory=Intermediate)
    target: Target = Field(default_factory=Target)
    axes: tuple[Axis, ...] = ()
    claims: tuple[Claim, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    origins: dict[str, str] = Field(default_factory=dict)
    path: Path = Field(default=Path(), exclude=True)

    @property
    def shown(self) -> str:
        """How messages call the file: from the current folder on, if it is there."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    @property
    def folder(self) -> Path:
        """Where paths in the file start from."""
        return self.path.parent

    @property
    def intermediate_seeds(self) -> tuple[int, ...]:
        """The seeds of the intermediate phases: as stated, or those of the targets."""
        stated = self.intermediate.seeds
        return self.target.seeds if stated is None else stated

    def intermediate_overrides(self, arm: Arm) -> Overrides:
        """The fields of the recipe of an arm: the common ones, those of its only task, its own."""
        common = self.intermediate.recipe
        alone = self.intermediate.recipes.get(task_name(arm.tasks[0]), {}) if len(arm.tasks) == 1 else {}
        return merged(merged(common, alone), arm.recipe)

    def intermediate_recipe(self, arm: Arm) -> Recipe:
        """The recipe of an arm."""
        return recipe_of(self.intermediate_overrides(arm))

    def target_recipe(self, task: str) -> Recipe:
        """The recipe of a target: the common fields and its own."""
        return recipe_of(merged(self.target.recipe, self.target.recipes.get(task_name(task), {})))


def recipe_of(fields: Overrides) -> Recipe:
    """The recipe with these fields as a study file states them; pydantic's ValidationError if it is none."""
    return Recipe.model_validate_json(json.dumps(fields, default=str))


def task_name(task: str) -> str:
    """How a task is called: the name of its file, for the package's tasks and the user's alike."""
    return Path(task).stem if task.endswith(".py") else task


def model_folder(study: StudyFile, model: str) -> Path | None:
    """The folder that `model` names, from the study's folder on; None for a name."""
    return study.folder / Path(model).expanduser() if model.startswith((".", "/", "~")) else None
