"""Results as tables: the tidy ones as CSV and Parquet, and those for readers.

Rows and columns have a fixed order and numbers a fixed format: two identical runs give identical bytes.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from xstilts.report.charts import heat_cells, line_label
from xstilts.report.drawing import metric_label, number
from xstilts.report.effects import GAP, Effects
from xstilts.report.origins import anchors
from xstilts.report.results import ARM, Line, Results, Target, language
from xstilts.report.statistics import LEVEL, Estimate

DECIMALS = {"results": 4, "effects": 6, "verdicts": 6}  # of the numbers in CSV
MISSING = """
    #N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null
"""
"""Words that pandas reads as a missing value (`na_values` of its `read_csv`), and R one of them."""


@dataclass(frozen=True)
class Entry:
    """A number as shown, with its interval; `strong` where it is a finding. `steps` leads to its origin."""

    text: str
    interval: str = ""
    strong: bool = False
    steps: str = ""


@dataclass(frozen=True)
class Grid:
    """A table for readers: a name for each row, then an entry for each column.

    `names` says what the rows are; `steps` leads from rows to their origin, if all entries of one share it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]
    names: str = "arm"
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table of texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def csv(name: str, table: pl.DataFrame) -> bytes:
    """A tidy table as CSV: a missing number is empty; a name that programs read as a missing value stands in
    single quotes."""
    words = [*MISSING.split(), "#N/A N/A"]
    texts = pl.col(pl.String)
    guarded = table.with_columns(
        pl.when(texts.is_in(words)).then("'" + texts + "'").otherwise(texts).name.keep()
    )
    written = io.BytesIO()
    guarded.write_csv(written, float_precision=DECIMALS[name])
    return written.getvalue()


def parquet(name: str, table: pl.DataFrame) -> bytes:
    """A tidy table as Parquet, with names and numbers as they are."""
    written = io.BytesIO()
    table.write_parquet(written, compression="zstd", statistics=False)
    return written.getvalue()


def effect_grid(effects: Effects, backbone: str) -> Grid:
    """The heat map as a table."""
    cells = heat_cells(effects, backbone)
    columns = tuple(dict.fromkeys(cell["column"] for cell in cells))
    steps = {
        (line_label(line), target): anchor
        for (line, target), anchor in anchors(effects.results).items()
        if line.backbone in (backbone, "")
    }
    rows: dict[str, list[Entry]] = {}
    for cell in cells:
        anchor = steps.get((cell["row"], cell["column"]), "")
        shown = Entry(cell["text"], cell["interval"], cell["strong"], anchor)
        rows.setdefault(cell["row"], []).append(shown)
    title = f"Scores of none and differences to it on the languages without labels, {backbone}"
    return Grid(title, columns, tuple((row, tuple(entries)) for row, entries in rows.items()))


def score_grid(results: Results, target: Target) -> Grid:
    """The scores of a target by language, the means over seeds."""
    rows, steps, known = [], [], anchors(results)
    for line in [line for line in results.lines if (line, target.name) in results.planned]:
        samples = [results.score(line, target.name, (code,)) for code in target.languages]
        found = [Entry("–" if one is None else number(float(one.observed.mean()))) for one in samples]
        rows.append((_name(results, line), tuple(found)))
        steps.append(known.get((line, target.name), ""))
    title = f"{target.name}, {metric_label(target.metric)}"
    return Grid(title, target.languages, tuple(rows), steps=tuple(steps))


def gain_grid(table: pl.DataFrame, target: str, backbone: str) -> Grid | None:
    """Differences to `none` of a target by language, and by family where it has several; None if there are
    none. `table` is that of `frames.effects_table`; bold are those that remain after Holm's correction."""
    found: dict[str, dict[str, Entry]] = {}
    own = table.filter(quantity="difference", reference=ARM, target=target, backbone=backbone)
    for row in own.iter_rows(named=True):
        match row["level"]:
            case "language":
                name = f"{language(row['language']).name} ({row['language']})"
            case "family" if row["languages"] > 1:
                name = row["language_family"]
            case _:
                continue
        found.setdefault(row["arm"], {})[name] = _gain(row)
    if all(entry.text == "missing" for entries in found.values() for entry in entries.values()):
        return None
    names = next(iter(found.values()))
    rows = tuple((name, tuple(entries[name] for entries in found.values())) for name in names)
    title = f"{target}: differences to none by language family and language, in points, {backbone}"
    return Grid(title, tuple(found), rows, names="language")


def _gain(row: dict[str, Any]) -> Entry:
    if row["estimate"] is None:
        return Entry("missing")
    strong = row["p_corrected"] is not None and row["p_corrected"] < 1 - LEVEL
    interval = f"[{number(row['low'])}, {number(row['high'])}]"
    return Entry(number(row["estimate"], signed=True), interval, strong)


def gap_grid(effects: Effects, backbone: str) -> Grid | None:
    """The cross-lingual gap of each arm on each target that has one; None if no target has."""
    results = effects.results
    targets = [target for target in results.targets if target.has_gap]
    lines = [line for line in results.lines if line.backbone == backbone and not line.reference]
    rows, known = [], anchors(results)
    for line in lines:
        found = [(target.name, effects.estimate(GAP, line, target.name)) for target in targets]
        entries = [_entry(estimate, known.get((line, name), "")) for name, estimate in found]
        rows.append((line_label(line), tuple(entries)))
    title = f"Source language less the mean of the others, in points, {backbone}"
    return Grid(title, tuple(target.name for target in targets), tuple(rows)) if targets else None


def _entry(estimate: Estimate | None, steps: str) -> Entry:
    if estimate is None:
        return Entry("missing", steps=steps)
    interval = f"[{number(estimate.low)}, {number(estimate.high)}]"
    return Entry(number(estimate.value), interval, steps=steps)


def _name(results: Results, line: Line) -> str:
    several = len({other.backbone for other in results.lines} - {""}) > 1
    return f"{line_label(line)} ({line.backbone})" if several and line.backbone else line_label(line)


WRITERS: dict[str, Callable[[str, pl.DataFrame], bytes]] = {"csv": csv, "parquet": parquet}
"""Formats of the tidy tables."""
