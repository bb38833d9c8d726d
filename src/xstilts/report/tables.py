"""Results as tables: the tidy ones as CSV and Parquet, and those for readers.

Rows and columns have a fixed order and numbers a fixed format: two identical runs give identical bytes.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from xstilts.analysis.findings import Findings
from xstilts.analysis.frames import ALL
from xstilts.analysis.over_distances import slopes
from xstilts.analysis.results import ARM, EvaluatedTarget, Line, spoken
from xstilts.analysis.statistics import LEVEL, Estimate
from xstilts.analysis.wording import bounds, line_label, metric_label, number
from xstilts.plain import by_key
from xstilts.study.claim import MEASURES

DECIMALS = {"results": 4, "effects": 6, "verdicts": 6, "ranking": 6, "quality": 6}  # of the numbers in CSV
MISSING = """
    #N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null
"""
"""Words that pandas reads as a missing value (`na_values` of its `read_csv`), and R one of them."""


@dataclass(frozen=True)
class TableEntry:
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
    rows: tuple[tuple[str, tuple[TableEntry, ...]], ...]
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


def effect_grid(findings: Findings, backbone: str) -> Grid:
    """Write the map of transfer as a table."""
    steps = findings.results.anchors
    cells = findings.maps.get(backbone, ())
    rows = by_key(
        (cell.row, TableEntry(cell.text, cell.interval, cell.strong, steps.get((cell.line, cell.column), "")))
        for cell in cells
    )
    title = f"Scores of none and differences to it on the languages without labels, {backbone}"
    return _grid(title, dict.fromkeys(cell.column for cell in cells), rows)


def score_grid(findings: Findings, target: EvaluatedTarget) -> Grid:
    """Write the scores of a target by language: means over seeds, with their intervals."""
    results = findings.results
    scores = findings.effects.filter(quantity="score", level="language", target=target.name)
    estimates = scores.rows_by_key(["backbone", "arm", "reference", "language"], named=True, unique=True)
    several = len({line.backbone for line in results.lines} - {""}) > 1
    rows, steps = [], []
    for line in [line for line in results.lines if (line, target.name) in results.planned]:
        entries = tuple(_entry(estimates[*line.written, code], missing="–") for code in target.languages)
        name = f"{line_label(line)} ({line.backbone})" if several and line.backbone else line_label(line)
        rows.append((name, entries))
        steps.append(results.anchors.get((line, target.name), ""))
    title = f"{target.name}, {metric_label(target.metric)}"
    return Grid(title, target.languages, tuple(rows), steps=tuple(steps))


def gain_grid(findings: Findings, target: str, backbone: str) -> Grid | None:
    """Write differences to `none` of a target by language, and by family where it has several.

    None if there are none. Bold are those that remain after Holm's correction.
    """
    own = findings.effects.filter(quantity="difference", reference=ARM, target=target, backbone=backbone)
    own = own.filter(
        (pl.col("level") == "language") | ((pl.col("level") == "family") & (pl.col("languages") > 1))
    )
    if own["estimate"].is_null().all():
        return None
    rows = by_key(
        (
            spoken(row["language"]) if row["level"] == "language" else row["language_family"],
            _entry(row, signed=True),
        )
        for row in own.iter_rows(named=True)
    )
    title = f"{target}: differences to none by language family and language, in points, {backbone}"
    return _grid(title, own["arm"].unique(maintain_order=True), rows, names="language")


def gap_grid(findings: Findings, backbone: str) -> Grid | None:
    """Write the cross-lingual gap of each arm on each target that has one; None if no target has."""
    results = findings.results
    targets = [target.name for target in results.targets if target.has_gap]
    gaps = findings.effects.filter(quantity="gap", backbone=backbone, reference=ARM)
    rows = by_key(
        (row["arm"], _entry(row, steps=results.anchors.get((Line(backbone, row["arm"]), row["target"]), "")))
        for row in gaps.iter_rows(named=True)
    )
    title = f"Source language less the mean of the others, in points, {backbone}"
    ordered = {line.arm: rows[line.arm] for line in results.arms(backbone) if line.arm in rows}
    return _grid(title, targets, ordered) if targets else None


def certainty_grid(findings: Findings, target: EvaluatedTarget, backbone: str) -> Grid:
    """Write how sure the arms are in the languages without labels, with the differences to `none`.

    Beside them the calibration error in the source language, and the noise: the calibration error that a
    calibrated model would show in the languages without labels before correction.
    """
    columns: list[str] = []
    rows: dict[str, list[TableEntry]] = {}
    own = findings.effects.filter(target=target.name, backbone=backbone, reference=ARM)
    asked = [(f"{measure}{end}", "transfer", ALL) for measure in MEASURES for end in ("", "_difference")]
    if target.source in target.languages:
        asked.append(("calibration_error", "language", target.source))
    for quantity, level, language in asked:
        found = own.filter(quantity=quantity, level=level, language=language)
        if known := found.rows_by_key("arm", named=True, unique=True):
            less = quantity.endswith("_difference")
            name = metric_label(quantity) + f", {language}" * (language != ALL)
            columns.append("less none" if less else name)
            for line in findings.results.arms(backbone):
                rows.setdefault(line.arm, []).append(_entry(known.get(line.arm), signed=less))
    for arm, entries in rows.items():
        noise = findings.noise(Line(backbone, arm), target.name)
        entries.append(TableEntry("–" if noise is None else number(noise)))
    title = f"{target.name}: how sure the models are in the languages without labels, {backbone}"
    return _grid(title, [*columns, "noise"], rows)


def slope_grid(findings: Findings, name: str, backbone: str) -> Grid | None:
    """Write the slopes of the arms over a distance, less that of `none` too; None if no target tells any."""
    columns: list[str] = []
    rows: dict[str, list[TableEntry]] = {}
    for target in findings.results.targets:
        found = slopes(findings.quantities, backbone, name, target.name)
        if any(estimate for own in found.values() for estimate in own):
            columns += [target.name, "less none"]
            for arm, own in found.items():
                rows.setdefault(arm, []).extend(_slope(estimate) for estimate in (*own, None)[:2])
    title = f"Slopes over the {name} distance, in points per unit of it, {backbone}"
    return _grid(title, columns, rows) if columns else None


def separated_grids(findings: Findings, backbone: str) -> Iterator[Grid]:
    """Write all distances at once, a table for each target on which they can be told apart."""
    for target, group in groupby(findings.separated(backbone), key=lambda one: one.target):
        own = list(group)
        rows = {
            one.distance: (
                _slope(one.alone),
                _slope(one.together),
                TableEntry("–" if one.inflation is None else number(one.inflation)),
            )
            for one in own
        }
        size = f"{own[0].languages} languages of {own[0].families} families"
        title = f"{target}: points per standard deviation of each distance, {size}, {backbone}"
        yield _grid(title, ("alone", "with the others", "inflation"), rows, names="distance")


def distance_grid(parts: Sequence[Mapping[str, Any]]) -> Grid | None:
    """Write what makes up the planted distance of each language; None for natural languages."""
    if not parts:
        return None
    columns = [key for key in parts[0] if key not in ("code", "family")]
    rows = {spoken(part["code"]): [TableEntry(f"{part[key]:.2f}") for key in columns] for part in parts}
    title = "Differences from the base language, from 0 to 1, and the distance: their weighted mean"
    return _grid(title, columns, rows, names="language")


def _grid(
    title: str, columns: Iterable[str], rows: Mapping[str, Sequence[TableEntry]], names: str = "arm"
) -> Grid:
    return Grid(title, tuple(columns), tuple((row, tuple(entries)) for row, entries in rows.items()), names)


def _entry(
    row: Mapping[str, Any] | None, *, signed: bool = False, missing: str = "missing", steps: str = ""
) -> TableEntry:
    """A row of the table of effects, or "–" for none; a difference (`signed`) that remains is strong."""
    if row is None or row["estimate"] is None:
        return TableEntry("–" if row is None else missing, steps=steps)
    strong = signed and row["p_corrected"] is not None and row["p_corrected"] < 1 - LEVEL
    return TableEntry(number(row["estimate"], signed=signed), bounds(row["low"], row["high"]), strong, steps)


def _slope(found: Estimate | None) -> TableEntry:
    if found is None:
        return TableEntry("–")
    return TableEntry(number(found.value, signed=True), bounds(found.low, found.high))


WRITERS: dict[str, Callable[[str, pl.DataFrame], bytes]] = {"csv": csv, "parquet": parquet}
"""Formats of the tidy tables."""
