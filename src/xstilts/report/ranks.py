"""What `xstilts rank` writes: the order of the arms and how good it was, as tables and as charts."""

from collections.abc import Iterator
from typing import Any

import altair as alt
import polars as pl

from xstilts.analysis.ranking import CHANCE, MEASURES, SHOWN, Ranking
from xstilts.analysis.wording import count, number, with_interval
from xstilts.report.drawing import HELP, INK, INTERVAL, PALETTE, QUIET, TELLS, Chart, free, joined, looks, svg
from xstilts.report.tables import csv

CELL = 52, 24  # pixels of a place


def files(found: Ranking) -> Iterator[tuple[str, bytes]]:
    """Names and contents of ranking.csv and quality.csv, and of the charts that there is something for."""
    for name, table, draw in (("ranking", found.order, places), ("quality", found.quality, quality)):
        yield f"{name}.csv", csv(name, table)
        if (chart := draw(found)) is not None:
            yield f"{name}.svg", svg(chart).encode()


def places(found: Ranking) -> Chart | None:
    """Draw for each target the place of every arm by each estimate; measured arms stand best first.

    So a good estimate is dark above and pale below, wherever arms are measured.
    """
    known = found.order.drop_nulls("place")
    grouped = known.group_by("backbone", "target", maintain_order=True)
    several = len(found.backbones) > 1
    return joined(
        _places(found, rows, backbone, target, f"{target} on {backbone}" if several else target)
        for (backbone, target), rows in grouped
    )


def _places(found: Ranking, rows: pl.DataFrame, backbone: str, target: str, title: str) -> Chart:
    arms = found.arms(backbone)
    scores = found.scores(backbone, target, arms)
    measured = {} if scores is None else dict(zip(arms, scores.mean(axis=1).tolist(), strict=True))
    names = {arm: f"{arm}  {number(measured[arm])}" if measured else arm for arm in arms}
    shown = rows.with_columns(
        pl.col("arm").replace_strict(names).alias("row"),
        pl.col("estimate").str.replace_all("_", " ").alias("column"),
        told=pl.format("{} · place {} by {}", "arm", "place", "estimate"),
    )
    columns = [name.replace("_", " ") for name in SHOWN if name in rows["estimate"]]
    lines = [names[arm] for arm in sorted(arms, key=lambda arm: -measured.get(arm, 0.0))]
    x = alt.X("column:N", sort=columns, title=None, axis=alt.Axis(orient="top", labelAngle=-40))
    base = alt.Chart(shown).encode(x=x, y=alt.Y("row:N", sort=lines, title=None), description="told:N")
    strength = alt.Scale(domain=[1, max(2, len(arms))], range=[0.75, 0.05])
    cells = base.mark_rect(cornerRadius=3, fill=HELP, **TELLS).encode(
        fillOpacity=alt.Opacity("place:Q", scale=strength, legend=None)
    )
    ink = alt.condition(f"datum.place <= {len(arms) / 3}", alt.value("#ffffff"), alt.value(INK))
    text = base.mark_text(fontSize=11).encode(text="place:Q", color=ink)
    size = {"width": CELL[0] * len(columns), "height": CELL[1] * len(lines)}
    return alt.layer(cells, text).properties(title=title, **size)


def quality(found: Ranking) -> Chart | None:
    """Draw how good the order of each estimate was, with intervals, beside baselines and chance."""
    several = len(found.backbones) > 1
    grouped = found.quality.group_by("backbone", "measure", maintain_order=True)
    panels = (
        _quality(rows, measure.replace("_", " ") + (f" on {backbone}" if several else ""))
        for (backbone, measure), rows in grouped
    )
    return joined(panels, columns=len(MEASURES))


def _quality(rows: pl.DataFrame, title: str) -> Chart:
    drawn = [row | {"name": row["estimate"].replace("_", " ")} | _told(row, title) for row in rows.to_dicts()]
    kinds = ("estimate", "baseline", CHANCE)
    colour, shape = looks("kind:N", kinds, (PALETTE[0], PALETTE[1], QUIET), ("circle", "square", "diamond"))
    order = [row["name"] for row in drawn]
    base = alt.Chart(pl.DataFrame(drawn, schema_overrides=INTERVAL)).encode(
        y=alt.Y("name:N", sort=order, title=None), color=colour
    )
    return alt.layer(
        base.mark_rule(strokeWidth=1.4, opacity=0.7).encode(x=free(alt.X, "low"), x2="high:Q"),
        base.mark_point(filled=True, size=50, opacity=1, **TELLS).encode(
            x=free(alt.X, "value"), shape=shape, description="told:N"
        ),
    ).properties(title=title, width=210, height=alt.Step(18))


def _told(row: dict[str, Any], title: str) -> dict[str, Any]:
    """The kind of a row as it is drawn, and its words."""
    value, low, high = (row[name] for name in INTERVAL)
    score = with_interval(value, low, high, 2)
    kind = CHANCE if row["estimate"] == CHANCE else row["kind"]
    return {
        "kind": kind,
        "told": f"{row['estimate']} · {title} {score} · {count(row['targets'], 'target')}",
    }
