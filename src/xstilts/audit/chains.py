"""What the chain of an evaluation has seen, every training, tokenizer and selection from the backbone on; and
which of these rows are at hand: those of the lab, of files, and of the Hub what was fetched before.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from xstilts.data import hub
from xstilts.data.loader import identity, reads_files, stream
from xstilts.data.task import Task
from xstilts.errors import InputError, StoreError
from xstilts.plain import by_key
from xstilts.store import read_json
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase, chain
from xstilts.study.plan import Plan
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

Role = Literal["labels", "text", "selection", "thresholds"]
"""What rows are for: their labels train, only their text does, they choose the checkpoint or the threshold of
mining. Shuffled labels teach nothing of a row, so such rows count as text."""


@dataclass(frozen=True, order=True)
class RowSet:
    """The rows of one split of a task in one language."""

    task: str
    split: str
    language: str

    def __str__(self) -> str:
        return f"{self.task} {self.split} {self.language}"


@dataclass(frozen=True, order=True)
class SeenRows:
    """Rows that a chain has seen, and for what. `label_set` is empty where a family has no fixed labels."""

    part: RowSet
    role: Role
    family: str
    label_set: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chain:
    """An evaluation's rows and all that its model has seen; `steps` are the names of all evaluations alike.

    `source` is the language of the labels that the target may see, `own` the tasks whose labels are the
    target's: itself and the one that trains it.
    """

    use: Use
    source: str
    own: tuple[str, ...]
    seen: tuple[SeenRows, ...]
    steps: tuple[str, ...]

    def evaluated(self) -> list[RowSet]:
        """The evaluated rows, by language."""
        return [RowSet(self.use.task, self.use.split, code) for code in self.use.languages]


def chains(plan: Plan) -> list[Chain]:
    """The chains of all evaluations with a model; those that differ in nothing but seeds and recipes once."""
    found = []
    for step in plan.steps:
        one = step.specification
        if isinstance(one, Evaluation) and one.model is not None:
            shots = None if one.prompt is None else one.prompt.use
            trained_by = tuple(use.task for use in (one.trained_by, shots) if use is not None)
            seen = tuple(sorted(set(_seen(one, plan.places))))
            found.append(((one.use, (one.use.task, *trained_by), seen), step.name))
    return [
        Chain(use, plan.places.task(use.task).source_language, own, seen, tuple(dict.fromkeys(names)))
        for (use, own, seen), names in by_key(found).items()
    ]


def unknown(plan: Plan) -> list[str]:
    """What backbones have seen that cannot be looked at, in words."""
    evaluations = [step.specification for step in plan.steps if isinstance(step.specification, Evaluation)]
    models = [model for evaluation in evaluations for model in chain(evaluation.model)]
    backbones = [one for one in models if isinstance(one, Backbone) and one.architecture is None]
    return list(filter(None, dict.fromkeys(_pretraining(one, plan.places) for one in backbones)))


def _pretraining(backbone: Backbone, places: Places) -> str:
    if backbone.weights == "random":
        return ""
    if backbone.checksum is None:
        return f"what {backbone.model} was pretrained on"
    before = kept(backbone, places)
    name = places.backbones[backbone.checksum].name if backbone.checksum in places.backbones else "local"
    if before is None:
        return f"what the backbone '{name}' was pretrained on: its folder holds no spec.json"
    texts = {use.task for use, role in _uses(before, places) if role == "text"}
    return f"the text that the backbone '{name}' was pretrained on: {', '.join(sorted(texts))}" * bool(texts)


def kept(backbone: Backbone, places: Places) -> Phase | None:
    """The phase of which a backbone's folder is the checkpoint, if it is one of xstilts' own."""
    folder = places.backbones.get(backbone.checksum or "")
    if folder is None or not (folder / "spec.json").is_file():
        return None
    try:
        made = Step.from_spec(read_json(folder / "spec.json")).specification
    except (StoreError, ValidationError, json.JSONDecodeError):
        return None  # of another release: told as unknown
    return made if isinstance(made, Phase) else None


def _seen(evaluation: Evaluation, places: Places) -> Iterator[SeenRows]:
    for use, role in _uses(evaluation.model, places):
        yield from _of(use, role)
    if evaluation.thresholds is not None:
        yield from _of(evaluation.thresholds, "thresholds")
    if evaluation.prompt is not None and evaluation.prompt.use is not None:
        yield from _of(evaluation.prompt.use, "labels")
    for model in chain(evaluation.model):
        if isinstance(model, Backbone) and model.weights == "pretrained":
            labelled = (one for one in _uses(kept(model, places), places) if one[1] != "text")
            for use, role in labelled:
                yield from _of(use, role)


def _uses(model: Backbone | Phase | None, places: Places) -> Iterator[tuple[Use, Role]]:
    """What the phases of a chain, and the tokenizer at its end, were made with."""
    for one in chain(model):
        if isinstance(one, Backbone):
            yield from ((use, "text") for use in (one.tokenizer.uses if one.tokenizer else ()))
            continue
        for use in one.uses:
            yield use, "text" if not use.kind.labelled or use.labels == "shuffled" else "labels"
            selects = one.recipe.select == "best" or one.recipe.patience is not None
            if selects and use.development is not None:
                split, language = use.development.split, use.development.language
                yield (
                    use.changed(split=split, languages=(language,), data=(use.development.data,)),
                    "selection",
                )


def _of(use: Use, role: Role) -> Iterator[SeenRows]:
    for language in use.languages:
        yield SeenRows(RowSet(use.task, use.split, language), role, use.family, use.label_set)


def at_hand(task: Task, split: str, language: str, data: Path | None) -> bool:
    """Whether rows can be read without fetching anything.

    The lab's unlabelled text is not: drawing half a million texts takes a minute, for notes at the most.
    """
    if task.made is not None and task.family == "masked":
        return False
    on_hub = task.hub is not None and task.made is None and not reads_files(task, split, data)
    if task.hub is not None and on_hub and not hub.in_cache(task.hub, split, language):
        return False
    try:
        there = on_hub or bool(identity(task, split, language, data))
        # of a file with several languages the rows tell in which there are any
        return there and (task.definition is None or any(True for _ in stream(task, split, language, data)))
    except InputError:
        return False


def absent(task: Task, split: str, data: Path | None) -> str:
    """Why the rows of a split are not at hand, in words."""
    if task.made is not None:
        return "the lab's own text"
    if task.hub is not None and not reads_files(task, split, data):
        return "not fetched yet" if split in task.hub.files else "the Hub has no such rows"
    return "no such files" if data is not None or task.path is not None else "no data folder is named"
