"""The report as one self-contained HTML page, and everything that a report is written as.

The page loads nothing: style, charts and a small script are part of it, and its content security policy lets
no other style or script in. Without the script it can be read whole. All text from studies and tasks is
escaped by the template. A section with much of its own is a template that `page.html.jinja` includes;
`macros.html.jinja` has what sections share.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.analysis import methods
from xstilts.analysis.claims import results_behind
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import spoken
from xstilts.analysis.wording import number
from xstilts.disk import writes
from xstilts.errors import InputError, did_you_mean
from xstilts.report import latex, markdown, tables
from xstilts.report.paper import Paper, duration, evidence, probability
from xstilts.report.templates import Filters, fill, page_parts
from xstilts.version import VERSION

if TYPE_CHECKING:
    from xstilts.report.drawing import Figure


FORMATS = ("html", "csv", "parquet", "latex", "markdown", "svg", "pdf")
"""What a report may be written as."""


def build(findings: Findings) -> str:
    """Make the page as HTML."""
    return _page(Paper(findings))


def write(findings: Findings, formats: Sequence[str], out: Path) -> list[Path]:
    """Write the report in the formats, which are among FORMATS.

    Gives the files written, below the folder `out`. Everything is made before anything is written; then the
    answer is kept in the store. Raises InputError if the folder cannot be written or a format is none.
    """
    if unknown := [one for one in formats if one not in FORMATS]:
        near = did_you_mean(unknown[0], FORMATS)
        raise InputError(
            "to", f"no format '{unknown[0]}'.", f"{near} There are {', '.join(FORMATS)}.".strip()
        )
    paper = Paper(findings)
    paths = save([content for one in dict.fromkeys(formats) for content in contents(one, paper)], out)
    findings.keep()
    return paths


def save(contents: Iterable[tuple[str, bytes]], out: Path) -> list[Path]:
    """Write files, by name and content, below a folder; gives them. InputError if one cannot be written."""
    paths = []
    for name, content in contents:
        path = out / name
        with writes(path, "--out"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        paths.append(path)
    return paths


def contents(format_name: str, paper: Paper) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of a format."""
    match format_name:
        case "html":
            yield "report.html", _page(paper).encode()
        case "svg" | "pdf":
            for figure in figures(paper.findings):
                drawn = figure.svg.encode() if format_name == "svg" else figure.pdf
                yield f"figures/{figure.name}.{format_name}", drawn
        case "latex":
            drawn_figures = figures(paper.findings)
            captions = [(figure.name, figure.caption) for figure in drawn_figures]
            for name, content in latex.folder(paper, captions).items():
                yield f"latex/{name}", content
            for figure in drawn_figures:
                yield f"latex/figures/{figure.name}.pdf", figure.pdf
        case "markdown":
            yield "report.md", markdown.markdown(paper)
        case _:
            for name, table in paper.tables.items():
                yield f"{name}.{format_name}", tables.WRITERS[format_name](name, table)


def figures(findings: Findings) -> "list[Figure]":
    """Draw all figures. Text and tables do not wait for what that loads."""
    from xstilts.report.charts import figures as draw

    return draw(findings)


def _page(paper: Paper) -> str:
    findings = paper.findings
    filters: Filters = {
        "number": number,
        "signed": partial(number, signed=True),
        "duration": duration,
        "probability": probability,
        "evidence": evidence,
        "steps": partial(results_behind, findings.quantities),
        "spoken": spoken,
    }
    drawn = defaultdict[str, list["Figure"]](list)
    for figure in figures(findings):
        drawn[figure.section].append(figure)
    return fill(
        "page.html.jinja",
        filters,
        **page_parts(),
        paper=paper,
        findings=findings,
        methods=methods,
        figures=drawn,
        ticks=ticks,
        baseline=BASELINE,
        version=VERSION,
    )


def ticks(low: float, span: float) -> list[float]:
    """The round numbers at which an axis is marked, about five."""
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span / 5)
    return [step * n for n in range(math.ceil(low / step), math.floor((low + span) / step) + 1)]
