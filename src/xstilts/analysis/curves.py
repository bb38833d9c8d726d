"""Quantities over an axis: slopes, and which of two curves predicts better.

A curve is fitted to the mean over seeds. Its dependence on the seeds is that of the jackknife (Tukey 1958):
leaving a seed of an arm out shows what it contributes, and makes of any function of the means a sample with
one value for each seed of each arm, so that intervals come about as for all other quantities. The arms are
trained independently of each other, and tell together how much a curve varies with the seeds.

The curves are a + b log x, and the saturating power law a - b x^-c, both common descriptions of how a score
grows with data (Hestness et al. 2017, arXiv 1712.00409). a and b are least squares; c is the best of a grid.
As c approaches zero the power law becomes the logarithm; with c below zero it grows faster than a logarithm.

Axes: R resamples, S seeds, A arms, C exponents, G places on the axis, N curves that are fitted at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xstilts.analysis import statistics
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Array, Sample
from xstilts.study.study import Axis

Shape = Literal["straight line", "logarithm", "power law"]
LOG_SHAPES: tuple[Shape, ...] = ("logarithm", "power law")
EXPONENTS = np.geomspace(0.05, 2.0, 40)
BENDS = np.geomspace(0.002, 2.0, 60)
"""Exponents of the power laws that a logarithm is compared with, of either sign."""


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


def slope(found: Curve) -> Sample:
    """The least-squares slope, per doubling on a logarithmic scale and per unit on a linear one."""
    places = np.log2(found.values) if found.is_log else found.values
    centred = places - places.mean()
    return statistics.combine(found.samples, (centred / (centred @ centred)).tolist())


def fit_advantage(found: Curve) -> Sample:
    """By how many points a saturating power law predicts better than the logarithm.

    That is the root mean squared error of logarithms, each fitted to all arms but those of one value, at that
    value. On measured scores both laws would err by the noise as well, and the power law with its third
    parameter by more of it. So the logarithm is fitted to the power law that describes the scores best, with
    an exponent of either sign. If the law holds, it predicts itself without error, and the logarithm's error
    is the advantage. Where the exponent is below zero the curve grows faster than a logarithm, no saturating
    power law describes it better, and the advantage is the same error, negative.
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
        return np.asarray((explained.max(axis=1) * errors[best])[:, None])

    return _of_mean(found.samples, advantage)[0]


def fitted(found: Curve, shape: Shape, places: Array) -> list[Sample]:
    """The fitted curve at each of the places [G]."""
    return _of_mean(found.samples, lambda curves: predict(shape, found.values, curves, places))


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
    whole = statistics.mean(samples)
    picked = [statistics.pick(sample, whole.seeds) for sample in samples]
    mean = np.array([sample.observed.mean() for sample in picked])  # [A]
    drawn = np.stack([sample.draws.mean(axis=1) for sample in picked], axis=-1)  # [R, A]
    value, resampled = function(mean[None])[0], function(drawn)
    centred = resampled - resampled.mean(axis=0) + value
    nothing = Sample(whole.seeds, np.zeros(len(whole.seeds)), np.zeros((len(drawn), len(whole.seeds))))
    shares = {}
    for source in whole.by_source:
        parts = [sample.by_source.get(source, nothing) for sample in picked]
        observed = np.stack([part.observed for part in parts], axis=-1)  # [S, A]
        draws = np.stack([part.draws for part in parts], axis=-1)  # [R, S, A]
        shares[source] = _shares(function, mean[None], observed[None])[0], _shares(function, drawn, draws)

    def at(place: int) -> Sample:
        parts = {
            source: Sample(whole.seeds, by_seed[:, place], on_draws[:, :, place], source)
            for source, (by_seed, on_draws) in shares.items()
        }
        observed = value[place] + sum((part.observed for part in parts.values()), nothing.observed)
        draws = centred[:, place, None] + sum((part.draws for part in parts.values()), nothing.draws)
        several = whole.parts is not None
        return replace(whole, observed=observed, draws=draws, parts=parts if several else None)

    return [at(place) for place in range(len(value))]


def _shares(function: Callable[[Array], Array], means: Array, part: Array) -> Array:
    """What each seed of a source adds to a function of the means [N, A] of curves: [N, S, G], with sum zero.

    `part` [N, S, A] is what the source contributes to the curves.
    """
    n, seeds, arms = part.shape
    without = means[:, None] + (part.mean(axis=1, keepdims=True) - part) / max(1, seeds - 1)
    values = function(without.reshape(-1, arms)).reshape(n, seeds, -1)
    return np.asarray((seeds - 1) * (values.mean(axis=1, keepdims=True) - values))
