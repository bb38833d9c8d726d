"""Scores over the axes of a study: a panel for each target, with fitted curves or a line for each group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import polars as pl

from xstilts.report import curves, statistics
from xstilts.report.charts import Chart
from xstilts.report.claims import interval, trainings
from xstilts.report.curves import LOG_SHAPES, Curve, Shape
from xstilts.report.drawing import INK, PALETTE, QUIET, SHAPES, TELLS, metric_label, number
from xstilts.report.effects import BASELINE, SCORE, Effects, Quantity
from xstilts.report.results import Line, Target, languages_by_family
from xstilts.report.statistics import Array, Estimate
from xstilts.study.axis import Axis
from xstilts.study.check_claims import LEAST_VALUES
from xstilts.study.claim import FAMILY
from xstilts.study.phase import seen_with_labels

WIDTH, HEIGHT = 350, 210  # pixels of a panel
ROOM, LINE = 78, 14  # pixels between two rows of panels, and for each line below a title
LANE = 7.0  # pixels between two arms with the same value, if there is room
MARGIN = 0.06  # of the axis, before the first value and after the last
PLACES = 33  # at which a curve is computed
FEW = 3  # slopes that a title has room for
SOURCE = Quantity("score", "source")
DASHES: dict[str, list[int]] = {"logarithm": [6, 3]}


@dataclass(frozen=True)
class Series:
    """A line of a panel: its name, the group of the axis whose arms it has, and what is scored."""

    name: str
    group: str
    quantity: Quantity


@dataclass(frozen=True)
class Panel:
    """One target over an axis. `looks` are the names of all lines of the figure, in their order.

    `group` is that of all lines of the panel, if they have the same.
    """

    axis: Axis
    backbone: str
    target: Target
    series: tuple[Series, ...]
    looks: tuple[str, ...]
    group: str = ""
    with_baseline: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it has the points of a single line, to which curves are fitted."""
        return len(self.series) == 1 and not self.series[0].name

    @property
    def where(self) -> tuple[float, float]:
        """The ends of the horizontal axis, wider than its values; logarithms on a logarithmic scale."""
        values = _scaled(self.axis, np.array(list(self.axis.arms.values())))
        room = MARGIN * float(np.ptp(values))
        return float(values.min()) - room, float(values.max()) + room


class Drawn(NamedTuple):
    """A figure: the name of its file, the words below it, and the chart."""

    name: str
    caption: str
    chart: Chart


def figures(effects: Effects, backbones: Sequence[str]) -> Iterator[Drawn]:
    """The figures of all axes of the study, on each backbone."""
    for place, axis in enumerate(effects.results.plan.study.axes, 1):
        for backbone in backbones:
            of, title = (f"-{backbone}", f"{backbone}. ") if len(backbones) > 1 else ("", "")
            fits = "" if axis.groups else _LOG if axis.scale == "log" else _LINEAR
            caption = f"{title}Scores over {axis.name}, {_POINTS}{fits}"
            yield Drawn(f"axis-{place}{of}", caption, over_axis(effects, axis, backbone))
            caption = f"{title}Scores over {axis.name} {_FAMILIES}"
            yield Drawn(f"axis-{place}-families{of}", caption, by_family(effects, axis, backbone))


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


def over_axis(effects: Effects, axis: Axis, backbone: str) -> Chart | None:
    """For each target the scores of the arms over the axis, and of the source language beside them (open).

    Without groups with fitted curves: a straight line, or on a logarithmic scale a logarithm and a power law.
    """
    series = tuple(Series(group, group, SCORE) for group in axis.groups or ("",))
    names = axis.groups or (LOG_SHAPES if axis.scale == "log" else ("straight line",))
    targets = effects.results.targets
    panels = [Panel(axis, backbone, target, series, names, with_baseline=True) for target in targets]
    return _figure(effects, [[panel] for panel in panels])


def by_family(effects: Effects, axis: Axis, backbone: str) -> Chart | None:
    """For each target, and each group of the axis, the scores of the languages of each family.

    None if all languages are of one family, or the arms of the axis have seen labels in one language only.
    """
    targets = effects.results.targets
    spoken = languages_by_family(dict.fromkeys(code for target in targets for code in target.transfer))
    families = tuple(dict.fromkeys(language.family for language in spoken))
    if len(families) < 2 or not _mixes(effects, axis):
        return None
    rows = []
    for target in targets:
        asked = {name: Quantity("score", (f"{FAMILY}{name}",)) for name in families}
        own = {name: one for name, one in asked.items() if target.select(one.languages)}
        panels = []
        for group in axis.groups or ("",):
            series = tuple(Series(name, group, one) for name, one in own.items())
            panels.append(Panel(axis, backbone, target, series, families, group))
        rows.append(panels)
    return _figure(effects, rows)


def _mixes(effects: Effects, axis: Axis) -> bool:
    """Whether the arms of the axis have seen labels in several languages."""
    plan = effects.results.plan
    cells = [cell for cell in plan.cells if cell.arm in axis.arms and not cell.reference]
    seen = {code for cell in cells for code in seen_with_labels(plan.evaluation(cell).model)}
    return len(seen) > 1


def _figure(effects: Effects, rows: Sequence[Sequence[Panel]]) -> Chart | None:
    """Rows of panels that share a vertical scale; a single panel of a row stands beside the next row's."""
    drawn = [[chart for panel in row if (chart := _panel(effects, panel)) is not None] for row in rows]
    found = [row for row in drawn if row]
    if not found:
        return None
    lines = 1 + max(len(panel.series) if len(panel.series) <= FEW else 0 for row in rows for panel in row)
    space = {"spacing": {"row": ROOM + lines * LINE, "column": 62}, "bounds": "flush"}
    if max(map(len, found)) == 1:
        chart = alt.concat(*(row[0] for row in found), columns=2 if len(found) > 1 else 1, **space)
    else:
        together = [alt.concat(*row, columns=2, **space).resolve_scale(y="shared") for row in found]
        chart = alt.concat(*together, columns=1, spacing=26)
    return chart.resolve_scale(color="shared", shape="shared", strokeDash="shared")


def _panel(effects: Effects, panel: Panel) -> Chart | None:
    """None if nothing of it was measured."""
    points = [point for one in panel.series for point in _points(effects, panel, one)]
    if not points:
        return None
    lines = [row for one in panel.series for row in _lines(effects, panel, one)]
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
        *_baseline(effects, panel),
        drawn.mark_area(opacity=0.16).encode(y=y("low"), y2="high:Q"),
        drawn.mark_line(strokeWidth=1.7).encode(y=y("value"), **dashed),
        marks.mark_rule(strokeWidth=1.3, opacity=0.65).encode(y=y("low"), y2="high:Q"),
        found.mark_point(filled=True, **point).encode(**told),
        source.mark_point(filled=False, strokeWidth=1.5, **point).encode(**told),
    ).properties(title=_title(effects, panel), width=WIDTH, height=HEIGHT)


def _frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    numbers = dict.fromkeys(("x", "value", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema={"line": pl.String, **numbers, "source": pl.Boolean, "told": pl.String})


def _scales(panel: Panel) -> tuple[alt.X, Any]:
    values = sorted(set(panel.axis.arms.values()))
    ends = [float(end) for end in _unscaled(panel.axis, np.array(panel.where))]
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


def _looks(panel: Panel) -> tuple[alt.Color, alt.Shape | alt.StrokeDash]:
    """Colour and shape of the lines, with few colours 36 pairs; or colour and dashes of fitted curves."""
    names, several = panel.looks, len(PALETTE)
    inks = alt.Scale(domain=names, range=[PALETTE[n % several] for n in range(len(names))])
    if panel.is_plain:
        dashes = alt.Scale(domain=names, range=[DASHES.get(name, [1, 0]) for name in names])
        line = alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)
        return alt.Color("line:N", scale=inks, legend=line), alt.StrokeDash("line:N", scale=dashes)
    marks = [SHAPES[(n + n // several) % len(SHAPES)] for n in range(len(names))]
    return alt.Color("line:N", scale=inks), alt.Shape("line:N", scale=alt.Scale(domain=names, range=marks))


def _points(effects: Effects, panel: Panel, series: Series) -> Iterator[dict[str, Any]]:
    """A point for each arm of a line, beside those with the same value; and one for the source language."""
    with_source = series.quantity == SCORE and panel.target.has_gap
    for arm, value in panel.axis.curve(series.group).items():
        line, x = Line(panel.backbone, arm), _beside(panel, series, arm)
        asked = ((series.quantity, False), (SOURCE, True)) if with_source else ((series.quantity, False),)
        for quantity, is_source in asked:
            found = effects.estimate(quantity, line, panel.target.name)
            if found is not None:
                place = x + 0.45 * _lane(panel) * is_source
                told = f"{arm} ({value:g}) on {panel.target.name} · "
                told += f"{'source language' if is_source else series.name or 'languages without labels'} "
                told += f"{interval(found, signed=False)} · {trainings(found)}"
                at = float(_unscaled(panel.axis, np.array(place)))
                yield _row(series.name, at, found) | {"source": is_source, "told": told}


def _row(line: str, x: float, found: Estimate) -> dict[str, Any]:
    return {"line": line, "x": x, "value": found.value, "low": found.low, "high": found.high}


def _beside(panel: Panel, series: Series, arm: str) -> float:
    """Where an arm of a line is drawn: arms with the same value stand side by side."""
    value = panel.axis.arms[arm]
    there = [one for one, other in _slots(panel) if other == value]
    place = there.index((series.name, arm)) - (len(there) - 1) / 2
    return float(_scaled(panel.axis, np.array(value))) + place * _lane(panel)


def _slots(panel: Panel) -> list[tuple[tuple[str, str], float]]:
    return [
        ((one.name, arm), value) for one in panel.series for arm, value in panel.axis.curve(one.group).items()
    ]


def _lane(panel: Panel) -> float:
    """The distance of two arms with the same value, in units of the (scaled) axis."""
    found = [value for _, value in _slots(panel)]
    values = _scaled(panel.axis, np.unique(found))
    fullest = max(found.count(value) for value in found)
    low, high = panel.where
    return min(LANE / WIDTH * (high - low), 0.8 * float(np.diff(values).min()) / fullest)


def _lines(effects: Effects, panel: Panel, series: Series) -> list[dict[str, Any]]:
    """Fitted curves with bands, or the means of arms with the same value; nothing if an arm is missing."""
    found = _curve(effects, panel, series)
    if found is None:
        return []
    if not panel.is_plain:
        scores = np.array([sample.observed.mean() for sample in found.samples])
        places = np.array([_beside(panel, series, arm) for arm in found.arms])
        return [
            {
                "line": series.name,
                "x": float(_unscaled(panel.axis, places[found.values == value].mean())),
                "value": float(scores[found.values == value].mean()),
            }
            for value in np.unique(found.values)
        ]
    shapes: tuple[Shape, ...] = LOG_SHAPES if found.is_log else ("straight line",)
    values = _scaled(panel.axis, found.values)
    places = _unscaled(panel.axis, np.linspace(values.min(), values.max(), PLACES))
    return [
        _row(shape, float(place), statistics.estimate(measured))
        for shape in shapes
        if found.different > len(shapes)
        for place, measured in zip(places, curves.fitted(found, shape, places), strict=True)
    ]


def _curve(effects: Effects, panel: Panel, series: Series) -> Curve | None:
    name = (panel.target.name,)
    return curves.curve(effects, panel.axis, series.group, panel.backbone, series.quantity, name)


def _baseline(effects: Effects, panel: Panel) -> list[Chart]:
    """The arm that trains nothing, from end to end; nothing where it has a place on the axis."""
    found = effects.estimate(SCORE, Line(panel.backbone, BASELINE), panel.target.name)
    if found is None or not panel.with_baseline or BASELINE in panel.axis.arms:
        return []
    x, y = _scales(panel)
    ends = [_row(BASELINE, float(end), found) for end in _unscaled(panel.axis, np.array(panel.where))]
    drawn = alt.Chart(_frame(ends)).encode(x=x)
    label = alt.Chart(_frame(ends[1:])).mark_text(align="left", dx=5, fontSize=11, opacity=0.8)
    return [
        drawn.mark_area(color=QUIET, opacity=0.18).encode(y=y("low"), y2="high:Q"),
        drawn.mark_line(color=QUIET, strokeWidth=1.5, strokeDash=[2, 2]).encode(y=y("value")),
        label.encode(x=x, y=y("value"), text="line:N"),
    ]


def _title(effects: Effects, panel: Panel) -> alt.TitleParams:
    """The target and its metric; below it what the curves say."""
    told = [f"arms of {panel.group}"] if panel.group else []
    for one in panel.series:
        found = _curve(effects, panel, one)
        if found is None:
            told.append("results are missing")
        elif len(panel.series) <= FEW:
            slope = interval(statistics.estimate(curves.slope(found)))
            name = f"{one.name}: " if one.name else ""
            told.append(f"{name}{slope} per {curves.unit(panel.axis)}")
            if panel.is_plain and found.is_log and found.different >= LEAST_VALUES:
                told.append(_better(statistics.estimate(curves.fit_advantage(found))))
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
