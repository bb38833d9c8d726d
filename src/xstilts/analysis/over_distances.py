"""What a report shows over the distances that a study names: scores, gaps and gains, slopes, all at once."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xstilts.analysis import distances, statistics
from xstilts.analysis.effects import BASELINE, Effects, Quantity
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Estimate, Sample
from xstilts.study.check_claims import BETWEEN
from xstilts.study.claim import SLOPES, Plain

PLACES = 17  # at which a fitted line is computed
SHOWN = 4  # arms whose gains are drawn: those whose slopes differ most from that of `none`
Kind = Literal["score", "gap", "gain", "near"]
"""`near` is the gain over the distance to the nearest language that the arm has seen with labels."""
KINDS: Mapping[Kind, Plain] = {"score": "score", "gap": "gap", "gain": "difference", "near": "difference"}


@dataclass(frozen=True)
class DistantLanguage:
    """A language at its distance, with what was measured there."""

    code: str
    distance: float
    estimate: Estimate


@dataclass(frozen=True)
class DistanceLine:
    """An arm over a distance: its points, the fitted line (distance, value), and its slope."""

    name: str
    points: tuple[DistantLanguage, ...]
    fit: tuple[tuple[float, Estimate], ...]
    slope: Estimate


@dataclass(frozen=True)
class OverDistance:
    """A target over a distance: the score of `none`, its gap to the source language, what arms add."""

    distance: str
    target: str
    kind: Kind
    lines: tuple[DistanceLine, ...]


@dataclass(frozen=True)
class Separated:
    """A distance beside others on a target: points per standard deviation of it, alone and with the others.

    inflation: by how much the others inflate its variance; from 5 on they can hardly be told apart.
    None if the languages and families do not tell the distance even alone, so that it is left out.
    """

    target: str
    distance: str
    languages: int
    families: int
    alone: Estimate | None = None
    together: Estimate | None = None
    inflation: float | None = None


def named(effects: Effects) -> tuple[str, ...]:
    """The distances of the study, and those that its claims are about."""
    study = effects.results.plan.study
    claimed = [claim.distance for claim in study.claims if claim.quantity in SLOPES and claim.distance]
    return tuple(dict.fromkeys((*study.distances, *claimed)))


def panels(effects: Effects, backbone: str) -> Iterator[OverDistance]:
    """Compute what is drawn over each distance; targets whose languages do not tell a slope are left out."""
    results, none = effects.results, Line(backbone, BASELINE)
    lines = results.arms(backbone)
    arms = [line for line in lines if line != none and none in lines]
    for name, target in itertools.product(named(effects), results.targets):
        near = [line for line in arms if {*distances.seen(results, line, target.name)} - {target.source}]
        asked: dict[Kind, list[Line]] = {
            "score": [none],
            "gap": [none] if target.has_gap else [],
            "gain": arms,
            "near": near if name in BETWEEN else [],
        }
        for kind, own in asked.items():
            found = [_line(effects, line, target.name, name, kind) for line in own]
            told = [line for line in found if line is not None]
            steepest = sorted(told, key=lambda line: -abs(line.slope.value))[:SHOWN]
            if told:
                shown = tuple(line for line in told if line in steepest)
                yield OverDistance(name, target.name, kind, shown)


def _line(effects: Effects, line: Line, target: str, name: str, kind: Kind) -> DistanceLine | None:
    """A quantity of the languages without labels over a distance; None if a slope cannot be told."""
    asked = Quantity(KINDS[kind], distance=name, to="seen" if kind == "near" else "source")
    found = effects.regression(asked, line, target)
    if found is None:
        return None
    known = dict(zip(found.languages, found.design[:, 0].tolist(), strict=True))
    points = tuple(
        DistantLanguage(code, distance, estimate)
        for code, distance in known.items()
        if (estimate := effects.estimate(Quantity(KINDS[kind], (code,)), line, target)) is not None
    )
    both = (found.intercept, found.coefficients[0])
    fit = tuple(
        (place, statistics.estimate(statistics.combine(both, (1, place))))
        for place in np.linspace(min(known.values()), max(known.values()), PLACES).tolist()
    )
    return DistanceLine(line.arm, points, fit, statistics.estimate(found.coefficients[0]))


def slopes(effects: Effects, backbone: str, name: str, target: str) -> dict[str, tuple[Estimate | None, ...]]:
    """Of each arm the slope over a distance, and its difference to that of `none`."""
    slope = Quantity("slope_with_distance", distance=name)
    both = slope, Quantity("slope_difference", distance=name)
    return {
        line.arm: tuple(
            effects.estimate(quantity, line, target)
            for quantity in (both if line.arm != BASELINE else (slope,))
        )
        for line in effects.results.arms(backbone)
    }


def together(effects: Effects, backbone: str) -> Iterator[Separated]:
    """Regress the score of `none` on all distances at once, on each target where they can be told apart.

    What cannot be told even alone is left out of the regression.
    """
    every, line, results = named(effects), Line(backbone, BASELINE), effects.results
    for target in results.targets if len(every) > 1 else ():
        asked = line, target.name
        names = [name for name in every if distances.over(results, *asked, (name,), target.transfer)]
        found = distances.over(results, *asked, names, target.transfer) if len(names) > 1 else None
        if found is None:
            continue
        samples = [results.score(*asked, (code,)) for code in found.languages]
        size = len(found.languages), len(set(found.families))
        for name in every:
            if name not in names:
                yield Separated(target.name, name, *size)
                continue
            place = names.index(name)
            design = found.design[:, [place]]
            alone = distances.regress(design, found.languages, samples)
            if alone is not None:
                scale = float(design.std())
                yield Separated(
                    *(target.name, name, *size),
                    alone=_scaled(alone.coefficients[0], scale),
                    together=_scaled(found.coefficients[place], scale),
                    inflation=float(found.inflation[place]),
                )


def _scaled(sample: Sample, scale: float) -> Estimate:
    return statistics.estimate(statistics.combine((sample,), (scale,)))
