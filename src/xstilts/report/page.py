"""The report as one self-contained HTML page, and everything that a report is written as.

The page loads nothing: style, charts and a small script are part of it, and its content security policy lets
no other style or script in. Without the script it can be read whole. All text from studies and tasks is
escaped by the template. A section with much of its own is a template that `page.html.jinja` includes;
`macros.html.jinja` has what sections share.
"""

import errno
import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import xstilts
from xstilts.analysis import methods
from xstilts.analysis.claims import Verdict
from xstilts.analysis.effects import EFFECT
from xstilts.analysis.findings import Findings
from xstilts.analysis.provenance import of_claim
from xstilts.analysis.results import spoken
from xstilts.analysis.wording import number
from xstilts.errors import InputError
from xstilts.report import axes, charts, drawing, latex, markdown, panels, planted, tables
from xstilts.report.paper import Paper, duration, evidence, probability

TEMPLATE = "page.html.jinja"


@dataclass(frozen=True)
class Figure:
    """A chart with the name of its file and the words below it."""

    name: str
    section: str
    caption: str
    chart: Any

    @property
    def svg(self) -> Markup:
        """The chart as an element of the page: made by us from numbers and escaped names."""
        return Markup(drawing.svg(self.chart))


def build(findings: Findings) -> str:
    """Make the page as HTML."""
    return _page(Paper(findings))


def write(findings: Findings, formats: Sequence[str], out: Path) -> list[Path]:
    """Write the report in the formats ("html", "csv", "parquet", "latex", "markdown", "svg", "pdf").

    Gives the files written, below the folder `out`. Everything is made before anything is written; then the
    answer is kept in the store. Raises InputError if the folder cannot be written.
    """
    paper = Paper(findings)
    contents = [content for one in dict.fromkeys(formats) for content in _contents(one, paper)]
    paths = []
    for name, content in contents:
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full." if full else f"cannot be written ({error.strerror})."
            raise InputError(str(path), what, "Name another folder with --out.") from error
        paths.append(path)
    findings.keep()
    return paths


def _contents(format_name: str, paper: Paper) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of a format."""
    match format_name:
        case "html":
            yield "report.html", _page(paper).encode()
        case "svg" | "pdf":
            for figure in figures(paper.findings):
                drawn = drawing.pdf if format_name == "pdf" else lambda chart: drawing.svg(chart).encode()
                yield f"figures/{figure.name}.{format_name}", drawn(figure.chart)
        case "latex":
            drawn_figures = figures(paper.findings)
            told = [(figure.name, figure.caption) for figure in drawn_figures]
            for name, content in latex.folder(paper, told).items():
                yield f"latex/{name}", content
            for figure in drawn_figures:
                yield f"latex/figures/{figure.name}.pdf", drawing.pdf(figure.chart)
        case "markdown":
            yield "report.md", markdown.markdown(paper)
        case _:
            for name, table in paper.tables.items():
                yield f"{name}.{format_name}", tables.WRITERS[format_name](name, table)


def figures(findings: Findings) -> list[Figure]:
    """Draw all charts of the study, in the order of the page; those with nothing to show are left out."""
    backbones = findings.results.backbones
    several = len(backbones) > 1
    drawn: list[Figure] = []
    for name, caption, draw in _BY_BACKBONE:
        for backbone in backbones:
            title = f"{backbone}. {caption}" if several else caption
            own = f"{name}-{backbone}" if several else name
            drawn.append(Figure(own, name, title, draw(findings, backbone)))
    for one in axes.figures(findings.axes, several=several):
        drawn.append(Figure(one.name, "axes", one.caption, one.chart))
    drawn.append(Figure("truth", "planted", _TRUTH, planted.truth_chart(findings.planted)))
    for measure, caption in _CURVES.items():
        chart = charts.curves(findings.training, measure)
        drawn.append(Figure(f"curves-{measure}", "curves", caption, chart))
    return [figure for figure in drawn if figure.chart is not None]


_BY_BACKBONE: tuple[tuple[str, str, Callable[[Findings, str], Any]], ...] = (
    (
        "transfer",
        "Differences to none in points, on the mean of the languages without labels, with 95 % intervals; "
        "grey cells are scores. Blue helps, orange hurts, where that is significant after Holm's correction "
        "(bold); other differences have no colour.",
        lambda found, backbone: charts.heat_map(found.maps[backbone]),
    ),
    (
        "languages",
        "Scores by language, grouped by language family, with 95 % intervals. The bars are the references: "
        "whoever answers with the most frequent class, the same model with random weights, and for targets "
        "about images what is shown less of them.",
        lambda found, backbone: panels.by_language(found.results, found.effects, backbone),
    ),
    (
        "gains",
        "Differences to none in points, language by language, grouped by language family, with 95 % "
        "intervals, which are not corrected for the number of languages.",
        lambda found, backbone: panels.gains(found.results, found.effects, backbone),
    ),
    (
        "gap",
        "The source language (open), the mean of all other languages (filled), and the gap between them in "
        "points with its 95 % interval.",
        lambda found, backbone: charts.gaps(found.effects, backbone, found.results.targets),
    ),
    (
        "layers",
        "Retrieval by the layer whose states are compared, mean over languages and seeds; layer 0 are the "
        "embeddings. Without intervals: choosing a layer by this picture is choosing on the test data.",
        lambda found, backbone: charts.layers(found.layers, backbone),
    ),
    (
        "distance",
        "The score without an intermediate task over the planted distance of the language. In the title: the "
        "slope, in points from the nearest possible language to the farthest, with its 95 % interval.",
        lambda found, backbone: planted.distance_chart(found.distances(backbone)),
    ),
)
_TRUTH = (
    "Effects of intermediate tasks on targets, grouped by what the lab planted, with 95 % intervals. Seen is "
    "what the heat map shows as significant."
)
_CURVES = {
    "loss": "Training loss over the updates, a line for each phase.",
    "development": "Score on the source language's development data over the updates, a line for each phase.",
}


def _page(paper: Paper) -> str:
    findings, store = paper.findings, paper.findings.store
    results, plan = findings.results, findings.plan
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": number,
        "signed": partial(number, signed=True),
        "duration": duration,
        "probability": probability,
        "evidence": evidence,
        "steps": partial(of_claim, findings.quantities),
        "spoken": spoken,
    }
    drawn = figures(findings)
    style, script = _file("page.css"), _file("page.js")
    return environment.get_template(TEMPLATE).render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        paper=paper,
        findings=findings,
        study=plan.study,
        plan=plan,
        results=results,
        done=len(plan.cells) - len(results.missing),
        seeds=sorted({cell.seed for cell in plan.cells if not cell.reference}),
        bar=interval_bar,
        figures={name: [one for one in drawn if one.section == name] for name in _SECTIONS},
        own=findings.own_scores,
        seen=findings.seen,
        truth=findings.planted,
        distances=tables.distance_grid(findings.parts_of_distance),
        failures=methods.failures(plan, store),
        costs=methods.costs(plan, store),
        machines=methods.machines(plan, store),
        data=methods.data_rows(findings.sources),
        data_columns=methods.DATA,
        recipes=methods.recipes(plan),
        models=methods.models(plan, store),
        collapses=findings.collapses,
        leaks=findings.leaks,
        steps=findings.steps,
        lines=[line for line in results.lines if not line.reference and line.arm != EFFECT.against],
        version=xstilts.__version__,
    )


def _file(name: str) -> str:
    return (files("xstilts.report") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """What the page may load and run: its own style and script, known by their hashes, and nothing else."""
    own = [b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{own[0]}'; script-src 'sha256-{own[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


_SECTIONS = ("transfer", "languages", "gains", "gap", "axes", "layers", "distance", "planted", "curves")


def interval_bar(verdict: Verdict, width: int = 160) -> Markup:
    """A small picture of a claim's interval, with zero and the margins that it is judged by."""
    if verdict.effect is None or verdict.low is None or verdict.high is None:
        return Markup("")
    bounds = verdict.claim.bounds
    shown = [0.0, verdict.low, verdict.high, *bounds]
    low, span = min(shown), max(max(shown) - min(shown), 1e-9)

    def place(value: float) -> str:
        return f"{8 + (width - 16) * (value - low) / span:.1f}"

    marks = [f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="2" y2="22"/>']
    marks += [
        f'<line class="margin" x1="{place(bound)}" x2="{place(bound)}" y1="2" y2="22"/>'
        for bound in bounds
        if bound != 0
    ]
    marks.append(f'<line class="span" x1="{place(verdict.low)}" x2="{place(verdict.high)}" y1="12" y2="12"/>')
    marks.append(f'<circle cx="{place(verdict.effect)}" cy="12" r="4.5"/>')
    size = f'width="{width}" height="24" viewBox="0 0 {width} 24"'
    return Markup(f'<svg class="bar" {size} aria-hidden="true">{"".join(marks)}</svg>')
