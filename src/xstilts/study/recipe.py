"""The recipe: the hyperparameters of one phase.

Defaults follow Phang et al. 2020 (arXiv 2005.13013, section 3) where it states them.
"""

import json
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from xstilts.study.specification import Specification, added

# Of each pair a recipe states one; the value counts when it states neither.
ALTERNATIVES = (("epochs", "updates", 3.0), ("batch_size", "batch_tokens", 32))


STRIDE = 128


def usual_stride(max_length: int) -> int:
    """The overlap of two windows where a recipe states none: 128 tokens, or half of shorter windows."""
    return STRIDE if max_length > STRIDE else max_length // 2


class Adapter(Specification):
    """Parameter-efficient training with peft: a method by name, its rank, scale and dropout.

    `modules` names the layers that get one, by the end of their names; none stands for all linear layers.
    LoRA: Hu et al. 2021 (arXiv 2106.09685); the others as peft has them: IA3 scales a layer and has neither
    rank nor scale nor dropout, OFT no scale.
    """

    method: Literal["lora", "dora", "rslora", "ia3", "loha", "lokr", "oft"] = "lora"
    rank: int = Field(default=8, ge=1)
    alpha: float = Field(default=16.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    modules: tuple[str, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _check_meaning(self) -> Self:
        without = {"ia3": ("rank", "alpha", "dropout"), "oft": ("alpha",)}.get(self.method, ())
        neutral = type(self).model_fields
        if vain := [name for name in without if getattr(self, name) != neutral[name].default]:
            raise ValueError(f"`{vain[0]}` means nothing to {self.method}; leave it out.")
        if not all(self.modules):
            raise ValueError("`modules` names a layer by nothing.")
        return self


class Recipe(Specification):
    """How one phase trains: AdamW with warm-up and decay, for a number of epochs or of updates.

    `batch_size` counts examples and `batch_tokens` tokens, both per update. `max_length` and `stride`
    are in tokens; `stride` is the overlap of two windows of a long context (spans only), 128 or half of
    shorter windows if none is stated. `warmup` is a share of the updates. `examples` caps the training
    examples of each task: a random subset chosen by the seed, and smaller caps choose subsets of larger ones;
    a fraction (0.25) is one of what there is.
    `evaluations` spreads so many development evaluations over the phase; `select = "best"` keeps the
    checkpoint with the best one, and `patience` stops after so many without improvement; both look at the
    labelled tasks, in the source language only. `development_rows` says which rows the `development_examples`
    are: drawn by the seed, or the first of the file. `layer` is the layer whose states retrieval compares.
    `carry` says what of the phase before is kept: the encoder only, with new heads, or also the heads of the
    same task, or else of the same family and labels. With `readout = "text"` answers are not chosen by a new
    head but written by the language model, or, where there are labels or options, the likeliest one is taken.
    `attention` says what the tokens of a decoder see: those before them, or all. With an `adapter` only its
    parameters and the heads are trained. `threads` are those of a step on a CPU, for which sums have another
    order and other last digits with each number of them.
    """

    learning_rate: float = Field(default=1e-5, gt=0, le=1)
    epochs: float | None = Field(default=None, gt=0, le=1e6)
    updates: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    batch_tokens: int | None = Field(default=None, ge=16)
    max_length: int = Field(default=256, ge=8)
    stride: int = Field(default=STRIDE, ge=0)
    warmup: float = Field(default=0.1, ge=0, le=1)
    decay: Literal["linear", "cosine", "constant"] = "linear"
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[float, float] = Field(default=(0.9, 0.999), strict=False)
    epsilon: float = Field(default=1e-8, gt=0)
    clip: float = Field(default=1.0, gt=0)
    precision: Literal["bf16", "fp32"] = "bf16"
    dropout: float | None = Field(default=None, ge=0, lt=1)
    examples: int | float | None = Field(default=None, gt=0)
    mask_rate: float = Field(default=0.15, gt=0, lt=1)
    select: Literal["last", "best"] = "last"
    evaluations: int = Field(default=0, ge=0)
    patience: int | None = Field(default=None, ge=1)
    development_examples: int = Field(default=500, ge=1)
    layer: int | None = Field(default=None, ge=0)
    carry: Literal["encoder", "heads"] = added("encoder")
    readout: Literal["head", "text"] = added("head")
    attention: Literal["causal", "bidirectional"] = added("causal")
    adapter: Adapter | None = added(None)
    development_rows: Literal["drawn", "first"] = added("drawn")
    threads: int = added(1, ge=1, le=1024)

    @model_validator(mode="before")
    @classmethod
    def _fill_alternatives(cls, fields: Any) -> Any:
        if isinstance(fields, dict):
            for one, other, default in ALTERNATIVES:
                if fields.get(one) is None and fields.get(other) is None:
                    fields = fields | {one: default}
            if "stride" not in fields and isinstance(length := fields.get("max_length"), int) and length > 0:
                fields = fields | {"stride": usual_stride(length)}
        return fields

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for one, other, _ in ALTERNATIVES:
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"`{one}` and `{other}` exclude each other; leave one out.")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"`betas` must lie in [0, 1), got {list(self.betas)}.")
        if isinstance(self.examples, float) and self.examples > 1:
            raise ValueError(f"`examples` is a whole number, or a fraction up to 1.0; got {self.examples}.")
        if self.stride >= self.max_length:
            raise ValueError(
                f"`stride` ({self.stride}) must be smaller than `max_length` ({self.max_length}): "
                "it is the overlap of two windows."
            )
        if self.evaluations == 0 and (self.select == "best" or self.patience is not None):
            raise ValueError('`select = "best"` and `patience` need development scores: set `evaluations`.')
        return self


NOT_OF_A_BACKBONE = (
    "examples",
    "evaluations",
    "select",
    "patience",
    "development_examples",
    "development_rows",
    "carry",
)
"""What data a phase sees and how it is selected, which is the same for all backbones of a study."""


def overridden(recipe: Recipe, overrides: dict[str, Any]) -> Recipe:
    """The recipe with other fields, as a study file states them; ValidationError if that is none."""
    if not overrides:
        return recipe
    fields = recipe.model_dump(mode="json", exclude_defaults=True)
    if recipe.stride == usual_stride(recipe.max_length):
        fields.pop("stride", None)
    return recipe_of(merged(fields, overrides))


def recipe_of(fields: dict[str, Any]) -> Recipe:
    """The recipe with these fields as a study file states them; pydantic's ValidationError if it is none."""
    return Recipe.model_validate_json(json.dumps(fields, default=str))


def merged(recipe: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """The fields of a recipe with others on top; an alternative that is overridden goes."""
    result = recipe | overrides
    for one, other, _ in ALTERNATIVES:
        for stated, hidden in ((one, other), (other, one)):
            if stated in overrides and hidden not in overrides:
                result.pop(hidden, None)
    return result
