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

from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xstilts.analysis import statistics
from xstilts.analysis.pools import Pool, by_pool
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


class OnTarget(NamedTuple):
    """What was measured on a target, by evaluation and language, and each measure as a sample of its line."""

    measured: Mapping[tuple[str, str], Certain]
    samples: Mapping[str, Mapping[tuple[Line, str, str], Sample]]


class Certainty:
    """How sure the models of a study are; reads the evaluations of a target when asked, each once."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._on_target = cache(self._read)

    @cached_property
    def measured(self) -> Mapping[tuple[str, str], Certain]:
        """What was measured, by the fingerprint of the evaluation and the language."""
        on_targets = [self._on_target(target.name).measured for target in self.results.targets]
        return {place: certain for measured in on_targets for place, certain in measured.items()}

    @cached_property
    def targets(self) -> tuple[EvaluatedTarget, ...]:
        """Those of which any evaluation kept probabilities."""
        return tuple(target for target in self.results.targets if self._on_target(target.name).measured)

    def score(self, line: Line, target: str, languages: Sequence[str], measure: str) -> Sample | None:
        """The mean of a measure over languages; None if nothing is asked for or anything of it is missing."""
        return mean_over(self._on_target(target).samples[measure], line, target, languages)

    def _read(self, name: str) -> OnTarget:
        """What was measured on a target, language by language: those of one pool are resampled together."""
        results, target = self.results, self.results.target(name)
        cells = [cell for cell in results.plan.cells if cell.target == name and target.family in MEASURED]
        lines = {cell.evaluation: " ".join(line_of(cell)) for cell in reversed(cells)}
        evaluations = {}
        for key in dict.fromkeys(cell.evaluation for cell in cells if cell not in results.missing):
            if (frame := results.certainty(key, target.family)) is not None:
                evaluations[key] = {
                    language: Decisions(*(own[column].to_numpy() for column in Decisions._fields))
                    for (language,), own in frame.group_by("language", maintain_order=True)
                }
        pools = results.pools[name] if evaluations else {}
        found: dict[tuple[str, str], Certain] = {}
        drawn: dict[str, dict[tuple[str, str], Resampled]] = {measure: {} for measure in MEASURES}
        for language in by_pool(pools, target.languages):
            for key, of_languages in evaluations.items():
                if (decisions := of_languages.pop(language, None)) is not None:
                    pool, size = pools.get(language), int(decisions.rows.max()) + 1
                    if pool is None or size > len(pool.units):
                        pool = Pool(f"{size} {language}", size, np.arange(size))
                    weights = statistics.multiplicities(f"{name} {pool.name}", pool.size)
                    certain = found[key, language] = measured(decisions)
                    of_measures = resampled(decisions, certain, pool, weights, lines[key], (name, language))
                    for measure, draws in of_measures.items():
                        drawn[measure][key, language] = draws
        return OnTarget(found, {measure: results.assembled(draws) for measure, draws in drawn.items()})


@lru_cache(maxsize=64)
def _signs(line: str) -> Array:
    """Whether a resample adds what bias may be left of a line's calibration errors, or takes it off, [R]."""
    return statistics.generator("calibration bias", line).choice([-1.0, 1.0], statistics.RESAMPLES)


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


def resampled(
    decisions: Decisions,
    observed: Certain,
    pool: Pool,
    weights: Counts,
    line: str,
    where: tuple[str, str] = ("", ""),
) -> dict[str, Resampled]:
    """Compute every measure as observed, and on resampled examples around that; calibration corrected.

    A resample that has none of the rows has all of them. `where` is the target and the language, to which the
    pseudo-examples of the scores belong.
    """
    units, size = pool.units[decisions.rows], pool.size
    falling, level = np.unique(decisions.doubt, return_inverse=True)
    counts = np.bincount(level, minlength=len(falling)).astype(np.float64)
    bins = calibration.equal_mass(counts)[level]
    groups = calibration.equal_mass(counts, GROUPS)[level]
    empty = weights @ np.bincount(units, minlength=size).astype(np.float32) == 0

    def summed(columns: NDArray[np.int64], values: Array) -> Array:
        width = int(columns.max()) + 1
        whole = np.bincount(units * width + columns, weights=values, minlength=size * width)
        whole = whole.reshape(size, width)
        sums = weights @ whole.astype(np.float32)
        return np.where(empty[:, None], whole.sum(axis=0), sums).astype(np.float64)

    ones, confidence = np.ones(len(units)), 1 - decisions.doubt
    excess = summed(bins, confidence - decisions.right)
    # Where all answers of a bin are right, resamples do not vary, but confidences say that answers do.
    stated = np.bincount(bins, weights=confidence * decisions.doubt)
    deviation = np.sqrt(np.maximum(excess.var(axis=0), stated))
    of_bins = np.bincount(bins, weights=confidence - decisions.right).astype(np.float64)
    measures = {
        "calibration_error": float(calibration.corrected_error(of_bins, deviation, len(units))),
        "brier_score": observed.brier_score,
        "selective_accuracy": observed.selective_accuracy,
    }
    rows = np.unique(decisions.rows)
    few = len(np.unique(pool.units[rows])), len(rows)
    if few[0] == 1 < few[1]:  # a single text tells nothing of others
        widths = dict.fromkeys(measures, 100.0) | {"brier_score": 200.0}
        return {
            name: Resampled(value, statistics.unknown(value, widths[name], line, *where, name))
            for name, value in measures.items()
        }
    resamples, like, pseudo_right = _pseudo(decisions, line, where)

    def beside(columns: NDArray[np.int64], values: Array) -> Array:
        width = int(columns.max()) + 1
        places = resamples * width + columns[like]
        return np.bincount(places, values, len(weights) * width).reshape(-1, width).astype(np.float64)

    excess += beside(bins, confidence[like] - pseudo_right)
    number = summed(groups, ones) + beside(groups, np.ones(len(like)))
    right = summed(groups, decisions.right) + beside(groups, pseudo_right)
    brier, total = summed(np.zeros_like(groups), decisions.brier), number.sum(axis=1)
    brier += beside(np.zeros_like(groups), 2 * (confidence[like] - pseudo_right) ** 2)
    left = calibration.LEFT * float(calibration.expected_error(deviation, len(units)))
    drawn = {
        "calibration_error": calibration.corrected_error(excess, deviation, total) + left * _signs(line),
        "brier_score": 100 * brier[:, 0] / total,
        "selective_accuracy": calibration.selective_accuracy(number, right),
    }
    wider = (1 + 2 * statistics.PSEUDO / len(rows)) * statistics.wider(*few)
    return {
        name: Resampled(
            value, (drawn[name] - drawn[name].mean()) * wider + value, statistics.freedom_of(*few)
        )
        for name, value in measures.items()
    }


def _pseudo(
    decisions: Decisions, line: str, where: tuple[str, str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Decisions of the pseudo-examples that scores have: of each the resample, the decision that has its
    confidence, and whether it is right."""
    number = statistics.pseudo_examples(line, *where).astype(np.int64)  # [R, 2]
    counts = number.T * round(len(decisions.rows) / len(np.unique(decisions.rows)))  # [2, R]
    resamples = np.repeat(np.tile(np.arange(len(number)), 2), counts.ravel())
    right = np.repeat([1.0, 0.0], counts.sum(axis=1))
    rng = statistics.generator("pseudo decisions", line, *where)
    return resamples, rng.integers(0, len(decisions.rows), len(resamples)), right
