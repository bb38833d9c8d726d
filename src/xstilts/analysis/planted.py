"""What the embedded lab planted, beside what was measured: distances of languages, effects of tasks.

Where training on one task of the lab should help another, harm it, or do neither, follows from the skills
that the tasks declare, before anything is measured. A shared skill should help: it is the same operation on
the same kind of change, under another set of labels or in another wording. What harms was seen in the lab's
feasibility study, and in Phang et al. (2020, section 4), where tagging as an intermediate task costs
retrieval most.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from xstilts import lab, tasks
from xstilts.analysis.effects import BASELINE, SLOPE, Effects, planted_distances
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Estimate
from xstilts.analysis.transfer import Maps

LAB = "lab_"
PLANTED = ("help", "none", "harm")
OUTCOMES = ("as planted", "not detected", "against the plan")
MISSING = "missing"

# A skill that the intermediate task trains, one that the target needs, and why the first is bad for it.
_HARMS: tuple[tuple[str, str, str], ...] = (
    ("supertags", "alignment of sentences", "supertags follow the word order of English, not what is said"),
    ("supertags", "parts of speech", "supertags tie words to the word order of English"),
    ("finding an argument", "alignment of sentences", "the upper layers learn to point at places in a text"),
)


def expected(intermediate: str, target: str) -> tuple[str, str]:
    """What the lab planted for a pair of its tasks: "help", "none" or "harm"; and why, as a phrase.

    >>> expected("lab_nli", "lab_entail")[0], expected("lab_ccg", "lab_pos")[0]
    ('help', 'harm')
    >>> expected("lab_qa", "lab_ner"), expected("lab_qa", "lab_qa2")
    (('none', 'no shared skill'), ('help', 'both need: finding an argument'))
    """
    trained, needed = tasks.find(intermediate).skills, tasks.find(target).skills
    if shared := [skill for skill in trained if skill in needed]:
        return "help", f"both need: {', '.join(shared)}"
    for skill, victim, why in _HARMS:
        if skill in trained and victim in needed:
            return "harm", why
    return "none", "no shared skill"


@dataclass(frozen=True)
class PlantedEffect:
    """An intermediate task and a target: the effect that the lab planted, and the measured one."""

    arm: str
    target: str
    planted: str
    reason: str
    estimate: Estimate | None
    strong: bool

    @property
    def outcome(self) -> str:
        """One of OUTCOMES. Seen is what the heat map calls an effect (`strong`)."""
        if self.estimate is None:
            return MISSING
        seen = "none" if not self.strong else "help" if self.estimate.value > 0 else "harm"
        return OUTCOMES[0 if seen == self.planted else 1 if seen == "none" else 2]


def planted_effects(results: Results, maps: Maps) -> list[PlantedEffect]:
    """Pair each one-task arm with gold labels with each target of the lab; first what should help most."""
    arms = results.plan.study.intermediate.arms
    pairs = []
    for cell in itertools.chain(*maps.values()):
        arm = arms.get(cell.line.arm)
        if cell.line.reference or arm is None or len(arm.tasks) != 1 or arm.labels != "gold" or arm.after:
            continue
        pair = arm.tasks[0], cell.column
        if all(name.startswith(LAB) and name in tasks.names() for name in pair):
            estimate = cell.estimate if cell.kind == "effect" else None
            own = cell.line.arm, cell.column
            pairs.append(PlantedEffect(*own, *expected(*pair), estimate, cell.strong))

    def order(pair: PlantedEffect) -> tuple[int, float]:
        return PLANTED.index(pair.planted), -pair.estimate.value if pair.estimate else math.inf

    return sorted(pairs, key=order)


def parts_of_distance(results: Results) -> list[dict[str, float | str]]:
    """List what makes up the planted distance of each evaluated language; nothing for natural languages."""
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


def distance_panels(effects: Effects, backbone: str) -> Iterator[DistancePanel]:
    """Gather the scores of each target of the lab over the distance, where all are there."""
    results = effects.results
    lines = [Line(backbone, BASELINE), Line(backbone, BASELINE, "random")]
    for target in results.targets:
        distances = planted_distances(target.languages)
        if distances is None or results.score(lines[0], target.name, target.languages) is None:
            continue
        pretrained, random = (
            tuple(
                (code, distance, float(sample.observed.mean()))
                for code, distance in zip(target.languages, distances.tolist(), strict=True)
                if (sample := results.score(line, target.name, (code,))) is not None
            )
            for line in lines
        )
        slope = effects.estimate(SLOPE, lines[0], target.name)
        yield DistancePanel(target.name, pretrained, random, slope)
