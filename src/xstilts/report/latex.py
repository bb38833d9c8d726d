"""The report as a folder that pdflatex compiles: main.tex, a file for each table, the figures as PDF.

Only packages of a small TeX distribution are used. Each table can be read into another paper as it is: it has
a label, uses no macro of main.tex, and names the packages that it needs; references.bib has what the report
cites. All text is escaped; what the standard fonts cannot print is printed as its code point. Tables that are
wider than a page are turned or split.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from xstilts.analysis.results import spoken
from xstilts.report.bibliography import bibliography
from xstilts.report.paper import Paper
from xstilts.report.tables import Grid, TableEntry
from xstilts.report.templates import fill

WIDTH = 455.0  # points of a line: A4 with margins of 25 mm
LETTER, SMALL_LETTER = 4.4, 3.6  # points of a letter, in \footnotesize and in \scriptsize
GAP = 8.0  # points between columns
ROWS = 46  # of a table, on a page
LONG: dict[str, tuple[tuple[float, ...], str]] = {
    "data": ((0.11, 0.06, 0.12, 0.40, 0.10, 0.10), "footnotesize"),
    "claims": ((0.25, 0.11, 0.17, 0.39), "normalsize"),
    "steps": ((), "scriptsize"),
}
"""Tables that may go over several pages: how wide their columns of paragraphs are, of the line; the size."""
PARAGRAPH = r">{\raggedright\arraybackslash}p{%s\linewidth}"


def folder(paper: Paper, figures: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """Write the files of the folder but the figures, which are (name, caption) of figures/NAME.pdf."""
    tables = dict(_tables(paper))
    abstract = " ".join((paper.findings.answer, *paper.findings.conditions))
    main = _fill("latex.tex.jinja", paper=paper, figures=figures, tables=list(tables), abstract=abstract)
    contents = {"main.tex": main, **{f"tables/{name}.tex": text for name, text in tables.items()}}
    contents["references.bib"] = bibliography(text for _, text in paper.citations)
    return {name: text.encode() for name, text in contents.items()}


def _fill(template: str, **values: Any) -> str:
    return fill(template, {"tex": escape, "entry": _entry}, **values)


def _tables(paper: Paper) -> Iterator[tuple[str, str]]:
    """(name of the file, content) of all tables, in the order of the paper."""
    for name, grid in _grids(paper):
        yield name, grid_table(grid, name)
    sheets = {_slug(sheet.title): sheet for sheet in paper.sheets}
    for name, sheet in (sheets | {"claims": paper.claims, "steps": paper.steps}).items():
        columns = "l" * len(sheet.columns)
        if name in LONG and sheet.rows:
            widths, size = LONG[name]
            columns = "".join(PARAGRAPH % width for width in widths) or columns
            text = _fill("longtable.tex.jinja", sheet=sheet, name=name, columns=columns, size=size)
            yield name, re.sub("[/@]", r"\g<0>\\allowbreak{}", text) if name == "data" else text
        elif sheet.rows:
            starts = range(0, len(sheet.rows), ROWS)
            pages = [(columns, [sheet.columns, *sheet.rows[n : n + ROWS]]) for n in starts]
            yield name, _fill("tables.tex.jinja", title=sheet.title, name=name, pages=pages)


def _grids(paper: Paper) -> Iterator[tuple[str, Grid]]:
    """(name of the file, table) of the numbers; what there is of each backbone has its name, if several."""
    several, grids = len(paper.backbones) > 1, paper.grids
    for backbone, grid in zip(paper.backbones, grids["effects"], strict=True):
        yield f"transfer-{_slug(backbone)}" if several else "transfer", grid
    for grid in grids["scores"]:
        is_turned = _width(grid, range(len(grid.columns))) > WIDTH  # then languages become rows
        shown = replace(grid, columns=tuple(map(spoken, grid.columns))) if is_turned else grid
        yield f"scores-{_slug(grid.title.split(',')[0])}", shown
    for grid in grids["gains"]:
        name = f"gains-{_slug(grid.title.split(':')[0])}"
        yield f"{name}-{_slug(grid.title.rpartition(',')[2])}" if several else name, grid
    for number, grid in enumerate(grids["gap"], 1):
        yield f"gap-{number}" if several else "gap", grid
    for grid in (*grids["slopes"], *grids["separated"]):
        yield _slug(grid.title), grid
    for grid in grids["certainty"]:
        yield f"certainty-{_slug(grid.title.replace(':', ''))}", grid


def grid_table(grid: Grid, name: str) -> str:
    """Write a grid in as many table environments as it takes; findings are bold."""
    pages: list[tuple[str, list[tuple[TableEntry | str, ...]]]] = []
    for part in split(grid):
        lines: list[tuple[TableEntry | str, ...]] = [(part.names, *part.columns)]
        lines += [(name, *entries) for name, entries in part.rows]
        pages.append(("l" + "r" * len(part.columns), lines))
    return _fill("tables.tex.jinja", title=grid.title, name=name, pages=pages)


def split(grid: Grid) -> list[Grid]:
    """Parts that fit the page, in reading order; a grid with many columns and few rows is turned first."""
    if grid.rows and _width(grid, range(len(grid.columns))) > WIDTH and len(grid.columns) > len(grid.rows):
        grid = turned(grid)
    groups: list[list[int]] = [[]]
    for column in range(len(grid.columns)):
        if groups[-1] and _width(grid, [*groups[-1], column]) > WIDTH:
            groups.append([])
        groups[-1].append(column)
    return [
        replace(
            grid,
            columns=tuple(grid.columns[column] for column in group),
            rows=tuple((name, tuple(entries[column] for column in group)) for name, entries in rows),
        )
        for group in groups
        for rows in (grid.rows[start : start + ROWS] for start in range(0, len(grid.rows), ROWS))
    ]


def turned(grid: Grid) -> Grid:
    """Rows for columns."""
    names, rows = zip(*grid.rows, strict=True)
    turned_rows = tuple(zip(grid.columns, zip(*rows, strict=True), strict=True))
    return Grid(grid.title, names, turned_rows, names="language")


def _width(grid: Grid, columns: Sequence[int]) -> float:
    """Points, estimated from the number of letters."""
    names = max((len(name) for name, _ in grid.rows), default=0) * LETTER
    widest = [
        max([len(grid.columns[place]) * LETTER, *(_entry_width(row[place]) for _, row in grid.rows)])
        for place in columns
    ]
    return names + sum(widest) + GAP * (len(widest) + 1)


def _entry_width(entry: TableEntry) -> float:
    return len(entry.text) * LETTER + len(entry.interval) * SMALL_LETTER


def _entry(entry: TableEntry | str) -> str:
    """Write a cell; findings are bold, intervals small."""
    if isinstance(entry, str):
        return escape(entry)
    text = rf"\textbf{{{escape(entry.text)}}}" if entry.strong else escape(entry.text)
    return f"{text} {{\\scriptsize {escape(entry.interval)}}}" if entry.interval else text


def _slug(text: str) -> str:
    """A file name of small letters, digits and hyphens."""
    return "-".join(re.findall("[a-z0-9]+", text.lower()))


def escape(text: str) -> str:
    """Text as it has to stand in a LaTeX file with the standard fonts; one line.

    >>> escape("50 % of lab_nli")
    '50 \\\\% of lab\\\\_nli'
    """
    line = " ".join(text.split()).replace("--", "-\u200b-")  # two hyphens would become a dash
    return "".join(map(_letter, unicodedata.normalize("NFC", line)))


def _letter(letter: str) -> str:
    if letter in SPECIAL:
        return SPECIAL[letter]
    if letter.isascii():
        return letter if letter.isprintable() else ""
    plain, *marks = list(unicodedata.normalize("NFKD", letter))
    if not (plain.isascii() and plain.isalpha() and all(unicodedata.combining(mark) for mark in marks)):
        return rf"{{\scriptsize U+{ord(letter):04X}}}"
    written = rf"\{plain}" if plain in "ij" and marks else plain
    for mark in marks:
        written = rf"\{ACCENTS[mark]}{{{written}}}" if mark in ACCENTS else written
    return written


ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0331": "b",
}  # fmt: skip
"""Combining marks; others (the ogonek, say) the standard fonts do not have, and the letter stands alone."""

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "`": "'", "[": "{[}", "]": "{]}", "*": "{*}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "−": "$-$", "–": "{--}", "—": "{---}", "…": r"\ldots{}", "‘": "'", "’": "'", "“": "``", "”": "''",
    "×": r"$\times$", "→": r"$\to$", "≤": r"$\leq$", "≥": r"$\geq$", "±": r"$\pm$", "·": r"$\cdot$",
    "°": r"$^\circ$", "α": r"$\alpha$", "β": r"$\beta$", "§": r"\S{}", "ß": r"\ss{}", "æ": r"\ae{}",
    "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ł": r"\l{}", "Ł": r"\L{}",
    "ı": r"\i{}", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "\u00a0": "~", "\u200b": "{}",
}  # fmt: skip
