"""The comparison of given systems as a page in the look of the report, and as CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from xstilts.analysis.statistics import LEVEL
from xstilts.analysis.systems import grouped
from xstilts.analysis.wording import bounds, metric_label, number
from xstilts.report.bibliography import STATISTICS
from xstilts.report.page import render, save
from xstilts.report.paper import probability
from xstilts.report.tables import csv
from xstilts.version import VERSION

LEVELS = {"transfer": "Over languages", "family": "By language family", "language": "By language"}
WIDTH = 150


def write(effects: pl.DataFrame, answer: str, conditions: Sequence[str], out: Path) -> list[Path]:
    """Write systems.html and systems.csv below a folder; gives the files."""
    html = _render("systems.html.jinja", effects, answer=answer, conditions=conditions)
    return save([("systems.html", html.encode()), ("systems.csv", csv("effects", effects))], out)


def table(effects: pl.DataFrame) -> str:
    """The comparison over languages as a table, for notebooks."""
    return _render("systems-table.html.jinja", effects, rows=_rows(effects, "transfer"))


def _render(template: str, effects: pl.DataFrame, **values: Any) -> str:
    first = effects.row(0, named=True)
    by_language = effects.filter(pl.col("level") == "language")
    return render(
        template,
        {},
        **values,
        task=first["task"],
        metric=metric_label(first["metric"]),
        systems=effects["system"].n_unique(),
        languages=by_language["language"].n_unique(),
        examples=by_language.unique("language")["examples"].sum(),
        seeds=effects["seeds"].max(),
        levels={title: found for level, title in LEVELS.items() if (found := _rows(effects, level))},
        statistics=STATISTICS,
        version=VERSION,
    )


def _rows(effects: pl.DataFrame, level: str) -> list[dict[str, Any]]:
    """The rows of a table, as the template shows them."""
    found = grouped(effects, level)
    differences = [row.difference for row in found if row.difference is not None]
    ends = [one[end] for one in differences for end in ("low", "high")]
    rows = []
    for where, system, score, one in found:
        shown = {"where": where, "system": system, "score": _interval(score, signed=False)}
        if one is not None:
            shown |= {
                "difference": _interval(one, signed=True),
                "bar": _bar(one["estimate"], one["low"], one["high"], ends),
                "p": probability(one["p_corrected"]),
                "smallest": number(one["smallest_effect"]),
                "strong": one["p_corrected"] < 1 - LEVEL,
            }
        rows.append(shown)
    return rows


def _interval(row: Mapping[str, Any], *, signed: bool) -> str:
    return f"{number(row['estimate'], signed=signed)} {bounds(row['low'], row['high'])}"


def _bar(value: float, low: float, high: float, ends: Sequence[float]) -> Markup:
    """A picture of an interval on the scale of all intervals of its table, with zero."""
    first, last = min(0.0, *ends), max(0.0, *ends)

    def place(one: float) -> str:
        return f"{8 + (WIDTH - 16) * (one - first) / max(last - first, 1e-9):.1f}"

    return Markup(
        f'<svg class="bar" width="{WIDTH}" height="24" viewBox="0 0 {WIDTH} 24" aria-hidden="true">'
        f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="2" y2="22"/>'
        f'<line class="span" x1="{place(low)}" x2="{place(high)}" y1="12" y2="12"/>'
        f'<circle cx="{place(value)}" cy="12" r="4.5"/></svg>'
    )
