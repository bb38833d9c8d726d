"""Judging the claims of a study on what was measured.

A claim is about each of its arms (on each backbone), on the mean over its targets. It is confirmed if the
measured quantity stands in the claimed relation to the margin for all of them, refuted if it stands in the
opposite relation for any, and undecided otherwise: also when anything that it needs is missing. Equality
within a margin is confirmed by the two one-sided tests of Schuirmann (1987): the whole interval lies within.
All claims of a study are judged together: their probabilities are corrected by Holm's procedure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xstilts.report import statistics
from xstilts.report.effects import Effects, Quantity
from xstilts.report.results import Line, Results
from xstilts.report.statistics import Distribution, Estimate
from xstilts.study.claim import COMPARING, Claim

Word = Literal["confirmed", "refuted", "undecided"]


@dataclass(frozen=True)
class Part:
    """A claim for one arm: its estimate, None where results are missing; two one-sided probabilities.

    `against_it` is the share of resamples that contradict the claim, `for_it` the share that contradict its
    opposite.
    """

    line: Line
    estimate: Estimate | None
    against_it: float = 1.0
    for_it: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """What the results say of a claim. `effect`, `low`, `high` are of the arm that supports it least.

    `probability` is two-sided and corrected for the number of claims. `smallest_effect` is what a repetition
    of the study would detect with 80 % power.
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
    parts: tuple[Part, ...]


def judge(effects: Effects) -> list[Verdict]:
    """The verdict on every claim of the study, in its order."""
    claims = effects.results.plan.study.claims
    parts = [_parts(effects, claim) for claim in claims]
    adjusted = statistics.holm([_probability(each) for each in parts])
    return [_verdict(effects.results, *each) for each in zip(claims, parts, adjusted, strict=True)]


def targets_of(results: Results, claim: Claim) -> tuple[str, ...]:
    """The targets a claim is about: those that it names, else all on which its quantity exists."""
    if claim.targets:
        return claim.targets
    found = (target for target in results.targets if target.select(claim.languages))
    needs_gap = claim.quantity.startswith(("gap", "retention"))
    return tuple(target.name for target in found if target.has_gap or not needs_gap)


def _parts(effects: Effects, claim: Claim) -> tuple[Part, ...]:
    lines = [line for line in effects.results.lines if line.arm in claim.arms and not line.reference]
    return tuple(_part(effects, claim, line) for line in lines)


def _part(effects: Effects, claim: Claim, line: Line) -> Part:
    quantity = Quantity(claim.quantity, claim.languages, claim.against)
    targets = targets_of(effects.results, claim)
    found = effects.distribution(quantity, line, *targets)
    if found is None:
        return Part(line, None)
    return Part(line, effects.estimate(quantity, line, *targets), *_one_sided(claim, found))


def _one_sided(claim: Claim, found: Distribution) -> tuple[float, float]:
    """The probabilities of what contradicts the claim, and of what contradicts its opposite."""
    margin = claim.margin
    match claim.relation:
        case ">":
            return found.at_most(margin), found.at_least(margin)
        case "<":
            return found.at_least(margin), found.at_most(margin)
        case "=":
            low, high = -abs(margin), abs(margin)
            within = max(found.at_most(low), found.at_least(high))
            return within, min(found.at_least(low), found.at_most(high))


def _probability(parts: Sequence[Part]) -> float:
    """Two-sided, uncorrected. "All arms" needs the weakest of them; "not all" pays for the choice of one."""
    if not parts or any(part.estimate is None for part in parts):
        return 1.0
    return statistics.two_sided(_confirm(parts), _refute(parts))


def _confirm(parts: Sequence[Part]) -> float:
    return max(part.against_it for part in parts)


def _refute(parts: Sequence[Part]) -> float:
    return min(1.0, len(parts) * min(part.for_it for part in parts))


def _verdict(results: Results, claim: Claim, parts: tuple[Part, ...], probability: float) -> Verdict:
    measured = [part for part in parts if part.estimate is not None]
    if not measured or len(measured) < len(parts):
        evidence = f"Results are missing for {_named(results, parts)}." if parts else "Nothing was measured."
        return Verdict(claim, "undecided", None, None, None, 1.0, None, 0, evidence, parts)
    word: Word = "undecided"
    if probability < 1 - statistics.LEVEL:
        word = "confirmed" if _confirm(parts) < _refute(parts) else "refuted"
    weakest = max(measured, key=lambda part: part.against_it)
    found = weakest.estimate
    assert found is not None
    shown = (found.value, found.low, found.high, probability, found.smallest_effect, found.seeds)
    return Verdict(claim, word, *shown, _evidence(results, claim, parts), parts)


def _named(results: Results, parts: Sequence[Part]) -> str:
    return ", ".join(line_name(results, part.line) for part in parts if part.estimate is None)


def line_name(results: Results, line: Line) -> str:
    """The arm; with the backbone where the study has several."""
    several = len({other.backbone for other in results.lines if not other.reference}) > 1
    return f"{line.arm} on {line.backbone}" if several else line.arm


def _evidence(results: Results, claim: Claim, parts: Sequence[Part]) -> str:
    """What was compared on what; and the numbers of each arm, if there are several."""
    targets = targets_of(results, claim)
    languages = {code for name in targets for code in results.target(name).select(claim.languages)}
    seeds = min(part.estimate.seeds for part in parts if part.estimate is not None)
    compared = f" − {claim.against}" if claim.quantity in COMPARING else ""
    names = [f"{line_name(results, part.line)}{compared}" for part in parts]
    if len(parts) > 1:
        found = [part.estimate for part in parts]
        names = [
            f"{name}: {interval(one)}" for name, one in zip(names, found, strict=True) if one is not None
        ]
    what = WORDS[claim.quantity]
    where = f"{', '.join(targets)} ({count(len(languages), 'language')}, {count(seeds, 'seed')})"
    return f"{what} on {where}, {'; '.join(names)}."


WORDS = {
    "score": "Score",
    "difference": "Difference",
    "gain_over_random": "Difference less that with random weights",
    "gap": "Gap between the source language and the others",
    "gap_difference": "Difference of gaps",
    "retention": "Share of the source language's score",
    "slope_with_distance": "Slope of the score over the planted distance",
}


def interval(estimate: Estimate, *, signed: bool = True) -> str:
    """'+12.3 [9.8, 15.1]', with a real minus sign."""
    value = f"{estimate.value:+.1f}" if signed else f"{estimate.value:.1f}"
    return f"{value} [{estimate.low:.1f}, {estimate.high:.1f}]".replace("-", "−")


def count(number: int, noun: str) -> str:
    """'1 seed', '3 seeds'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
