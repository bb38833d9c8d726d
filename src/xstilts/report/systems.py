"""The comparison of given systems as a page in the look of the report, and as CSV."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from xstilts.analysis.statistics import LEVEL
from xstilts.analysis.systems import grouped
from xstilts.analysis.wording import bounds, metric_label, number
from xstilts.report.bibliography import STATISTICS
from xstilts.report.page import save
from xstilts.report.paper import probability
from xstilts.report.tables import csv
from xstilts.report.templates import Filters, fill, page_parts
from xstilts.version import VERSION

LEVELS = {"transfer": "Over languages", "family": "By language family", "language": "By language"}


def write(effects: pl.DataFrame, answer: str, conditions: Sequence[str], out: Path) -> list[Path]:
    """Write systems.html and systems.csv below a folder; gives the files."""
    first = effects.row(0, named=True)
    by_language = effects.filter(level="language")
    html = _fill(
        "systems.html.jinja",
        **page_parts(),
        answer=answer,
        conditions=conditions,
        task=first["task"],
        metric=metric_label(first["metric"]),
        systems=effects["system"].n_unique(),
        languages=by_language["language"].n_unique(),
        examples=by_language.unique("language")["examples"].sum(),
        seeds=effects["seeds"].max(),
        levels={title: found for level, title in LEVELS.items() if (found := grouped(effects, level))},
        statistics=STATISTICS,
        version=VERSION,
    )
    return save([("systems.html", html.encode()), ("systems.csv", csv("effects", effects))], out)


def table(effects: pl.DataFrame) -> str:
    """The comparison over languages as a table, for notebooks."""
    return _fill("systems-table.html.jinja", rows=grouped(effects, "transfer"))


def _fill(template: str, **values: Any) -> str:
    filters: Filters = {"number": number, "signed": partial(number, signed=True), "probability": probability}
    return fill(template, filters, bounds=bounds, alpha=1 - LEVEL, **values)
