"""What the embedded lab planted, beside what was measured: distances of languages, effects of tasks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from xstilts import tasks as registry
from xstilts.report.charts import Chart, heat_cells, line_label
from xstilts.report.claims import trainings
from xstilts.report.drawing import INK, PALETTE, QUIET, REFERENCE_INKS, TELLS, number
from xstilts.report.effects import BASELINE, EFFECT, SLOPE, Effects, planted_distances
from xstilts.report.results import Line, Results, Target, language
from xstilts.report.statistics import Estimate
from xstilts.report.tables import Entry, Grid

LAB = "lab_"
PLANTED = ("help", "none", "harm")
OUTCOMES = ("as planted", "not detected", "against the plan")
MISSING = "missing"


@dataclass(frozen=True)
class Pair:
    """An intermediate task and a target: the effect that the lab planted, and the measured one."""

    backbone: str
    arm: str
    target: str
    planted: str
    reason: str
    estimate: Estimate | None
    strong: bool = False

    @property
    def outcome(self) -> str:
        """One of OUTCOMES. Seen is what the heat map calls an effect (`strong`)."""
        if self.estimate is None:
            return MISSING
        seen = "none" if not self.strong else "help" if self.estimate.value > 0 else "harm"
        if seen == self.planted:
            return OUTCOMES[0]
        return OUTCOMES[1] if seen == "none" else OUTCOMES[2]


def truth_table(effects: Effects) -> list[Pair]:
    """All pairs of a one-task arm with gold labels and a target of the lab."""
    results = effects.results
    arms = results.plan.study.intermediate.arms
    strong = {
        (backbone, cell["row"], cell["column"])
        for backbone in dict.fromkeys(line.backbone for line in results.lines if not line.reference)
        for cell in heat_cells(effects, backbone)
        if cell["strong"]
    }
    pairs = []
    for line in results.lines:
        arm = arms.get(line.arm)
        if line.reference or arm is None or len(arm.tasks) != 1 or arm.labels != "gold" or arm.after:
            continue
        for target in results.targets:
            if all(name.startswith(LAB) and name in registry.names() for name in (arm.tasks[0], target.name)):
                estimate = effects.estimate(EFFECT, line, target.name)
                seen = (line.backbone, line_label(line), target.name) in strong
                pairs.append(_pair(line, arm.tasks[0], target, estimate, strong=seen))
    return sorted(pairs, key=lambda pair: (PLANTED.index(pair.planted), -_size(pair)))


def _pair(line: Line, intermediate: str, target: Target, estimate: Estimate | None, *, strong: bool) -> Pair:
    from xstilts.lab import truth

    planted, reason = (judge(intermediate, target.name) for judge in (truth.expected, truth.reason))
    return Pair(line.backbone, line.arm, target.name, planted, reason, estimate, strong)


def _size(pair: Pair) -> float:
    """For sorting; what is missing stands last."""
    return pair.estimate.value if pair.estimate is not None else -math.inf


def distance_grid(results: Results) -> Grid | None:
    """What makes up the planted distance of each evaluated language; None for natural languages."""
    from xstilts import lab

    codes = {code for target in results.targets for code in target.languages}
    rows = [row for row in lab.distance_table() if row["code"] in codes]
    if len(rows) < len(codes) or not rows:
        return None
    columns = tuple(key for key in rows[0] if key not in ("code", "family"))
    shown = [tuple(Entry(f"{row[column]:.2f}") for column in columns) for row in rows]
    names = [f"{language(str(row['code'])).name} ({row['code']})" for row in rows]
    title = "Differences from the base language, from 0 to 1, and the distance: their weighted mean"
    return Grid(title, columns, tuple(zip(names, shown, strict=True)), names="language")


def truth_chart(pairs: Sequence[Pair]) -> Chart | None:
    """Measured effects, grouped by what was planted."""
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


def _told(pair: Pair) -> str:
    measured = MISSING
    if (found := pair.estimate) is not None:
        interval = f"[{number(found.low)}, {number(found.high)}]"
        measured = f"{number(found.value, signed=True)} {interval} points · {trainings(found)}"
    return f"{pair.arm} on {pair.target} · {measured} · planted: {pair.planted} · {pair.outcome}"


def distance_chart(effects: Effects, backbone: str) -> Chart | None:
    """The score of `none` over the planted distance of the language, beside the same with random weights."""
    lines = [Line(backbone, BASELINE), Line(backbone, BASELINE, "random")]
    panels = [_distance_panel(effects, target, lines) for target in effects.results.targets]
    drawn = [panel for panel in panels if panel is not None]
    if not drawn:
        return None
    return alt.concat(*drawn, columns=2, spacing=30).resolve_scale(color="shared", shape="shared")


def _distance_panel(effects: Effects, target: Target, lines: Sequence[Line]) -> Chart | None:
    distances = planted_distances(target.languages)
    if distances is None or effects.results.score(lines[0], target.name, target.languages) is None:
        return None
    rows: list[dict[str, Any]] = []
    for line in lines:
        for code, distance in zip(target.languages, distances, strict=True):
            found = effects.results.score(line, target.name, (code,))
            if found is not None:
                name = "random weights" if line.reference else "pretrained"
                place = {"code": code.removeprefix("x-"), "distance": float(distance), "weights": name}
                value = float(found.observed.mean())
                spoken = f"{language(code).name} ({code})"
                told = f"{name} on {target.name}, {spoken} · {number(value)} · distance {distance:.2f}"
                rows.append(place | {"value": value, "told": told})
    slope = effects.estimate(SLOPE, lines[0], target.name)
    shown = f" · {number(slope.value)} [{number(slope.low)}, {number(slope.high)}]" if slope else ""
    names = ["pretrained", "random weights"]
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
    ).properties(title=f"{target.name}{shown}", width=350, height=180)
