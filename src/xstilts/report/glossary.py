"""The glossary of a report: what its arms, tasks and terms are, for a reader who knows none of them."""

from collections.abc import Iterator

from xstilts.analysis import methods
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.findings import Findings
from xstilts.analysis.wording import metric_label
from xstilts.study.phase import Phase
from xstilts.study.plan import Plan

Entries = list[tuple[str, str]]

TERMS = (
    ("Backbone", "The pretrained multilingual model from which every training starts."),
    ("Intermediate task", "A task, mostly English, that a backbone is trained on before the target."),
    (
        "Arm",
        "One way to do the intermediate training: the tasks that it uses and their settings. "
        f"The arm {BASELINE} leaves it out; differences are differences to it.",
    ),
    ("Target", "The task whose transfer is measured: trained in its source language, tested in all others."),
    ("Source language", "The one language, mostly English, in which the target's labels are trained on."),
    ("Zero-shot", "Measured in languages in which no labels were seen, in training or in any choice."),
    ("Gap", "The score in the source language less the mean of the scores in the other languages."),
    (
        "Reference",
        "What the arms are measured against: always answering the most frequent class, a model with random "
        "weights, or another control.",
    ),
    ("Cell", "One result: a backbone, an arm, a target and a seed."),
    (
        "Seed",
        "The number that fixes all random choices of a training; several show what chance does.",
    ),
    (
        "Interval",
        "In brackets: 95 % of such intervals cover the true value, over test examples and, with several "
        "seeds, over seeds.",
    ),
    (
        "Significant",
        "Unlikely to be chance: p below .05 after Holm's correction for the number of comparisons.",
    ),
    (
        "Verdict",
        "Confirmed: the measurements support the claim. Refuted: they support its opposite. Undecided: they "
        "allow both.",
    ),
)


def glossary(findings: Findings) -> list[tuple[str, Entries]]:
    """Explain the arms, the tasks and the terms of a report; titles with their entries."""
    plan = findings.plan
    parts = [("Arms", _arms(plan)), ("Tasks", list(_tasks(plan))), ("Terms", list(TERMS))]
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
