"""How well a model knows how sure it may be: calibration error, Brier score, selective accuracy.

A decision is one choice among labels, options or tags; its confidence is the probability of what was chosen.
All three are in points: 100 times what is usual in formulas. Decisions of equal confidence count as one
`level`: G levels of falling confidence, with how many decisions each has and how many of them are right. Axes
before the last are resamples, in which levels have other numbers of decisions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

BINS = 15
"""Of the expected calibration error, as usual since Guo et al. 2017 (arXiv 1706.04599)."""

HEIGHT, BEND, WIDTH = 1.825, 2.024, 0.849
"""Of what is taken off a bin's error: chosen so that the largest bias, wherever the truth is, is smallest."""
LEFT = 0.17
"""That largest bias, in standard deviations of a bin."""


class Levels(NamedTuple):
    """Decisions by falling confidence: the confidence, the decisions, the right ones of each level, [G]."""

    confidence: Array
    counts: Array
    right: Array


def levels(confidence: ArrayLike, right: ArrayLike) -> Levels:
    """Sort decisions [N] into levels."""
    falling, level = np.unique(-np.asarray(confidence, dtype=np.float64), return_inverse=True)
    ones = np.ones(len(level))
    counts, found = (
        np.bincount(level, weights=weights, minlength=len(falling)).astype(np.float64)
        for weights in (ones, np.asarray(right, dtype=np.float64))
    )
    return Levels(-falling, counts, found)


def equal_mass(counts: Array, bins: int = BINS) -> Numbers:
    """The bin of each level [G], so that all bins have about the same number of decisions.

    A level is not divided: it lies where its middle lies. So there may be fewer bins than asked for.
    """
    middle = np.cumsum(counts) - counts / 2
    return np.unique(np.floor(bins * middle / counts.sum()), return_inverse=True)[1].astype(np.int64)


def calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """The expected calibration error of decisions [N] with bins of equal mass.

    In each bin the mean confidence stands against the share of right decisions; the differences are averaged
    with the sizes of the bins (Naeini et al. 2015; equal mass: Nixon et al. 2019, arXiv 1904.01685).
    """
    found = levels(confidence, right)
    excess = found.confidence * found.counts - found.right
    summed = np.bincount(equal_mass(found.counts, bins), weights=excess).astype(np.float64)
    return float(expected_error(summed, found.counts.sum()))


def expected_error(excess: Array, total: ArrayLike) -> Array:
    """The calibration error [...] of bins with this sum of confidence less right decisions, [..., bins]."""
    return np.asarray(100 * np.abs(excess).sum(axis=-1) / np.asarray(total))


def corrected_error(excess: Array, deviation: Array, total: ArrayLike) -> Array:
    """The calibration error [...] without most of its bias, of bins with these standard deviations, [bins].

    The error of a bin is that of a folded normal number: too large by 0.8 standard deviations in a calibrated
    model, by hardly anything where confidence and accuracy are two apart. No function of what was seen has no
    bias at all; this one is off by at most `LEFT` standard deviations of a bin. It may fall below zero.
    """
    far = np.divide(excess, deviation, out=np.zeros(np.shape(excess)), where=deviation > 0) ** 2
    bias = deviation * (HEIGHT - BEND * far) * np.exp(-far / (2 * WIDTH**2))
    return np.asarray(100 * (np.abs(excess) - bias).sum(axis=-1) / np.asarray(total))


def noise(confidence: ArrayLike, bins: int = BINS) -> float:
    """The calibration error that a perfectly calibrated model with these confidences [N] shows on average.

    No finite number of decisions has none: in a bin the right ones vary as sums of coin tosses do.
    """
    known = np.asarray(confidence, dtype=np.float64)
    found = levels(known, np.zeros(len(known)))
    variance = np.bincount(
        equal_mass(found.counts, bins), weights=found.counts * found.confidence * (1 - found.confidence)
    )
    return float(expected_error(np.sqrt(2 / np.pi * variance), len(known)))


def selective_accuracy(counts: Array, right: Array) -> Array:
    """The area under accuracy over coverage, [...] of levels [..., G]: 100 less the area under risk-coverage.

    A model that answers only what it is surest of has, at each number of answers, an accuracy; this is the
    mean over all numbers (Geifman et al. 2019, arXiv 1805.08206). Within a level any order is as likely.
    """
    after = np.cumsum(counts, axis=-1)
    whole = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(after.max(initial=0)) + 1))])
    harmonic = whole[after.astype(np.int64)]
    steps = np.diff(harmonic, axis=-1, prepend=0.0)
    rate = np.divide(right, counts, out=np.zeros(np.shape(right)), where=counts > 0)
    before = np.cumsum(right, axis=-1) - right - (after - counts) * rate
    return np.asarray(100 * (counts * rate + before * steps).sum(axis=-1) / after[..., -1])


def brier(probabilities: ArrayLike, gold: ArrayLike) -> Array:
    """The Brier score [N] of probabilities [N, C] and the right class [N], from 0 to 2, not in points.

    It is the squared distance from certainty of the right class (Brier 1950). A right class below zero is one
    that the model cannot choose.
    """
    given, right = np.asarray(probabilities, dtype=np.float64), np.asarray(gold, dtype=np.int64)
    of_right = np.where(right >= 0, given[np.arange(len(given)), right], 0.0) if given.size else np.zeros(0)
    return np.asarray((given**2).sum(axis=1) - 2 * of_right + 1)
