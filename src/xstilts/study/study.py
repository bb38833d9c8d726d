"""The study: a question, the grid of phases and evaluations that answers it, and the claims it would settle.

This is the study file, validated: what stands in it and nothing else. `load` reads and checks it, `plan`
resolves it into steps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from xstilts.metrics.xtreme import XTREME
from xstilts.study.backbone import BackboneFields, TokenizerTable, VisionTable, bundled
from xstilts.study.claim import Claim, Distance, Reference
from xstilts.study.declared import TaskTable
from xstilts.study.recipe import Recipe, merged, recipe_of
from xstilts.study.specification import Specification

Overrides = dict[str, Any]
"""Some fields of a recipe; checked as a recipe together with those that they override."""

Shares = dict[str, float]
"""By task or by language; they sum to 1."""


class MixingTable(Specification):
    """`mixing = { ... }`: exactly one of a limit K, a temperature, and shares by task."""

    limit: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, gt=0)
    shares: Shares | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(value is not None for value in (self.limit, self.temperature, self.shares)) != 1:
            raise ValueError("needs exactly one of `limit`, `temperature` and `shares`.")
        return self


class Replay(Specification):
    """`replay = { ... }`: masked text that is trained on together with the tasks of the arm.

    `share` of all updates go to it. The tasks keep theirs: with epochs, the phase becomes so much longer.
    `examples` caps the texts.
    """

    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    share: float = Field(default=0.5, gt=0, lt=1)
    examples: int | None = Field(default=None, ge=1)


class Arm(Specification):
    """`[intermediate.arms]`: one way to do the intermediate phase; without tasks it trains nothing.

    `examples` caps the rows of each task, or says which fraction of them is taken. `languages` are a list, or
    a table of shares that sum to 1, by language or by `family:NAME`, of the `examples`. `translated` takes
    what is not in the source language from translations of its training rows. `mixing` says how often each
    of several tasks is drawn, `replay` what masked text is trained on beside them. `after` names another
    arm, from whose result this one goes on (a curriculum, or several intermediate phases in turn). Without
    `languages` a task is trained in its source language, and a masked task in all its languages.
    """

    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] | Shares | None = None
    translated: bool = False
    labels: Literal["gold", "shuffled"] = "gold"
    examples: int | float | None = Field(default=None, gt=0)
    mixing: Literal["size", "uniform"] | MixingTable = "size"
    replay: Replay | None = None
    after: str | None = None
    recipe: Overrides = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_examples(self) -> Self:
        if isinstance(self.examples, float) and self.examples > 1:
            raise ValueError(f"`examples` is a whole number, or a fraction up to 1.0; got {self.examples}.")
        return self


class Axis(Specification):
    """Where each arm stands on a scale of numbers, so that results can be drawn and regressed over it.

    Several arms may have the same value: random draws of one size, say. `group` tells curves apart (a
    language family that is mixed in); an arm without a group belongs to every curve.
    """

    name: str = ""
    scale: Literal["linear", "log"] = "linear"
    arms: dict[str, float] = Field(default_factory=dict)
    group: dict[str, str] = Field(default_factory=dict)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the curves, in the order of the arms; empty if there is only one curve."""
        return tuple(dict.fromkeys(self.group[arm] for arm in self.arms if arm in self.group))

    def curve(self, group: str = "") -> dict[str, float]:
        """The arms of a group and those without one, with their values; of "" all arms."""
        return {
            arm: value for arm, value in self.arms.items() if not group or self.group.get(arm, group) == group
        }


LeakKind = Literal["target_labels", "language_seen", "selection", "rows", "parallel", "selected_on"]
"""The kinds of leak; `xstilts.audit.finding` says what each means."""


class Allowed(Specification):
    """`[[allowed]]`: a kind of leak that is meant, on one target or (without `task`) on all, and why."""

    kind: LeakKind | None = None
    task: str | None = None
    why: str = ""

    def covers(self, kind: str, task: str) -> bool:
        """Whether a leak of this kind on this target is meant."""
        return self.kind == kind and self.task in (None, task)


BENCHMARKS: Mapping[str, tuple[str, ...]] = {"xtreme": tuple(XTREME)}
"""XTREME (Hu et al. 2020, arXiv 2003.11080): sentence pairs and tags, questions, retrieval."""


def expand(tasks: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks with every benchmark replaced by its own, each task once, in the order given."""
    expanded = [task for name in tasks for task in BENCHMARKS.get(name, (name,))]
    return tuple(dict.fromkeys(expanded))


class BackboneTable(BackboneFields):
    """`[backbones.X]`: a Hub name with its revision, a folder, a bundled name; or a shape to be made.

    `recipe` is laid over the recipes of all phases that start from it: architectures differ in the learning
    rate that they need, in the readout and in the attention that they allow.
    """

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
    the pretrained model in words, those of the readout or the `prompts` that tasks have; some are controls of
    targets about images. Over the `distances` of languages to the source language the report draws scores,
    gaps and gains. `origins` says of settings where they come from, by their dotted place in the file.
    """

    name: str = ""
    question: str = ""
    references: tuple[Reference, ...] = ("majority", "random")
    random_arms: tuple[str, ...] = ("none",)
    shots: int = Field(default=4, ge=1, le=64)
    prompts: Literal["readout", "source language", "test language"] = "readout"
    backbones: dict[str, BackboneTable] = Field(default_factory=dict)
    tasks: dict[str, TaskTable] = Field(default_factory=dict)
    intermediate: Intermediate = Field(default_factory=Intermediate)
    target: Target = Field(default_factory=Target)
    axes: tuple[Axis, ...] = ()
    distances: tuple[Distance, ...] = ()
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
        """The fields of the recipe of an arm: the common ones, of its only task, its own and `examples`."""
        common = self.intermediate.recipe
        alone = self.intermediate.recipes.get(task_name(arm.tasks[0]), {}) if len(arm.tasks) == 1 else {}
        own = arm.recipe if arm.examples is None else {**arm.recipe, "examples": arm.examples}
        return merged(merged(common, alone), own)

    def intermediate_recipe(self, arm: Arm) -> Recipe:
        """The recipe of an arm."""
        return recipe_of(self.intermediate_overrides(arm))

    def target_recipe(self, task: str) -> Recipe:
        """The recipe of a target: the common fields and its own."""
        return recipe_of(merged(self.target.recipe, self.target.recipes.get(task_name(task), {})))


def task_name(task: str) -> str:
    """How a task is called: the name of its file, for the package's tasks and the user's alike."""
    return Path(task).stem if task.endswith(".py") else task


def local_model(study: StudyFile, model: str) -> Path | None:
    """The folder of a bundled model, or the one that `model` names; None for a model of the Hub."""
    return bundled().get(model) or model_folder(study, model)


def model_folder(study: StudyFile, model: str) -> Path | None:
    """The folder that `model` names, from the study's folder on; None for a name."""
    return study.folder / Path(model).expanduser() if model.startswith((".", "/", "~")) else None
