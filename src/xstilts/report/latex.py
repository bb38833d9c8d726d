"""The report as a folder that pdflatex compiles: main.tex, a file for each table, the figures as PDF.

Only packages of a small TeX distribution are used. All text is escaped; what the standard fonts cannot print
is printed as its code point. Tables that are wider than a page are turned or split.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from xstilts.analysis.results import spoken
from xstilts.report.markdown import steps
from xstilts.report.paper import Paper
from xstilts.report.tables import Grid, Sheet, TableEntry

WIDTH = 455.0  # points of a line: A4 with margins of 25 mm
LETTER, SMALL_LETTER = 4.4, 3.6  # points of a letter, in \footnotesize and in \scriptsize
GAP = 8.0  # points between columns
ROWS = 46  # of a table, on a page
CLAIMS = ("4.1cm", "1.7cm", "2.6cm", "5.6cm")  # columns of the table of claims
DATA = ("2.0cm", "1.2cm", "2.4cm", "5.0cm", "2.0cm", "2.0cm")  # of that of what was read


def folder(paper: Paper, figures: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """Write the files of the folder but the figures, which are (name, caption) of figures/NAME.pdf."""
    tables = dict(_tables(paper))
    abstract = " ".join((paper.findings.answer, *paper.findings.conditions))
    main = _render("latex.tex.jinja", paper=paper, figures=figures, tables=list(tables), abstract=abstract)
    contents = {"main.tex": main, **{f"tables/{name}.tex": text for name, text in tables.items()}}
    return {name: text.encode() for name, text in contents.items()}


def _render(template: str, **values: Any) -> str:
    """Fill a template, whose tags have signs that LaTeX does not need."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (files("xstilts.report") / name).read_text("utf-8")),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters |= {"tex": escape, "entry": _entry}
    return environment.get_template(template).render(values)


def _tables(paper: Paper) -> Iterator[tuple[str, str]]:
    """(name of the file, content) of all tables, in the order of the paper."""
    several = len(paper.backbones) > 1
    for backbone, grid in zip(paper.backbones, paper.effect_grids, strict=True):
        yield f"transfer-{_slug(backbone)}" if several else "transfer", grid_table(grid)
    for grid in paper.score_grids:
        yield f"scores-{_slug(grid.title.split(',')[0])}", grid_table(_spoken(grid))
    for grid in paper.gain_grids:
        own = f"gains-{_slug(grid.title.split(':')[0])}"
        backbone = _slug(grid.title.rpartition(",")[2])
        yield f"{own}-{backbone}" if several else own, grid_table(grid)
    for number, grid in enumerate(paper.gap_grids, 1):
        yield f"gap-{number}" if several else "gap", grid_table(grid)
    for grid in (*paper.slope_grids, *paper.separated_grids):
        yield _slug(grid.title), grid_table(grid)
    for grid in paper.certainty_grids:
        yield f"certainty-{_slug(grid.title.replace(':', ''))}", grid_table(grid)
    for sheet in paper.sheets:
        if sheet.title == "Data":
            yield "data", _long(sheet, _paragraphs(DATA), "footnotesize").replace("/", r"/\allowbreak{}")
        else:
            yield _slug(sheet.title), sheet_table(sheet)
    if paper.claims.rows:
        yield "claims", _long(paper.claims, _paragraphs(CLAIMS))
    if paper.findings.plan.cells:
        sheet = steps(paper)
        yield "steps", _long(sheet, "l" * len(sheet.columns), "scriptsize")


def grid_table(grid: Grid) -> str:
    """Write a grid in as many table environments as it takes; findings are bold."""
    pages: list[tuple[str, list[tuple[TableEntry | str, ...]]]] = []
    for part in split(grid):
        lines: list[tuple[TableEntry | str, ...]] = [(part.names, *part.columns)]
        lines += [(name, *entries) for name, entries in part.rows]
        pages.append(("l" + "r" * len(part.columns), lines))
    return _pages(grid.title, pages)


def sheet_table(sheet: Sheet) -> str:
    """Write a table of texts, made smaller if it is wider than the line."""
    starts = range(0, len(sheet.rows), ROWS)
    pages = [[sheet.columns, *sheet.rows[start : start + ROWS]] for start in starts]
    return _pages(sheet.title, [("l" * len(sheet.columns), lines) for lines in pages])


def _pages(title: str, parts: Sequence[tuple[str, Sequence[Sequence[TableEntry | str]]]]) -> str:
    """Write a table environment for each (columns, lines); numbered if there are several."""
    several = len(parts) > 1
    pages = [
        (f"{title} ({number} of {len(parts)})" if several else title, columns, lines)
        for number, (columns, lines) in enumerate(parts, 1)
    ]
    return _render("tables.tex.jinja", pages=pages, lines=[])


def split(grid: Grid) -> list[Grid]:
    """Parts that fit the page, in reading order; a grid with many columns and few rows is turned first."""
    if _width(grid, range(len(grid.columns))) > WIDTH and len(grid.columns) > len(grid.rows):
        grid = turned(grid)
    groups: list[list[int]] = [[]]
    for column in range(len(grid.columns)):
        if groups[-1] and _width(grid, [*groups[-1], column]) > WIDTH:
            groups.append([])
        groups[-1].append(column)
    return [
        Grid(
            grid.title,
            tuple(grid.columns[column] for column in group),
            tuple((name, tuple(entries[column] for column in group)) for name, entries in rows),
            grid.names,
        )
        for group in groups
        for rows in (grid.rows[start : start + ROWS] for start in range(0, len(grid.rows), ROWS))
    ]


def turned(grid: Grid) -> Grid:
    """Rows for columns."""
    rows = tuple(
        (column, tuple(entries[place] for _, entries in grid.rows))
        for place, column in enumerate(grid.columns)
    )
    return Grid(grid.title, tuple(name for name, _ in grid.rows), rows, names="language")


def _spoken(grid: Grid) -> Grid:
    """Scores by language with the languages' names where they become rows."""
    if _width(grid, range(len(grid.columns))) <= WIDTH:
        return grid
    names = tuple(map(spoken, grid.columns))
    return Grid(grid.title, names, grid.rows, grid.names)


def _width(grid: Grid, columns: Sequence[int]) -> float:
    """Points, estimated from the number of letters."""
    names = max((len(name) for name, _ in grid.rows), default=0) * LETTER
    widest = [
        max([len(grid.columns[one]) * LETTER, *(_entry_width(entries[one]) for _, entries in grid.rows)])
        for one in columns
    ]
    return names + sum(widest) + GAP * (len(widest) + 1)


def _entry_width(entry: TableEntry) -> float:
    return len(entry.text) * LETTER + len(entry.interval) * SMALL_LETTER


def _paragraphs(widths: Sequence[str]) -> str:
    """Columns of paragraphs."""
    return "".join(rf">{{\raggedright\arraybackslash}}p{{{width}}}" for width in widths)


def _long(sheet: Sheet, columns: str, size: str = "") -> str:
    """Write a table that may go over several pages."""
    lines = [sheet.columns, *sheet.rows]
    return _render("tables.tex.jinja", pages=[], lines=lines, columns=columns, size=size)


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
        return rf"\codepoint{{{ord(letter):04X}}}"
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
