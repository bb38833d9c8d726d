"""The glossary of a report: what its arms, tasks and terms are, for a reader who knows none of them."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files

from xstilts.analysis import methods
from xstilts.analysis.findings import Findings
from xstilts.analysis.wording import metric_label
from xstilts.study.phase import Phase
from xstilts.study.plan import Plan

Entries = list[tuple[str, str]]


def glossary(findings: Findings) -> list[tuple[str, Entries]]:
    """Explain the arms, the tasks and the terms of a report; titles with their entries."""
    plan = findings.plan
    terms = tomllib.loads((files("xstilts.report") / "terms.toml").read_text("utf-8"))
    parts = [("Arms", _arms(plan)), ("Tasks", list(_tasks(plan))), ("Terms", list(terms.items()))]
    return [(title, entries) for title, entries in parts if entries]


def _arms(plan: Plan) -> Entries:
    """Say of each arm what it is trained on before the target."""
    phases = {step.fingerprint: step.specification for step in plan.steps}
    arms: dict[str, str] = {}
    for cell in plan.cells:
        if cell.reference or cell.arm in arms:
            continue
        before = cell.phases[:-1] if plan.evaluation(cell).trained_by is not None else cell.phases
        chain = [phase for key in before if isinstance(phase := phases.get(key), Phase)]
        trained = ", then ".join(" + ".join(use.title for use in phase.uses) for phase in chain)
        arms[cell.arm] = f"Trained on {trained}." if trained else "No intermediate training."
    return list(arms.items())


def _tasks(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say of each task what it is and how it is scored."""
    for name in methods.task_names(plan):
        task = plan.places.task(name)
        description = task.description.rstrip(".") or f"A task of the family {task.family}"
        yield name, f"{description}. Scored by {metric_label(task.metric)}."
