"""The charts of every report: transfer heat map, cross-lingual gap, training curves.

Each is None when the study has nothing for it to show. Missing cells are drawn as missing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from xstilts.analysis.effects import BASELINE
from xstilts.analysis.results import ARM, EvaluatedTarget
from xstilts.analysis.transfer import MapCell
from xstilts.analysis.wording import bounds, number, rests_on, trainings
from xstilts.report.drawing import HARM, HELP, INK, PALETTE, QUIET, SHAPES, TELLS, Chart

Row = Mapping[str, Any]  # of the tidy table of effects

WIDTH = 780  # pixels for the cells of a heat map, if they are many or few enough
CELL_WIDTHS, CELL_HEIGHT = (88, 124), 48
LEAST_REACH = 10.0  # points of the fullest colour: small effects look small
FULL = 0.75  # of that: from there on the numbers are white
CURVES = 12  # panels of training curves
CURVE_POINTS = 3000  # in one of them; of more, every second or third of each curve is drawn
FEW_POINTS = 40  # in a panel; more are not marked one by one


def heat_map(cells: Sequence[MapCell]) -> Chart | None:
    """Draw arms x targets: difference to `none` on the mean of the transfer languages, with interval.

    The rows of `none` and of the references have the scores themselves; so have all if there is no `none`.
    Bold and coloured: the difference excludes zero after Holm's correction over the maps of all backbones.
    """
    if not cells:
        return None
    drawn = [
        {"row": cell.row, "column": cell.column, "kind": cell.kind, "strong": cell.strong}
        | {"shade": cell.shade, "text": cell.text, "interval": cell.interval}
        | {"told": _told(cell)}
        for cell in cells
    ]
    frame = pl.DataFrame(drawn)
    columns, rows = (frame[key].unique(maintain_order=True).to_list() for key in ("column", "row"))
    reach = max([LEAST_REACH, *(abs(cell.value) for cell in cells if cell.kind == "effect")])
    width = min(max(WIDTH / len(columns), CELL_WIDTHS[0]), CELL_WIDTHS[1])
    axis = alt.Axis(orient="top", labelAngle=0, labelLimit=width - 4)
    x = alt.X("column:N", sort=columns, title=None, scale=alt.Scale(paddingInner=0.03), axis=axis)
    y = alt.Y("row:N", sort=rows, title=None, scale=alt.Scale(paddingInner=0.06))
    base = alt.Chart().encode(x=x, y=y, description="told:N")
    ink = alt.condition(f"abs(datum.shade) > {FULL * reach}", alt.value("#ffffff"), alt.value(INK))
    chart = alt.layer(*_tiles(base, reach), *_numbers(base, ink), data=frame)
    return chart.properties(width=width * len(columns), height=CELL_HEIGHT * len(rows))


def _told(cell: MapCell) -> str:
    name = f"{cell.row} on {cell.column}"
    if cell.estimate is None:
        return f"{name} · missing" if cell.kind == "missing" else ""
    what = "on the languages without labels" if cell.kind == "score" else f"points against {BASELINE}"
    return f"{name} · {cell.text} {cell.interval} {what} · {trainings(cell.estimate)}"


def _tiles(base: Chart, reach: float) -> list[Chart]:
    """Draw the cells. Colours are laid over the page, so that what is small is faint on dark and on light."""
    outlined = {"cornerRadius": 3, "fill": None, "stroke": INK, **TELLS}
    strong, weak = _effects(base)
    opacity = alt.Opacity("size:Q", scale=alt.Scale(domain=[0, reach], range=[0.15, 1]), legend=None)
    side = alt.condition("datum.shade < 0", alt.value(HARM), alt.value(HELP))
    return [
        strong.transform_calculate(size="abs(datum.shade)")
        .mark_rect(cornerRadius=3, **TELLS)
        .encode(fill=side, fillOpacity=opacity),
        weak.mark_rect(strokeOpacity=0.18, **outlined),
        _of(base, "score").mark_rect(cornerRadius=3, fill=INK, fillOpacity=0.07, **TELLS),
        _of(base, "missing").mark_rect(strokeDash=[3, 3], strokeOpacity=0.55, **outlined),
    ]


def _numbers(base: Chart, ink: Any) -> list[Chart]:
    score, (strong, weak) = _of(base, "score"), _effects(base)
    return [
        _of(base, "missing").mark_text(fontSize=11, fontStyle="italic", opacity=0.75).encode(text="text"),
        *(kind.mark_text(dy=-7, fontSize=13).encode(text="text") for kind in (score, weak)),
        *(kind.mark_text(dy=9, fontSize=9.5, opacity=0.8).encode(text="interval") for kind in (score, weak)),
        strong.mark_text(dy=-7, fontSize=13, fontWeight="bold").encode(text="text", color=ink),
        strong.mark_text(dy=9, fontSize=9.5).encode(text="interval", color=ink),
    ]


def _effects(base: Chart) -> list[Chart]:
    """Those that are significant, and the others."""
    return [_of(base, "effect").transform_filter(rule) for rule in ("datum.strong", "!datum.strong")]


def _of(base: Chart, kind: str) -> Chart:
    return base.transform_filter(f"datum.kind == '{kind}'")


def gaps(effects: pl.DataFrame, backbone: str, targets: Sequence[EvaluatedTarget]) -> Chart | None:
    """Draw for each target and arm the source language's score, the mean of the others, the gap between."""
    arms = effects.filter(backbone=backbone, reference=ARM)
    panels = [
        panel
        for target in targets
        if target.has_gap and (panel := _gap_panel(arms.filter(target=target.name), target)) is not None
    ]
    return alt.concat(*panels, columns=2, spacing=30) if panels else None


def _gap_panel(arms: pl.DataFrame, target: EvaluatedTarget) -> Chart | None:
    source = arms.filter(quantity="score", level="language", language=target.source)
    others = arms.filter(quantity="score", level="transfer")
    found = (frame.iter_rows(named=True) for frame in (source, others, arms.filter(quantity="gap")))
    rows = [_gap_row(*each) for each in zip(*found, strict=True)]
    if all(row["source"] is None for row in rows):
        return None
    base = alt.Chart(pl.DataFrame(rows)).encode(
        y=alt.Y("arm:N", sort=[row["arm"] for row in rows], title=None)
    )
    scale = alt.Scale(zero=False, nice=True, padding=16)
    x = alt.X("source:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))
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
    if means.is_empty():
        return None
    names = means["arm"].unique(maintain_order=True).to_list()
    inks = alt.Scale(domain=names, range=[QUIET, *(PALETTE * len(names))][: len(names)])
    marks = alt.Scale(domain=names, range=(list(SHAPES) * len(names))[: len(names)])
    panels = [
        _layer_panel(str(name), own, inks, marks)
        for (name,), own in means.group_by("target", maintain_order=True)
    ]
    return alt.concat(*panels, columns=2, spacing=30).resolve_scale(color="shared", shape="shared")


def _layer_panel(name: str, frame: pl.DataFrame, inks: alt.Scale, marks: alt.Scale) -> Chart:
    base = alt.Chart(frame).encode(
        x=alt.X("layer:O", title="layer", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=5)),
        color=alt.Color("arm:N", scale=inks),
    )
    points = base.mark_point(filled=True, size=46, opacity=1).encode(shape=alt.Shape("arm:N", scale=marks))
    return (base.mark_line(strokeWidth=1.5) + points).properties(title=name, width=350, height=180)


def curves(found: pl.DataFrame, measure: str) -> Chart | None:
    """Draw how phases went: "loss" or "development" score over the updates, a line for each phase."""
    measured = found.select("tasks", "phase", "update", value=measure).drop_nulls("value")
    panels = list(measured.group_by("tasks", maintain_order=True))[:CURVES]
    charts = [_curve_panel(str(name), rows) for (name,), rows in panels]
    return alt.concat(*charts, columns=3, spacing=26) if charts else None


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
