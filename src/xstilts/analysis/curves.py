"""Quantities over an axis of the study: slopes, which of two curves predicts better, and what figures show.

A curve is fitted to the mean over seeds. Its dependence on the seeds is that of the jackknife (Tukey 1958):
leaving a seed of an arm out shows what it contributes, and makes of any function of the means a sample with
one value for each seed of each arm, so that intervals come about as for all other quantities. The arms are
trained independently of each other, and tell together how much a curve varies with the seeds.

The curves are a + b log x, and the saturating power law a - b x^-c, both common descriptions of how a score
grows with data (Hestness et al. 2017, arXiv 1712.00409). a and b are least squares; c is the best of a grid.
As c approaches zero the power law becomes the logarithm; with c below zero it grows faster than a logarithm.

A panel of a figure is a target over an axis, with a line of points for each group of the axis, or for each
family of the evaluated languages. To a panel with a single line curves are fitted: a straight line, or on a
logarithmic axis a logarithm and a power law.

Axes: R resamples, S seeds, A arms, C exponents, G places on the axis, N curves that are fitted at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xstilts.analysis import statistics
from xstilts.analysis.effects import BASELINE, SCORE, Effects, Quantity
from xstilts.analysis.results import EvaluatedTarget, Line, languages_by_family
from xstilts.analysis.statistics import Array, Estimate, Sample, complete
from xstilts.study.check_claims import LEAST_VALUES
from xstilts.study.claim import FAMILY
from xstilts.study.phase import seen_with_labels
from xstilts.study.study import Axis

Shape = Literal["straight line", "logarithm", "power law"]
LOG_SHAPES: tuple[Shape, ...] = ("logarithm", "power law")
EXPONENTS = np.geomspace(0.05, 2.0, 40)
BENDS = np.geomspace(0.002, 2.0, 60)
"""Exponents of the power laws that a logarithm is compared with, of either sign."""
PLACES = 33  # at which a curve is computed
SOURCE = Quantity("score", "source")


@dataclass(frozen=True)
class Curve:
    """A quantity of the arms of an axis: their values [A] and samples."""

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
    samples = complete([effects.sample(quantity, Line(backbone, arm), targets) for arm in arms])
    values = np.array(list(arms.values()), dtype=np.float64)
    return Curve(values, tuple(samples), axis.scale == "log") if samples else None


def unit(axis: Axis) -> str:
    """What the slope over an axis is per."""
    return "doubling" if axis.scale == "log" else "unit"


def slope(found: Curve) -> Sample:
    """The least-squares slope, per doubling on a logarithmic scale and per unit on a linear one."""
    return statistics.slope(found.samples, np.log2(found.values) if found.is_log else found.values)


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


@dataclass(frozen=True)
class AxisPoint:
    """The score of an arm with this value on the axis; of the source language, or of what the line shows."""

    arm: str
    value: float
    estimate: Estimate
    is_source: bool


@dataclass(frozen=True)
class AxisLine:
    """A line of a panel. `name` is "" if it is the only one, without a group; to that curves are fitted.

    fits: a fitted shape at a place on the axis. means: (value, mean score of the arms that have it), where no
    curve is fitted. slope: per doubling or unit; None if an arm is missing. advantage: by how much a power
    law predicts better than a logarithm, where there are values enough to tell; `figures` corrects its
    probability for the number of curves (Holm).
    """

    name: str
    group: str
    points: tuple[AxisPoint, ...] = ()
    fits: tuple[tuple[Shape, float, Estimate], ...] = ()
    means: tuple[tuple[float, float], ...] = ()
    slope: Estimate | None = None
    advantage: Estimate | None = None


@dataclass(frozen=True)
class AxisPanel:
    """One target over an axis. `looks` are the names of all lines of the figure, in their order.

    `group` is that of all lines of the panel, if they have the same. `baseline` is the score of `none`, where
    that has no place on the axis.
    """

    axis: Axis
    target: EvaluatedTarget
    lines: tuple[AxisLine, ...]
    looks: tuple[str, ...]
    group: str = ""
    baseline: Estimate | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it has the points of a single line, to which curves are fitted."""
        return len(self.lines) == 1 and not self.lines[0].name


@dataclass(frozen=True)
class AxisFigure:
    """Rows of panels over the axis with this number; each row shares a vertical scale."""

    number: int
    kind: Literal["arms", "families"]
    axis: Axis
    backbone: str
    rows: tuple[tuple[AxisPanel, ...], ...]


def figures(effects: Effects) -> Iterator[AxisFigure]:
    """Compute the figures of all axes of the study, on each backbone, that have something to show."""
    found = list[AxisFigure]()
    for number, axis in enumerate(effects.results.plan.study.axes, 1):
        for backbone in effects.results.backbones:
            if rows := over_axis(effects, axis, backbone):
                found.append(AxisFigure(number, "arms", axis, backbone, rows))
            if rows := by_family(effects, axis, backbone):
                found.append(AxisFigure(number, "families", axis, backbone, rows))
    panels = [panel for figure in found for row in figure.rows for panel in row]
    told = [line.advantage for panel in panels for line in panel.lines if line.advantage is not None]
    adjusted = iter(statistics.holm([one.probability for one in told]))
    for figure in found:
        rows = tuple(tuple(_corrected(panel, adjusted) for panel in row) for row in figure.rows)
        yield replace(figure, rows=rows)


def _corrected(panel: AxisPanel, probabilities: Iterator[float]) -> AxisPanel:
    """The panel with the next of the corrected probabilities for each advantage."""
    told = [line.advantage for line in panel.lines]
    told = [each and replace(each, probability=next(probabilities)) for each in told]
    lines = (replace(line, advantage=found) for line, found in zip(panel.lines, told, strict=True))
    return replace(panel, lines=tuple(lines))


def over_axis(effects: Effects, axis: Axis, backbone: str) -> tuple[tuple[AxisPanel, ...], ...]:
    """For each target the scores of the arms over the axis, and of the source language beside them."""
    names = axis.groups or (LOG_SHAPES if axis.scale == "log" else ("straight line",))
    asked = [(group, group, SCORE) for group in axis.groups or ("",)]
    rows = []
    for target in effects.results.targets:
        baseline = None
        if BASELINE not in axis.arms:
            baseline = effects.estimate(SCORE, Line(backbone, BASELINE), target.name)
        empty = AxisPanel(axis, target, (), names, baseline=baseline)
        rows.append([_with_lines(effects, backbone, empty, asked)])
    return _measured(rows)


def by_family(effects: Effects, axis: Axis, backbone: str) -> tuple[tuple[AxisPanel, ...], ...]:
    """For each target, and each group of the axis, the scores of the languages of each family.

    Nothing if all languages are of one family, or the arms of the axis have seen labels in one language only.
    """
    plan, targets = effects.results.plan, effects.results.targets
    spoken = languages_by_family(dict.fromkeys(code for target in targets for code in target.transfer))
    families = tuple(dict.fromkeys(language.family for language in spoken))
    cells = [cell for cell in plan.cells if cell.arm in axis.arms and not cell.reference]
    seen = {code for cell in cells for code in seen_with_labels(plan.evaluation(cell).model)}
    if len(families) < 2 or len(seen) < 2:
        return ()
    quantities = {name: Quantity("score", (f"{FAMILY}{name}",)) for name in families}
    rows = []
    for target in targets:
        panels = []
        for group in axis.groups or ("",):
            asked = [(name, group, q) for name, q in quantities.items() if target.select(q.languages)]
            empty = AxisPanel(axis, target, (), families, group)
            panels.append(_with_lines(effects, backbone, empty, asked))
        rows.append(panels)
    return _measured(rows)


def _measured(rows: Sequence[Sequence[AxisPanel]]) -> tuple[tuple[AxisPanel, ...], ...]:
    """Leave out panels of which nothing was measured, and rows of such."""
    kept = (tuple(panel for panel in row if any(line.points for line in panel.lines)) for row in rows)
    return tuple(row for row in kept if row)


def _with_lines(
    effects: Effects, backbone: str, panel: AxisPanel, asked: Sequence[tuple[str, str, Quantity]]
) -> AxisPanel:
    """Compute the lines of a panel that have these names, groups and quantities."""
    axis, target = panel.axis, panel.target
    lines = []
    for name, group, quantity in asked:
        shown = (quantity, SOURCE) if quantity == SCORE and target.has_gap else (quantity,)
        points = tuple(
            AxisPoint(arm, value, estimate, each is SOURCE)
            for arm, value in axis.curve(group).items()
            for each in shown
            if (estimate := effects.estimate(each, Line(backbone, arm), target.name)) is not None
        )
        line = AxisLine(name, group, points)
        found = curve(effects, axis, group, backbone, quantity, (target.name,))
        if found is not None:
            line = replace(line, slope=statistics.estimate(slope(found)))
            if name or len(asked) > 1:
                line = replace(line, means=_means(found))
            else:
                told = found.is_log and found.different >= LEAST_VALUES
                advantage = statistics.estimate(fit_advantage(found)) if told else None
                line = replace(line, fits=tuple(_fits(found)), advantage=advantage)
        lines.append(line)
    return replace(panel, lines=tuple(lines))


def _means(found: Curve) -> tuple[tuple[float, float], ...]:
    """The mean score of the arms of each value."""
    scores = np.array([sample.observed.mean() for sample in found.samples])
    values = np.unique(found.values)
    return tuple((float(value), float(scores[found.values == value].mean())) for value in values)


def _fits(found: Curve) -> Iterator[tuple[Shape, float, Estimate]]:
    """The shapes that can be fitted to so many values, at places between the first and the last."""
    shapes: tuple[Shape, ...] = LOG_SHAPES if found.is_log else ("straight line",)
    values = np.log(found.values) if found.is_log else found.values
    places = np.linspace(values.min(), values.max(), PLACES)
    places = np.exp(places) if found.is_log else places
    for shape in shapes if found.different > len(shapes) else ():
        for place, at_place in zip(places, fitted(found, shape, places), strict=True):
            yield shape, float(place), statistics.estimate(at_place)
