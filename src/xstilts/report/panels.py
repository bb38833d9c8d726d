"""Scores and gains language by language: a panel for each target, languages grouped by family, references as
bars.
"""

from collections.abc import Mapping, Sequence

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
from xstilts.report.drawing import (
    BAR,
    INTERVAL,
    REFERENCE_INKS,
    TELLS,
    Chart,
    arm_look,
    free,
    joined,
    looks,
)
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
    return _of_targets(results, effects, results.targets, lines, "score")


def gains(results: Results, effects: pl.DataFrame, backbone: str) -> Chart | None:
    """Draw for each target what the arms add to `none` in every language, with intervals."""
    arms = shown_arms(results, effects, backbone)
    lines = [line for line in arms if line.arm != BASELINE] if Line(backbone, BASELINE) in arms else []
    return _of_targets(results, effects, results.targets, lines, "difference")


def measures(
    results: Results,
    effects: pl.DataFrame,
    backbone: str,
    measure: str,
    targets: Sequence[EvaluatedTarget],
) -> Chart | None:
    """Draw for each of the targets how sure the arms are in every language, with intervals."""
    return _of_targets(results, effects, targets, shown_arms(results, effects, backbone), measure)


def shown_arms(results: Results, effects: pl.DataFrame, backbone: str) -> list[Line]:
    """Choose `none` and the arms that move the scores most, in the study's order."""
    moved = effects.filter(backbone=backbone, reference=ARM, quantity="difference", level="transfer")
    moved = moved.filter(pl.col("target") != MEAN).group_by("arm").agg(pl.col("estimate").abs().sum())
    sizes = dict(moved.iter_rows())
    arms = [line for line in results.lines if line.backbone == backbone and not line.reference]
    by_size = sorted(arms, key=lambda line: (line.arm != BASELINE, -sizes.get(line.arm, 0.0)))
    return [line for line in arms if line in by_size[:SHOWN_ARMS]]


def _of_targets(
    results: Results,
    effects: pl.DataFrame,
    targets: Sequence[EvaluatedTarget],
    lines: Sequence[Line],
    kind: str,
) -> Chart | None:
    if not lines:
        return None
    arms = [line for line in results.lines if not line.reference and line.backbone == lines[0].backbone]
    first = int(arms[0].arm != BASELINE)
    places = {line: place for place, line in enumerate(arms, first)}  # an arm looks alike in all figures
    drawn = []
    for target in targets:
        rows = effects.filter(target=target.name, quantity=kind, level="language")
        measured = [line for line in lines if (line, target.name) in results.planned]
        if (panel := _panel(rows, target, measured, lines, places, kind)) is not None:
            drawn.append(panel)
    return joined(drawn, columns=min(2, len(drawn)), spacing=36)


def _panel(
    rows: pl.DataFrame,
    target: EvaluatedTarget,
    measured: Sequence[Line],
    lines: Sequence[Line],
    places: Mapping[Line, int],
    kind: str,
) -> Chart | None:
    """The lines measured on a target; `lines` are those of all panels, `places` of arms in the study."""
    languages = languages_by_family(target.languages)
    estimates = rows.rows_by_key(["backbone", "arm", "reference", "language"], named=True, unique=True)
    points, missing = [], dict[str, None]()
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
    frame = pl.DataFrame(points, schema_overrides=INTERVAL)
    if not points or frame["value"].is_null().all():
        return None
    arms = [line for line in lines if not line.reference]
    lane = min(max(HEIGHT / (len(languages) * len(arms)), LANES[0]), LANES[1])
    step = max(lane * len(arms) + 5, 15)
    y = alt.Y("language:N", sort=[spoken(one.code) for one in languages], title=None)
    base = alt.Chart().encode(y=y)
    references = [line.reference for line in lines if line.reference]
    inks, shapes = zip(*(arm_look(places[line]) for line in arms), strict=True)
    inks += tuple(REFERENCE_INKS[name] for name in references)
    shapes += tuple(BAR for _ in references)
    colour, shape = looks("line:N", [line_label(line) for line in lines], inks, shapes)
    layers = []
    if kind == "difference":
        zero = alt.Chart().mark_rule(strokeDash=[3, 3], opacity=0.6)
        layers.append(zero.encode(x=free(alt.X, "min(zero)")))
    for line in measured:
        drawn = base.transform_filter(alt.FieldEqualPredicate(field="line", equal=line_label(line)))
        if line.reference:
            mark = drawn.mark_point(filled=False, size=(0.58 * step) ** 2, strokeWidth=2, opacity=1, **TELLS)
        else:
            offset = lane * (arms.index(line) - (len(arms) - 1) / 2)
            rule = drawn.mark_rule(strokeWidth=1.4, opacity=0.7, yOffset=offset)
            layers.append(rule.encode(x=free(alt.X, "low"), x2="high:Q", color=colour))
            size = 26 if lane < 6 else 46
            mark = drawn.mark_point(filled=True, size=size, opacity=1, yOffset=offset, **TELLS)
        value = free(alt.X, "value")
        layers.append(mark.encode(x=value, color=colour, shape=shape, description="told:N"))
    families = list(dict.fromkeys(one.family for one in languages))
    label = metric_label(kind if kind in MEASURES else target.metric)
    lacking = f" (missing: {', '.join(missing)})" if missing else ""
    return (
        alt.layer(*layers, data=frame)
        .properties(width=300, height=alt.Step(step))
        .facet(row=alt.Row("family:N", sort=families, title=None), spacing=5)
        .resolve_scale(y="independent")
        .properties(title=f"{target.name} · {label}{lacking}")
    )
