"""Charts over numbers: the axes of a study, and the distances of languages to the source language."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from xstilts.analysis import curves
from xstilts.analysis.curves import AxisFigure, AxisPanel
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.over_distances import Kind, OverDistance
from xstilts.analysis.results import language, spoken
from xstilts.analysis.statistics import LEVEL, Array, Estimate
from xstilts.analysis.wording import interval, metric_label, number, trainings
from xstilts.plain import by_key
from xstilts.report.drawing import (
    CAPTIONS,
    INK,
    INTERVAL,
    PALETTE,
    QUIET,
    SHAPES,
    TELLS,
    Chart,
    Figure,
    free,
    joined,
    looks,
    spread,
)
from xstilts.study.study import Axis

WIDTH, HEIGHT = 350, 210  # pixels of a panel
ROOM, LINE = 78, 14  # pixels between two rows of panels, and for each line below a title
LANE = 7.0  # pixels between two arms with the same value, if there is room
MARGIN = 0.06  # of the axis, before the first value and after the last
FEW = 3  # slopes that a title has room for
DASHES: dict[str, list[int]] = {"logarithm": [6, 3]}
POINT = {"line": pl.String, "x": pl.Float64, **INTERVAL, "told": pl.String}
"""The columns of what is drawn; those that a row lacks are empty."""

Row = dict[str, Any]

TITLES: dict[Kind, str] = {
    "score": "score of none",
    "gap": "gap of none to the source language",
    "gain": "differences to none",
    "near": "differences to none",
}


def figures(found: Sequence[AxisFigure], *, several: bool) -> Iterator[Figure]:
    """Draw the figures; they are named by the backbone too if there are several."""
    for figure in found:
        axis, name, parts = figure.axis, f"axis-{figure.number}", ["points"]
        if figure.kind == "families":
            name, parts = f"{name}-families", ["families"]
        elif not axis.groups:
            parts.append("log" if axis.scale == "log" else "linear")
        caption = f"Scores over {axis.name}" + "".join(CAPTIONS[f"axis-{part}"] for part in parts)
        if several:
            name, caption = f"{name}-{figure.backbone}", f"{figure.backbone}. {caption}"
        yield Figure(name, "axes", caption, draw(figure.rows))


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
    axis, (places, lane) = panel.axis, _places(panel)
    points, lines = list[Row](), list[Row]()
    for line in panel.lines:
        for point in line.points:
            told = f"{point.arm} ({point.value:g}) on {panel.target.name} · "
            told += f"{'source language' if point.is_source else line.name or 'languages without labels'} "
            told += f"{interval(point.estimate, signed=False)} · {trainings(point.estimate)}"
            place = places[line.name, point.arm] + 0.45 * lane * point.is_source
            at = float(_unscaled(axis, np.array(place)))
            row = {"line": line.name, "x": at, "told": told, "source": point.is_source}
            points.append(row | spread(point.estimate))
        lines += [{"line": shape, "x": place, **spread(estimate)} for shape, place, estimate in line.fits]
        for value, score in line.means:
            arms = [arm for arm, other in axis.curve(line.group).items() if other == value]
            middle = np.array([places[line.name, arm] for arm in arms]).mean()
            lines.append({"line": line.name, "x": float(_unscaled(axis, middle)), "value": score})
    x, colour, other = _x(axis), *_looks(panel)
    dashed, shapes = ({"strokeDash": other}, {}) if panel.is_plain else ({}, {"shape": other})
    drawn = alt.Chart(pl.DataFrame(lines, schema=POINT)).encode(x=x, color=colour)
    frame = pl.DataFrame(points, schema=POINT | {"source": pl.Boolean})
    marks = alt.Chart(frame).encode(x=x, color=alt.value(INK) if panel.is_plain else colour)
    others, source = (marks.transform_filter(f"datum.source == {word}") for word in ("false", "true"))
    point_look = {"size": 50, "opacity": 1, **TELLS}
    told_at: dict[str, Any] = {"y": _y("value"), "description": "told:N", **shapes}
    return alt.layer(
        *_baseline(panel, x),
        drawn.mark_area(opacity=0.16).encode(y=_y("low"), y2="high:Q"),
        drawn.mark_line(strokeWidth=1.7).encode(y=_y("value"), **dashed),
        marks.mark_rule(strokeWidth=1.3, opacity=0.65).encode(y=_y("low"), y2="high:Q"),
        others.mark_point(filled=True, **point_look).encode(**told_at),
        source.mark_point(filled=False, strokeWidth=1.5, **point_look).encode(**told_at),
    ).properties(title=_title(panel), width=WIDTH, height=HEIGHT)


def _x(axis: Axis) -> alt.X:
    values = sorted(set(axis.arms.values()))
    ends = _unscaled(axis, np.array(_ends(axis))).tolist()
    scale = alt.Scale(type="log" if axis.scale == "log" else "linear", domain=ends, nice=False)
    whole = all(value == round(value) for value in values)
    form = ",d" if whole and max(values) < 10_000 else ".3~s" if min(values) >= 1 else ".3~g"
    ticks = alt.Axis(values=values, format=form, labelOverlap="greedy", grid=False, labelAngle=0)
    return alt.X("x:Q", title=axis.name, scale=scale, axis=ticks)


def _y(field: str) -> Any:
    return free(alt.Y, field, 6, labelFlush=True)


def _looks(panel: AxisPanel) -> tuple[alt.Color, alt.Shape | alt.StrokeDash]:
    """Colour and shape of the lines, with few colours 36 pairs; or colour and dashes of fitted curves."""
    names, several = panel.looks, len(PALETTE)
    marks = [SHAPES[(n + n // several) % len(SHAPES)] for n in range(len(names))]
    colour, shape = looks("line:N", names, cycle(PALETTE), marks)
    if not panel.is_plain:
        return colour, shape
    dashes = alt.Scale(domain=names, range=[DASHES.get(name, [1, 0]) for name in names])
    stroke = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)
    return colour.legend(stroke), alt.StrokeDash("line:N", scale=dashes)


def _scaled(axis: Axis, values: Array) -> Array:
    return np.log(values) if axis.scale == "log" else values


def _unscaled(axis: Axis, places: Array) -> Array:
    return np.exp(places) if axis.scale == "log" else places


def _ends(axis: Axis) -> tuple[float, float]:
    """The ends of the horizontal axis, wider than its values; logarithms on a logarithmic scale."""
    values = _scaled(axis, np.array(list(axis.arms.values())))
    room = MARGIN * float(np.ptp(values))
    return float(values.min()) - room, float(values.max()) + room


def _places(panel: AxisPanel) -> tuple[dict[tuple[str, str], float], float]:
    """Where the arms of the lines are drawn on the scaled axis: those with the same value side by side.

    The other number is the distance between two of these.
    """
    axis = panel.axis
    arms = ((line, each) for line in panel.lines for each in axis.curve(line.group).items())
    slots = by_key((value, (line.name, arm)) for line, (arm, value) in arms)
    low, high = _ends(axis)
    nearest = float(np.diff(_scaled(axis, np.array(sorted(slots)))).min())
    lane = min(LANE / WIDTH * (high - low), 0.8 * nearest / max(map(len, slots.values())))
    return {
        slot: float(_scaled(axis, np.array(value))) + (place - (len(there) - 1) / 2) * lane
        for value, there in slots.items()
        for place, slot in enumerate(there)
    }, lane


def _baseline(panel: AxisPanel, x: alt.X) -> list[Chart]:
    """The arm that trains nothing, from end to end."""
    if panel.baseline is None:
        return []
    places = _unscaled(panel.axis, np.array(_ends(panel.axis))).tolist()
    ends = pl.DataFrame([{"line": BASELINE, "x": place, **spread(panel.baseline)} for place in places])
    drawn = alt.Chart(ends).encode(x=x)
    label = alt.Chart(ends[1:]).mark_text(align="left", dx=5, fontSize=11, opacity=0.8)
    return [
        drawn.mark_area(color=QUIET, opacity=0.18).encode(y=_y("low"), y2="high:Q"),
        drawn.mark_line(color=QUIET, strokeWidth=1.5, strokeDash=[2, 2]).encode(y=_y("value")),
        label.encode(x=x, y=_y("value"), text="line:N"),
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
    text = f"{panel.target.name} · {metric_label(panel.target.metric)}"
    return alt.TitleParams(text, subtitle=list(dict.fromkeys(told)))


def _better(found: Estimate) -> str:
    """Whether the curve bends as a power law does, or the other way, and how far a logarithm errs there."""
    if found.probability >= 1 - LEVEL:
        return f"power law or logarithm: not told apart, {interval(found)}"
    low, high = (found.low, found.high) if found.value > 0 else (-found.high, -found.low)
    size = f"{number(abs(found.value))} [{number(low)}, {number(high)}]"
    if found.value > 0:
        return f"power law predicts better by {size}"
    return f"grows faster than a logarithm, which errs by {size}"


def over_distance(panels: Sequence[OverDistance]) -> Chart | None:
    """Draw the panels of a distance, two in a row; None if there are none."""
    gains = [line.name for panel in panels if panel.kind in ("gain", "near") for line in panel.lines]
    arms = list(dict.fromkeys(gains))
    return joined((_distance_panel(panel, arms) for panel in panels), spacing=34)


def _distance_panel(panel: OverDistance, arms: Sequence[str]) -> Chart:
    points, fits = list[Row](), list[Row]()
    for line in panel.lines:
        for point in line.points:
            told = f"{line.name} on {panel.target}, {spoken(point.code)} · {language(point.code).family} · "
            told += f"{interval(point.estimate, signed=panel.kind != 'score')} · "
            told += f"distance {point.distance:.2f} · {trainings(point.estimate)}"
            row = {"line": line.name, "x": point.distance, "told": told, "code": point.code}
            points.append(row | spread(point.estimate))
        fits += [{"line": line.name, "x": place, **spread(estimate)} for place, estimate in line.fit]
    colour, shape = looks("line:N", [BASELINE, *arms])
    x = alt.X(
        "x:Q",
        title=f"{panel.distance} distance" + " to the nearest language with labels" * (panel.kind == "near"),
        scale=alt.Scale(zero=False, padding=12, nice=False),
        axis=alt.Axis(tickCount=5),
    )
    value, low = free(alt.Y, "value", 8), free(alt.Y, "low", 8)
    fitted = alt.Chart(pl.DataFrame(fits, schema=POINT)).encode(x=x, color=colour)
    base = alt.Chart(pl.DataFrame(points, schema=POINT | {"code": pl.String})).encode(x=x, color=colour)
    layers = [
        fitted.mark_line(strokeWidth=1.6).encode(y=value),
        base.mark_point(filled=True, size=44, opacity=1, **TELLS).encode(
            y=value, shape=shape, description="told:N"
        ),
    ]
    if len(panel.lines) == 1:
        layers = [
            fitted.mark_area(opacity=0.14).encode(y=low, y2="high:Q"),
            base.mark_rule(strokeWidth=1.2, opacity=0.5).encode(y=low, y2="high:Q"),
            *layers,
            base.mark_text(dx=9, align="left", fontSize=10).encode(
                y=value, text="code:N", color=alt.value(INK)
            ),
        ]
    slopes = [f"{line.name}: {interval(line.slope)} per unit of distance" for line in panel.lines]
    title = alt.TitleParams(f"{panel.target} · {TITLES[panel.kind]}", subtitle=slopes)
    return alt.layer(*layers).properties(title=title, width=350, height=200)
