"""Judging the claims of a study on what was measured.

A claim is about each of its arms (on each backbone), or about an axis as a whole, on the mean over its
targets. It is confirmed if the measured quantity stands in the claimed relation to the margin for all of
them, refuted if it stands in the opposite relation for any, and undecided otherwise: also when anything that
it needs is missing. Equality within a margin is confirmed by the two one-sided tests of Schuirmann (1987):
the whole interval lies within. All claims of a study are judged together: their probabilities are corrected
by Holm's procedure.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xstilts.analysis import curves, statistics
from xstilts.analysis.best import FEWEST, Contest, best_difference, chains_of, winners
from xstilts.analysis.effects import BASELINE, SCORE, Effects, Quantity, compared_languages
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Estimate, Sample
from xstilts.analysis.wording import count, interval, line_label, metric_label, trainings
from xstilts.study.check_claims import arms_of
from xstilts.study.claim import CONTROLS, MEASURED, OVER_AXIS, PROMPTED, SLOPES, Claim
from xstilts.study.study import Axis

Word = Literal["confirmed", "refuted", "undecided"]
TOGETHER = (*OVER_AXIS, "best_difference")
"""Quantities of several arms together."""


@dataclass(frozen=True)
class JudgedArm:
    """A claim for one arm, or for an axis; its estimate, None where results are missing; and probabilities.

    `against_it` is the share of resamples that contradict the claim, `for_it` the share that contradict its
    opposite. `against` is what the arm is compared with, if anything.
    """

    line: Line
    estimate: Estimate | None
    against_it: float = 1.0
    for_it: float = 1.0
    against: str = ""

    @property
    def name(self) -> str:
        """What is compared with what, on one backbone."""
        return f"{self.line.arm} − {self.against}" if self.against else self.line.arm


@dataclass(frozen=True)
class Verdict:
    """What the results say of a claim. `effect`, `low`, `high` are of the arm that supports it least.

    `probability` is two-sided and corrected for the number of claims. `smallest_effect` is what a repetition
    of the study would detect with 80 % power. `n_chains` is how many intermediate trainings the arm rests on
    that has fewest; None if none has any.
    """

    claim: Claim
    verdict: Word
    evidence: str
    parts: tuple[JudgedArm, ...]
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    probability: float = 1.0
    smallest_effect: float | None = None
    n_seeds: int = 0
    n_chains: int | None = None


def judge(effects: Effects) -> list[Verdict]:
    """The verdict on every claim of the study, in its order."""
    claims = effects.results.plan.study.claims
    parts = [_parts(effects, claim) for claim in claims]
    adjusted = statistics.holm([statistics.two_sided(*_sides(each)) for each in parts])
    return [_verdict(effects, *each) for each in zip(claims, parts, adjusted, strict=True)]


def targets_of(results: Results, claim: Claim) -> tuple[str, ...]:
    """The targets a claim is about: those that it names, else all on which its quantity exists."""
    if claim.targets:
        return claim.targets
    quantity = quantity_of(claim)
    references = {name for name in claim.opponents if name in (*CONTROLS, *PROMPTED)}
    needs_gap = claim.measured.startswith(("gap", "retention"))
    return tuple(
        target.name
        for target in results.targets
        if target.select(claim.languages)
        and (claim.measure == "score" or target.family in MEASURED)
        and references <= {line.reference for line, name in results.planned if name == target.name}
        and (claim.against_languages is None or compared_languages(target, quantity))
        and (target.has_gap or not needs_gap)
    )


def quantity_of(claim: Claim, against: str = "") -> Quantity:
    """The quantity of a single arm that the claim's is made of."""
    own = (claim.measured, claim.languages, against or BASELINE, claim.against_languages)
    targets, backbone = claim.against_targets or (), claim.against_backbone
    return Quantity(*own, targets, backbone, claim.measure, claim.distance, claim.to)


def lines_of(effects: Effects, claim: Claim) -> tuple[Line, ...]:
    """Every arm and reference that a claim compares, on every backbone."""
    names = arms_of(effects.results.plan.study, claim)
    found: list[Line | None] = []
    for own in (line for line in _own_lines(effects.results, claim) if line.arm in names):
        by_chance = [own._replace(reference="random")] if claim.measured == "gain_over_random" else []
        other = [own._replace(backbone=claim.against_backbone)] if claim.against_backbone else []
        for line in (own, *by_chance, *other):
            found += [line, *(effects.against(line, name) for name in claim.opponents)]
    return tuple(line for line in dict.fromkeys(found) if line is not None)


def results_behind(effects: Effects, verdict: Verdict) -> list[tuple[str, str]]:
    """(what, anchor on the page) of everything that a verdict compares: its lines, and those beside them."""
    claim, anchors = verdict.claim, effects.results.anchors
    targets = dict.fromkeys((*targets_of(effects.results, claim), *(claim.against_targets or ())))
    return [
        (f"{line_label(line)} on {target}", anchors[line, target])
        for line, target in itertools.product(lines_of(effects, claim), targets)
        if (line, target) in anchors
    ]


def _own_lines(results: Results, claim: Claim) -> list[Line]:
    """The arms on the backbones that a claim is about: those that it names, or all that can be compared."""
    about = set(claim.backbones or {line.backbone for line in results.lines} - {claim.against_backbone})
    if not claim.backbones:
        for reference in [name for name in claim.opponents if name in PROMPTED]:
            about &= {line.backbone for line in results.lines if line.reference == reference}
    return [line for line in results.lines if not line.reference and line.backbone in about]


def _parts(effects: Effects, claim: Claim) -> tuple[JudgedArm, ...]:
    lines = _own_lines(effects.results, claim)
    if claim.quantity in TOGETHER:
        name = f"{claim.axis}, {claim.group}" if claim.group else claim.axis
        if claim.quantity == "best_difference":
            name = f"the best of {count(len(claim.arms), 'arm')}"
        lines = [Line(backbone, name) for backbone in dict.fromkeys(line.backbone for line in lines)]
    else:
        lines = [line for line in lines if line.arm in claim.arms]
    return tuple(_part(effects, claim, line, name) for line in lines for name in claim.opponents or ("",))


def _part(effects: Effects, claim: Claim, line: Line, against: str) -> JudgedArm:
    targets, quantity = targets_of(effects.results, claim), quantity_of(claim, against)
    if claim.quantity in TOGETHER:
        measured = _together(effects, claim, line.backbone, quantity)
        estimate = None if measured is None else statistics.estimate(measured)
    else:
        measured = effects.sample(quantity, line, targets)
        estimate = effects.estimate(quantity, line, *targets)
    if measured is None:
        return JudgedArm(line, None, against=against)
    like = [] if claim.quantity in TOGETHER else effects.like(quantity, targets)
    whole = statistics.distribution(measured, like)
    low, high = claim.bounds[0], claim.bounds[-1]
    not_above, not_below = whole.at_most(low), whole.at_least(low)
    if claim.relation == "=":
        sides = max(not_above, whole.at_least(high)), min(not_below, whole.at_most(high))
    else:
        sides = (not_above, not_below) if claim.relation == ">" else (not_below, not_above)
    return JudgedArm(line, estimate, *sides, against)


def _together(effects: Effects, claim: Claim, backbone: str, quantity: Quantity) -> Sample | None:
    """What is measured of several arms together: over an axis, or of the best of them."""
    targets = targets_of(effects.results, claim)
    if claim.quantity == "best_difference":
        return best_difference(effects, _contest(claim, backbone, quantity.against), targets)
    curve = curves.curve(effects, _axis(effects, claim), claim.group, backbone, quantity, targets)
    if curve is None:
        return None
    return curves.slope(curve) if claim.quantity == "slope_over_axis" else curves.fit_advantage(curve)


def _axis(effects: Effects, claim: Claim) -> Axis:
    return next(axis for axis in effects.results.plan.study.axes if axis.name == claim.axis)


def _contest(claim: Claim, backbone: str, against: str) -> Contest:
    return Contest(tuple(Line(backbone, arm) for arm in claim.arms), against, claim.languages)


def _sides(parts: Sequence[JudgedArm]) -> tuple[float, float]:
    """The uncorrected probabilities of what contradicts a claim, and of what contradicts its opposite.

    "All arms" needs the weakest of them; "not all" pays for the choice of one. Where any is missing, 1.
    """
    if not parts or any(part.estimate is None for part in parts):
        return 1.0, 1.0
    for_it = len(parts) * min(part.for_it for part in parts)
    return max(part.against_it for part in parts), min(1.0, for_it)


def _verdict(effects: Effects, claim: Claim, parts: tuple[JudgedArm, ...], probability: float) -> Verdict:
    estimates = [part.estimate for part in parts if part.estimate is not None]
    if not parts or len(estimates) < len(parts):
        return Verdict(claim, "undecided", _why_none(effects, claim, parts), parts)
    word: Word = "undecided"
    if probability < 1 - statistics.LEVEL:
        against_it, for_it = _sides(parts)
        word = "confirmed" if against_it < for_it else "refuted"
    weakest, _ = max(zip(estimates, parts, strict=True), key=lambda pair: pair[1].against_it)
    chains = min((one.chains for one in estimates if one.chains is not None), default=None)
    numbers = (weakest.value, weakest.low, weakest.high, probability, weakest.smallest_effect, weakest.seeds)
    return Verdict(claim, word, _evidence(effects, claim, parts, estimates), parts, *numbers, chains)


def _why_none(effects: Effects, claim: Claim, parts: Sequence[JudgedArm]) -> str:
    """Why there is no evidence: too few seeds, answers without probabilities, scores that are measured and of
    which the quantity cannot be computed, or results are missing."""
    targets, missing = targets_of(effects.results, claim), [part for part in parts if part.estimate is None]
    if claim.quantity == "best_difference":
        contests = [_contest(claim, part.line.backbone, part.against) for part in missing]
        chains = [chains_of(effects, contest, targets) for contest in contests]
        if all(each is not None and each < FEWEST for each in chains):
            return (
                "One seed cannot tell the best arm from the luckiest, nor can seeds that share one "
                "intermediate training: some seeds choose it, others score it. Measure with two seeds or "
                "more, each of which trains models of its own."
            )
    lines = lines_of(effects, claim)
    if lines and targets and all(effects.sample(SCORE, one, (each,)) for one in lines for each in targets):
        if claim.measure != "score":
            return (
                "Evaluations of an earlier release kept no probabilities, and so has this claim no evidence."
            )
        if claim.measured == "retention":
            return "A score in the source language is, or may well be, 0, of which nothing is a share."
        if claim.measured in SLOPES:
            return "The languages whose distances are known tell no slope."
    names = dict.fromkeys(effects.results.name_of(part.line) for part in missing)
    return f"Results are missing for {', '.join(names)}." if parts else "Nothing was measured."


def _evidence(
    effects: Effects, claim: Claim, parts: Sequence[JudgedArm], estimates: Sequence[Estimate]
) -> str:
    """What was compared on what; and the numbers of each arm, if there are several."""
    several = len({part.line.backbone for part in parts}) > 1
    names = [f"{part.name} on {part.line.backbone}" if several else part.name for part in parts]
    if len(parts) > 1:
        names = [f"{name}: {interval(one)}" for name, one in zip(names, estimates, strict=True)]
    where, targets = _where(effects.results, claim, estimates), targets_of(effects.results, claim)
    text = f"{_what(effects, claim)} on {where}, {'; '.join(names)}."
    if claim.distance:  # which some languages do not have
        by = [
            f"{name} by {len(found.languages)} languages of {len(set(found.families))} families"
            for name in targets
            if (found := effects.regression(quantity_of(claim), parts[0].line, name)) is not None
        ]
        text += f" It is told on {', '.join(by)}."
    if claim.quantity == "best_difference":
        contests = [_contest(claim, part.line.backbone, part.against) for part in parts]
        chosen = [
            ", ".join(f"{name}: {' or '.join(winners(effects, contest, name))}" for name in targets)
            for contest in contests
        ]
        text += "".join(f" Chosen: {each}." for each in dict.fromkeys(chosen))
    return text


def _what(effects: Effects, claim: Claim) -> str:
    nearest = " to the nearest language with labels" * (claim.to == "seen")
    distance = f"a distance ({claim.distance}{nearest})" if claim.distance else "the planted distance"
    word = WORDS[claim.measured].format(distance=distance)
    if claim.measure != "score":
        word = f"{metric_label(claim.measure).capitalize()}: {word[0].lower()}{word[1:]}"
    match claim.quantity:
        case "slope_over_axis":
            return f"{word}: slope per {curves.unit(_axis(effects, claim))}"
        case "fit_advantage":
            return f"{word}: advantage of a power law over a logarithm, on values left out of the fit,"
        case "best_difference":
            return f"{word} of the arm that other seeds choose on the other half of the test examples,"
        case _:
            return word


def _where(results: Results, claim: Claim, estimates: Sequence[Estimate]) -> str:
    """Targets, languages and seeds; after "less" what is subtracted."""
    targets, quantity = targets_of(results, claim), quantity_of(claim)
    every = [results.target(name) for name in (*targets, *quantity.against_targets)]
    own = {code for target in every for code in target.select(claim.languages)}
    other = {code for target in every for code in compared_languages(target, quantity)}
    languages = count(len(own), "language") + (f" less {len(other)}" if other else "")
    compared = f" less {', '.join(quantity.against_targets)}" if quantity.against_targets else ""
    beside = f", less that on {claim.against_backbone}" if claim.against_backbone else ""
    return f"{', '.join(targets)}{compared} ({languages}, {trainings(*estimates)}){beside}"


WORDS = {
    "score": "Score",
    "difference": "Difference",
    "gain_over_random": "Difference less that with random weights",
    "gap": "Gap between the source language and the others",
    "gap_difference": "Difference of gaps",
    "retention": "Share of the source language's score",
    "slope_with_distance": "Slope of the score over {distance}",
    "slope_difference": "Slope of the difference over {distance}",
}
