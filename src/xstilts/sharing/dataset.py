"""The results of a study as a data set: its tables, the page, the study file, and a card.

The page is one file; the tables are those of `xstilts report --to csv`, each a configuration of the data set.
"""

from xstilts.analysis.findings import Findings
from xstilts.report import page
from xstilts.report.markdown import fill_markdown
from xstilts.report.paper import Paper
from xstilts.sharing.card import TAGS, front, languages
from xstilts.sharing.model import Files
from xstilts.sharing.private import folders, study_text, without_folders
from xstilts.study.load import tasks_of
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
    study, targets = paper.findings.plan.study, paper.findings.results.targets
    head = {
        "pretty_name": f"Results of {study.name}",
        "language": languages(code for target in targets for code in target.languages),
        "license": licence,
        "tags": [*TAGS, "evaluation-results"],
        "configs": [
            {"config_name": name, "data_files": f"{name}.csv", "default": name == "results"}
            for name in TABLES
        ],
    }
    files = {f"{name}.csv": what for name, what in TABLES.items()}
    files |= {"report.html": "the report as a page that opens offline", STUDY: "the study file"}
    return fill_markdown(
        "dataset-card.md.jinja",
        "xstilts.sharing",
        front=front(head),
        paper=paper,
        findings=paper.findings,
        study=study,
        own_tasks=", ".join(task.name for task in tasks_of(study).values() if task.path or task.definition),
        files=files,
        study_file=STUDY,
        repository=repository,
        version=VERSION,
    )
