"""The charts of every report: transfer heat map, cross-lingual gap, training curves.

Each is None when the study has nothing for it to show. Missing cells are drawn as missing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import polars as pl

from xstilts.report import files, statistics
from xstilts.report.claims import trainings
from xstilts.report.drawing import DIVERGING, INK, PALETTE, QUIET, SHAPES, TELLS, number
from xstilts.report.effects import BASELINE, EFFECT, GAP, SCORE, Effects, Quantity
from xstilts.report.results import Line, Results, Target
from xstilts.report.statistics import Estimate
from xstilts.study.claim import OF_EVERY_ARM
from xstilts.study.phase import Phase

Chart = Any  # altair's many kinds of chart have no common type that says more

MEAN = "mean"
WIDTH = 780  # pixels for the cells of a heat map, if they are many or few enough
CELL_WIDTHS, CELL_HEIGHT = (88, 124), 48
LEAST_REACH = 10.0  # points of the fullest colour: small effects look small
CURVES = 12  # panels of training curves
CURVE_POINTS = 3000  # in one of them; of more, every second or third of each curve is drawn
FEW_POINTS = 40  # in a panel; more are not marked one by one


def heat_map(effects: Effects, backbone: str) -> Chart | None:
    """Arms x targets: difference to `none` on the mean of the transfer languages, with interval.

    The rows of `none` and of the references have the scores themselves; so have all if there is no `none`.
    Bold and coloured: the difference excludes zero after Holm's correction over the maps of all backbones.
    """
    cells = heat_cells(effects, backbone)
    if not cells:
        return None
    numbers = dict.fromkeys(("value", "probability", "corrected"), pl.Float64)
    frame = pl.DataFrame(cells, schema_overrides=numbers)
    columns, rows = (frame[key].unique(maintain_order=True).to_list() for key in ("column", "row"))
    reach = max([LEAST_REACH, *(abs(cell["value"]) for cell in cells if cell["kind"] == "effect")])
    width = min(max(WIDTH / len(columns), CELL_WIDTHS[0]), CELL_WIDTHS[1])
    axis = alt.Axis(orient="top", labelAngle=0, labelLimit=width - 4)
    x = alt.X("column:N", sort=columns, title=None, scale=alt.Scale(paddingInner=0.03), axis=axis)
    y = alt.Y("row:N", sort=rows, title=None, scale=alt.Scale(paddingInner=0.06))
    base = alt.Chart().encode(x=x, y=y, description="told:N")
    drawn = alt.layer(*_tiles(base, reach), *_numbers(base, reach), data=frame)
    return drawn.properties(width=width * len(columns), height=CELL_HEIGHT * len(rows))


def _tiles(base: Chart, reach: float) -> list[Chart]:
    scale = alt.Scale(domain=[-reach, reach], range=list(DIVERGING), interpolate="lab")
    return [
        _of(base, "effect")
        .mark_rect(cornerRadius=3, **TELLS)
        .encode(color=alt.Color("shade:Q", scale=scale, legend=None)),
        _of(base, "score").mark_rect(cornerRadius=3, fill=INK, fillOpacity=0.07, **TELLS),
        _of(base, "missing").mark_rect(
            cornerRadius=3, fill=None, stroke=INK, strokeDash=[3, 3], strokeOpacity=0.55, **TELLS
        ),
    ]


def _numbers(base: Chart, reach: float) -> list[Chart]:
    ink = alt.condition(f"abs(datum.shade) > {0.62 * reach}", alt.value("#ffffff"), alt.value("#16181d"))
    effect, score = _of(base, "effect"), _of(base, "score")
    strong, weak = (effect.transform_filter(rule) for rule in ("datum.strong", "!datum.strong"))
    return [
        _of(base, "missing").mark_text(fontSize=11, fontStyle="italic", opacity=0.75).encode(text="text"),
        score.mark_text(dy=-7, fontSize=13).encode(text="text"),
        score.mark_text(dy=9, fontSize=9.5, opacity=0.8).encode(text="interval"),
        strong.mark_text(dy=-7, fontSize=13, fontWeight="bold").encode(text="text", color=ink),
        weak.mark_text(dy=-7, fontSize=13).encode(text="text", color=ink),
        effect.mark_text(dy=9, fontSize=9.5).encode(text="interval", color=ink),
    ]


def _of(base: Chart, kind: str) -> Chart:
    return base.transform_filter(f"datum.kind == '{kind}'")


def heat_cells(effects: Effects, backbone: str) -> list[dict[str, Any]]:
    """The cells of the heat map, row by row; the last column is the mean over targets if there are some.

    `strong` says which differences are effects, for all words, colours and pictures of a report; only these
    have a `shade`. Of the controls only those of `none` where there is that arm: they are no effects to be
    tested. What the maps of all backbones find is said together, so they are corrected together.
    """
    return [dict(cell) for cell in _maps(effects).get(backbone, ())]


@lru_cache(maxsize=1)
def _maps(effects: Effects) -> dict[str, list[dict[str, Any]]]:
    """The heat map of each backbone."""
    names = dict.fromkeys(line.backbone for line in effects.results.lines if not line.reference)
    maps = {name: _map(effects, name) for name in names}
    tested = [cell for cells in maps.values() for cell in cells if cell["kind"] == "effect"]
    adjusted = statistics.holm([cell["probability"] for cell in tested])
    for cell, probability in zip(tested, adjusted, strict=True):
        cell["strong"], cell["corrected"] = probability < 1 - statistics.LEVEL, probability
        cell["shade"] = cell["value"] if cell["strong"] else 0.0
    return maps


def _map(effects: Effects, backbone: str) -> list[dict[str, Any]]:
    results = effects.results
    lines = [line for line in results.lines if line.backbone in (backbone, "")]
    based = Line(backbone, BASELINE) in lines
    lines = [one for one in lines if one.reference not in OF_EVERY_ARM or one.arm == BASELINE or not based]
    columns: list[tuple[str, tuple[str, ...]]] = [(one.name, (one.name,)) for one in results.targets]
    if len(columns) > 1:
        columns.append((MEAN, tuple(one.name for one in results.targets)))
    return [_cell(effects, line, *column) for line in lines for column in columns]


def _cell(effects: Effects, line: Line, column: str, targets: tuple[str, ...]) -> dict[str, Any]:
    plain = line.arm in ("", BASELINE) or effects.against(line, BASELINE) is None
    cell: dict[str, Any] = {"row": line_label(line), "column": column}
    cell |= {"strong": False, "shade": 0.0, "corrected": None}
    if not all((line, target) in effects.results.planned for target in targets):
        empty = {"value": None, "probability": 1.0, "text": "", "interval": "", "told": ""}
        return cell | empty | {"kind": "absent"}
    estimate = effects.estimate(SCORE if plain else EFFECT, line, *targets)
    if estimate is None:
        return cell | {
            "kind": "missing",
            "value": None,
            "probability": 1.0,
            "text": "missing",
            "interval": "",
            "told": f"{cell['row']} on {column} · missing",
        }
    text, interval = number(estimate.value, signed=not plain), _interval(estimate)
    what = "on the languages without labels" if plain else f"points against {BASELINE}"
    told = f"{cell['row']} on {column} · {text} {interval} {what} · {trainings(estimate)}"
    return cell | {
        "kind": "score" if plain else "effect",
        "value": estimate.value,
        "probability": estimate.probability,
        "text": text,
        "interval": interval,
        "told": told,
    }


def _interval(estimate: Estimate) -> str:
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def line_label(line: Line) -> str:
    """'nli', 'majority class', 'random weights', 'nli, random weights', 'text only'."""
    if not line.reference:
        return line.arm
    name = REFERENCE_NAMES[line.reference]
    return name if line.arm in ("", BASELINE) else f"{line.arm}, {name}"


REFERENCE_NAMES = {
    "majority": "majority class",
    "random": "random weights",
    "shuffled-images": "images shuffled",
    "text-only": "text only",
    "image-only": "image only",
    "caption-only": "caption for image",
    "translate-test": "text translated",
}


def gaps(effects: Effects, backbone: str) -> Chart | None:
    """For each target and arm the source language's score, the mean of the others, and the gap between."""
    results = effects.results
    arms = [line for line in results.lines if line.backbone == backbone and not line.reference]
    panels = [_gap_panel(effects, arms, target) for target in results.targets if target.has_gap]
    drawn = [panel for panel in panels if panel is not None]
    return alt.concat(*drawn, columns=2, spacing=30) if drawn else None


def _gap_panel(effects: Effects, arms: Sequence[Line], target: Target) -> Chart | None:
    rows = [_gap_row(effects, line, target) for line in arms]
    if all(row["source"] is None for row in rows):
        return None
    base = alt.Chart(pl.DataFrame(rows)).encode(
        y=alt.Y("arm:N", sort=[line.arm for line in arms], title=None)
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


def _gap_row(effects: Effects, line: Line, target: Target) -> dict[str, Any]:
    asked = (Quantity("score", "source"), SCORE, GAP)
    source, others, found = (effects.estimate(each, line, target.name) for each in asked)
    if source is None or others is None or found is None:
        return dict.fromkeys(("source", "others", "end", "told")) | {"arm": line.arm, "text": "missing"}
    text = f"{number(found.value)} {_interval(found)}"
    told = f"{line.arm} on {target.name} · source {number(source.value)} {_interval(source)} · "
    told += f"others {number(others.value)} {_interval(others)} · gap {text} · {trainings(found)}"
    row = {"arm": line.arm, "source": source.value, "others": others.value}
    return row | {"end": max(source.value, others.value), "text": text, "told": told}


def layers(results: Results, backbone: str) -> Chart | None:
    """For retrieval the mean score over languages and seeds in every layer of the encoder, by arm."""
    rows = [
        {"target": cell.target, "arm": cell.arm, "layer": layer, "value": value}
        for cell in results.plan.cells
        if cell.backbone == backbone and not cell.reference and cell not in results.missing
        for scores in results.store.scores(cell.evaluation)["languages"].values()
        for layer, value in enumerate(scores.get("layers", ()))
    ]
    if not rows:
        return None
    frame = pl.DataFrame(rows)
    names = frame["arm"].unique(maintain_order=True).to_list()
    inks = alt.Scale(domain=names, range=[QUIET, *(PALETTE * len(names))][: len(names)])
    marks = alt.Scale(domain=names, range=(list(SHAPES) * len(names))[: len(names)])
    means = frame.group_by("target", "arm", "layer", maintain_order=True).agg(pl.col("value").mean())
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


def curves(results: Results, measure: str) -> Chart | None:
    """How phases went: "loss" or "development" score over the updates, a line for each phase."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for step in results.plan.steps:
        store, fingerprint = results.store, step.fingerprint
        if not isinstance(step.specification, Phase) or store.folder(fingerprint) is None:
            continue
        name = " + ".join(use.task for use in step.specification.uses)
        for point in files.curve(store.file(fingerprint, "curve.jsonl")):
            if point.get(measure) is not None:
                row = {"update": point["update"], "value": point[measure], "phase": fingerprint}
                panels.setdefault(name, []).append(row)
    charts = [_curve_panel(name, rows) for name, rows in list(panels.items())[:CURVES]]
    return alt.concat(*charts, columns=3, spacing=26) if charts else None


def _curve_panel(name: str, rows: Sequence[dict[str, Any]]) -> Chart:
    if (every := math.ceil(len(rows) / CURVE_POINTS)) > 1:
        phases = pl.DataFrame(rows).group_by("phase", maintain_order=True)
        rows = [
            row for _, curve in phases for row in curve.reverse().gather_every(every).reverse().to_dicts()
        ]
    shown = name if len(name) <= 34 else f"{name[:33]}…"
    return (
        alt.Chart(pl.DataFrame(rows))
        .mark_line(strokeWidth=1.4, opacity=0.6, color=PALETTE[0], point=len(rows) < FEW_POINTS)
        .encode(
            x=alt.X("update:Q", title="update", axis=alt.Axis(tickCount=4, grid=False)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
            detail="phase:N",
        )
        .properties(title=shown, width=232, height=130)
    )
