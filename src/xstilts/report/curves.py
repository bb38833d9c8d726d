"""Quantities over an axis: slopes, and which of two curves predicts better.

A curve is fitted to the mean over seeds. Its dependence on the seeds is that of the jackknife (Tukey 1958):
leaving a seed out shows what it contributes, and makes of any function of the mean a sample with one value
for each seed, so that intervals come about as for all other quantities.

The curves are a + b log x, and the saturating power law a - b x^-c, both common descriptions of how a score
grows with data (Hestness et al. 2017, arXiv 1712.00409). a and b are least squares; c is the best of a grid.
As c approaches zero the power law becomes the logarithm; with c below zero it grows faster than a logarithm.

Axes: R resamples, S seeds, A arms, C exponents, G places on the axis, N curves that are fitted at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from xstilts.report import statistics
from xstilts.report.effects import Effects, Quantity
from xstilts.report.results import Line
from xstilts.report.statistics import Array, Sample
from xstilts.study.axis import Axis

Shape = Literal["straight line", "logarithm", "power law"]
LOG_SHAPES: tuple[Shape, ...] = ("logarithm", "power law")
EXPONENTS = np.geomspace(0.05, 2.0, 40)
BENDS = np.geomspace(0.002, 2.0, 60)
"""Exponents of the power laws that a logarithm is compared with, of either sign."""


class Measured(NamedTuple):
    """A sample, and comparable ones that lend what they know of seeds."""

    sample: Sample
    like: Sequence[Sample] = ()


@dataclass(frozen=True)
class Curve:
    """A quantity of the arms of an axis: their names, values [A] and samples."""

    arms: tuple[str, ...]
    values: Array
    samples: tuple[Sample, ...]
    is_log: bool

    @property
    def different(self) -> int:
        """How many different values there are."""
        return len(np.unique(self.values))


def curve(
    effects: Effects, axis: Axis, group: str, backbone: str, quantity: Quantity, targets: tuple[str, ...]
) -> Curve | None:
    """The quantity of the arms of a group ("" for all) on the mean of the targets; None if any is missing."""
    arms = axis.curve(group)
    samples = [effects.sample(quantity, Line(backbone, arm), targets) for arm in arms]
    whole = [sample for sample in samples if sample is not None]
    if len(whole) < len(samples) or not statistics.common_seeds(whole):
        return None
    values = np.array(list(arms.values()), dtype=np.float64)
    return Curve(tuple(arms), values, tuple(whole), axis.scale == "log")


def unit(axis: Axis) -> str:
    """What the slope over an axis is per."""
    return "doubling" if axis.scale == "log" else "unit"


def slope(found: Curve) -> Measured:
    """The least-squares slope, per doubling on a logarithmic scale and per unit on a linear one.

    Seeds are lent by the other contrasts of the same arms: combinations with the same sum of squares that are
    orthogonal to the slope and to the mean, and as uncertain as it is if all arms are equally so.
    """
    places = np.log2(found.values) if found.is_log else found.values
    centred = places - places.mean()
    weights = centred / (centred @ centred)
    return Measured(statistics.combine(found.samples, weights.tolist()), _contrasts(found.samples, weights))


def _contrasts(samples: Sequence[Sample], weights: Array) -> list[Sample]:
    """As many combinations as there are whose squares sum to those of the weights [A], orthogonal to them."""
    taken = np.column_stack([np.ones(len(weights)), weights])
    others = np.linalg.qr(taken, mode="complete")[0][:, 2:].T * np.linalg.norm(weights)
    return [statistics.combine(samples, row.tolist()) for row in others]


def fit_advantage(found: Curve) -> Measured:
    """By how many points a saturating power law predicts better than the logarithm.

    That is the root mean squared error of logarithms, each fitted to all arms but those of one value, at that
    value. On measured scores both laws would err by the noise as well, and the power law with its third
    parameter by more of it. So the logarithm is fitted to the power law that describes the scores best, with
    an exponent of either sign. If the law holds, it predicts itself without error, and the logarithm's error
    is the advantage. Where the exponent is below zero the curve grows faster than a
    logarithm, no saturating power law describes it better, and the advantage is the same error, negative.

    Seeds are lent as for a slope, by contrasts that are orthogonal to how the advantage changes when a point
    is added to an arm.
    """
    logarithm = np.log(found.values) - np.log(found.values).mean()
    exponents = np.concatenate([-BENDS[::-1], [0.0], BENDS])
    shapes = np.where(exponents[:, None] == 0, logarithm, np.exp(-exponents[:, None] * logarithm))  # [C, A]
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    errors = np.sign(exponents) * _error_of_logarithm(found.values, shapes)

    def advantage(curves: Array) -> Array:
        explained = np.abs(curves @ shapes.T)  # [N, C]
        best = np.argmax(explained, axis=1)
        return (explained.max(axis=1) * errors[best])[:, None]

    (sample,) = _of_mean(found.samples, advantage)
    mean = np.array([one.observed.mean() for one in found.samples])
    point = np.eye(len(mean))
    weights = (advantage(mean + point) - advantage(mean - point))[:, 0] / 2
    return Measured(sample, _contrasts(found.samples, weights))


def fitted(found: Curve, shape: Shape, places: Array) -> list[Measured]:
    """The fitted curve at each of the places [G]; the arms lend what they know of seeds."""
    samples = _of_mean(found.samples, lambda curves: predict(shape, found.values, curves, places))
    return [Measured(sample, found.samples) for sample in samples]


def predict(shape: Shape, values: Array, curves: Array, places: Array) -> Array:
    """Curves [N, A], measured at values [A], fitted and continued to places [G]: [N, G]."""
    known, asked = (_shapes(shape, where, values) for where in (values, places))  # [C, A], [C, G]
    centre = known.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(known - centre, axis=1, keepdims=True)
    explained = curves @ ((known - centre) / norm).T  # [N, C]: its square is what a fit explains
    best = np.argmax(explained**2, axis=1)
    steepness = np.take_along_axis(explained, best[:, None], axis=1) / norm[best]
    return np.asarray(curves.mean(axis=1, keepdims=True) + steepness * (asked - centre)[best])


def _shapes(shape: Shape, places: Array, values: Array) -> Array:
    """What a curve is linear in, for every exponent: [C, G]. `values` are those that it is fitted to."""
    if shape == "straight line":
        return places[None, :]
    logarithm = np.log(places)[None, :] - np.log(values).mean()
    return logarithm if shape == "logarithm" else np.asarray(-np.exp(-EXPONENTS[:, None] * logarithm))


def _error_of_logarithm(values: Array, curves: Array) -> Array:
    """Its root mean squared error on values that were left out of the fit: [N] from curves [N, A]."""
    squares = np.zeros(len(curves))
    for value in np.unique(values):
        left_out = values == value
        guess = predict("logarithm", values[~left_out], curves[:, ~left_out], np.array([value]))
        squares += ((curves[:, left_out] - guess) ** 2).sum(axis=1)
    return np.sqrt(squares / len(values))


def _of_mean(samples: Sequence[Sample], function: Callable[[Array], Array]) -> list[Sample]:
    """A function of the means over seeds, [N, A] -> [N, G], as G samples.

    Its mean over seeds is the function of the observed means, also on the average resample: where a function
    is not linear, resampling shifts what it should only spread.
    """
    seeds = statistics.common_seeds(samples)
    picked = [statistics.pick(sample, seeds) for sample in samples]
    observed = np.stack([sample.observed for sample in picked], axis=-1)  # [S, A]
    draws = np.stack([sample.draws for sample in picked], axis=-1)  # [R, S, A]
    value, resampled = function(observed.mean(axis=0)[None])[0], function(draws.mean(axis=1))
    centred = resampled - resampled.mean(axis=0) + value
    by_seed = value[None] + _shares(function, observed[None])[0]
    drawn = centred[:, None] + _shares(function, draws)
    return [Sample(seeds, by_seed[:, g], drawn[:, :, g]) for g in range(len(value))]


def _shares(function: Callable[[Array], Array], curves: Array) -> Array:
    """What each seed adds to a function of the mean of curves [N, S, A]: [N, S, G], with sum zero."""
    n, seeds, arms = curves.shape
    without = (curves.sum(axis=1, keepdims=True) - curves) / max(1, seeds - 1)
    values = function(without.reshape(-1, arms)).reshape(n, seeds, -1)
    return np.asarray((seeds - 1) * (values.mean(axis=1, keepdims=True) - values))
