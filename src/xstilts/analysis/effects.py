"""The quantities that a study compares, each computed from the scores of a line on some targets.

A quantity that needs a score which is missing is None: no mean is taken over what happens to be there.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xstilts.analysis import distances, statistics
from xstilts.analysis.certainty import Certainty
from xstilts.analysis.results import EvaluatedTarget, Line, Results
from xstilts.analysis.statistics import Array, Estimate, Sample, less, mean_of
from xstilts.study.claim import COMPARING, OF_EVERY_ARM, REFERENCES, Plain

BASELINE = "none"
"""The arm that trains nothing."""
OTHERS = "others"
"""The transfer languages that a list of languages leaves out."""


@dataclass(frozen=True)
class Quantity:
    """What is measured of a line.

    score: the mean over `languages` ("source", "transfer", "all" or codes). difference: less that of
    `against`, example by example. gain_over_random: that difference less the same one with random weights.
    gap: the score in the source language less the mean of the others, in points. gap_difference: less that of
    `against`. retention: the others' mean in percent of the source language's score. slope_with_distance: the
    least-squares slope of the score over the `distance` of the language, or over the planted one: there in
    points from the nearest possible language (0) to the farthest (1). slope_difference: less that of
    `against`, the slope of the differences. The distance is `to` the source language, or to the nearest one
    that the line has "seen" with labels.

    In place of the score may stand a `measure` of how sure the model is (`certainty`).

    Where `against_languages`, `against_targets` or `against_backbone` are named, the same quantity on them
    is subtracted.
    """

    kind: Plain
    languages: str | tuple[str, ...] = "transfer"
    against: str = BASELINE
    against_languages: str | tuple[str, ...] | None = None
    against_targets: tuple[str, ...] = ()
    against_backbone: str = ""
    measure: str = "score"
    distance: str = ""
    to: str = "source"

    def bounds(self, lowest: float = 0.0) -> tuple[float, float] | None:
        """How low and high it can be, if it is a score (not below `lowest`) or in place of one, a difference
        of two, or a gap; else None."""
        subtracted = self.against_languages or self.against_targets or self.against_backbone
        if self.kind not in ("score", "difference", "gap") or subtracted:
            return None
        highest = 200.0 if self.measure == "brier_score" else 100.0
        return (lowest, highest) if self.kind == "score" else (lowest - highest, highest - lowest)


SCORE = Quantity("score")
EFFECT = Quantity("difference")
GAP = Quantity("gap")
SLOPE = Quantity("slope_with_distance", "all")
SUBTRACTED: Mapping[Plain, Plain] = {
    "difference": "score",
    "gain_over_random": "difference",
    "gap_difference": "gap",
    "slope_difference": "slope_with_distance",
}
"""For each quantity that is a difference of two lines, of what."""
SLOPE_OF: Mapping[Plain, Plain] = {"slope_with_distance": "score", "slope_difference": "difference"}
"""For each slope, of what."""


class Effects:
    """Quantities of the results of a study, computed when asked for and kept."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.certainty = Certainty(results)
        self._samples: dict[tuple[Quantity, Line, tuple[str, ...]], Sample | None] = {}
        self._families: dict[tuple[Quantity, tuple[str, ...], str], list[Sample]] = {}
        self.contests: dict[Hashable, list[list[Sample]]] = {}
        """What `best` has found: the differences of the arms of a contest on a target."""

    def sample(self, quantity: Quantity, line: Line, targets: tuple[str, ...]) -> Sample | None:
        """The quantity of a line, averaged over targets; None if any of it is missing."""
        key = (quantity, line, targets)
        if key not in self._samples:
            if quantity.against_backbone:
                alone, other = replace(quantity, against_backbone=""), quantity.against_backbone
                than = self.sample(alone, line._replace(backbone=other), targets)
                found = less(self.sample(alone, line, targets), than)
            elif quantity.against_targets:
                alone = replace(quantity, against_targets=())
                than = self.sample(alone, line, quantity.against_targets)
                found = less(self.sample(alone, line, targets), than)
            else:
                found = mean_of([self._on_target(quantity, line, target) for target in targets])
            self._samples[key] = found
        return self._samples[key]

    def estimate(self, quantity: Quantity, line: Line, *targets: str) -> Estimate | None:
        """The quantity with its interval; None if any of it is missing."""
        sample = self.sample(quantity, line, targets)
        if sample is None:
            return None
        found = statistics.estimate(sample, self.like(quantity, targets, line.reference))
        metrics = [target.metric for target in self.results.targets if target.name in targets]
        is_signed = quantity.measure == "score" and any(name.endswith("_correlation") for name in metrics)
        bounds = quantity.bounds(-100.0 if is_signed else 0.0)
        if bounds is None:
            return found
        numbers = (found.value, found.low, found.high)
        value, low, high = (min(bounds[1], max(bounds[0], number)) for number in numbers)
        return replace(found, value=value, low=low, high=high)

    def like(self, quantity: Quantity, targets: tuple[str, ...], reference: str = "") -> list[Sample]:
        """Comparable samples: the same quantity of all lines of the reference, on the same targets."""
        key = (quantity, targets, reference)
        if key not in self._families:
            samples = [
                self.sample(quantity, line, targets)
                for line in self.results.lines
                if line.reference == reference
                and (quantity.kind not in COMPARING or self.is_compared(line, quantity.against))
            ]
            self._families[key] = [sample for sample in samples if sample is not None]
        return self._families[key]

    def against(self, line: Line, name: str) -> Line | None:
        """What a line is compared with: an arm on the same backbone and weights, or a reference.

        Of a control that every arm has, that of its own arm.
        """
        if name not in REFERENCES:
            other = Line(line.backbone, name, line.reference)
            return other if other in self.results.lines else None
        found = [other for other in self.results.lines if other.reference == name]
        same = [other for other in found if other.backbone in (line.backbone, "")]
        wanted = (line.arm,) if name in OF_EVERY_ARM else ("", BASELINE)
        return next(iter([*(other for other in same if other.arm in wanted), *same]), None)

    def is_compared(self, line: Line, name: str = BASELINE) -> bool:
        """Whether there is another line that a line is compared with."""
        return self.against(line, name) not in (line, None)

    def _on_target(self, quantity: Quantity, line: Line, target: str) -> Sample | None:
        kind, where = quantity.kind, self.results.target(target)
        if quantity.against_languages is not None:
            one, other = (
                replace(quantity, languages=codes, against_languages=None)
                for codes in (quantity.languages, compared_languages(where, quantity))
            )
            return less(self._on_target(one, line, target), self._on_target(other, line, target))
        if kind in SUBTRACTED and not quantity.distance:
            is_gain = kind == "gain_over_random"
            against = quantity.against if is_gain else BASELINE
            of = Quantity(SUBTRACTED[kind], quantity.languages, against, measure=quantity.measure)
            than = line._replace(reference="random") if is_gain else self.against(line, quantity.against)
            return less(self.sample(of, line, (target,)), than and self.sample(of, than, (target,)))
        if kind == "score":
            return self._score(quantity, line, where, quantity.languages)
        if kind not in ("gap", "retention"):
            return self._slope(quantity, line, where)
        if not where.has_gap:
            return None
        source, others = (self._score(quantity, line, where, each) for each in ("source", quantity.languages))
        if source is None or others is None or kind == "gap":
            return less(source, others)
        share = statistics.ratio(others, source)
        return share if np.isfinite(share.observed).all() and np.isfinite(share.draws).all() else None

    def _slope(self, quantity: Quantity, line: Line, target: EvaluatedTarget) -> Sample | None:
        if quantity.distance:
            regression = self.regression(quantity, line, target.name)
            return None if regression is None else regression.coefficients[0]
        codes = target.select(quantity.languages)
        planted = planted_distances(codes)
        if planted is None or np.ptp(planted) == 0:
            return None
        samples = statistics.complete([self.results.score(line, target.name, (code,)) for code in codes])
        return statistics.slope(samples, planted) if samples else None

    def _score(
        self, quantity: Quantity, line: Line, target: EvaluatedTarget, languages: str | Sequence[str]
    ) -> Sample | None:
        """The mean score over languages, or what stands in its place."""
        codes = target.select(languages)
        if quantity.measure == "score":
            return self.results.score(line, target.name, codes)
        return self.certainty.score(line, target.name, codes, quantity.measure)

    def regression(self, quantity: Quantity, line: Line, target: str) -> distances.Regression | None:
        """A quantity of languages over a distance, or what a slope is of; None if it is missing, or its slope
        cannot be told."""
        codes = self.results.target(target).select(quantity.languages)
        measure = distances.to_seen if quantity.to == "seen" else distances.distances
        known = measure(self.results, line, target, quantity.distance, codes)
        kind = SLOPE_OF.get(quantity.kind, quantity.kind)
        asked = [Quantity(kind, (code,), quantity.against) for code in known]
        samples = [self.sample(each, line, (target,)) for each in asked]
        return distances.regress(np.array([*known.values()]).reshape(-1, 1), tuple(known), samples)


def compared_languages(target: EvaluatedTarget, quantity: Quantity) -> tuple[str, ...]:
    """The languages of a target on which the quantity is subtracted; none if nothing is."""
    if quantity.against_languages is None:
        return ()
    if quantity.against_languages != OTHERS:
        return target.select(quantity.against_languages)
    own = target.select(quantity.languages)
    return tuple(code for code in target.transfer if code not in own)


def planted_distances(codes: Sequence[str]) -> Array | None:
    """How far each language was planted from the base language, [L]; None unless all are the lab's."""
    from xstilts import lab

    if not codes or not all(code in lab.LANGUAGES for code in codes):
        return None
    return np.array([lab.LANGUAGES[code].distance for code in codes], dtype=np.float64)
