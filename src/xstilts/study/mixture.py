"""How the tasks of one phase are mixed: what share of the updates each of them gets."""

from typing import Literal

from pydantic import Field

from xstilts.study.specification import Specification

Rule = Literal["size", "limit", "temperature", "uniform", "shares"]


class Mixture(Specification):
    """The shares of the tasks of a phase, as a rule over their sizes.

    A task with n examples is drawn in proportion to n ("size"), to min(n, `limit`) ("limit": T5's
    examples-proportional mixing, Raffel et al. 2020, section 3.5.2), to n^(1/`temperature`)
    ("temperature", the same section), like every other ("uniform"), or as `shares` says, which stand in the
    order of the phase's labelled uses and sum to 1. `replay` is the share of all updates that go to masked
    text instead; several masked tasks share it in proportion to their size.
    """

    rule: Rule = "size"
    limit: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, gt=0)
    shares: tuple[float, ...] = ()
    replay: float = Field(default=0.0, ge=0, lt=1)
