"""The arm: one way to do the intermediate phase, as a study file says it."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from xstilts.study.specification import Specification

Overrides = dict[str, Any]
"""Some fields of a recipe; checked as a recipe together with those that they override."""

Shares = dict[str, float]
"""By task or by language; they sum to 1."""

FAMILY = "family:"
"""Before the name of a language family, where a language may stand."""


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
