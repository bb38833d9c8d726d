"""What `xstilts test` prints: systems by groups of languages, or all rows as JSON."""

import json
import sys
from collections.abc import Sequence

import polars as pl
from rich.console import Console
from rich.table import Table

from xstilts.analysis.results import spoken
from xstilts.analysis.wording import bounds, number
from xstilts.plain import printable, say

HEAD = ("languages", "system", "score", "", "difference", "", "p", "corrected", "detectable", "seeds")


def compared(effects: pl.DataFrame, told: Sequence[str], *, as_json: bool) -> None:
    """The table of systems on standard output; what has to be read with it on standard error."""
    if as_json:
        print(json.dumps(effects.to_dicts(), indent=1, ensure_ascii=False))
        return
    place = ("level", "language", "language_family", "system")
    differences = {
        tuple(row[name] for name in place): row
        for row in effects.filter(quantity="difference").iter_rows(named=True)
    }
    rows = []
    scores = effects.filter(quantity="score").to_dicts()
    order = {tuple(row[name] for name in place[:3]): rank for rank, row in reversed(list(enumerate(scores)))}
    for row in sorted(
        scores,
        key=lambda row: (
            row["level"] != "transfer",
            row["level"] == "language",
            order[tuple(row[name] for name in place[:3])],
        ),
    ):
        if row["level"] == "family" and row["languages"] == 1:
            continue
        where = {
            "transfer": f"all {row['languages']}",
            "family": f"{row['language_family']} ({row['languages']})",
            "language": spoken(row["language"]),
        }[row["level"]]
        other = differences.get(tuple(row[name] for name in place))
        shown = ["reference", "", "", "", ""]
        if other is not None:
            shown = [
                number(other["estimate"], signed=True),
                bounds(other["low"], other["high"]),
                *(f"{other[name]:.2g}" for name in ("p", "p_corrected")),
                number(other["smallest_effect"]),
            ]
        score = (number(row["estimate"]), bounds(row["low"], row["high"]))
        rows.append((where, row["system"], *score, *shown, row["seeds"]))
    table = Table(*HEAD, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(printable(str(value)) for value in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)
    for text in told:
        say(text)
