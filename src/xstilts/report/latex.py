"""The report as a folder that pdflatex compiles: main.tex, a file for each table, the figures as PDF.

Only packages of a small TeX distribution are used. All text is escaped; what the standard fonts cannot print
is printed as its code point. Tables that are wider than a page are turned or split.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from xstilts.analysis.results import spoken
from xstilts.report.markdown import steps
from xstilts.report.paper import Paper
from xstilts.report.tables import Entry, Grid, Sheet

WIDTH = 455.0  # points of a line: A4 with margins of 25 mm
LETTER, SMALL_LETTER = 4.4, 3.6  # points of a letter, in \footnotesize and in \scriptsize
GAP = 8.0  # points between columns
ROWS = 46  # of a table, on a page
CLAIMS = ("4.1cm", "1.7cm", "2.6cm", "5.6cm")  # columns of the table of claims
DATA = ("2.0cm", "1.2cm", "2.4cm", "5.0cm", "2.0cm", "2.0cm")  # of that of what was read

PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[margin=25mm]{geometry}
\usepackage{array,booktabs,graphicx,longtable}
\usepackage[hidelinks]{hyperref}
\setlength{\tabcolsep}{4pt}
\newcommand{\codepoint}[1]{{\scriptsize U+#1}}
\newsavebox{\wide}
\newcommand{\fitted}[1]{\sbox{\wide}{#1}\ifdim\wd\wide>\linewidth
  \resizebox{\linewidth}{!}{\usebox{\wide}}\else\usebox{\wide}\fi}
\newcommand{\drawn}[1]{\sbox{\wide}{\includegraphics{#1}}\ifdim\wd\wide<\linewidth
  \ifdim\ht\wide<.85\textheight\usebox{\wide}\else\fillingdrawn{#1}\fi\else\fillingdrawn{#1}\fi}
\newcommand{\fillingdrawn}[1]{\includegraphics[width=\linewidth,height=.85\textheight,keepaspectratio]{#1}}
\renewcommand{\labelitemi}{$\bullet$}
\renewcommand{\topfraction}{.95}
\renewcommand{\textfraction}{.05}
\renewcommand{\floatpagefraction}{.8}
\extrafloats{200}
"""


def folder(paper: Paper, figures: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """The files of the folder but the figures, which are (name, caption) of figures/NAME.pdf."""
    tables = dict(_tables(paper))
    files = {f"tables/{name}.tex": text for name, text in tables.items()}
    return {
        name: text.encode() for name, text in {"main.tex": _main(paper, figures, tables), **files}.items()
    }


def _main(paper: Paper, figures: Sequence[tuple[str, str]], tables: Mapping[str, str]) -> str:
    back = {"claims", "steps", "data"}
    own = [rf"\input{{tables/{name}}}" for name in tables if name not in back]
    drawn = [_figure(name, caption) for name, caption in figures]
    claims = [r"\section{Claims}", r"\input{tables/claims}"] if "claims" in tables else []
    parts = [
        PREAMBLE + r"\begin{document}",
        rf"\title{{{escape(paper.question)}}}"
        + "\n"
        + rf"\author{{{escape(paper.name)}}}"
        + "\n"
        + r"\date{}",
        r"\maketitle",
        r"\begin{abstract}"
        + "\n"
        + escape(" ".join((paper.findings.answer, *paper.findings.conditions)))
        + "\n"
        + r"\end{abstract}",
        r"\section{Question}",
        escape(paper.question),
        r"\section{Method}",
        *(escape(text) for text in paper.method),
        r"\section{Results}",
        *(escape(text) for text in (*paper.results, paper.audit)),
        *own,
        *drawn,
        r"\clearpage",
        r"\section{Limitations}",
        _items(paper.findings.limitations or ["None that this report knows of."]),
        *claims,
        r"\section{References}",
        _items(paper.references),
    ]
    appendix = [(r"\section{Data}", "data"), (r"\section{Steps}", "steps")]
    added = [rf"{title}" + "\n\n" + rf"\input{{tables/{name}}}" for title, name in appendix if name in tables]
    parts += [r"\clearpage\appendix", *added] if added else []
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


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
    for sheet in paper.sheets:
        if sheet.title == "Data":
            table = _long(sheet, _paragraphs(DATA)).replace("/", r"/\allowbreak{}")
            yield "data", r"{\footnotesize" + "\n" + table + "}\n"
        else:
            yield _slug(sheet.title), sheet_table(sheet)
    if paper.claims.rows:
        yield "claims", _long(paper.claims, _paragraphs(CLAIMS))
    if paper.findings.plan.cells:
        sheet = steps(paper)
        yield "steps", r"{\scriptsize" + "\n" + _long(sheet, "l" * len(sheet.columns)) + "}\n"


def grid_table(grid: Grid) -> str:
    """A grid in as many table environments as it takes; findings are bold."""
    parts = split(grid)
    return "\n".join(
        _table(
            f"{part.title} ({number} of {len(parts)})" if len(parts) > 1 else part.title,
            "l" + "r" * len(part.columns),
            [
                [escape(part.names), *map(escape, part.columns)],
                *([escape(name), *map(_entry, entries)] for name, entries in part.rows),
            ],
        )
        for number, part in enumerate(parts, 1)
    )


def sheet_table(sheet: Sheet) -> str:
    """A table of texts, made smaller if it is wider than the line."""
    starts = range(0, len(sheet.rows), ROWS)
    pages = [sheet.rows[start : start + ROWS] for start in starts]
    return "\n".join(
        _table(
            f"{sheet.title} ({number} of {len(pages)})" if len(pages) > 1 else sheet.title,
            "l" * len(sheet.columns),
            [[escape(cell) for cell in line] for line in [sheet.columns, *rows]],
        )
        for number, rows in enumerate(pages, 1)
    )


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


def _entry_width(entry: Entry) -> float:
    return len(entry.text) * LETTER + len(entry.interval) * SMALL_LETTER


def _table(title: str, columns: str, lines: Sequence[Sequence[str]]) -> str:
    head, *rows = ["    " + " & ".join(line) + r" \\" for line in lines]
    inner = [
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        head,
        r"    \midrule",
        *rows,
        r"    \bottomrule",
    ]
    body = "\n".join([*inner, r"  \end{tabular}"])
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"  \centering\footnotesize",
            f"  \\caption{{{escape(title)}}}",
            f"  \\fitted{{%\n{body}}}",
            r"\end{table}",
            "",
        ]
    )


def _paragraphs(widths: Sequence[str]) -> str:
    """Columns of paragraphs."""
    return "".join(rf">{{\raggedright\arraybackslash}}p{{{width}}}" for width in widths)


def _long(sheet: Sheet, columns: str) -> str:
    """A table that may go over several pages."""
    head, *rows = [" & ".join(map(escape, line)) + r" \\" for line in [sheet.columns, *sheet.rows]]
    lines = [
        rf"\begin{{longtable}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
    ]
    return "\n".join([*lines, r"\endfoot", *rows, r"\end{longtable}", ""])


def _figure(name: str, caption: str) -> str:
    return "\n".join(
        [
            r"\begin{figure}[htbp]",
            r"  \centering",
            rf"  \drawn{{figures/{name}.pdf}}",
            rf"  \caption{{{escape(caption)}}}",
            r"\end{figure}",
        ]
    )


def _items(texts: Sequence[str]) -> str:
    return "\n".join([r"\begin{itemize}", *(rf"  \item {escape(text)}" for text in texts), r"\end{itemize}"])


def _entry(entry: Entry) -> str:
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
