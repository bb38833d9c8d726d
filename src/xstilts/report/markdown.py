"""The report as one Markdown file: what the page says, without its charts; and how Markdown is written."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from xstilts.analysis import methods
from xstilts.report.paper import Paper
from xstilts.report.tables import Grid, TableEntry
from xstilts.report.templates import fill


def markdown(paper: Paper) -> bytes:
    """The whole report; findings are bold."""
    return fill_markdown("report.md.jinja", paper=paper, findings=paper.findings, methods=methods).encode()


def fill_markdown(template: str, package: str = "xstilts.report", **values: Any) -> str:
    """Fill in a template of a package; one blank line parts what any number of them parts there."""
    text = fill(template, {"plain": plain}, package, grid=grid, table=table, listed=listed, **values)
    return re.sub("\n{3,}", "\n\n", text).strip() + "\n"


def plain(text: str) -> str:
    """One line, without what Markdown would take for a tag, a link or the end of a cell."""
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;").replace("](", "]\\(")


def grid(shown: Grid) -> str:
    """A table of numbers; findings are bold."""

    def marked(entry: TableEntry) -> str:
        text = f"**{entry.text}**" if entry.strong else entry.text
        return f"{text} {entry.interval}".strip()

    rows = [(name, *map(marked, entries)) for name, entries in shown.rows]
    return table((shown.names, *shown.columns), rows, ("---", *("---:",) * len(shown.columns)))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], rule: Sequence[str] = ()) -> str:
    """A table of texts; `rule` says how columns are aligned."""
    lines = [map(plain, columns), rule or ("---",) * len(columns), *(map(plain, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {plain(text)}" for text in texts)
