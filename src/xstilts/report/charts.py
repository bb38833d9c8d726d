"""The charts of every report, in the order of the page: the transfer heat map, scores and gains language by
language (a panel for each target, references as bars), the cross-lingual gap, training curves, what the lab
planted.

Each is None when the study has nothing for it to show. Missing cells are drawn as missing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from xstilts.analysis import over_distances
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.findings import Findings
from xstilts.analysis.planted import LAB, MISSING, OUTCOMES, DistancePanel, PlantedEffect
from xstilts.analysis.results import ARM, EvaluatedTarget, Line, languages_by_family, spoken
from xstilts.analysis.transfer import MEAN, MapCell
from xstilts.analysis.wording import bounds, line_label, metric_label, number, rests_on, trainings
from xstilts.report import axes
from xstilts.report.drawing import (
    BAR,
    CAPTIONS,
    HARM,
    HELP,
    INK,
    INTERVAL,
    PALETTE,
    QUIET,
    REFERENCE_INKS,
    TELLS,
    Chart,
    Figure,
    arm_look,
    free,
    joined,
    looks,
    spread,
)
from xstilts.study.claim import MEASURES

Row = Mapping[str, Any]  # of the tidy table of effects

WIDTH = 780  # pixels for the cells of a heat map, if they are many or few enough
CELL_WIDTHS, CELL_HEIGHT = (88, 124), 48
LEAST_REACH = 10.0  # points of the fullest colour: small effects look small
FULL = 0.75  # of that: from there on the numbers are white
CURVES = 12  # panels of training curves
CURVE_POINTS = 3000  # in one of them; of more, every second or third of each curve is drawn
FEW_POINTS = 40  # in a panel; more are not marked one by one

SHOWN_ARMS = 5  # as many as can be told apart in a row
HEIGHT = 460  # pixels of a panel, if its lanes may be as low or as high as that needs
LANES = (4.5, 9.0)  # pixels of one arm in the row of a language


def heat_map(cells: Sequence[MapCell]) -> Chart | None:
    """Draw arms x targets: difference to `none` on the mean of the transfer languages, with interval.

    The rows of `none` and of the references have the scores themselves; so have all if there is no `none`.
    Bold and coloured: the difference excludes zero after Holm's correction over the maps of all backbones.
    """
    if not cells:
        return None
    shown = ("row", "column", "kind", "strong", "shade", "text", "interval")
    frame = pl.DataFrame(
        [{key: getattr(cell, key) for key in shown} | {"told": _told(cell)} for cell in cells]
    )
    columns, rows = (frame[key].unique(maintain_order=True).to_list() for key in ("column", "row"))
    reach = max([LEAST_REACH, *(abs(cell.value) for cell in cells if cell.kind == "effect")])
    width = min(max(WIDTH / len(columns), CELL_WIDTHS[0]), CELL_WIDTHS[1])
    axis = alt.Axis(orient="top", labelAngle=0, labelLimit=width - 4)
    x = alt.X("column:N", sort=columns, title=None, scale=alt.Scale(paddingInner=0.03), axis=axis)
    y = alt.Y("row:N", sort=rows, title=None, scale=alt.Scale(paddingInner=0.06))
    base = alt.Chart().encode(x=x, y=y, description="told:N")
    score, missing, effect = (
        base.transform_filter(f"datum.kind == '{kind}'") for kind in ("score", "missing", "effect")
    )
    strong, weak = (effect.transform_filter(rule) for rule in ("datum.strong", "!datum.strong"))
    # Colours are laid over the page, so that what is small is faint on dark and on light.
    opacity = alt.Opacity("size:Q", scale=alt.Scale(domain=[0, reach], range=[0.15, 1]), legend=None)
    side = alt.condition("datum.shade < 0", alt.value(HARM), alt.value(HELP))
    ink = alt.condition(f"abs(datum.shade) > {FULL * reach}", alt.value("#ffffff"), alt.value(INK))
    outlined = {"cornerRadius": 3, "fill": None, "stroke": INK, **TELLS}
    chart = alt.layer(
        strong.transform_calculate(size="abs(datum.shade)")
        .mark_rect(cornerRadius=3, **TELLS)
        .encode(fill=side, fillOpacity=opacity),
        weak.mark_rect(strokeOpacity=0.18, **outlined),
        score.mark_rect(cornerRadius=3, fill=INK, fillOpacity=0.07, **TELLS),
        missing.mark_rect(strokeDash=[3, 3], strokeOpacity=0.55, **outlined),
        missing.mark_text(fontSize=11, fontStyle="italic", opacity=0.75).encode(text="text"),
        *(kind.mark_text(dy=-7, fontSize=13).encode(text="text") for kind in (score, weak)),
        *(kind.mark_text(dy=9, fontSize=9.5, opacity=0.8).encode(text="interval") for kind in (score, weak)),
        strong.mark_text(dy=-7, fontSize=13, fontWeight="bold").encode(text="text", color=ink),
        strong.mark_text(dy=9, fontSize=9.5).encode(text="interval", color=ink),
        data=frame,
    )
    return chart.properties(width=width * len(columns), height=CELL_HEIGHT * len(rows))


def _told(cell: MapCell) -> str:
    name = f"{cell.row} on {cell.column}"
    if cell.estimate is None:
        return f"{name} · missing" if cell.kind == "missing" else ""
    what = "on the languages without labels" if cell.kind == "score" else f"points against {BASELINE}"
    return f"{name} · {cell.text} {cell.interval} {what} · {trainings(cell.estimate)}"


def gaps(effects: pl.DataFrame, backbone: str, targets: Sequence[EvaluatedTarget]) -> Chart | None:
    """Draw for each target and arm the source language's score, the mean of the others, the gap between."""
    arms = effects.filter(backbone=backbone, reference=ARM)
    return joined(_gap_panel(arms.filter(target=one.name), one) for one in targets if one.has_gap)


def _gap_panel(arms: pl.DataFrame, target: EvaluatedTarget) -> Chart | None:
    source = arms.filter(quantity="score", level="language", language=target.source)
    others = arms.filter(quantity="score", level="transfer")
    found = (frame.iter_rows(named=True) for frame in (source, others, arms.filter(quantity="gap")))
    rows = [_gap_row(*each) for each in zip(*found, strict=True)]
    if all(row["source"] is None for row in rows):
        return None
    names = [row["arm"] for row in rows]
    base = alt.Chart(pl.DataFrame(rows)).encode(y=alt.Y("arm:N", sort=names, title=None))
    x = free(alt.X, "source", 16)
    point = {"size": 64, "color": INK, "opacity": 1, **TELLS}
    return alt.layer(
        base.mark_rule(strokeWidth=2, color=QUIET).encode(x=x, x2="others:Q"),
        base.mark_point(filled=False, strokeWidth=1.7, **point).encode(x="source:Q", description="told:N"),
        base.mark_point(filled=True, **point).encode(x="others:Q", description="told:N"),
        base.mark_text(dx=10, align="left", fontSize=10.5).encode(x="end:Q", text="text:N"),
        base.transform_filter("datum.end == null")
        .mark_text(align="left", fontSize=11, fontStyle="italic", opacity=0.75)
        .encode(x=alt.value(6), text="text:N"),
        data=pl.DataFrame(rows),
    ).properties(title=target.name, width=300, height=alt.Step(30))


def _gap_row(source: Row, others: Row, gap: Row) -> dict[str, Any]:
    arm = source["arm"]
    if gap["estimate"] is None:
        return dict.fromkeys(("source", "others", "end", "told")) | {"arm": arm, "text": "missing"}
    shown = [f"{number(row['estimate'])} {bounds(row['low'], row['high'])}" for row in (source, others, gap)]
    told = f"{arm} on {source['target']} · source {shown[0]} · others {shown[1]} · gap {shown[2]}"
    scores = source["estimate"], others["estimate"]
    row = {"arm": arm, "source": scores[0], "others": scores[1], "end": max(scores), "text": shown[2]}
    return row | {"told": f"{told} · {rests_on(gap['seeds'], gap['chains'])}"}


def layers(found: pl.DataFrame, backbone: str) -> Chart | None:
    """Draw for retrieval the mean score over languages and seeds in every layer of the encoder, by arm."""
    means = found.filter(backbone=backbone)
    colour, shape = looks("arm:N", means["arm"].unique(maintain_order=True).to_list())
    panels = []
    for (name,), own in means.group_by("target", maintain_order=True):
        base = alt.Chart(own).encode(
            x=alt.X("layer:O", title="layer", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=5)),
            color=colour,
        )
        points = base.mark_point(filled=True, size=46, opacity=1).encode(shape=shape)
        drawn = base.mark_line(strokeWidth=1.5) + points
        panels.append(drawn.properties(title=str(name), width=350, height=180))
    return joined(panels)


def curves(found: pl.DataFrame, measure: str) -> Chart | None:
    """Draw how phases went: "loss" or "development" score over the updates, a line for each phase."""
    measured = found.select("tasks", "phase", "update", value=measure).drop_nulls("value")
    panels = list(measured.group_by("tasks", maintain_order=True))[:CURVES]
    return joined((_curve_panel(str(name), rows) for (name,), rows in panels), columns=3, spacing=26)


def _curve_panel(name: str, rows: pl.DataFrame) -> Chart:
    rows = rows.select("update", "value", "phase")
    if (every := math.ceil(len(rows) / CURVE_POINTS)) > 1:
        phases = rows.group_by("phase", maintain_order=True)
        rows = pl.concat([curve.reverse().gather_every(every).reverse() for _, curve in phases])
    shown = name if len(name) <= 34 else f"{name[:33]}…"
    return (
        alt.Chart(rows)
        .mark_line(strokeWidth=1.4, opacity=0.6, color=PALETTE[0], point=len(rows) < FEW_POINTS)
        .encode(
            x=alt.X("update:Q", title="update", axis=alt.Axis(tickCount=4, grid=False)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            detail="phase:N",
        )
        .properties(title=shown, width=232, height=130)
    )


def truth(pairs: Sequence[PlantedEffect]) -> Chart | None:
    """Draw measured effects, grouped by what was planted; None if nothing was measured."""
    if all(pair.estimate is None for pair in pairs):
        return None
    rows = []
    for pair in pairs:
        planted = "nothing" if pair.planted == "none" else pair.planted
        row = {"pair": f"{pair.arm} → {pair.target.removeprefix(LAB)}", "planted": f"planted: {planted}"}
        numbers, measured = dict[str, float | None].fromkeys(INTERVAL), MISSING
        if (found := pair.estimate) is not None:
            numbers |= spread(found)
            interval = bounds(found.low, found.high)
            measured = f"{number(found.value, signed=True)} {interval} points · {trainings(found)}"
        told = f"{pair.arm} on {pair.target} · {measured} · planted: {pair.planted} · {pair.outcome}"
        rows.append({**row, **numbers, "outcome": pair.outcome, "told": told})
    frame = pl.DataFrame(rows, schema_overrides=INTERVAL)
    inks, shapes = (PALETTE[0], QUIET, PALETTE[1]), ("circle", "square", "triangle-up")
    colour, shape = looks("outcome:N", list(OUTCOMES), inks, shapes)
    base = alt.Chart().encode(y=alt.Y("pair:N", sort=frame["pair"].to_list(), title=None), color=colour)
    title = "measured effect on the transfer languages, points"
    x = alt.X("low:Q", title=title, scale=alt.Scale(nice=True))
    order = frame["planted"].unique(maintain_order=True).to_list()
    return (
        alt.layer(
            alt.Chart().mark_rule(color=QUIET).encode(x=alt.datum(0)),
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
        .facet(row=alt.Row("planted:N", sort=order, title=None), spacing=6)
        .resolve_scale(y="independent")
    )


def planted_distances(panels: Sequence[DistancePanel]) -> Chart | None:
    """Draw the score of `none` over the planted distance, beside the same with random weights."""
    return joined(map(_distance_panel, panels))


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
    colour, shape = looks("weights:N", names, (PALETTE[0], REFERENCE_INKS["random"]))
    scale = alt.Scale(domain=[0, 1], padding=10, nice=False)
    x = alt.X("distance:Q", title="planted distance", scale=scale, axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(x=x, color=colour)
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


def figures(findings: Findings) -> list[Figure]:
    """Draw all charts of the study, in the order of the page; those with nothing to show are left out."""
    backbones, drawn = findings.results.backbones, list[Figure]()

    def add(name: str, section: str, words: str, chart: Chart | None, backbone: str = "") -> None:
        caption = CAPTIONS[words]
        arms = len(findings.results.arms(backbone)) if words in _OF_SOME_ARMS else 0
        if arms > SHOWN_ARMS:
            caption += (
                f" Of {arms} arms the {SHOWN_ARMS} that change scores most are drawn; the table has all."
            )
        if backbone and len(backbones) > 1:
            name, caption = f"{name}-{backbone}", f"{backbone}. {caption}"
        if chart is not None:
            drawn.append(Figure(name, section, caption, chart))

    for section, draw in _BY_BACKBONE.items():
        for backbone in backbones:
            add(section, section, section, draw(findings, backbone), backbone)
    panels = {backbone: findings.by_distance(backbone) for backbone in backbones}
    for name in over_distances.named(findings.quantities):
        for backbone, every in panels.items():
            drawing = axes.over_distance([panel for panel in every if panel.distance == name])
            add(f"distance-{name}", "distances", "distances", drawing, backbone)
    drawn += axes.figures(findings.axes, several=len(backbones) > 1)
    add("truth", "planted", "truth", truth(findings.planted))
    for measure in ("loss", "development"):
        name = f"curves-{measure}"
        add(name, "curves", name, curves(findings.training, measure))
    return drawn


_OF_SOME_ARMS = ("languages", "gains", "certainty", "selective")
"""The figures that draw `shown_arms`."""
_BY_BACKBONE: dict[str, Callable[[Findings, str], Chart | None]] = {
    "transfer": lambda found, backbone: heat_map(found.maps[backbone]),
    "languages": by_language,
    "gains": gains,
    "gap": lambda found, backbone: gaps(found.effects, backbone, found.results.targets),
    "certainty": lambda found, backbone: measures(found, backbone, "calibration_error"),
    "selective": lambda found, backbone: measures(found, backbone, "selective_accuracy"),
    "layers": lambda found, backbone: layers(found.layers, backbone),
    "distance": lambda found, backbone: planted_distances(found.distances(backbone)),
}
"""The figures that each backbone has, by their section and name."""
