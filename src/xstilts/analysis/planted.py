"""What the embedded lab planted, beside what was measured: distances of languages, effects of tasks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xstilts import tasks as registry
from xstilts.analysis.effects import BASELINE, SLOPE, Effects, planted_distances
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Estimate
from xstilts.analysis.transfer import MapCell

LAB = "lab_"
PLANTED = ("help", "none", "harm")
OUTCOMES = ("as planted", "not detected", "against the plan")
MISSING = "missing"


@dataclass(frozen=True)
class PlantedEffect:
    """An intermediate task and a target: the effect that the lab planted, and the measured one."""

    backbone: str
    arm: str
    target: str
    planted: str
    reason: str
    estimate: Estimate | None
    strong: bool = False

    @property
    def outcome(self) -> str:
        """One of OUTCOMES. Seen is what the heat map calls an effect (`strong`)."""
        if self.estimate is None:
            return MISSING
        seen = "none" if not self.strong else "help" if self.estimate.value > 0 else "harm"
        if seen == self.planted:
            return OUTCOMES[0]
        return OUTCOMES[1] if seen == "none" else OUTCOMES[2]


def planted_effects(results: Results, maps: Mapping[str, Sequence[MapCell]]) -> list[PlantedEffect]:
    """Pair each one-task arm with gold labels with each target of the lab; first what should help."""
    from xstilts.analysis import truth

    arms = results.plan.study.intermediate.arms
    cells = {(cell.line, cell.column): cell for row in maps.values() for cell in row}
    pairs = []
    for line in results.lines:
        arm = arms.get(line.arm)
        if line.reference or arm is None or len(arm.tasks) != 1 or arm.labels != "gold" or arm.after:
            continue
        for target in results.targets:
            if all(name.startswith(LAB) and name in registry.names() for name in (arm.tasks[0], target.name)):
                planted, reason = (
                    judge(arm.tasks[0], target.name) for judge in (truth.expected, truth.reason)
                )
                cell = cells[line, target.name]
                estimate = cell.estimate if cell.kind == "effect" else None
                own = (line.backbone, line.arm, target.name, planted, reason, estimate, cell.strong)
                pairs.append(PlantedEffect(*own))
    return sorted(pairs, key=lambda pair: (PLANTED.index(pair.planted), -_size(pair)))


def _size(pair: PlantedEffect) -> float:
    """For sorting; what is missing stands last."""
    return pair.estimate.value if pair.estimate is not None else -math.inf


def parts_of_distance(results: Results) -> list[dict[str, float | str]]:
    """List what makes up the planted distance of each evaluated language; nothing for natural languages."""
    from xstilts import lab

    codes = {code for target in results.targets for code in target.languages}
    rows = [row for row in lab.distance_table() if row["code"] in codes]
    return rows if len(rows) == len(codes) else []


@dataclass(frozen=True)
class DistancePanel:
    """The scores of a target over the planted distance: (language, distance, score) of `none`, and of the
    same with random weights; the slope is that of the former."""

    target: str
    pretrained: tuple[tuple[str, float, float], ...]
    random: tuple[tuple[str, float, float], ...]
    slope: Estimate | None


def distance_panels(effects: Effects, backbone: str) -> list[DistancePanel]:
    """Gather the scores of each target of the lab over the distance, where all are there."""
    results = effects.results
    lines = [Line(backbone, BASELINE), Line(backbone, BASELINE, "random")]
    panels = []
    for target in results.targets:
        distances = planted_distances(target.languages)
        if distances is None or results.score(lines[0], target.name, target.languages) is None:
            continue
        pretrained, random = (
            tuple(
                (code, float(distance), float(sample.observed.mean()))
                for code, distance in zip(target.languages, distances, strict=True)
                if (sample := results.score(line, target.name, (code,))) is not None
            )
            for line in lines
        )
        slope = effects.estimate(SLOPE, lines[0], target.name)
        panels.append(DistancePanel(target.name, pretrained, random, slope))
    return panels
