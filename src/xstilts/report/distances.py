"""Charts over the distances of languages to the source language: scores, gaps, gains."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from xstilts.analysis.over_distances import DistanceLine, Kind, OverDistance
from xstilts.analysis.results import language, spoken
from xstilts.analysis.wording import interval, trainings
from xstilts.report.drawing import INK, PALETTE, QUIET, SHAPES, TELLS, Chart

TITLES: dict[Kind, str] = {
    "score": "score of none",
    "gap": "gap of none to the source language",
    "gain": "differences to none",
    "near": "differences to none",
}
NUMBERS = dict.fromkeys(("x", "value", "low", "high"), pl.Float64)


def chart(found: Sequence[OverDistance]) -> Chart | None:
    """Draw the panels of a distance, two in a row; None if there are none."""
    if not found:
        return None
    arms = list(
        dict.fromkeys(line.name for panel in found for line in panel.lines if panel.kind in ("gain", "near"))
    )
    return alt.concat(*(_panel(panel, arms) for panel in found), columns=2, spacing=34).resolve_scale(
        color="shared", shape="shared"
    )


def _panel(panel: OverDistance, arms: Sequence[str]) -> Chart:
    points = pl.DataFrame(
        [
            {"line": line.name, "code": point.code, "x": point.distance, "value": point.estimate.value}
            | {"low": point.estimate.low, "high": point.estimate.high, "told": _told(panel, line, place)}
            for line in panel.lines
            for place, point in enumerate(line.points)
        ],
        schema={"line": pl.String, "code": pl.String, **NUMBERS, "told": pl.String},
    )
    fits = pl.DataFrame(
        [
            {"line": line.name, "x": place, "value": one.value, "low": one.low, "high": one.high}
            for line in panel.lines
            for place, one in line.fit
        ],
        schema={"line": pl.String, **NUMBERS},
    )
    names = ["none", *arms]
    inks = alt.Scale(domain=names, range=[QUIET, *(PALETTE * len(names))][: len(names)])
    marks = alt.Scale(domain=names, range=(list(SHAPES) * len(names))[: len(names)])
    colour = alt.Color("line:N", scale=inks)
    x = alt.X(
        "x:Q",
        title=f"{panel.distance} distance" + " to the nearest language with labels" * (panel.kind == "near"),
        scale=alt.Scale(zero=False, padding=12, nice=False),
        axis=alt.Axis(tickCount=5),
    )

    def y(field: str) -> alt.Y:
        scale = alt.Scale(zero=False, nice=True, padding=8)
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))

    fitted, base = (alt.Chart(frame).encode(x=x, color=colour) for frame in (fits, points))
    layers = [
        fitted.mark_line(strokeWidth=1.6).encode(y=y("value")),
        base.mark_point(filled=True, size=44, opacity=1, **TELLS).encode(
            y=y("value"), shape=alt.Shape("line:N", scale=marks), description="told:N"
        ),
    ]
    if len(panel.lines) == 1:
        layers = [
            fitted.mark_area(opacity=0.14).encode(y=y("low"), y2="high:Q"),
            base.mark_rule(strokeWidth=1.2, opacity=0.5).encode(y=y("low"), y2="high:Q"),
            *layers,
            base.mark_text(dx=9, align="left", fontSize=10).encode(
                y=y("value"), text="code:N", color=alt.value(INK)
            ),
        ]
    told = [f"{line.name}: {interval(line.slope)} per unit of distance" for line in panel.lines]
    title = alt.TitleParams(
        text=f"{panel.target} · {TITLES[panel.kind]}",
        subtitle=told,
        subtitleColor=INK,
        subtitleFontSize=11,
        subtitlePadding=4,
    )
    return alt.layer(*layers).properties(title=title, width=350, height=200)


def _told(panel: OverDistance, line: DistanceLine, place: int) -> str:
    point = line.points[place]
    told = f"{line.name} on {panel.target}, {spoken(point.code)} · {language(point.code).family} · "
    told += f"{interval(point.estimate, signed=panel.kind != 'score')} · distance {point.distance:.2f}"
    return f"{told} · {trainings(point.estimate)}"
