"""Scores and gains language by language: a panel for each target, languages grouped by family, references as
bars.
"""

from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl

from xstilts.analysis.effects import BASELINE
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import ARM, EvaluatedTarget, Line, languages_by_family, spoken
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


def by_language(findings: Findings, backbone: str) -> Chart | None:
    """Draw for each target the score of the arms in every language, with intervals."""
    references = [
        line
        for line in findings.results.lines
        if line.reference and line.backbone in (backbone, "") and line.arm in ("", BASELINE)
    ]
    return _of_targets(findings, [*shown_arms(findings, backbone), *references], "score")


def gains(findings: Findings, backbone: str) -> Chart | None:
    """Draw for each target what the arms add to `none` in every language, with intervals."""
    arms = shown_arms(findings, backbone)
    lines = [line for line in arms if line.arm != BASELINE] if Line(backbone, BASELINE) in arms else []
    return _of_targets(findings, lines, "difference")


def measures(findings: Findings, backbone: str, measure: str) -> Chart | None:
    """Draw for each target whose models say it how sure the arms are in every language, with intervals."""
    return _of_targets(findings, shown_arms(findings, backbone), measure)


def shown_arms(findings: Findings, backbone: str) -> list[Line]:
    """Choose `none` and the arms that move the scores most, in the study's order."""
    moved = findings.effects.filter(backbone=backbone, reference=ARM, quantity="difference", level="transfer")
    moved = moved.filter(pl.col("target") != MEAN).group_by("arm").agg(pl.col("estimate").abs().sum())
    sizes, arms = dict(moved.iter_rows()), findings.results.arms(backbone)
    by_size = sorted(arms, key=lambda line: (line.arm != BASELINE, -sizes.get(line.arm, 0.0)))
    return [line for line in arms if line in by_size[:SHOWN_ARMS]]


def _of_targets(findings: Findings, lines: Sequence[Line], kind: str) -> Chart | None:
    """Draw a quantity of the table of effects: for each target a panel with these lines."""
    if not lines:
        return None
    results = findings.results
    targets = findings.quantities.certainty.targets if kind in MEASURES else results.targets
    arms = results.arms(lines[0].backbone)
    places = {line: place for place, line in enumerate(arms, int(arms[0].arm != BASELINE))}
    panels = (_panel(findings, target, lines, places, kind) for target in targets)
    drawn = [panel for panel in panels if panel is not None]
    return joined(drawn, columns=min(2, len(drawn)), spacing=36)


def _panel(
    findings: Findings, target: EvaluatedTarget, lines: Sequence[Line], places: Mapping[Line, int], kind: str
) -> Chart | None:
    """The lines measured on a target, of those of all panels; `places` of arms in the study: an arm looks
    alike in all figures."""
    languages = languages_by_family(target.languages)
    measured = [line for line in lines if (line, target.name) in findings.results.planned]
    rows = findings.effects.filter(target=target.name, quantity=kind, level="language")
    estimates = rows.rows_by_key(["backbone", "arm", "reference", "language"], named=True, unique=True)
    points, missing = [], dict[str, None]()
    for line in measured:
        for one in languages:
            row, label = estimates[*line.written, one.code], line_label(line)
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
    inks, shapes = zip(
        *((REFERENCE_INKS[one.reference], BAR) if one.reference else arm_look(places[one]) for one in lines),
        strict=True,
    )
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
