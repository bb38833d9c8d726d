"""Results as files for other programs and papers: CSV, Parquet, LaTeX, Markdown.

Rows and columns have a fixed order and numbers a fixed format: two identical runs give identical bytes.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xstilts.report.charts import heat_cells, line_label
from xstilts.report.drawing import metric_label, number
from xstilts.report.effects import Effects
from xstilts.report.results import Line, Results, Target

DECIMALS = 4  # of the percentages in results.csv


@dataclass(frozen=True)
class Entry:
    """A number as shown, with its interval; `strong` where it is a finding."""

    text: str
    interval: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Grid:
    """A table for readers: a name for each row, then an entry for each column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]


def csv(results: Results) -> bytes:
    """The tidy table: null is empty, percentages have four decimals."""
    written = io.BytesIO()
    results.table.write_csv(written, float_precision=DECIMALS)
    return written.getvalue()


def parquet(results: Results) -> bytes:
    """The tidy table, with numbers as they are."""
    written = io.BytesIO()
    results.table.write_parquet(written, compression="zstd", statistics=False)
    return written.getvalue()


def grids(effects: Effects) -> list[Grid]:
    """For each backbone the effects of the arms on the targets; for each target the scores by language."""
    results = effects.results
    backbones = dict.fromkeys(line.backbone for line in results.lines if not line.reference)
    maps = [effect_grid(effects, backbone) for backbone in backbones]
    return [*maps, *(score_grid(results, target) for target in results.targets)]


def effect_grid(effects: Effects, backbone: str) -> Grid:
    """The heat map as a table."""
    cells = heat_cells(effects, backbone)
    columns = tuple(dict.fromkeys(cell["column"] for cell in cells))
    rows: dict[str, list[Entry]] = {}
    for cell in cells:
        rows.setdefault(cell["row"], []).append(Entry(cell["text"], cell["interval"], cell["strong"]))
    title = f"Scores of none and differences to it on the languages without labels, {backbone}"
    return Grid(title, columns, tuple((row, tuple(entries)) for row, entries in rows.items()))


def score_grid(results: Results, target: Target) -> Grid:
    """The scores of a target by language, the means over seeds."""
    rows = []
    for line in results.lines:
        samples = [results.score(line, target.name, (code,)) for code in target.languages]
        found = [Entry("–" if one is None else number(float(one.observed.mean()))) for one in samples]
        rows.append((_name(results, line), tuple(found)))
    return Grid(f"{target.name}, {metric_label(target.metric)}", target.languages, tuple(rows))


def _name(results: Results, line: Line) -> str:
    several = len({other.backbone for other in results.lines} - {""}) > 1
    return f"{line_label(line)} ({line.backbone})" if several and line.backbone else line_label(line)


def markdown(effects: Effects) -> bytes:
    """All tables for readers; findings are bold."""
    parts = [f"# {effects.results.study}\n\n{effects.results.plan.study.question}\n"]
    for grid in grids(effects):
        head = ["", *grid.columns]
        lines = [head, ["---", *["---:"] * len(grid.columns)]]
        lines += [[name, *(_marked(entry, "**{}**") for entry in entries)] for name, entries in grid.rows]
        body = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
        parts.append(f"## {grid.title}\n\n{body}\n")
    return "\n".join(parts).encode()


def latex(effects: Effects) -> bytes:
    """All tables for papers: booktabs, each in its own table environment; findings are bold."""
    head = f"% {effects.results.study}: tables for \\usepackage{{booktabs}}\n"
    return (head + "\n".join(_latex_table(grid) for grid in grids(effects))).encode()


def _latex_table(grid: Grid) -> str:
    def line(cells: Sequence[str]) -> str:
        return "    " + " & ".join(cells) + r" \\"

    bold = r"\textbf{{{}}}"
    rows = [
        line([_tex(name), *(_tex_entry(entry, bold) for entry in entries)]) for name, entries in grid.rows
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{_tex(grid.title)}}}",
            f"  \\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
            r"    \toprule",
            line(["", *(_tex(column) for column in grid.columns)]),
            r"    \midrule",
            *rows,
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _marked(entry: Entry, bold: str) -> str:
    text = bold.format(entry.text) if entry.strong else entry.text
    return f"{text} {entry.interval}".strip()


def _tex_entry(entry: Entry, bold: str) -> str:
    shown = Entry(
        _tex(entry.text), entry.interval and rf"{{\scriptsize {_tex(entry.interval)}}}", entry.strong
    )
    return _marked(shown, bold)


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def _tex(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


WRITERS: dict[str, tuple[str, Callable[[Effects], bytes]]] = {
    "csv": ("results.csv", lambda effects: csv(effects.results)),
    "parquet": ("results.parquet", lambda effects: parquet(effects.results)),
    "latex": ("results.tex", latex),
    "markdown": ("results.md", markdown),
}
"""Formats: the name of the file, and what makes its content."""
