"""The report as one Markdown file: what the page says, without its charts."""

from collections.abc import Iterator, Sequence

from xstilts.analysis import methods
from xstilts.analysis.results import language
from xstilts.report.paper import Paper
from xstilts.report.tables import Grid, Sheet, TableEntry, distance_grid


def markdown(paper: Paper) -> bytes:
    """The whole report; findings are bold."""
    return "\n\n".join([f"# {_plain(paper.question)}", *_parts(paper)]).encode() + b"\n"


def _parts(paper: Paper) -> Iterator[str]:
    findings = paper.findings
    plan, store = findings.plan, findings.store
    yield f"Study {_plain(paper.name)}. {_plain(findings.answer)}"
    if findings.conditions:
        yield _list(findings.conditions)
    yield from _section("Claims", [_sheet(paper.claims)] if paper.claims.rows else [])
    yield from _section("Transfer", [part for grid in paper.effect_grids for part in _titled(grid)])
    seen = [
        _plain(f"Not zero-shot: {arm} has seen labels in {', '.join(language(code).name for code in codes)}.")
        for arm, codes in findings.seen
    ]
    scores = [part for grid in paper.score_grids for part in _titled(grid)]
    yield from _section("Language by language", [*seen, *scores] if scores else [])
    yield from _section("Gains by language", [part for grid in paper.gain_grids for part in _titled(grid)])
    yield from _section("Cross-lingual gap", [part for grid in paper.gap_grids for part in _titled(grid)])
    sure = [part for grid in paper.certainty_grids for part in _titled(grid)]
    yield from _section("How sure the models are", sure)
    slopes = [part for grid in paper.slope_grids for part in _titled(grid)]
    yield from _section("Distant languages", slopes)
    every = [part for grid in paper.separated_grids for part in _titled(grid)]
    yield from _section("Which distance matters?", [_plain(paper.separation), *every] if every else [])
    distances = distance_grid(findings.parts_of_distance)
    yield from _section("Planted distances", _titled(distances) if distances is not None else [])
    method = [_plain(text) for text in paper.method]
    models = [f"{name}: {origin}" for name, origin in methods.models(plan, store)]
    yield from _section("Method, settings, cost", [*method, _list(models)] if models else method)
    for sheet in paper.sheets:
        yield from (f"### {_plain(sheet.title)}", _sheet(sheet))
    machines = methods.machines(plan, store)
    if machines:
        yield f"Computed on: {_plain('; '.join(machines))}."
    failed = [(one.name, one.fingerprint, one.message) for one in methods.failures(plan, store)]
    yield from _section("Failed steps", [_list([": ".join(one) for one in failed])] if failed else [])
    yield from _section("Results", [_list([*paper.results, paper.audit])] if paper.results else [])
    yield from _section("Limitations", [_list(findings.limitations or ["None that this report knows of."])])
    yield from _section("Steps", [_sheet(steps(paper))] if plan.cells else [])
    for title, entries in paper.glossary:
        yield from _section(title, [_list([f"{name}: {meaning}" for name, meaning in entries])])
    yield from _section("References", [_list(paper.references)])


def steps(paper: Paper) -> Sheet:
    """Every cell with the fingerprints of its evaluation and its phases."""
    rows = [
        (one.line.backbone, one.name, one.target, str(one.seed), one.evaluation, " → ".join(one.phases))
        for one in paper.findings.steps
    ]
    columns = ("backbone", "arm", "target", "seed", "evaluation", "phases, first to last")
    return Sheet("Steps of the store", columns, tuple(rows))


def _section(title: str, parts: Sequence[str]) -> list[str]:
    return [f"## {title}", *parts] if parts else []


def _titled(grid: Grid) -> list[str]:
    rows = [(name, *(_marked(entry) for entry in entries)) for name, entries in grid.rows]
    numbers = ("---:",) * len(grid.columns)
    return [f"### {_plain(grid.title)}", _table((grid.names, *grid.columns), ("---", *numbers), rows)]


def _sheet(sheet: Sheet) -> str:
    return _table(sheet.columns, ("---",) * len(sheet.columns), sheet.rows)


def _table(columns: Sequence[str], rule: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[_plain(cell) for cell in line] for line in rows]
    lines = [[_plain(column) for column in columns], rule, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {_plain(text)}" for text in texts)


def _marked(entry: TableEntry) -> str:
    text = f"**{entry.text}**" if entry.strong else entry.text
    return f"{text} {entry.interval}".strip()


def _plain(text: str) -> str:
    """One line, without what Markdown would take for a tag, a link or the end of a cell."""
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;").replace("](", "]\\(")
