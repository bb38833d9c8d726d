"""Scores and gains language by language: a panel for each target, languages grouped by family, references as
bars.
"""

from collections.abc import Sequence

import altair as alt
import polars as pl

from xstilts.analysis.effects import BASELINE
from xstilts.analysis.results import (
    ARM,
    NOTHING,
    EvaluatedTarget,
    Line,
    Results,
    languages_by_family,
    spoken,
)
from xstilts.analysis.transfer import MEAN
from xstilts.analysis.wording import bounds, line_label, metric_label, number, rests_on
from xstilts.report.drawing import BAR, PALETTE, QUIET, REFERENCE_INKS, SHAPES, TELLS, Chart
from xstilts.study.claim import MEASURES

SHOWN_ARMS = 5  # as many as can be told apart in a row
HEIGHT = 460  # pixels of a panel, if its lanes may be as low or as high as that needs
LANES = (4.5, 9.0)  # pixels of one arm in the row of a language


def by_language(results: Results, effects: pl.DataFrame, backbone: str) -> Chart | None:
    """Draw for each target the score of the arms in every language, with intervals."""
    references = [
        line
        for line in results.lines
        if line.reference and line.backbone in (backbone, "") and line.arm in ("", BASELINE)
    ]
    lines = [*shown_arms(results, effects, backbone), *references]
    return _joined([_panel(results, effects, target, lines, "score") for target in results.targets])


def gains(results: Results, effects: pl.DataFrame, backbone: str) -> Chart | None:
    """Draw for each target what the arms add to `none` in every language, with intervals."""
    arms = shown_arms(results, effects, backbone)
    lines = [line for line in arms if line.arm != BASELINE] if Line(backbone, BASELINE) in arms else []
    return _joined([_panel(results, effects, target, lines, "difference") for target in results.targets])


def measures(
    results: Results,
    effects: pl.DataFrame,
    backbone: str,
    measure: str,
    targets: Sequence[EvaluatedTarget],
) -> Chart | None:
    """Draw for each of the targets how sure the arms are in every language, with intervals."""
    lines = shown_arms(results, effects, backbone)
    return _joined([_panel(results, effects, target, lines, measure) for target in targets])


def _joined(panels: Sequence[Chart | None]) -> Chart | None:
    drawn = [panel for panel in panels if panel is not None]
    if not drawn:
        return None
    columns = 2 if len(drawn) > 1 else 1
    return alt.concat(*drawn, columns=columns, spacing=36).resolve_scale(color="shared", shape="shared")


def shown_arms(results: Results, effects: pl.DataFrame, backbone: str) -> list[Line]:
    """Choose `none` and the arms that move the scores most, in the study's order."""
    sizes: dict[str, float] = {}
    moved = effects.filter(backbone=backbone, reference=ARM, quantity="difference", level="transfer")
    for row in moved.filter(pl.col("target") != MEAN).drop_nulls("estimate").iter_rows(named=True):
        sizes[row["arm"]] = sizes.get(row["arm"], 0.0) + abs(row["estimate"])
    arms = [line for line in results.lines if line.backbone == backbone and not line.reference]
    by_size = sorted(arms, key=lambda line: (line.arm != BASELINE, -sizes.get(line.arm, 0.0)))
    return [line for line in arms if line in by_size[:SHOWN_ARMS]]


def _panel(
    results: Results,
    effects: pl.DataFrame,
    target: EvaluatedTarget,
    lines: Sequence[Line],
    kind: str,
) -> Chart | None:
    languages = languages_by_family(target.languages)
    measured = [line for line in lines if (line, target.name) in results.planned]
    rows = effects.filter(target=target.name, quantity=kind, level="language")
    estimates = {
        (row["backbone"], row["arm"], row["reference"], row["language"]): row
        for row in rows.iter_rows(named=True)
    }
    points = []
    missing: dict[str, None] = {}
    for line in measured:
        for one in languages:
            place = (line.backbone or NOTHING, line.arm or NOTHING, line.reference or ARM, one.code)
            row, label = estimates[place], line_label(line)
            told = None
            if row["estimate"] is None:
                missing[label] = None
            else:
                value = number(row["estimate"], signed=kind == "difference")
                unit = f" points against {BASELINE}" if kind == "difference" else ""
                told = f"{label} on {target.name}, {spoken(one.code)} · {value} "
                told += f"{bounds(row['low'], row['high'])}{unit} · {rests_on(row['seeds'], row['chains'])}"
            numbers = {"value": row["estimate"], "low": row["low"], "high": row["high"], "told": told}
            names = {"family": one.family, "language": spoken(one.code), "line": label, "zero": 0.0}
            points.append(names | numbers)
    if not points:
        return None
    frame = pl.DataFrame(points, schema_overrides=dict.fromkeys(("value", "low", "high"), pl.Float64))
    if frame["value"].is_null().all():
        return None
    arms = [line for line in lines if not line.reference]
    lane = min(max(HEIGHT / (len(languages) * len(arms)), LANES[0]), LANES[1])
    step = max(lane * len(arms) + 5, 15)
    y = alt.Y("language:N", sort=[spoken(one.code) for one in languages], title=None)
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
    families = list(dict.fromkeys(one.family for one in languages))
    header = alt.Header(labelOrient="top", labelAnchor="start", labelFontStyle="italic", labelPadding=1)
    return (
        alt.layer(*layers, data=frame)
        .properties(width=300, height=alt.Step(step))
        .facet(row=alt.Row("family:N", sort=families, title=None, header=header), spacing=5)
        .resolve_scale(y="independent")
        .properties(title=_title(target, kind, list(missing)))
    )


def _title(target: EvaluatedTarget, kind: str, missing: Sequence[str]) -> str:
    title = f"{target.name} · {metric_label(kind if kind in MEASURES else target.metric)}"
    return f"{title} (missing: {', '.join(missing)})" if missing else title


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
