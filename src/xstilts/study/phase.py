"""Phases, evaluations and probes: the specifications of what is computed.

A phase is one training: a parent (a backbone or a phase), the rows of some tasks, a recipe and a seed.
Three-phase training is a chain of length two: Backbone <- Phase (intermediate) <- Phase (target). The hash
of the chain is its identity. An evaluation is a model on one task in all its languages. A probe is what the
frozen states of a model tell of some rows of a task, to choose before training.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xstilts.data.task import Wording
from xstilts.study.backbone import Backbone
from xstilts.study.recipe import Recipe
from xstilts.study.specification import Identified, Specification, added
from xstilts.study.use import Mixture, Use


class Phase(Identified):
    """One training. `recipe.examples` and `recipe.layer` are None: `Use` and `Inference` have them.

    Without a `mixture` every epoch sees all rows of all tasks once.
    """

    version: ClassVar[int] = 3

    kind: Literal["phase"] = "phase"
    parent: Model
    uses: tuple[Use, ...] = Field(min_length=1)
    recipe: Recipe
    seed: int = Field(ge=0)
    mixture: Mixture | None = added(None)

    @property
    def name(self) -> str:
        """A readable name for the store's folder; a function of the content alone."""
        before = f"{_joined(self.parent.uses)}-then-" if isinstance(self.parent, Phase) else ""
        return f"{before}{_joined(self.uses)}-seed{self.seed}"


class Inference(Specification):
    """What of a recipe matters when a model is only asked: lengths in tokens, layer, precision, and so on."""

    max_length: int
    stride: int
    precision: Literal["bf16", "fp32"]
    layer: int | None = None
    readout: Literal["head", "text"] = added("head")
    attention: Literal["causal", "bidirectional"] = added("causal")
    threads: int = added(1, ge=1, le=1024)


class Prompt(Specification):
    """How a model is asked in words that was not trained: after so many `shots` with their answers, which the
    seed draws among the rows of a use. `wordings[i]` has the words in the language i of the evaluated rows,
    None those of the readout; empty if they are so in all. `version` is raised when what is asked or how it
    is read changes."""

    version: int = Field(default=2, ge=1)
    shots: int = Field(default=0, ge=0)
    use: Use | None = None
    seed: int = Field(default=0, ge=0)
    wordings: tuple[Wording | None, ...] = added(())


class Evaluation(Identified):
    """A model on one task in all its languages; without a model, the majority reference.

    `use` has the evaluated rows; `trained_by` the training rows of the head that answers, and for the
    majority reference the rows that it counts; None for retrieval, which has no head. `thresholds` has the
    rows on which mining chooses its threshold, language by language; the rows of `use` itself where there
    are no others; None where nothing is mined. With a `prompt` no head answers but the language model, and
    `trained_by` is None. `examples` caps the rows of each language; which ones, their
    ids decide (`xstilts.compute.rows.asked`). `metric_code` is a digest of a user's own metric.
    """

    version: ClassVar[int] = 2

    kind: Literal["evaluation"] = "evaluation"
    model: Model | None
    use: Use
    trained_by: Use | None
    metric: str
    metric_version: int = Field(ge=1)
    inference: Inference | None
    thresholds: Use | None = added(None)
    examples: int | None = added(None, ge=1)
    prompt: Prompt | None = added(None)
    metric_code: str = added("")

    @property
    def name(self) -> str:
        """A readable name for the store's folder; a function of the content alone."""
        if self.prompt is not None and self.model is not None:
            shots = f"-{self.prompt.shots}shots-seed{self.prompt.seed}" if self.prompt.shots else ""
            return f"{self.use.title}-asked-of-{self.model.name}{shots}"
        model = "majority" if self.model is None else self.model.name
        return f"{self.use.title}-of-{model}"


class Probe(Identified):
    """Forward passes of a model over at most `rows` of the rows of a use, drawn among them by the seed.

    It asks for "labels": LogME and H-score of the states, by the labels of the rows; or for the "task": what
    the task looks like to the model, by its texts, its labels and its tokens. Lengths are in tokens.
    """

    version: ClassVar[int] = 1

    kind: Literal["probe"] = "probe"
    asks: Literal["labels", "task"]
    model: Model
    use: Use
    rows: int = Field(ge=2)
    seed: int = Field(ge=0)
    max_length: int
    stride: int
    attention: Literal["causal", "bidirectional"] = "causal"
    threads: int = Field(default=1, ge=1, le=1024)


Model = Annotated[Backbone | Phase, Field(discriminator="kind")]
Computed = Annotated[Backbone | Phase | Evaluation, Field(discriminator="kind")]
Phase.model_rebuild()
Evaluation.model_rebuild()
Probe.model_rebuild()


def chain(model: Backbone | Phase | None) -> Iterator[Backbone | Phase]:
    """The model and its parents, the last trained first, the backbone last."""
    while model is not None:
        yield model
        model = model.parent if isinstance(model, Phase) else None


def base_of(model: Backbone | Phase) -> Backbone:
    """The backbone with which a chain begins."""
    return model if isinstance(model, Backbone) else base_of(model.parent)


def seen_with_labels(model: Backbone | Phase | None) -> tuple[str, ...]:
    """The languages in which any phase of the chain has seen labels, sorted; masked text has none."""
    phases = [phase for phase in chain(model) if isinstance(phase, Phase)]
    uses = [use for phase in phases for use in phase.uses if use.kind.labelled]
    return tuple(sorted({language for use in uses for language in use.languages}))


def _joined(uses: tuple[Use, ...]) -> str:
    names = "+".join(use.title for use in uses)
    return names if len(names) <= 30 else f"{uses[0].title[:30]}+{len(uses) - 1}more"
