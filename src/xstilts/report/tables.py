"""Results as tables: the tidy one as CSV and Parquet, and those for readers.

Rows and columns have a fixed order and numbers a fixed format: two identical runs give identical bytes.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from xstilts.report.charts import heat_cells, line_label
from xstilts.report.collapse import at_chance, examined
from xstilts.report.drawing import metric_label, number
from xstilts.report.effects import GAP, Effects
from xstilts.report.origins import anchors
from xstilts.report.results import Line, Results, Target
from xstilts.report.statistics import Estimate

DECIMALS = 4  # of the percentages in results.csv


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


def marked(results: Results) -> pl.DataFrame:
    """The tidy table with a last column `at_chance`: whether the run guesses there, by its answers.

    Null where nothing tells: references, retrieval, what is missing.
    """
    plan, store = results.plan, results.store
    runs, languages = examined(plan, store), at_chance(plan, store)
    found = []
    for cell in plan.cells:
        one = None if cell in results.missing else runs.get(cell)
        guessed = languages.get(cell, {})
        for code in plan.evaluation(cell).use.languages:
            found.append(None if one is None else one.why != "" or code in guessed)
    return results.table.with_columns(at_chance=pl.Series(found, dtype=pl.Boolean))


def csv(results: Results) -> bytes:
    """The tidy table: null is empty, percentages have four decimals."""
    written = io.BytesIO()
    marked(results).write_csv(written, float_precision=DECIMALS)
    return written.getvalue()


def parquet(results: Results) -> bytes:
    """The tidy table, with numbers as they are."""
    written = io.BytesIO()
    marked(results).write_parquet(written, compression="zstd", statistics=False)
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


WRITERS: dict[str, tuple[str, Callable[[Results], bytes]]] = {
    "csv": ("results.csv", csv),
    "parquet": ("results.parquet", parquet),
}
"""Formats of the tidy table: the name of the file, and what makes its content."""
