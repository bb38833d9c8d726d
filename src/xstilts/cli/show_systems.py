"""What `xstilts test` prints: systems by groups of languages, or all rows as JSON."""

import json
import sys
from collections.abc import Sequence

import polars as pl
from rich.console import Console
from rich.table import Table

from xstilts.analysis.systems import grouped
from xstilts.analysis.wording import bounds, number
from xstilts.plain import printable, say

HEAD = ("languages", "system", "score", "", "difference", "", "p", "corrected", "detectable", "seeds")


def compared(effects: pl.DataFrame, told: Sequence[str], *, as_json: bool) -> None:
    """The table of systems on standard output; what has to be read with it on standard error."""
    if as_json:
        print(json.dumps(effects.to_dicts(), indent=1, ensure_ascii=False))
        return
    rows = []
    for level in ("transfer", "family", "language"):
        for where, system, score, one in grouped(effects, level):
            shown = ["reference", "", "", "", ""]
            if one is not None:
                shown = [
                    number(one["estimate"], signed=True),
                    bounds(one["low"], one["high"]),
                    *(f"{one[name]:.2g}" for name in ("p", "p_corrected")),
                    number(one["smallest_effect"]),
                ]
            numbers = (number(score["estimate"]), bounds(score["low"], score["high"]))
            rows.append((where, system, *numbers, *shown, score["seeds"]))
    table = Table(*HEAD, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(printable(str(value)) for value in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)
    for text in told:
        say(text)
