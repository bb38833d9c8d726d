"""A claim: a statement that the measured results of a study settle."""

from typing import Literal

from pydantic import Field

from xstilts.study.specification import Specification

REFERENCES = ("majority", "random")

Kind = Literal[
    "score", "difference", "gain_over_random", "gap", "gap_difference", "retention", "slope_with_distance"
]
COMPARING: tuple[Kind, ...] = ("difference", "gain_over_random", "gap_difference")
"""Quantities that compare an arm with another one, or with a reference."""


class Claim(Specification):
    """What is said, and the comparison of measured numbers that would confirm or refute it.

    `quantity` is computed for each of the `arms`: a "score"; its "difference" to `against` (an arm, or a
    reference); the "gain_over_random", that difference less the same one with random weights; the "gap"
    between the source language and the others, its "gap_difference" to `against`, or the "retention", the
    others' score in percent of the source language's; or the "slope_with_distance" of the score over the
    planted distance of the language. `languages` are "source", "transfer" (all others), "all", or a list of
    codes. The claim holds if the quantity stands in `relation` to `margin` (points of the metric), whose
    origin `source` names.
    """

    says: str = ""
    quantity: Kind = "difference"
    arms: tuple[str, ...] = ()
    against: str = "none"
    targets: tuple[str, ...] | None = None
    languages: Literal["source", "transfer", "all"] | tuple[str, ...] = "transfer"
    relation: Literal[">", "<", "="] = ">"
    margin: float = Field(default=0.0)
    source: str = ""
