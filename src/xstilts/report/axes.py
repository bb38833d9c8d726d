"""Figures over the axes of a study: a panel for each target, with fitted curves or a line for each group."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import polars as pl

from xstilts.analysis import curves
from xstilts.analysis.curves import AxisFigure, AxisLine, AxisPanel
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.statistics import Array, Estimate
from xstilts.analysis.wording import interval, metric_label, number, trainings
from xstilts.report.drawing import INK, PALETTE, QUIET, SHAPES, TELLS, Chart
from xstilts.study.study import Axis

WIDTH, HEIGHT = 350, 210  # pixels of a panel
ROOM, LINE = 78, 14  # pixels between two rows of panels, and for each line below a title
LANE = 7.0  # pixels between two arms with the same value, if there is room
MARGIN = 0.06  # of the axis, before the first value and after the last
FEW = 3  # slopes that a title has room for
DASHES: dict[str, list[int]] = {"logarithm": [6, 3]}


class Drawn(NamedTuple):
    """A figure: the name of its file, the words below it, and the chart."""

    name: str
    caption: str
    chart: Chart


def figures(found: Sequence[AxisFigure], *, several: bool) -> Iterator[Drawn]:
    """Draw the figures; they are named by the backbone too if there are several."""
    for figure in found:
        axis = figure.axis
        end, title = (f"-{figure.backbone}", f"{figure.backbone}. ") if several else ("", "")
        if figure.kind == "families":
            end, rest = f"-families{end}", f" {_FAMILIES}"
        else:
            rest = f", {_POINTS}" + ("" if axis.groups else _LOG if axis.scale == "log" else _LINEAR)
        yield Drawn(f"axis-{figure.number}{end}", f"{title}Scores over {axis.name}{rest}", draw(figure.rows))


_POINTS = (
    "with 95 % intervals: the mean of the languages without labels (filled), and the source language (open, "
    "drawn a little to the right). Arms with the same number stand side by side. Dotted: the arm none. Below "
    "the title: the least-squares slope."
)
_LINEAR = " The band is the 95 % interval of a straight line."
_LOG = (
    " The curves are a logarithm and a saturating power law, with 95 % bands. By how much the power law "
    "predicts better is the root mean squared error, in points, of the logarithm on numbers that its fit has "
    "not: each is left out in turn."
)
_FAMILIES = "by the family of the evaluated language, without the source language, with 95 % intervals."


def draw(rows: Sequence[Sequence[AxisPanel]]) -> Chart:
    """Draw rows of panels that share a vertical scale; rows of one panel stand in two columns."""
    lines = 1 + max(len(panel.lines) if len(panel.lines) <= FEW else 0 for row in rows for panel in row)
    space = {"spacing": {"row": ROOM + lines * LINE, "column": 62}, "bounds": "flush"}
    if max(map(len, rows)) == 1:
        chart = alt.concat(*(_panel(row[0]) for row in rows), columns=2 if len(rows) > 1 else 1, **space)
    else:
        together = [
            alt.concat(*map(_panel, row), columns=2, **space).resolve_scale(y="shared") for row in rows
        ]
        chart = alt.concat(*together, columns=1, spacing=26)
    return chart.resolve_scale(color="shared", shape="shared", strokeDash="shared")


def _panel(panel: AxisPanel) -> Chart:
    points = [point for line in panel.lines for point in _points(panel, line)]
    lines = [row for line in panel.lines for row in _curves(panel, line)]
    x, y = _scales(panel)
    colour, other = _looks(panel)
    drawn = alt.Chart(_frame(lines)).encode(x=x, color=colour)
    dashed = {"strokeDash": other} if panel.is_plain else {}
    marks = alt.Chart(_frame(points)).encode(x=x, color=alt.value(INK) if panel.is_plain else colour)
    shapes = {} if panel.is_plain else {"shape": other}
    found, source = (marks.transform_filter(f"datum.source == {word}") for word in ("false", "true"))
    point = {"size": 50, "opacity": 1, **TELLS}
    told: dict[str, Any] = {"y": y("value"), "description": "told:N", **shapes}
    return alt.layer(
        *_baseline(panel),
        drawn.mark_area(opacity=0.16).encode(y=y("low"), y2="high:Q"),
        drawn.mark_line(strokeWidth=1.7).encode(y=y("value"), **dashed),
        marks.mark_rule(strokeWidth=1.3, opacity=0.65).encode(y=y("low"), y2="high:Q"),
        found.mark_point(filled=True, **point).encode(**told),
        source.mark_point(filled=False, strokeWidth=1.5, **point).encode(**told),
    ).properties(title=_title(panel), width=WIDTH, height=HEIGHT)


def _frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    numbers = dict.fromkeys(("x", "value", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema={"line": pl.String, **numbers, "source": pl.Boolean, "told": pl.String})


def _scales(panel: AxisPanel) -> tuple[alt.X, Any]:
    values = sorted(set(panel.axis.arms.values()))
    ends = [float(end) for end in _unscaled(panel.axis, np.array(_where(panel.axis)))]
    scale = alt.Scale(type="log" if panel.axis.scale == "log" else "linear", domain=ends, nice=False)
    whole = all(value == round(value) for value in values)
    form = ",d" if whole and max(values) < 10_000 else ".3~s" if min(values) >= 1 else ".3~g"
    axis = alt.Axis(values=values, format=form, labelOverlap="greedy", grid=False, labelAngle=0)
    free = alt.Scale(zero=False, nice=True, padding=6)
    return (
        alt.X("x:Q", title=panel.axis.name, scale=scale, axis=axis),
        lambda field: alt.Y(
            f"{field}:Q", title=None, scale=free, axis=alt.Axis(tickCount=5, labelFlush=True)
        ),
    )


def _looks(panel: AxisPanel) -> tuple[alt.Color, alt.Shape | alt.StrokeDash]:
    """Colour and shape of the lines, with few colours 36 pairs; or colour and dashes of fitted curves."""
    names, several = panel.looks, len(PALETTE)
    inks = alt.Scale(domain=names, range=[PALETTE[n % several] for n in range(len(names))])
    if panel.is_plain:
        dashes = alt.Scale(domain=names, range=[DASHES.get(name, [1, 0]) for name in names])
        line = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)
        return alt.Color("line:N", scale=inks, legend=line), alt.StrokeDash("line:N", scale=dashes)
    marks = [SHAPES[(n + n // several) % len(SHAPES)] for n in range(len(names))]
    return alt.Color("line:N", scale=inks), alt.Shape("line:N", scale=alt.Scale(domain=names, range=marks))


def _where(axis: Axis) -> tuple[float, float]:
    """The ends of the horizontal axis, wider than its values; logarithms on a logarithmic scale."""
    values = _scaled(axis, np.array(list(axis.arms.values())))
    room = MARGIN * float(np.ptp(values))
    return float(values.min()) - room, float(values.max()) + room


def _points(panel: AxisPanel, line: AxisLine) -> Iterator[dict[str, Any]]:
    """A point for each arm, beside those with the same value; and one for the source language."""
    for point in line.points:
        place = _beside(panel, line, point.arm) + 0.45 * _lane(panel) * point.is_source
        told = f"{point.arm} ({point.value:g}) on {panel.target.name} · "
        told += f"{'source language' if point.is_source else line.name or 'languages without labels'} "
        told += f"{interval(point.estimate, signed=False)} · {trainings(point.estimate)}"
        at = float(_unscaled(panel.axis, np.array(place)))
        yield _row(line.name, at, point.estimate) | {"source": point.is_source, "told": told}


def _row(line: str, x: float, found: Estimate) -> dict[str, Any]:
    return {"line": line, "x": x, "value": found.value, "low": found.low, "high": found.high}


def _beside(panel: AxisPanel, line: AxisLine, arm: str) -> float:
    """Where an arm of a line is drawn: arms with the same value stand side by side."""
    value = panel.axis.arms[arm]
    there = [one for one, other in _slots(panel) if other == value]
    place = there.index((line.name, arm)) - (len(there) - 1) / 2
    return float(_scaled(panel.axis, np.array(value))) + place * _lane(panel)


def _slots(panel: AxisPanel) -> list[tuple[tuple[str, str], float]]:
    return [
        ((line.name, arm), value)
        for line in panel.lines
        for arm, value in panel.axis.curve(line.group).items()
    ]


def _lane(panel: AxisPanel) -> float:
    """The distance of two arms with the same value, in units of the (scaled) axis."""
    found = [value for _, value in _slots(panel)]
    values = _scaled(panel.axis, np.unique(found))
    fullest = max(found.count(value) for value in found)
    low, high = _where(panel.axis)
    return min(LANE / WIDTH * (high - low), 0.8 * float(np.diff(values).min()) / fullest)


def _curves(panel: AxisPanel, line: AxisLine) -> list[dict[str, Any]]:
    """Fitted curves with bands, or the means of arms with the same value; nothing if an arm is missing."""
    fits = [_row(shape, place, estimate) for shape, place, estimate in line.fits]
    arms = panel.axis.curve(line.group)
    means = []
    for value, score in line.means:
        places = np.array([_beside(panel, line, arm) for arm, other in arms.items() if other == value])
        means.append({"line": line.name, "x": float(_unscaled(panel.axis, places.mean())), "value": score})
    return fits + means


def _baseline(panel: AxisPanel) -> list[Chart]:
    """The arm that trains nothing, from end to end."""
    if panel.baseline is None:
        return []
    x, y = _scales(panel)
    ends = [
        _row(BASELINE, float(end), panel.baseline)
        for end in _unscaled(panel.axis, np.array(_where(panel.axis)))
    ]
    drawn = alt.Chart(_frame(ends)).encode(x=x)
    label = alt.Chart(_frame(ends[1:])).mark_text(align="left", dx=5, fontSize=11, opacity=0.8)
    return [
        drawn.mark_area(color=QUIET, opacity=0.18).encode(y=y("low"), y2="high:Q"),
        drawn.mark_line(color=QUIET, strokeWidth=1.5, strokeDash=[2, 2]).encode(y=y("value")),
        label.encode(x=x, y=y("value"), text="line:N"),
    ]


def _title(panel: AxisPanel) -> alt.TitleParams:
    """The target and its metric; below it what the curves say."""
    told = [f"arms of {panel.group}"] if panel.group else []
    for line in panel.lines:
        if line.slope is None:
            told.append("results are missing")
        elif len(panel.lines) <= FEW:
            name = f"{line.name}: " if line.name else ""
            told.append(f"{name}{interval(line.slope)} per {curves.unit(panel.axis)}")
            if line.advantage is not None:
                told.append(_better(line.advantage))
    return alt.TitleParams(
        text=f"{panel.target.name} · {metric_label(panel.target.metric)}",
        subtitle=list(dict.fromkeys(told)),
        subtitleColor=INK,
        subtitleFontSize=11,
        subtitlePadding=4,
    )


def _better(found: Estimate) -> str:
    """Whether the curve bends as a power law does, or the other way, and how far a logarithm errs there."""
    if not found.excludes_zero:
        return f"power law or logarithm: not told apart, {interval(found)}"
    low, high = (found.low, found.high) if found.value > 0 else (-found.high, -found.low)
    size = f"{number(abs(found.value))} [{number(low)}, {number(high)}]"
    if found.value > 0:
        return f"power law predicts better by {size}"
    return f"grows faster than a logarithm, which errs by {size}"


def _scaled(axis: Axis, values: Array) -> Array:
    return np.log(values) if axis.scale == "log" else values


def _unscaled(axis: Axis, places: Array) -> Array:
    return np.exp(places) if axis.scale == "log" else places
