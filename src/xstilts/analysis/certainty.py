"""How sure models are of what they predict: calibration error, Brier score and selective accuracy.

They are measured of each evaluation in each language, and resampled with the very examples that the scores
are: the draws are the same, and so languages, arms and seeds are compared as scores are. Bins of the
calibration error are those of the test set in every resample; and as resampling shifts what is not linear,
the draws are moved so that their mean is what was observed. A calibration error is too high, that of a
calibrated model by all that it shows and that of an overconfident one by little, so that differences are too
small: means, differences and intervals are of errors corrected bin by bin. What bias may be left is the same
in all languages and seeds of a line: each resample adds it or takes it off. Evaluations of earlier releases,
which kept no probabilities, have no measures.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts.analysis import statistics
from xstilts.analysis.pools import Pool
from xstilts.analysis.results import EvaluatedTarget, Line, Resampled, Results, line_of, mean_over
from xstilts.analysis.statistics import Array, Counts, Sample
from xstilts.metrics import calibration
from xstilts.study.claim import MEASURED, MEASURES

GROUPS = 40
"""Of about equal size, in which resamples sort decisions by their confidence."""


class Certain(NamedTuple):
    """What was measured of an evaluation in a language, in points.

    The calibration error is as usual, without correction; `noise` is what a perfectly calibrated model would
    show of it there on average.
    """

    calibration_error: float
    brier_score: float
    selective_accuracy: float
    noise: float


class Decisions(NamedTuple):
    """Decisions of an evaluation in a language, [D]: row of the example, doubt, Brier score, right or not."""

    rows: NDArray[np.int64]
    doubt: Array
    brier: Array
    right: Array


class Certainty:
    """How sure the models of a study are; reads the store when asked."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._samples: dict[str, dict[str, Mapping[tuple[Line, str, str], Sample]]] = {}

    @cached_property
    def measured(self) -> Mapping[tuple[str, str], Certain]:
        """What was measured, by the fingerprint of the evaluation and the language."""
        return {
            (fingerprint, language): measured(decisions)
            for target in self.results.targets
            for fingerprint, found in self._read(target)
            for language, decisions in found.items()
        }

    @cached_property
    def targets(self) -> tuple[EvaluatedTarget, ...]:
        """Those of which any evaluation kept probabilities."""
        known = {fingerprint for fingerprint, _ in self.measured}
        names = {cell.target for cell in self.results.plan.cells if cell.evaluation in known}
        return tuple(target for target in self.results.targets if target.name in names)

    def score(self, line: Line, target: str, languages: Sequence[str], measure: str) -> Sample | None:
        """The mean of a measure over languages; None if nothing is asked for or anything of it is missing."""
        if target not in self._samples:
            drawn = self._drawn(self.results.target(target))
            self._samples[target] = {
                name: self.results.assembled(of_measure) for name, of_measure in drawn.items()
            }
        return mean_over(self._samples[target][measure], line, target, languages)

    def _read(self, target: EvaluatedTarget) -> Iterator[tuple[str, dict[str, Decisions]]]:
        """The decisions of each evaluation of a target, by language; not those that kept no probabilities."""
        if target.family not in MEASURED:
            return
        cells = (cell for cell in self.results.plan.cells if cell.target == target.name)
        for fingerprint in dict.fromkeys(one.evaluation for one in cells if one not in self.results.missing):
            if (frame := self.results.certainty(fingerprint, target.family)) is not None:
                yield fingerprint, _by_language(frame)

    def _drawn(self, target: EvaluatedTarget) -> dict[str, dict[tuple[str, str], Resampled]]:
        """Every measure of each evaluation of a target in each language, on resampled examples."""
        drawn: dict[str, dict[tuple[str, str], Resampled]] = {name: {} for name in MEASURES}
        evaluations = dict(self._read(target))
        lines: dict[str, str] = {}
        for cell in self.results.plan.cells:
            lines.setdefault(cell.evaluation, " ".join(line_of(cell)))
        of_languages = self.results.pools[target.name]
        for language in sorted(of_languages, key=lambda code: of_languages[code].name):
            pool = of_languages[language]
            for fingerprint, found in evaluations.items():
                if (decisions := found.get(language)) is None:
                    continue
                if (rows := int(decisions.rows.max()) + 1) > len(pool.units):
                    pool = Pool(f"{rows} {language}", rows, np.arange(rows))
                weights = _weights(f"{target.name} {pool.name}", pool.size)
                for name, of_measure in resampled(decisions, pool, weights, lines[fingerprint]).items():
                    drawn[name][fingerprint, language] = of_measure
        return drawn


@lru_cache(maxsize=1)
def _weights(key: str, size: int) -> Counts:
    """How often each unit of a pool occurs in each resample: [R, units], as for scores."""
    return statistics.multiplicities(key, size)


@lru_cache(maxsize=64)
def _signs(line: str) -> Array:
    """Whether a resample adds what bias may be left of a line's calibration errors, or takes it off, [R]."""
    return statistics.generator("calibration bias", line).choice([-1.0, 1.0], statistics.RESAMPLES)


def _by_language(frame: pl.DataFrame) -> dict[str, Decisions]:
    found = {}
    for (language,), own in frame.group_by("language", maintain_order=True):
        doubt, brier, right = (own[name].cast(pl.Float64).to_numpy() for name in ("doubt", "brier", "right"))
        found[str(language)] = Decisions(own["row"].cast(pl.Int64).to_numpy(), doubt, brier, right)
    return found


def measured(decisions: Decisions) -> Certain:
    """Compute what is measured of decisions."""
    confidence = 1 - decisions.doubt
    found = calibration.levels(confidence, decisions.right)
    return Certain(
        calibration.calibration_error(confidence, decisions.right),
        100 * float(decisions.brier.mean()),
        float(calibration.selective_accuracy(found.counts, found.right)),
        calibration.noise(confidence),
    )


def resampled(decisions: Decisions, pool: Pool, weights: Counts, line: str) -> dict[str, Resampled]:
    """Compute every measure as observed, and on resampled examples around that; calibration corrected."""
    drawn = _draws(decisions, pool, weights, line)
    return {name: Resampled(value, draws - draws.mean() + value) for name, (value, draws) in drawn.items()}


def _draws(decisions: Decisions, pool: Pool, weights: Counts, line: str) -> dict[str, tuple[float, Array]]:
    """Every measure, and on resampled examples, [R]; where these have none of the rows, on all of them."""
    units, size = pool.units[decisions.rows], pool.size
    falling, level = np.unique(decisions.doubt, return_inverse=True)
    counts = np.bincount(level, minlength=len(falling)).astype(np.float64)
    bins = calibration.equal_mass(counts)[level]
    groups = calibration.equal_mass(counts, GROUPS)[level]

    def summed(columns: NDArray[np.int64], values: Array) -> Array:
        width = int(columns.max()) + 1
        whole = np.bincount(units * width + columns, weights=values, minlength=size * width)
        sums = weights @ whole.reshape(size, width).astype(np.float32)
        empty = weights @ np.bincount(units, minlength=size).astype(np.float32) == 0
        return np.where(empty[:, None], whole.reshape(size, width).sum(axis=0), sums).astype(np.float64)

    observed, ones, confidence = measured(decisions), np.ones(len(units)), 1 - decisions.doubt
    excess = summed(bins, confidence - decisions.right)
    # Where all answers of a bin are right, resamples do not vary, but confidences say that answers do.
    stated = np.bincount(bins, weights=confidence * decisions.doubt)
    deviation = np.sqrt(np.maximum(excess.var(axis=0), stated))
    of_bins = np.bincount(bins, weights=confidence - decisions.right).astype(np.float64)
    error = calibration.corrected_error(of_bins, deviation, len(units))
    number, right = summed(groups, ones), summed(groups, decisions.right)
    brier, total = summed(np.zeros_like(groups), decisions.brier), number.sum(axis=1)
    errors = calibration.corrected_error(excess, deviation, total)
    left = calibration.LEFT * float(calibration.expected_error(deviation, len(units)))
    return {
        "calibration_error": (float(error), errors + left * _signs(line)),
        "brier_score": (observed.brier_score, 100 * brier[:, 0] / total),
        "selective_accuracy": (
            observed.selective_accuracy,
            calibration.selective_accuracy(number, right),
        ),
    }
