"""An axis: the arms of a study that differ in one number, such as how many examples they train on."""

from typing import Literal

from pydantic import Field

from xstilts.study.specification import Specification


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
