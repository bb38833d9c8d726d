"""The quantities that a study compares, each computed from the scores of a line on some targets.

A quantity that needs a score which is missing is None: no mean is taken over what happens to be there.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xstilts.analysis import distances, statistics
from xstilts.analysis.certainty import Certainty
from xstilts.analysis.results import EvaluatedTarget, Line, Results
from xstilts.analysis.statistics import Array, Distribution, Estimate, Sample
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
            found = mean_of([self._on_target(quantity, line, target) for target in targets])
            if quantity.against_targets:
                alone = replace(quantity, against_targets=())
                found = less(found, self.sample(alone, line, quantity.against_targets))
            if quantity.against_backbone:
                alone, other = replace(quantity, against_backbone=""), quantity.against_backbone
                found = less(found, self.sample(alone, line._replace(backbone=other), targets))
            self._samples[key] = found
        return self._samples[key]

    def estimate(self, quantity: Quantity, line: Line, *targets: str) -> Estimate | None:
        """The quantity with its interval; None if any of it is missing."""
        sample = self.sample(quantity, line, targets)
        if sample is None:
            return None
        found = statistics.estimate(sample, self.like(quantity, targets, line.reference))
        metrics = {target.metric for target in self.results.targets if target.name in targets}
        is_signed = quantity.measure == "score" and any(name.endswith("_correlation") for name in metrics)
        if (bounds := quantity.bounds(-100.0 if is_signed else 0.0)) is not None:
            lowest, highest = bounds
            low, value, high = (
                min(highest, max(lowest, each)) for each in (found.low, found.value, found.high)
            )
            return replace(found, low=low, value=value, high=high)
        return found

    def distribution(self, quantity: Quantity, line: Line, *targets: str) -> Distribution | None:
        """The quantity on resampled examples and seeds; None if any of it is missing."""
        sample = self.sample(quantity, line, targets)
        if sample is None:
            return None
        return statistics.distribution(sample, self.like(quantity, targets, line.reference))

    def like(self, quantity: Quantity, targets: tuple[str, ...], reference: str = "") -> list[Sample]:
        """Comparable samples: the same quantity of all lines of the reference, on the same targets."""
        key = (quantity, targets, reference)
        if key not in self._families:
            lines = [line for line in self.results.lines if line.reference == reference]
            lines = [line for line in lines if not self._is_trivial(quantity, line)]
            found = [self.sample(quantity, line, targets) for line in lines]
            self._families[key] = [sample for sample in found if sample is not None]
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

    def _is_trivial(self, quantity: Quantity, line: Line) -> bool:
        return quantity.kind in COMPARING and self.against(line, quantity.against) in (line, None)

    def _on_target(self, quantity: Quantity, line: Line, target: str) -> Sample | None:
        languages = quantity.languages
        if quantity.against_languages is not None:
            return self._of_languages(quantity, line, target)
        match quantity.kind:
            case "score":
                return self._score(line, target, languages, quantity.measure)
            case "difference":
                plain = Quantity("score", languages, measure=quantity.measure)
            case "gap_difference":
                plain = Quantity("gap", languages, measure=quantity.measure)
            case "gain_over_random":
                plain = Quantity("difference", languages, quantity.against, measure=quantity.measure)
            case "slope_difference" if quantity.distance:
                return self._slope(line, target, quantity)
            case "slope_difference":
                plain = Quantity("slope_with_distance", languages)
            case "gap" | "retention":
                return self._source_and_others(quantity, line, target)
            case "slope_with_distance":
                return self._slope(line, target, quantity)
        other = self._other(quantity, line)
        one = self.sample(plain, line, (target,))
        return less(one, None if other is None else self.sample(plain, other, (target,)))

    def _of_languages(self, quantity: Quantity, line: Line, target: str) -> Sample | None:
        """The quantity on some languages less that on others."""
        compared = compared_languages(self.results.target(target), quantity)
        first, second = (
            replace(quantity, languages=one, against_languages=None) for one in (quantity.languages, compared)
        )
        return less(self._on_target(first, line, target), self._on_target(second, line, target))

    def _other(self, quantity: Quantity, line: Line) -> Line | None:
        """The line whose quantity is subtracted."""
        if quantity.kind != "gain_over_random":
            return self.against(line, quantity.against)
        other = Line(line.backbone, line.arm, "random")
        return other if other in self.results.lines else None

    def _score(self, line: Line, target: str, languages: str | Sequence[str], measure: str) -> Sample | None:
        codes = self.results.target(target).select(languages)
        if measure == "score":
            return self.results.score(line, target, codes)
        return self.certainty.score(line, target, codes, measure)

    def _source_and_others(self, quantity: Quantity, line: Line, target: str) -> Sample | None:
        if not self.results.target(target).has_gap:
            return None
        source, others = (
            self._score(line, target, each, quantity.measure) for each in ("source", quantity.languages)
        )
        if source is None or others is None:
            return None
        if quantity.kind == "gap":
            return statistics.difference(source, others)
        found = statistics.ratio(others, source)
        return found if np.isfinite(found.observed).all() and np.isfinite(found.draws).all() else None

    def _slope(self, line: Line, target: str, quantity: Quantity) -> Sample | None:
        codes = self.results.target(target).select(quantity.languages)
        if quantity.distance:
            found = self.regression(quantity, line, target)
            return None if found is None else found.coefficients[0]
        planted = planted_distances(codes)
        if planted is None or np.ptp(planted) == 0:
            return None
        samples = [self.results.score(line, target, (code,)) for code in codes]
        whole = [sample for sample in samples if sample is not None]
        if len(whole) < len(samples):
            return None
        centred = planted - planted.mean()
        return statistics.combine(whole, (centred / (centred @ centred)).tolist())

    def regression(self, quantity: Quantity, line: Line, target: str) -> distances.Regression | None:
        """What a slope over a distance is a part of; None if it is missing, or cannot be told."""
        codes = self.results.target(target).select(quantity.languages)
        measure = distances.to_seen if quantity.to == "seen" else distances.distances
        known = measure(self.results, line, target, quantity.distance, codes)
        kind: Plain = "difference" if quantity.kind == "slope_difference" else "score"
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


def less(one: Sample | None, other: Sample | None) -> Sample | None:
    """One less the other; None if one is missing or no seed is common to both."""
    if one is None or other is None or not statistics.common_seeds((one, other)):
        return None
    return statistics.difference(one, other)


def mean_of(samples: Sequence[Sample | None]) -> Sample | None:
    """The mean of samples over their common seeds; None if there are none, or one is missing."""
    whole = [sample for sample in samples if sample is not None]
    if not whole or len(whole) < len(samples) or not statistics.common_seeds(whole):
        return None
    return whole[0] if len(whole) == 1 else statistics.mean(whole)


def planted_distances(codes: Sequence[str]) -> Array | None:
    """How far each language was planted from the base language, [L]; None unless all are the lab's."""
    from xstilts import lab

    if not codes or not all(code in lab.LANGUAGES for code in codes):
        return None
    return np.array([lab.LANGUAGES[code].distance for code in codes], dtype=np.float64)
