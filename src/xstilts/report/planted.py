"""Charts of what the embedded lab planted, beside what was measured."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from xstilts.analysis.planted import LAB, MISSING, OUTCOMES, DistancePanel, PlantedEffect
from xstilts.analysis.results import spoken
from xstilts.analysis.wording import bounds, number, trainings
from xstilts.report.drawing import INK, PALETTE, QUIET, REFERENCE_INKS, TELLS, Chart


def truth_chart(pairs: Sequence[PlantedEffect]) -> Chart | None:
    """Draw measured effects, grouped by what was planted; None if nothing was measured."""
    if all(pair.estimate is None for pair in pairs):
        return None
    rows = [
        {
            "pair": f"{pair.arm} → {pair.target.removeprefix(LAB)}",
            "planted": {"none": "planted: nothing"}.get(pair.planted, f"planted: {pair.planted}"),
            "outcome": pair.outcome,
            "told": _told(pair),
            "value": pair.estimate and pair.estimate.value,
            "low": pair.estimate and pair.estimate.low,
            "high": pair.estimate and pair.estimate.high,
        }
        for pair in pairs
    ]
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("value", "low", "high"), pl.Float64))
    y = alt.Y("pair:N", sort=frame["pair"].to_list(), title=None)
    scale = alt.Scale(domain=list(OUTCOMES), range=[PALETTE[0], QUIET, PALETTE[1]])
    base = alt.Chart().encode(y=y, color=alt.Color("outcome:N", scale=scale))
    shape = alt.Shape(
        "outcome:N", scale=alt.Scale(domain=list(OUTCOMES), range=["circle", "square", "triangle-up"])
    )
    title = "measured effect on the transfer languages, points"
    x = alt.X("low:Q", title=title, scale=alt.Scale(nice=True))
    zero = alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0))
    order = frame["planted"].unique(maintain_order=True).to_list()
    header = alt.Header(labelOrient="top", labelAnchor="start", labelFontStyle="italic", labelPadding=1)
    return (
        alt.layer(
            zero,
            base.mark_rule(strokeWidth=1.6, opacity=0.8).encode(x=x, x2="high:Q"),
            base.mark_point(filled=True, size=60, opacity=1, **TELLS).encode(
                x="value:Q", shape=shape, description="told:N"
            ),
            base.transform_filter(f"datum.outcome == '{MISSING}'")
            .mark_text(align="left", dx=6, fontSize=11, fontStyle="italic")
            .encode(x=alt.datum(0), text="outcome:N", color=alt.value(INK)),
            data=frame,
        )
        .properties(width=560, height=alt.Step(21))
        .facet(row=alt.Row("planted:N", sort=order, title=None, header=header), spacing=6)
        .resolve_scale(y="independent")
    )


def _told(pair: PlantedEffect) -> str:
    measured = MISSING
    if (found := pair.estimate) is not None:
        interval = bounds(found.low, found.high)
        measured = f"{number(found.value, signed=True)} {interval} points · {trainings(found)}"
    return f"{pair.arm} on {pair.target} · {measured} · planted: {pair.planted} · {pair.outcome}"


def distance_chart(panels: Sequence[DistancePanel]) -> Chart | None:
    """Draw the score of `none` over the planted distance, beside the same with random weights."""
    if not panels:
        return None
    drawn = map(_distance_panel, panels)
    return alt.concat(*drawn, columns=2, spacing=30).resolve_scale(color="shared", shape="shared")


def _distance_panel(panel: DistancePanel) -> Chart:
    names = ("pretrained", "random weights")
    rows = [
        {"code": code.removeprefix("x-"), "distance": distance, "weights": name, "value": value}
        | {"told": f"{name} on {panel.target}, {spoken(code)} · {number(value)} · distance {distance:.2f}"}
        for name, points in zip(names, (panel.pretrained, panel.random), strict=True)
        for code, distance, value in points
    ]
    slope = panel.slope
    shown = f" · {number(slope.value)} {bounds(slope.low, slope.high)}" if slope else ""
    inks = alt.Scale(domain=names, range=[PALETTE[0], REFERENCE_INKS["random"]])
    colour = alt.Color("weights:N", scale=inks)
    shape = alt.Shape("weights:N", scale=alt.Scale(domain=names, range=["circle", "square"]))
    scale = alt.Scale(domain=[0, 1], padding=10, nice=False)
    base = alt.Chart().encode(
        x=alt.X("distance:Q", title="planted distance", scale=scale, axis=alt.Axis(tickCount=5)), color=colour
    )
    high = alt.Scale(zero=False, nice=False, padding=20)
    y = alt.Y("value:Q", title=None, scale=high, axis=alt.Axis(tickCount=5))
    fit = base.transform_regression("distance", "value", groupby=["weights"])
    return alt.layer(
        fit.mark_line(strokeWidth=1.2, strokeDash=[5, 3], opacity=0.7).encode(y=y),
        base.mark_point(filled=True, size=50, opacity=1, **TELLS).encode(
            y=y, shape=shape, description="told:N"
        ),
        base.transform_filter("datum.weights == 'pretrained'")
        .mark_text(dy=-10, fontSize=10, color=INK)
        .encode(y=y, text="code:N", color=alt.value(INK)),
        data=pl.DataFrame(rows),
    ).properties(title=f"{panel.target}{shown}", width=350, height=180)
