"""The results of a study as a data set: its tables, the page, the study file, and a card.

The page is one file; the tables are those of `xstilts report --to csv`, each a configuration of the data set.
"""

from collections.abc import Iterator

from xstilts.analysis.findings import Findings
from xstilts.report import page
from xstilts.report.paper import Paper
from xstilts.sharing.model import Files
from xstilts.sharing.private import folders, study_text, without_folders
from xstilts.sharing.text import TAGS, front, languages, listed, table
from xstilts.version import VERSION

TABLES = {
    "results": "the score of every cell in every language",
    "effects": "every mean, difference and gap, with its interval and probability",
    "verdicts": "the claims, and what became of them",
}
STUDY = "study.toml"


def files(findings: Findings, repository: str, licence: str | None) -> Files:
    """All of it, without paths of the user's computer."""
    paper = Paper(findings)
    texts = {name: text.decode() for one in ("html", "csv") for name, text in page.contents(one, paper)}
    findings.keep()
    study = findings.plan.study
    if study.path.is_file():
        texts[STUDY] = study_text(study.path.read_bytes().decode())
    texts["README.md"] = dataset_card(paper, repository, licence)
    places = folders(findings.plan, findings.store)
    return {name: without_folders(text, places).encode() for name, text in texts.items()}


def dataset_card(paper: Paper, repository: str, licence: str | None) -> str:
    """The card of the results."""
    return "\n\n".join(_parts(paper, repository, licence)) + "\n"


def _parts(paper: Paper, repository: str, licence: str | None) -> Iterator[str]:
    findings = paper.findings
    study = findings.plan.study
    codes = [code for target in findings.results.targets for code in target.languages]
    models = [one.model for one in study.backbones.values() if one.model and one.revision]
    yield front(
        {
            "pretty_name": f"Results of {study.name}",
            "language": languages(codes),
            "license": licence,
            "tags": [*TAGS, "evaluation-results"],
            "configs": [
                {"config_name": name, "data_files": f"{name}.csv", "default": name == "results"}
                for name in TABLES
            ],
        }
    )
    yield f"# Results of {study.name}"
    yield f"{study.question} {findings.answer}"
    if findings.conditions:
        yield listed(findings.conditions)
    if paper.claims.rows:
        yield "## Claims"
        yield table(paper.claims.columns, paper.claims.rows)
    yield "## Files"
    files = [(f"`{name}.csv`", what) for name, what in TABLES.items()]
    files += [("`report.html`", "the report as a page that opens offline"), (f"`{STUDY}`", "the study file")]
    yield table(("file", "what it is"), files)
    yield (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'scores = load_dataset("{repository}", "results")["train"].to_pandas()\n'
        "```"
    )
    yield f"`xstilts run {STUDY}` computes them again."
    yield "## Method"
    yield "\n\n".join(paper.method)
    yield listed([f"Backbone: {model}" for model in models] + [paper.audit])
    yield "## Limits"
    yield listed(findings.limitations or ["None that the report knows of."])
    yield "## References"
    yield listed(paper.references)
    yield f"Made with xstilts {VERSION}."
