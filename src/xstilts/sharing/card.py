"""The card of a model, made from the study's store: what it is, how good it is, how to load it, whom to cite.

Scores stand in its head as the structured results (`model-index`) that the Hub shows and searches, each with
its interval; those that people read stand in a table. Its text is `model-card.md.jinja`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts.analysis import methods, wording
from xstilts.analysis.effects import BASELINE, EFFECT, SCORE
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Line, language, spoken
from xstilts.analysis.statistics import LEVEL, Array, percentiles
from xstilts.analysis.wording import interval, metric_label
from xstilts.plain import by_key
from xstilts.report.bibliography import DESIGN
from xstilts.report.markdown import fill_markdown
from xstilts.sharing.model import BASE, NAMED, Chosen, Repository, label_names
from xstilts.sharing.private import folders, without_folders
from xstilts.study.phase import seen_with_labels
from xstilts.study.plan import Cell
from xstilts.version import VERSION

TAGS = ("xstilts", "cross-lingual-transfer", "intermediate-task-training")

PIPELINES = {
    "classification": "text-classification",
    "choice": "multiple-choice",
    "tagging": "token-classification",
    "span": "question-answering",
    "retrieval": "sentence-similarity",
    "masked": "fill-mask",
    "visual": "visual-question-answering",
}
"""What the Hub calls the families of tasks."""

AUTO = {
    "SequenceClassification": "AutoModelForSequenceClassification",
    "MultipleChoice": "AutoModelForMultipleChoice",
    "TokenClassification": "AutoModelForTokenClassification",
    "QuestionAnswering": "AutoModelForQuestionAnswering",
    "MaskedLM": "AutoModelForMaskedLM",
    "CausalLM": "AutoModelForCausalLM",
    "ConditionalGeneration": "AutoModelForSeq2SeqLM",
}
"""How transformers' classes end, and what loads them."""

ADAPTED = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
}
"""peft's task types, and what loads the model below such an adapter."""


@dataclass(frozen=True)
class Measured:
    """A score of the model in a language, or ("transfer") the mean over those without labels, in percent."""

    cell: Cell
    language: str
    value: float
    low: float
    high: float
    examples: int
    seen: bool

    @property
    def where(self) -> str:
        """The language in words."""
        return MEAN if self.language == "transfer" else spoken(self.language)


MEAN = "mean of the languages without labels"


def front(facts: dict[str, Any]) -> str:
    """The head of a card, a block of YAML that the Hub reads; what is empty is left out."""
    from huggingface_hub import CardData

    return f"---\n{CardData(**{name: value for name, value in facts.items() if value}).to_yaml()}\n---"


def languages(codes: Iterable[str]) -> list[str]:
    """Those that the Hub knows as codes of languages, sorted; those of the lab are none."""
    first = {code.partition("-")[0] for code in codes}
    return sorted(code for code in first if re.fullmatch("[a-z]{2,3}", code))


def model_card(chosen: Chosen, findings: Findings, repository: Repository, licence: str | None = None) -> str:
    """The card of a model. `licence` is the Hub's name of one, if its maker chose one."""
    plan = chosen.plan
    measured = [one for cell in chosen.evaluated for one in _measured(findings, cell)]
    auto, settings = _class(repository)
    names = label_names(chosen) if settings.get("task_type") in NAMED else {}
    uses = [(use.task, "trained") for phase in chosen.phases for use in phase.uses]
    uses += [(plan.evaluation(cell).use.task, "evaluated") for cell in chosen.evaluated]
    ways = by_key(dict.fromkeys(uses))
    text = fill_markdown(
        "model-card.md.jinja",
        "xstilts.sharing",
        front=front(_facts(chosen, measured, repository, licence)),
        chosen=chosen,
        findings=findings,
        repository=repository,
        licence=licence,
        auto=auto,
        options="".join(f", {name}={labels!r}" for name, labels in names.items()),
        heads=repository.read("heads.json")
        if auto == "AutoModel" and "heads.json" in repository.files
        else (),
        measured=measured,
        of_arm=list(_of_arm(chosen, findings)),
        used=[(name, plan.places.task(name), " and ".join(found)) for name, found in ways.items()],
        methods=methods,
        wording=wording,
        level=f"{LEVEL:.0%}",
        baseline=BASELINE,
        base_folder=BASE,
        design=DESIGN,
        version=VERSION,
    )
    return without_folders(text, folders(plan, findings.store))


def _facts(
    chosen: Chosen, measured: list[Measured], repository: Repository, licence: str | None
) -> dict[str, Any]:
    plan, backbone = chosen.plan, chosen.backbone
    uses = [use for phase in chosen.phases for use in phase.uses]
    hubs = [hub for use in uses if (hub := plan.places.task(use.task).hub) is not None]
    spoken_in = [code for use in uses for code in use.languages] + [one.language for one in measured]
    families = {use.family for use in chosen.phase.uses}
    base = repository.base or (backbone.model if not backbone.made else "")
    results = [_result(chosen, one) for one in measured]
    return {
        "language": languages(spoken_in),
        "license": licence,
        "library_name": "peft" if repository.is_adapter else "transformers",
        "pipeline_tag": PIPELINES[families.pop()] if len(families) == 1 else None,
        "base_model": base,
        "base_model_relation": ("adapter" if repository.is_adapter else "finetune") if base else None,
        "datasets": list(dict.fromkeys(source.dataset for hub in hubs for source in hub.sources)),
        "tags": [*TAGS, *dict.fromkeys(use.task for use in uses)],
        "model-index": [{"name": repository.title, "results": results}] if results else None,
    }


def _result(chosen: Chosen, one: Measured) -> dict[str, Any]:
    """A score as `model-index` has it; the interval stands in the arguments of the metric."""
    task, evaluation = chosen.plan.places.task(one.cell.target), chosen.plan.evaluation(one.cell)
    where = MEAN if one.language == "transfer" else language(one.language).name
    dataset = {"type": task.name, "name": f"{task.name}, {where}"}
    dataset |= {"config": one.language, "split": evaluation.use.split}
    if task.hub is not None:
        dataset |= {"type": task.hub.dataset, "revision": task.hub.revision}
    limits = {"low": round(one.low, 2), "high": round(one.high, 2)}
    metric = {
        "type": evaluation.metric,
        "name": f"{metric_label(evaluation.metric)}, percent",
        "value": round(one.value, 2),
        "args": {**limits, "confidence": LEVEL, "examples": one.examples},
    }
    kind = {"type": PIPELINES[evaluation.use.family], "name": task.description}
    return {"task": kind, "dataset": dataset, "metrics": [metric]}


def _measured(findings: Findings, cell: Cell) -> Iterator[Measured]:
    """The scores of an evaluation: first the mean over the languages without labels, then each language."""
    results, store = findings.results, findings.store
    if cell in results.missing:
        return
    target = results.target(cell.target)
    scores = store.scores(cell.evaluation)["languages"]
    drawn = {code: results.drawn[cell.evaluation, code] for code in scores}
    seen = {target.source, *seen_with_labels(results.plan.evaluation(cell).model)}
    transfer = [code for code in target.transfer if code in scores]
    lowest = -100.0 if target.metric.endswith("_correlation") else 0.0
    if len(transfer) > 1:
        draws = np.mean([drawn[code].draws for code in transfer], axis=0)
        value = float(np.mean([drawn[code].observed for code in transfer]))
        examples = sum(int(scores[code]["n"]) for code in transfer)
        yield Measured(
            cell, "transfer", value, *_interval(draws, lowest), examples, not seen.isdisjoint(transfer)
        )
    for code, score in scores.items():
        found = drawn[code]
        yield Measured(
            cell, code, found.observed, *_interval(found.draws, lowest), int(score["n"]), code in seen
        )


def _interval(draws: Array, lowest: float) -> tuple[float, float]:
    low, high = percentiles(draws)
    return max(lowest, low), min(100.0, high)


def _class(repository: Repository) -> tuple[str, dict[str, Any]]:
    """The class of transformers that loads the model, or that below its adapter; and its settings."""
    if repository.is_adapter:
        settings = repository.read("adapter_config.json")
        return ADAPTED.get(str(settings["task_type"]), "AutoModel"), settings
    (name,) = repository.read("config.json")["architectures"]
    return AUTO.get(name.rpartition("For")[2], "AutoModel") if "For" in name else "AutoModel", {}


def _of_arm(chosen: Chosen, findings: Findings) -> Iterator[tuple[str, ...]]:
    """The targets of the arm: seeds, score, and what the arm changes."""
    line = Line(chosen.cell.backbone, chosen.cell.arm)
    for target in dict.fromkeys(cell.target for cell in chosen.cells):
        score = findings.quantities.estimate(SCORE, line, target)
        effect = findings.quantities.estimate(EFFECT, line, target) if line.arm != BASELINE else None
        if score is not None:
            change = "" if effect is None else interval(effect)
            yield target, str(score.seeds), interval(score, signed=False), change
