"""Judging the claims of a study on what was measured.

A claim is about each of its arms (on each backbone), or about an axis as a whole, on the mean over its
targets. It is confirmed if the
measured quantity stands in the claimed relation to the margin for all of them, refuted if it stands in the
opposite relation for any, and undecided otherwise: also when anything that it needs is missing. Equality
within a margin is confirmed by the two one-sided tests of Schuirmann (1987): the whole interval lies within.
All claims of a study are judged together: their probabilities are corrected by Holm's procedure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xstilts.analysis import curves, statistics
from xstilts.analysis.best import FEWEST, Contest, best_difference, seeds_of, winners
from xstilts.analysis.effects import BASELINE, SCORE, Effects, Quantity, compared_languages
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Distribution, Estimate, Sample
from xstilts.analysis.wording import count, interval, metric_label, trainings
from xstilts.study.check_claims import arms_of
from xstilts.study.claim import CONTROLS, MEASURED, OVER_AXIS, PROMPTED, Claim

Word = Literal["confirmed", "refuted", "undecided"]


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
    effect: float | None
    low: float | None
    high: float | None
    probability: float
    smallest_effect: float | None
    n_seeds: int
    evidence: str
    parts: tuple[JudgedArm, ...]
    n_chains: int | None = None


def judge(effects: Effects) -> list[Verdict]:
    """The verdict on every claim of the study, in its order."""
    claims = effects.results.plan.study.claims
    parts = [_parts(effects, claim) for claim in claims]
    adjusted = statistics.holm([_probability(each) for each in parts])
    return [_verdict(effects, *each) for each in zip(claims, parts, adjusted, strict=True)]


def targets_of(results: Results, claim: Claim) -> tuple[str, ...]:
    """The targets a claim is about: those that it names, else all on which its quantity exists."""
    if claim.targets:
        return claim.targets
    found = [target for target in results.targets if target.select(claim.languages)]
    if claim.measure != "score":
        found = [target for target in found if target.family in MEASURED]
    for reference in [name for name in claim.opponents if name in (*CONTROLS, *PROMPTED)]:
        having = {target for line, target in results.planned if line.reference == reference}
        found = [target for target in found if target.name in having]
    if claim.against_languages is not None:
        found = [target for target in found if compared_languages(target, quantity_of(claim))]
    needs_gap = claim.measured.startswith(("gap", "retention"))
    return tuple(target.name for target in found if target.has_gap or not needs_gap)


def quantity_of(claim: Claim, against: str = "") -> Quantity:
    """The quantity of a single arm that the claim's is made of."""
    compared, targets = claim.against_languages, claim.against_targets
    baseline, other = against or BASELINE, claim.against_backbone
    return Quantity(
        claim.measured,
        claim.languages,
        baseline,
        compared,
        targets or (),
        other,
        claim.measure,
        claim.distance,
        claim.to,
    )


def lines_of(effects: Effects, claim: Claim) -> tuple[Line, ...]:
    """Every arm and reference that a claim compares, on every backbone."""
    results = effects.results
    names = arms_of(results.plan.study, claim)
    found = []
    for own in (line for line in _own_lines(results, claim) if line.arm in names):
        by_chance = [own._replace(reference="random")] if claim.measured == "gain_over_random" else []
        other = [own._replace(backbone=claim.against_backbone)] if claim.against_backbone else []
        for line in (own, *by_chance, *other):
            found += [line, *(effects.against(line, name) for name in claim.opponents)]
    return tuple(line for line in dict.fromkeys(found) if line is not None)


def _own_lines(results: Results, claim: Claim) -> list[Line]:
    """The arms on the backbones that a claim is about: those that it names, or all that can be compared."""
    about = set(claim.backbones or {line.backbone for line in results.lines} - {claim.against_backbone})
    if not claim.backbones:
        for reference in [name for name in claim.opponents if name in PROMPTED]:
            about &= {line.backbone for line in results.lines if line.reference == reference}
    return [line for line in results.lines if not line.reference and line.backbone in about]


def _parts(effects: Effects, claim: Claim) -> tuple[JudgedArm, ...]:
    lines = _own_lines(effects.results, claim)
    backbones = dict.fromkeys(line.backbone for line in lines)
    if claim.quantity in OVER_AXIS:
        name = f"{claim.axis}, {claim.group}" if claim.group else claim.axis
        lines = [Line(backbone, name) for backbone in backbones]
    elif claim.quantity == "best_difference":
        lines = [Line(backbone, f"the best of {count(len(claim.arms), 'arm')}") for backbone in backbones]
    else:
        lines = [line for line in lines if line.arm in claim.arms]
    return tuple(_part(effects, claim, line, name) for line in lines for name in claim.opponents or ("",))


def _part(effects: Effects, claim: Claim, line: Line, against: str) -> JudgedArm:
    targets, quantity = targets_of(effects.results, claim), quantity_of(claim, against)
    if claim.quantity in OVER_AXIS or claim.quantity == "best_difference":
        measured = _together(effects, claim, line.backbone, quantity)
        if measured is None:
            return JudgedArm(line, None, against=against)
        estimate, found = statistics.estimate(measured), statistics.distribution(measured)
        return JudgedArm(line, estimate, *_one_sided(claim, found), against)
    whole = effects.distribution(quantity, line, *targets)
    if whole is None:
        return JudgedArm(line, None, against=against)
    return JudgedArm(line, effects.estimate(quantity, line, *targets), *_one_sided(claim, whole), against)


def _together(effects: Effects, claim: Claim, backbone: str, quantity: Quantity) -> Sample | None:
    """What is measured of several arms together: over an axis, or of the best of them."""
    targets = targets_of(effects.results, claim)
    if claim.quantity == "best_difference":
        return best_difference(effects, _contest(claim, backbone, quantity.against), targets)
    axis = next(axis for axis in effects.results.plan.study.axes if axis.name == claim.axis)
    found = curves.curve(effects, axis, claim.group, backbone, quantity, targets)
    if found is None:
        return None
    return curves.slope(found) if claim.quantity == "slope_over_axis" else curves.fit_advantage(found)


def _contest(claim: Claim, backbone: str, against: str) -> Contest:
    return Contest(tuple(Line(backbone, arm) for arm in claim.arms), against, claim.languages)


def _one_sided(claim: Claim, found: Distribution) -> tuple[float, float]:
    """The probabilities of what contradicts the claim, and of what contradicts its opposite."""
    low, high = claim.bounds[0], claim.bounds[-1]
    match claim.relation:
        case ">":
            return found.at_most(low), found.at_least(low)
        case "<":
            return found.at_least(low), found.at_most(low)
        case "=":
            within = max(found.at_most(low), found.at_least(high))
            return within, min(found.at_least(low), found.at_most(high))


def _probability(parts: Sequence[JudgedArm]) -> float:
    """Two-sided, uncorrected. "All arms" needs the weakest of them; "not all" pays for the choice of one."""
    if not parts or any(part.estimate is None for part in parts):
        return 1.0
    return statistics.two_sided(_confirm(parts), _refute(parts))


def _confirm(parts: Sequence[JudgedArm]) -> float:
    return max(part.against_it for part in parts)


def _refute(parts: Sequence[JudgedArm]) -> float:
    return min(1.0, len(parts) * min(part.for_it for part in parts))


def _verdict(effects: Effects, claim: Claim, parts: tuple[JudgedArm, ...], probability: float) -> Verdict:
    measured = [part for part in parts if part.estimate is not None]
    if not measured or len(measured) < len(parts):
        evidence = (
            f"Results are missing for {_named(effects.results, parts)}." if parts else "Nothing was measured."
        )
        if claim.measure != "score" and _has_scores(effects, claim):
            evidence = (
                "Evaluations of an earlier release kept no probabilities, and so has this claim no evidence."
            )
        if claim.quantity == "best_difference" and _has_few_seeds(effects, claim, parts):
            evidence = (
                "One seed cannot tell the best arm from the luckiest: some seeds choose it, others score it. "
                "Measure with two seeds or more, each of which trains a model of its own."
            )
        return Verdict(claim, "undecided", None, None, None, 1.0, None, 0, evidence, parts)
    word: Word = "undecided"
    if probability < 1 - statistics.LEVEL:
        word = "confirmed" if _confirm(parts) < _refute(parts) else "refuted"
    weakest = max(measured, key=lambda part: part.against_it)
    found = weakest.estimate
    assert found is not None
    shown = (found.value, found.low, found.high, probability, found.smallest_effect, found.seeds)
    return Verdict(claim, word, *shown, _evidence(effects, claim, parts), parts, _chains(parts))


def _chains(parts: Sequence[JudgedArm]) -> int | None:
    known = [part.estimate.chains for part in parts if part.estimate is not None]
    return min((chains for chains in known if chains is not None), default=None)


def _has_scores(effects: Effects, claim: Claim) -> bool:
    """Whether nothing is missing but how sure the models were."""
    targets = targets_of(effects.results, claim)
    lines = lines_of(effects, claim)
    return all(effects.sample(SCORE, line, (target,)) for line in lines for target in targets)


def _has_few_seeds(effects: Effects, claim: Claim, parts: Sequence[JudgedArm]) -> bool:
    """Whether all is there, and what has no estimate has only too few seeds."""
    targets = targets_of(effects.results, claim)
    contests = [_contest(claim, part.line.backbone, part.against) for part in parts if part.estimate is None]
    seeds = [seeds_of(effects, contest, targets) for contest in contests]
    return all(each is not None and each < FEWEST for each in seeds)


def _named(results: Results, parts: Sequence[JudgedArm]) -> str:
    missing = (results.name_of(part.line) for part in parts if part.estimate is None)
    return ", ".join(dict.fromkeys(missing))


def _evidence(effects: Effects, claim: Claim, parts: Sequence[JudgedArm]) -> str:
    """What was compared on what; and the numbers of each arm, if there are several."""
    several = len({part.line.backbone for part in parts}) > 1
    names = [f"{part.name} on {part.line.backbone}" if several else part.name for part in parts]
    if len(parts) > 1:
        found = [part.estimate for part in parts]
        names = [
            f"{name}: {interval(one)}" for name, one in zip(names, found, strict=True) if one is not None
        ]
    where = _where(effects.results, claim, trainings(*(part.estimate for part in parts if part.estimate)))
    text = f"{_what(effects.results, claim)} on {where}, {'; '.join(names)}."
    if claim.distance:
        text += _told_by(effects, claim, parts[0].line)
    return text + _chosen(effects, claim, parts) if claim.quantity == "best_difference" else text


def _told_by(effects: Effects, claim: Claim, line: Line) -> str:
    """How many languages and families tell a slope: some have no such distance."""
    told = []
    for name in targets_of(effects.results, claim):
        found = effects.regression(quantity_of(claim), line, name)
        if found is not None:
            families = len(set(found.families))
            told.append(f"{name} by {len(found.languages)} languages of {families} families")
    return f" It is told on {', '.join(told)}."


def _what(results: Results, claim: Claim) -> str:
    nearest = " to the nearest language with labels" * (claim.to == "seen")
    distance = f"a distance ({claim.distance}{nearest})" if claim.distance else "the planted distance"
    word = WORDS[claim.measured].format(distance=distance)
    if claim.measure != "score":
        word = f"{metric_label(claim.measure).capitalize()}: {word[0].lower()}{word[1:]}"
    match claim.quantity:
        case "slope_over_axis":
            axis = next(axis for axis in results.plan.study.axes if axis.name == claim.axis)
            return f"{word}: slope per {curves.unit(axis)}"
        case "fit_advantage":
            return f"{word}: advantage of a power law over a logarithm, on values left out of the fit,"
        case "best_difference":
            return f"{word} of the arm that other seeds choose on the other half of the test examples,"
        case _:
            return word


def _where(results: Results, claim: Claim, rests_on: str) -> str:
    """Targets, languages and seeds; after "less" what is subtracted."""
    targets, quantity = targets_of(results, claim), quantity_of(claim)
    every = [results.target(name) for name in (*targets, *quantity.against_targets)]
    own = {code for target in every for code in target.select(claim.languages)}
    other = {code for target in every for code in compared_languages(target, quantity)}
    languages = count(len(own), "language") + (f" less {len(other)}" if other else "")
    compared = f" less {', '.join(quantity.against_targets)}" if quantity.against_targets else ""
    beside = f", less that on {claim.against_backbone}" if claim.against_backbone else ""
    return f"{', '.join(targets)}{compared} ({languages}, {rests_on}){beside}"


def _chosen(effects: Effects, claim: Claim, parts: Sequence[JudgedArm]) -> str:
    """Which arms were best, by target."""
    best = []
    for backbone, against in dict.fromkeys((part.line.backbone, part.against) for part in parts):
        contest = _contest(claim, backbone, against)
        found = {target: winners(effects, contest, target) for target in targets_of(effects.results, claim)}
        named = ", ".join(f"{target}: {' or '.join(arms)}" for target, arms in found.items())
        best.append(f" Chosen: {named}.")
    return "".join(dict.fromkeys(best))


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
