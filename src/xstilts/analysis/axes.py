"""Scores over the axes of a study: what each panel of the figures shows, and the curves fitted to it.

A panel is a target over an axis, with a line of points for each group of the axis, or for each family of the
evaluated languages. To a panel with a single line curves are fitted: a straight line, or on a logarithmic
axis a logarithm and a power law.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from xstilts.analysis import curves, statistics
from xstilts.analysis.curves import LOG_SHAPES, Shape
from xstilts.analysis.effects import BASELINE, SCORE, Effects, Quantity
from xstilts.analysis.results import EvaluatedTarget, Line, languages_by_family
from xstilts.analysis.statistics import Estimate
from xstilts.study.check_claims import LEAST_VALUES
from xstilts.study.claim import FAMILY
from xstilts.study.phase import seen_with_labels
from xstilts.study.study import Axis

PLACES = 33  # at which a curve is computed
SOURCE = Quantity("score", "source")


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
    law predicts better than a logarithm, where there are values enough to tell.
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
    for number, axis in enumerate(effects.results.plan.study.axes, 1):
        for backbone in effects.results.backbones:
            if rows := over_axis(effects, axis, backbone):
                yield AxisFigure(number, "arms", axis, backbone, rows)
            if rows := by_family(effects, axis, backbone):
                yield AxisFigure(number, "families", axis, backbone, rows)


def over_axis(effects: Effects, axis: Axis, backbone: str) -> tuple[tuple[AxisPanel, ...], ...]:
    """For each target the scores of the arms over the axis, and of the source language beside them."""
    names = axis.groups or (LOG_SHAPES if axis.scale == "log" else ("straight line",))
    rows = []
    for target in effects.results.targets:
        asked = [(group, group, SCORE) for group in axis.groups or ("",)]
        baseline = None
        if BASELINE not in axis.arms:
            baseline = effects.estimate(SCORE, Line(backbone, BASELINE), target.name)
        lines = _lines(_Place(effects, axis, backbone, target), asked)
        rows.append([AxisPanel(axis, target, lines, names, baseline=baseline)])
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
    rows = []
    for target in targets:
        quantities = {name: Quantity("score", (f"{FAMILY}{name}",)) for name in families}
        panels = []
        for group in axis.groups or ("",):
            asked = [(name, group, q) for name, q in quantities.items() if target.select(q.languages)]
            lines = _lines(_Place(effects, axis, backbone, target), asked)
            panels.append(AxisPanel(axis, target, lines, families, group))
        rows.append(panels)
    return _measured(rows)


def _measured(rows: Sequence[Sequence[AxisPanel]]) -> tuple[tuple[AxisPanel, ...], ...]:
    """Leave out panels of which nothing was measured, and rows of such."""
    kept = (tuple(panel for panel in row if any(line.points for line in panel.lines)) for row in rows)
    return tuple(row for row in kept if row)


class _Place(NamedTuple):
    """Where a line is measured."""

    effects: Effects
    axis: Axis
    backbone: str
    target: EvaluatedTarget


def _lines(place: _Place, asked: Sequence[tuple[str, str, Quantity]]) -> tuple[AxisLine, ...]:
    """Compute the lines that have these names, groups and quantities."""
    is_plain = len(asked) == 1 and not asked[0][0]
    return tuple(_line(place, *one, is_plain=is_plain) for one in asked)


def _line(place: _Place, name: str, group: str, quantity: Quantity, *, is_plain: bool) -> AxisLine:
    effects, axis, backbone, target = place
    asked = [(quantity, False), *([(SOURCE, True)] if quantity == SCORE and target.has_gap else [])]
    points = tuple(
        AxisPoint(arm, value, estimate, is_source)
        for arm, value in axis.curve(group).items()
        for one, is_source in asked
        if (estimate := effects.estimate(one, Line(backbone, arm), target.name)) is not None
    )
    curve = curves.curve(effects, axis, group, backbone, quantity, (target.name,))
    if curve is None:
        return AxisLine(name, group, points)
    slope = statistics.estimate(curves.slope(curve))
    if not is_plain:
        scores = np.array([sample.observed.mean() for sample in curve.samples])
        values = np.unique(curve.values)
        means = tuple((float(one), float(scores[curve.values == one].mean())) for one in values)
        return AxisLine(name, group, points, means=means, slope=slope)
    shapes: tuple[Shape, ...] = LOG_SHAPES if curve.is_log else ("straight line",)
    values = np.log(curve.values) if curve.is_log else curve.values
    places = np.linspace(values.min(), values.max(), PLACES)
    places = np.exp(places) if curve.is_log else places
    fits = tuple(
        (shape, float(place), statistics.estimate(fitted))
        for shape in shapes
        if curve.different > len(shapes)
        for place, fitted in zip(places, curves.fitted(curve, shape, places), strict=True)
    )
    advantage = None
    if curve.is_log and curve.different >= LEAST_VALUES:
        advantage = statistics.estimate(curves.fit_advantage(curve))
    return AxisLine(name, group, points, fits=fits, slope=slope, advantage=advantage)
