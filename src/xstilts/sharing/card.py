"""The card of a model, made from the study's store: what it is, how good it is, how to load it, whom to cite.

Scores stand in its head as the structured results (`model-index`) that the Hub shows and searches, each with
its interval; those that people read stand in a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts.analysis import methods
from xstilts.analysis.effects import BASELINE, EFFECT, SCORE
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Line, language, spoken
from xstilts.analysis.statistics import LEVEL, Array
from xstilts.analysis.wording import bounds, interval, metric_label, number
from xstilts.data.task import Task
from xstilts.report.bibliography import DESIGN
from xstilts.sharing.choice import Chosen
from xstilts.sharing.model import BASE, NAMED, Content, Files, label_names, read
from xstilts.sharing.private import folders, without_folders
from xstilts.sharing.text import TAGS, front, languages, listed, table
from xstilts.study.phase import seen_with_labels
from xstilts.study.plan import Cell
from xstilts.study.use import Use
from xstilts.version import VERSION

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
class Repository:
    """Where the model goes, and what lies there."""

    name: str
    content: Content
    files: Files

    @property
    def title(self) -> str:
        """The name without the owner."""
        return self.name.rpartition("/")[2]


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


def model_card(chosen: Chosen, findings: Findings, repository: Repository, licence: str | None = None) -> str:
    """The card of a model. `licence` is the Hub's name of one, if its maker chose one."""
    measured = [one for cell in chosen.evaluated for one in _measured(findings, cell)]
    parts = [
        front(_facts(chosen, measured, repository, licence)),
        f"# {repository.title}",
        _summary(chosen, repository.content),
        "## Loading it",
        *_loading(chosen, repository),
        "## Training",
        _chain(chosen),
        listed(_origins(chosen, findings)),
        "## Scores",
        *_scores(chosen, findings, measured),
        "## Data and licences",
        table(("task", "what it is", "trained or evaluated", "licence"), _data(chosen)),
        "The licence of these weights is "
        + (f"`{licence}`." if licence else "not stated.")
        + " Licences of the data and of the model that it was made from may bind whoever uses it.",
        "## Limits",
        listed(_limits(chosen, findings)),
        "## Citation",
        listed(_references(chosen)),
        f"Made with xstilts {VERSION}, study `{chosen.plan.study.name}`, phase `{chosen.step.fingerprint}`.",
    ]
    return without_folders("\n\n".join(parts) + "\n", folders(chosen.plan, findings.store))


def _facts(
    chosen: Chosen, measured: list[Measured], repository: Repository, licence: str | None
) -> dict[str, Any]:
    content = repository.content
    plan, backbone = chosen.plan, chosen.backbone
    uses = [use for phase in chosen.phases for use in phase.uses]
    tasks = [plan.places.task(use.task) for use in uses]
    spoken_in = [code for use in uses for code in use.languages] + [one.language for one in measured]
    families = {use.family for use in chosen.phase.uses}
    base = content.base or (backbone.model if not backbone.made else "")
    results = [_result(plan.places.task(one.cell.target), chosen, one) for one in measured]
    return {
        "language": languages(spoken_in),
        "license": licence,
        "library_name": "peft" if content.is_adapter else "transformers",
        "pipeline_tag": PIPELINES[families.pop()] if len(families) == 1 else None,
        "base_model": base,
        "base_model_relation": ("adapter" if content.is_adapter else "finetune") if base else None,
        "datasets": list(
            dict.fromkeys(hub.dataset for task in tasks if task.hub for hub in task.hub.sources)
        ),
        "tags": [*TAGS, *dict.fromkeys(use.task for use in uses)],
        "model-index": [{"name": repository.title, "results": results}] if results else None,
    }


def _result(task: Task, chosen: Chosen, one: Measured) -> dict[str, Any]:
    """A score as `model-index` has it; the interval stands in the arguments of the metric."""
    use = chosen.plan.evaluation(one.cell).use
    is_mean = one.language == "transfer"
    named = "mean of the languages without labels" if is_mean else language(one.language).name
    revision = {"revision": task.hub.revision} if task.hub is not None else {}
    metric = chosen.plan.evaluation(one.cell).metric
    return {
        "task": {"type": PIPELINES[use.family], "name": task.description},
        "dataset": {
            "type": task.hub.dataset if task.hub is not None else task.name,
            "name": f"{task.name}, {named}",
            "config": one.language,
            "split": use.split,
            **revision,
        },
        "metrics": [
            {
                "type": metric,
                "name": f"{metric_label(metric)}, percent",
                "value": round(one.value, 2),
                "args": {
                    "low": round(one.low, 2),
                    "high": round(one.high, 2),
                    "confidence": LEVEL,
                    "examples": one.examples,
                },
            }
        ],
    }


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
    if len(transfer) > 1:
        draws = np.mean([drawn[code].draws for code in transfer], axis=0)
        value = float(np.mean([drawn[code].observed for code in transfer]))
        examples = sum(int(scores[code]["n"]) for code in transfer)
        yield Measured(cell, "transfer", value, *_interval(draws), examples, not seen.isdisjoint(transfer))
    for code, score in scores.items():
        found = drawn[code]
        yield Measured(cell, code, found.observed, *_interval(found.draws), int(score["n"]), code in seen)


def _interval(draws: Array) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return max(0.0, float(low)), min(100.0, float(high))


def _summary(chosen: Chosen, content: Content) -> str:
    trained = ", then on ".join(" and ".join(use.task for use in phase.uses) for phase in chosen.phases)
    what = "The adapter of a model" if content.is_adapter else "A model"
    backbone = chosen.backbone
    start = f"`{backbone.model}`" if backbone.model else f"the backbone `{chosen.cell.backbone}`"
    use = (
        f" It answers {chosen.target}."
        if chosen.target
        else " It is what intermediate training made: to be trained on a task of one's own."
    )
    return (
        f"{what} that was trained from {start} on {trained}: cross-lingual intermediate-task training "
        f"(STILTs), arm `{chosen.cell.arm}` of the study `{chosen.plan.study.name}`. The study asks: "
        f"{chosen.plan.study.question}{use}"
    )


def _loading(chosen: Chosen, made: Repository) -> Iterator[str]:
    """The lines of Python that load it, and what they do not give."""
    repository, content = made.name, made.content
    tokenizer = f'tokenizer = AutoTokenizer.from_pretrained("{repository}")'
    if content.is_adapter:
        settings = read(made.files, "adapter_config.json")
        auto = ADAPTED.get(str(settings["task_type"]), "AutoModel")
        options = [
            f"{name}={names!r}"
            for name, names in label_names(chosen).items()
            if settings["task_type"] in NAMED
        ]
        code = [
            "from peft import PeftModel",
            f"from transformers import {auto}, AutoTokenizer",
            "",
            tokenizer,
        ]
        if content.base:
            base = ", ".join([f'"{content.base}"', f'revision="{content.revision}"', *options])
            code += [
                f"base = {auto}.from_pretrained({base})",
                f'model = PeftModel.from_pretrained(base, "{repository}")',
            ]
        else:
            base = ", ".join([f'folder + "/{BASE}"', *options, "ignore_mismatched_sizes=True"])
            code[0:0] = ["from huggingface_hub import snapshot_download"]
            code += [
                f'folder = snapshot_download("{repository}")',
                f"base = {auto}.from_pretrained({base})",
                "model = PeftModel.from_pretrained(base, folder)",
            ]
    else:
        (architecture,) = read(made.files, "config.json")["architectures"]
        auto = (
            AUTO.get(architecture.rpartition("For")[2], "AutoModel") if "For" in architecture else "AutoModel"
        )
        code = [
            f"from transformers import {auto}, AutoTokenizer",
            "",
            tokenizer,
            f'model = {auto}.from_pretrained("{repository}")',
        ]
    yield "```python\n" + "\n".join(code) + "\n```"
    if auto == "AutoModel" and "heads.json" in made.files:
        heads = ", ".join(read(made.files, "heads.json"))
        yield (
            f"This gives the encoder. What was trained on top of it ({heads}) lies in `heads.safetensors`; "
            "transformers has no class that reads it."
        )
    yield f"Texts were cut at {chosen.phase.recipe.max_length} tokens."


def _chain(chosen: Chosen) -> str:
    rows = []
    for place, phase in enumerate(chosen.phases, 1):
        row = methods.recipe_row(phase)
        adapter = phase.recipe.adapter
        rows.append(
            (
                str(place),
                row["tasks"],
                row["languages"],
                row["examples"],
                row["rate"],
                f"{row['length']} of {row['batch']}",
                row["schedule"],
                f"{adapter.method}, rank {adapter.rank}" if adapter else "all weights",
                str(phase.seed),
            )
        )
    columns = ("phase", "tasks", "languages", "rows", "learning rate", "length", "schedule", "trains", "seed")
    return table(columns, rows)


def _origins(chosen: Chosen, findings: Findings) -> Iterator[str]:
    """What it was made from, and at what cost."""
    backbone = chosen.backbone
    yield f"Start: {dict(methods.models(chosen.plan, findings.store))[chosen.cell.backbone]}."
    if backbone.weights == "random":
        yield "The weights that it started from were random."
    for phase in chosen.phases:
        record = findings.store.record(phase.fingerprint) or {}
        hardware = record.get("hardware", {})
        device = hardware.get("gpu") or hardware.get("processor") or "unknown hardware"
        learned = [
            f"{metric_label(score['metric'])} {number(score['value'])} on the development rows of {task}"
            for task, score in record.get("source_score", {}).items()
        ]
        minutes = float(record.get("seconds", 0.0)) / 60
        told = [f"{record.get('tokens', 0):,} tokens in {minutes:.1f} min on {device}", *learned]
        yield f"{phase.name}: {'; '.join(told)}."


def _scores(chosen: Chosen, findings: Findings, measured: list[Measured]) -> Iterator[str]:
    if measured:
        yield (
            f"In percent, with {LEVEL:.0%} intervals over the choice of test examples: of this model, so not "
            "over seeds. Zero-shot: no labels of the language were seen in training."
        )
        yield table(
            ("task", "language", "score", "interval", "rows", "zero-shot"),
            [
                (
                    f"{one.cell.target} ({metric_label(chosen.plan.evaluation(one.cell).metric)})",
                    "mean of the languages without labels"
                    if one.language == "transfer"
                    else spoken(one.language),
                    number(one.value),
                    bounds(one.low, one.high),
                    f"{one.examples:,}",
                    "no" if one.seen else "yes",
                )
                for one in measured
            ],
        )
    else:
        yield "This very model is evaluated on nothing; models that were trained from it are."
    rows = []
    line = Line(chosen.cell.backbone, chosen.cell.arm)
    for target in dict.fromkeys(cell.target for cell in chosen.cells):
        score = findings.quantities.estimate(SCORE, line, target)
        effect = findings.quantities.estimate(EFFECT, line, target) if chosen.cell.arm != BASELINE else None
        if score is not None:
            change = "" if effect is None else interval(effect)
            rows.append((target, str(score.seeds), interval(score, signed=False), change))
    if rows:
        yield (
            "The arm as a whole, over the seeds of the study, in the languages without labels; the last "
            f"column is what it changes against the arm `{BASELINE}`, which has no intermediate training:"
        )
        yield table(("target", "seeds", "score", "change"), rows)


def _used(chosen: Chosen) -> dict[str, list[str]]:
    """The tasks of the chain and of its evaluations, and what each was used for."""
    found: dict[str, list[str]] = {}
    uses: list[tuple[Use, str]] = [(use, "trained") for phase in chosen.phases for use in phase.uses]
    uses += [(chosen.plan.evaluation(cell).use, "evaluated") for cell in chosen.evaluated]
    for use, what in uses:
        known = found.setdefault(use.task, [])
        if what not in known:
            known.append(what)
    return found


def _data(chosen: Chosen) -> Iterator[tuple[str, ...]]:
    for name, what in _used(chosen).items():
        task = chosen.plan.places.task(name)
        place = f"{task.hub.dataset} at {task.hub.revision[:12]}" if task.hub is not None else task.url
        described = f"{task.description} ({place})" if place else task.description
        yield name, described, " and ".join(what), task.licence or "not stated"


def _limits(chosen: Chosen, findings: Findings) -> Iterator[str]:
    seeds = sorted(
        {cell.seed for cell in chosen.plan.cells if not cell.reference and cell.arm == chosen.cell.arm}
    )
    yield (
        f"One model of {len(seeds)} (seed {chosen.cell.seed}): other seeds of the same training differ; "
        "it was named by its seed and not by its score."
    )
    if chosen.phase.recipe.select == "best":
        yield "Its checkpoint is the best on development rows in the source language."
    yield findings.leaks.summary or "Leaks between training and test rows were not looked for."
    yield from findings.limitations


def _references(chosen: Chosen) -> Iterator[str]:
    yield DESIGN
    for name in _used(chosen):
        if citation := chosen.plan.places.task(name).citation:
            yield f"{name}: {citation}"
