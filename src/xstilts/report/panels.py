"""Scores language by language: a panel for each target, languages grouped by family, references as bars."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from xstilts.report import statistics
from xstilts.report.charts import Chart, line_label
from xstilts.report.claims import count
from xstilts.report.drawing import BAR, PALETTE, QUIET, REFERENCE_INKS, SHAPES, TELLS, metric_label, number
from xstilts.report.effects import BASELINE, EFFECT, Effects
from xstilts.report.results import Line, Results, Target, languages_by_family
from xstilts.report.statistics import Sample

SHOWN_ARMS = 5  # as many as can be told apart in a row
HEIGHT = 460  # pixels of a panel, if its lanes may be as low or as high as that needs
LANES = (4.5, 9.0)  # pixels of one arm in the row of a language


def by_language(effects: Effects, backbone: str) -> Chart | None:
    """For each target the score of the arms in every language, with intervals."""
    results = effects.results
    lines = [*shown_arms(effects, backbone), *_references(results, backbone)]
    panels = [_panel(results, target, lines) for target in results.targets]
    drawn = [panel for panel in panels if panel is not None]
    if not drawn:
        return None
    columns = 2 if len(drawn) > 1 else 1
    return alt.concat(*drawn, columns=columns, spacing=36).resolve_scale(color="shared", shape="shared")


def shown_arms(effects: Effects, backbone: str) -> list[Line]:
    """`none` and the arms that move the scores most, in the study's order."""
    arms = [line for line in effects.results.lines if line.backbone == backbone and not line.reference]
    by_size = sorted(arms, key=lambda line: (line.arm != BASELINE, -_size(effects, line)))
    return [line for line in arms if line in by_size[:SHOWN_ARMS]]


def _references(results: Results, backbone: str) -> list[Line]:
    found = [line for line in results.lines if line.reference and line.backbone in (backbone, "")]
    return [line for line in found if line.arm in ("", BASELINE)]


def _size(effects: Effects, line: Line) -> float:
    found = [effects.sample(EFFECT, line, (target.name,)) for target in effects.results.targets]
    return float(sum(abs(sample.observed.mean()) for sample in found if sample is not None))


def _panel(results: Results, target: Target, lines: Sequence[Line]) -> Chart | None:
    spoken = languages_by_family(target.languages)
    measured = [line for line in lines if (line, target.name) in results.planned]
    samples = {
        (line, one): results.score(line, target.name, (one.code,)) for line in measured for one in spoken
    }
    like = [sample for (line, _), sample in samples.items() if sample is not None and not line.reference]
    rows = [
        {"family": one.family, "language": f"{one.name} ({one.code})", "line": line_label(line)}
        | _numbers(sample, like, f"{line_label(line)} on {target.name}, {one.name} ({one.code})")
        for (line, one), sample in samples.items()
    ]
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("value", "low", "high"), pl.Float64))
    if frame["value"].is_null().all():
        return None
    missing = [line_label(line) for line in measured if samples[line, spoken[0]] is None]
    arms = [line for line in lines if not line.reference]
    lane = min(max(HEIGHT / (len(spoken) * len(arms)), LANES[0]), LANES[1])
    step = max(lane * len(arms) + 5, 15)
    y = alt.Y("language:N", sort=[f"{one.name} ({one.code})" for one in spoken], title=None)
    base = alt.Chart().encode(y=y)
    layers = []
    for line in measured:
        own = base.transform_filter(alt.FieldEqualPredicate(field="line", equal=line_label(line)))
        if line.reference:
            layers.append(_bars(own, lines, step))
        else:
            offset = lane * (arms.index(line) - (len(arms) - 1) / 2)
            layers += _points(own, lines, offset, small=lane < 6)
    families = list(dict.fromkeys(one.family for one in spoken))
    header = alt.Header(labelOrient="top", labelAnchor="start", labelFontStyle="italic", labelPadding=1)
    return (
        alt.layer(*layers, data=frame)
        .properties(width=300, height=alt.Step(step))
        .facet(row=alt.Row("family:N", sort=families, title=None, header=header), spacing=5)
        .resolve_scale(y="independent")
        .properties(title=_title(target, missing))
    )


def _title(target: Target, missing: Sequence[str]) -> str:
    title = f"{target.name} · {metric_label(target.metric)}"
    return f"{title} (missing: {', '.join(missing)})" if missing else title


def _numbers(sample: Sample | None, like: Sequence[Sample], name: str) -> dict[str, Any]:
    if sample is None:
        return {"value": None, "low": None, "high": None, "told": None}
    found = statistics.estimate(sample, like)
    low, high = max(0.0, found.low), min(100.0, found.high)
    told = f"{name} · {number(found.value)} [{number(low)}, {number(high)}] · {count(found.seeds, 'seed')}"
    return {"value": found.value, "low": low, "high": high, "told": told}


def _bars(own: Chart, lines: Sequence[Line], step: float) -> Chart:
    return own.mark_point(filled=False, size=(0.58 * step) ** 2, strokeWidth=2, opacity=1, **TELLS).encode(
        x=_x("value:Q"), color=_colour(lines), shape=_shape(lines), description="told:N"
    )


def _points(own: Chart, lines: Sequence[Line], offset: float, *, small: bool) -> list[Chart]:
    return [
        own.mark_rule(strokeWidth=1.4, opacity=0.7, yOffset=offset).encode(
            x=_x("low:Q"), x2="high:Q", color=_colour(lines)
        ),
        own.mark_point(filled=True, size=26 if small else 46, opacity=1, yOffset=offset, **TELLS).encode(
            x=_x("value:Q"), color=_colour(lines), shape=_shape(lines), description="told:N"
        ),
    ]


def _x(field: str) -> alt.X:
    return alt.X(field, title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=5))


def _colour(lines: Sequence[Line]) -> alt.Color:
    arms = sum(not line.reference for line in lines)
    inks = [QUIET, *PALETTE][:arms] + [REFERENCE_INKS[line.reference] for line in lines if line.reference]
    return alt.Color("line:N", scale=alt.Scale(domain=[line_label(line) for line in lines], range=inks))


def _shape(lines: Sequence[Line]) -> alt.Shape:
    arms = sum(not line.reference for line in lines)
    marks = list(SHAPES[:arms]) + [BAR] * (len(lines) - arms)
    return alt.Shape("line:N", scale=alt.Scale(domain=[line_label(line) for line in lines], range=marks))
