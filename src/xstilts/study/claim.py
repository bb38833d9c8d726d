"""A claim: a statement that the measured results of a study settle."""

from collections.abc import Mapping
from typing import Literal, cast, get_args

from pydantic import Field

from xstilts.families.certainty import CERTAIN
from xstilts.study.specification import Specification
from xstilts.study.use import View

Control = Literal["shuffled-images", "text-only", "image-only", "caption-only", "translate-test"]
Prompted = Literal["prompted", "few-shot"]
Reference = Literal["majority", "random", Prompted, Control]
REFERENCES: tuple[str, ...] = get_args(Reference)
"""What arms may be compared with besides each other."""

CONTROLS: Mapping[str, View] = {
    "shuffled-images": "shuffled",
    "text-only": "text",
    "image-only": "image",
    "caption-only": "caption",
    "translate-test": "translated",
}
"""The references of targets about images, each with what it shows of the rows."""

PROMPTED: tuple[str, ...] = get_args(Prompted)
"""The references that ask the pretrained model in words, without and with examples before the question."""

OF_EVERY_ARM = ("shuffled-images", "translate-test")
"""Controls that ask the models of the arms anew; the others train models of their own, without an arm."""

FAMILY = "family:"
"""Before the name of a language family, where languages are named."""

Plain = Literal[
    "score",
    "difference",
    "gain_over_random",
    "gap",
    "gap_difference",
    "retention",
    "slope_with_distance",
    "slope_difference",
]
"""Quantities of one arm."""
Measure = Literal["calibration_error", "brier_score", "selective_accuracy"]
"""How sure a model is, in place of the score (xstilts.metrics.calibration)."""
MEASURES: tuple[str, ...] = get_args(Measure)
MEASURED = CERTAIN
"""Families whose answers are chosen among some, so that the model says how likely each is."""
Distance = Literal[
    "syntax",
    "phonology",
    "inventory",
    "genealogy",
    "geography",
    "script",
    "resources",
    "fertility",
    "vocabulary",
]
"""Of a language to the source language (xstilts.analysis.distances)."""
DISTANCES: tuple[str, ...] = get_args(Distance)
SLOPES: tuple[str, ...] = ("slope_with_distance", "slope_difference")
"""Quantities that may be of a distance."""
Kind = Literal[Plain, "slope_over_axis", "fit_advantage", "best_difference"]
COMPARING: tuple[Kind, ...] = (
    "difference",
    "gain_over_random",
    "gap_difference",
    "slope_difference",
    "best_difference",
)
"""Quantities that compare an arm with another one, or with a reference."""
OVER_AXIS: tuple[Kind, ...] = ("slope_over_axis", "fit_advantage")
"""Quantities of the arms of an axis together."""


class Claim(Specification):
    """What is said, and the comparison of measured numbers that would confirm or refute it.

    `quantity` is computed for each of the `arms`: a "score"; its "difference" to `against` (an arm, or a
    reference; or several, each of which is compared with); the "gain_over_random", that difference less the
    same one with random weights; the "gap" between the source language and the others, its "gap_difference"
    to `against`, or the "retention", the others' score in percent of the source language's; or the
    "slope_with_distance" of the score over a distance of the language to the source language, named by `of`
    (in the lab: the planted one), and its "slope_difference" to `against`; the distance may be `to` the
    nearest language that the arm has "seen" with labels. "best_difference" is the difference of whichever of
    the `arms` is best on a target.

    In place of the score a quantity may be `of` a measure of how sure the model is: "calibration_error",
    "brier_score" or "selective_accuracy".

    Two quantities are of all arms of the `axis` together, or of those of its `group`: the "slope_over_axis"
    of the quantity `of`, and its "fit_advantage", by which a saturating power law predicts it better than a
    logarithm does.

    It is about each of the `backbones`, by default all; the quantity on `against_backbone` is subtracted.

    `languages` are "source", "transfer" (all others), "all", or a list of codes and of families
    ("family:Turkic": its languages but for the source). The quantity on `against_languages` and
    `against_targets` is subtracted; "others" are the transfer languages that `languages` leaves out. The
    claim holds if the quantity stands in `relation` to `margin` (points of the metric), or with "=" lies
    within the margin of `about`; the origin of these numbers `source` names.
    """

    says: str = ""
    quantity: Kind = "difference"
    of: Plain | Measure | Distance = "score"
    to: Literal["source", "seen"] = "source"
    arms: tuple[str, ...] = ()
    against: str | tuple[str, ...] = "none"
    axis: str = ""
    group: str = ""
    targets: tuple[str, ...] | None = None
    against_targets: tuple[str, ...] | None = None
    backbones: tuple[str, ...] | None = None
    against_backbone: str = ""
    languages: Literal["source", "transfer", "all"] | tuple[str, ...] = "transfer"
    against_languages: Literal["source", "transfer", "all", "others"] | tuple[str, ...] | None = None
    relation: Literal[">", "<", "="] = ">"
    margin: float = Field(default=0.0)
    about: float = Field(default=0.0)
    source: str = ""

    @property
    def bounds(self) -> tuple[float, ...]:
        """What the quantity is compared with: the margin, or both ends of what counts as equal."""
        if self.relation != "=":
            return (self.margin,)
        return self.about - abs(self.margin), self.about + abs(self.margin)

    @property
    def measured(self) -> Plain:
        """The quantity of a single arm that the claim's is made of."""
        match self.quantity:
            case "slope_over_axis" | "fit_advantage":
                return cast(Plain, self.of) if self.of in get_args(Plain) else "score"
            case "best_difference":
                return "difference"
            case _:
                return self.quantity

    @property
    def measure(self) -> str:
        """What stands in place of the score, or "score"."""
        return self.of if self.of in MEASURES else "score"

    @property
    def distance(self) -> str:
        """What a slope is over: "" for the planted distance."""
        return self.of if self.of in DISTANCES else ""

    @property
    def opponents(self) -> tuple[str, ...]:
        """What the arms are compared with, one by one; nothing if the quantity compares nothing."""
        if self.measured not in COMPARING:
            return ()
        return (self.against,) if isinstance(self.against, str) else self.against
