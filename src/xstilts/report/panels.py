"""Scores and gains language by language: a panel for each target, languages grouped by family, references as
bars.
"""

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from xstilts.report.charts import Chart, line_label
from xstilts.report.claims import trainings
from xstilts.report.drawing import BAR, PALETTE, QUIET, REFERENCE_INKS, SHAPES, TELLS, metric_label, number
from xstilts.report.effects import BASELINE, EFFECT, Effects, Quantity
from xstilts.report.results import Line, Results, Target, languages_by_family
from xstilts.report.statistics import Estimate

SHOWN_ARMS = 5  # as many as can be told apart in a row
HEIGHT = 460  # pixels of a panel, if its lanes may be as low or as high as that needs
LANES = (4.5, 9.0)  # pixels of one arm in the row of a language


def by_language(effects: Effects, backbone: str) -> Chart | None:
    """For each target the score of the arms in every language, with intervals."""
    lines = [*shown_arms(effects, backbone), *_references(effects.results, backbone)]
    return _joined([_panel(effects, target, lines, "score") for target in effects.results.targets])


def gains(effects: Effects, backbone: str) -> Chart | None:
    """For each target what the arms add to `none` in every language, with intervals."""
    arms = shown_arms(effects, backbone)
    lines = [line for line in arms if effects.against(line, BASELINE) not in (line, None)]
    return _joined([_panel(effects, target, lines, "difference") for target in effects.results.targets])


def _joined(panels: Sequence[Chart | None]) -> Chart | None:
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


def _panel(
    effects: Effects, target: Target, lines: Sequence[Line], kind: Literal["score", "difference"]
) -> Chart | None:
    spoken = languages_by_family(target.languages)
    measured = [line for line in lines if (line, target.name) in effects.results.planned]
    asked = Effects(effects.results)  # what is asked of single languages is not kept in memory
    estimates = {
        (line, one): asked.estimate(Quantity(kind, (one.code,)), line, target.name)
        for line in measured
        for one in spoken
    }
    rows = [
        {"family": one.family, "language": f"{one.name} ({one.code})", "line": line_label(line), "zero": 0.0}
        | _numbers(estimate, f"{line_label(line)} on {target.name}, {one.name} ({one.code})", kind)
        for (line, one), estimate in estimates.items()
    ]
    if not rows:
        return None
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("value", "low", "high"), pl.Float64))
    if frame["value"].is_null().all():
        return None
    missing = [line_label(line) for line in measured if estimates[line, spoken[0]] is None]
    arms = [line for line in lines if not line.reference]
    lane = min(max(HEIGHT / (len(spoken) * len(arms)), LANES[0]), LANES[1])
    step = max(lane * len(arms) + 5, 15)
    y = alt.Y("language:N", sort=[f"{one.name} ({one.code})" for one in spoken], title=None)
    base = alt.Chart().encode(y=y)
    layers = []
    if kind == "difference":
        layers.append(alt.Chart().mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x=_x("min(zero):Q")))
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


def _numbers(found: Estimate | None, name: str, kind: str) -> dict[str, Any]:
    if found is None:
        return {"value": None, "low": None, "high": None, "told": None}
    value = number(found.value, signed=kind == "difference")
    points = f" points against {BASELINE}" if kind == "difference" else ""
    interval = f"[{number(found.low)}, {number(found.high)}]"
    told = f"{name} · {value} {interval}{points} · {trainings(found)}"
    return {"value": found.value, "low": found.low, "high": found.high, "told": told}


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
    """An arm has the same colour and shape in the scores, where `none` comes first, and in the gains."""
    arms, first = sum(not line.reference for line in lines), int(lines[0].arm != BASELINE)
    inks = [QUIET, *PALETTE][first : arms + first]
    inks += [REFERENCE_INKS[line.reference] for line in lines if line.reference]
    return alt.Color("line:N", scale=alt.Scale(domain=[line_label(line) for line in lines], range=inks))


def _shape(lines: Sequence[Line]) -> alt.Shape:
    arms, first = sum(not line.reference for line in lines), int(lines[0].arm != BASELINE)
    marks = list(SHAPES[first : arms + first]) + [BAR] * (len(lines) - arms)
    return alt.Shape("line:N", scale=alt.Scale(domain=[line_label(line) for line in lines], range=marks))
