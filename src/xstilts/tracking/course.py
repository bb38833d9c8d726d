"""What there is to tell of a study: its trainings, and what of them a tracker was not told yet.

All of it is read from the store: the curve of a finished phase, that in the state of a running one, records,
failures, scores.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xstilts.plain import parse_json
from xstilts.store import Store
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.step import Step
from xstilts.tracking.tracker import News, Point, State

MAJORITY = "majority"
"""The run of the evaluations that no model answers."""

COSTS = ("seconds", "train_seconds", "tokens", "padding")
CURVE = {
    "loss": "train/loss",
    "rate": "train/learning_rate",
    "tokens": "train/tokens",
    "development": "development/score",
}
"""How trackers call what stands in a point of a curve."""


@dataclass(frozen=True)
class Told:
    """What a tracker knows of a run: up to which update, which evaluations, in which state."""

    update: int = 0
    evaluations: Sequence[str] = ()
    state: str = ""


@dataclass
class Training:
    """A run of the trackers: a phase, if one trained the model, and the evaluations of the model."""

    id: str
    name: str
    phase: Step | None = None
    evaluations: list[Step] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)


class Course:
    """The trainings of a plan, by the id of their run; `store` says how far they are."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self._store = plan, store
        self.trainings: dict[str, Training] = {}
        self.run_of: dict[str, str] = {}
        """The id of the training that a step belongs to, by fingerprint; a backbone that is made has none."""
        for step in plan.steps:
            match step.specification:
                case Phase():
                    self._at(step.fingerprint, step).phase = step
                case Evaluation(model=model):
                    subject = MAJORITY if model is None else model.fingerprint
                    self._at(subject, step).evaluations.append(step)
        for cell in plan.cells:
            for fingerprint in dict.fromkeys((*cell.phases, cell.evaluation)):
                self.trainings[self.run_of[fingerprint]].cells.append(cell)

    def _at(self, subject: str, step: Step) -> Training:
        """The training that a step is part of."""
        name = re.sub(r"[^\w.-]", "_", self.plan.study.name)
        key = f"{name[:64]}-{subject}"
        self.run_of[step.fingerprint] = key
        shown = MAJORITY if subject == MAJORITY else self.plan.names.get(subject, step.name)
        return self.trainings.setdefault(key, Training(key, shown))

    def news(self, training: Training, told: Told) -> tuple[News, Told] | None:
        """What was not told yet of a training, and what is known after that; None if nothing is new."""
        store, phase = self._store, training.phase
        state: State = "running"
        curve, values, message = list[dict[str, float]](), dict[str, float](), ""
        is_leased = phase is not None and store.leased(phase.fingerprint)
        if phase is not None and store.done(phase):
            state = "finished"
            text = store.file(phase.fingerprint, "curve.jsonl").read_text(encoding="utf-8")
            curve = [parse_json(line) for line in text.splitlines()]
            if told.state != "finished":
                values |= _learned(store.record(phase.fingerprint) or {})
        elif phase is not None:
            curve = running_curve(store.root / "running" / phase.fingerprint)
            failure = None if is_leased else store.failure(phase.fingerprint)
            if failure is not None:
                state, message = "failed", failure.message
        points: list[Point] = [
            (int(point["update"]), {shown: float(point[key]) for key, shown in CURVE.items() if key in point})
            for point in curve
            if point["update"] > told.update
        ]
        evaluations = list(told.evaluations)
        for step in training.evaluations:
            if step.fingerprint not in evaluations and store.done(step):
                evaluations.append(step.fingerprint)
                values |= _scores(step, store)
        if phase is None and len(evaluations) == len(training.evaluations):
            state = "finished"
        # What has not begun is no news, nor is a phase that nobody has continued yet.
        if not (points or values or (state != told.state and (state != "running" or is_leased))):
            return None
        update = max([told.update, *(number for number, _ in points)])
        news = News(
            id=training.id,
            study=self.plan.study.name,
            name=training.name,
            facts=dict(_facts(training)),
            state=state,
            is_first=not told.state,
            update=update,
            points=points,
            values=values,
            message=message,
        )
        return news, Told(update, evaluations, state)


def running_curve(folder: Path) -> list[dict[str, float]]:
    """The curve in the state that a running phase has saved last (`compute.state`); empty if it has none.

    The header of the safetensors file has it; the tensors are not read.
    """
    try:
        with (folder / "state.safetensors").open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        curve: list[dict[str, float]] = json.loads(header["__metadata__"]["progress"])["curve"]
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return []  # none, or torn: then the phase begins anew
    return curve


def _learned(record: Mapping[str, Any]) -> dict[str, float]:
    """How well a finished phase learned its tasks, and what it cost."""
    costs = {name: record[name] for name in COSTS if name in record} | record.get("memory", {})
    found = {f"cost/{name}": float(value) for name, value in costs.items()}
    for task, score in record.get("source_score", {}).items():
        found[f"development/{task}/{score['metric']}"] = float(score["value"])
    return found


def _scores(step: Step, store: Store) -> dict[str, float]:
    """The scores of a finished evaluation by language, and their mean over those without labels."""
    evaluation = step.specification
    assert isinstance(evaluation, Evaluation)
    task, trained = evaluation.use.title, evaluation.trained_by
    scores = store.scores(step.fingerprint)["languages"]
    of_language = {code: float(score["value"]) for code, score in scores.items()}
    found = {f"evaluation/{task}/{code}": value for code, value in of_language.items()}
    source = trained.languages[0] if trained is not None else ""
    transfer = [value for code, value in of_language.items() if code != source]
    if transfer:
        found[f"evaluation/{task}/transfer"] = sum(transfer) / len(transfer)
    seconds = (store.record(step.fingerprint) or {}).get("seconds")
    return found if seconds is None else found | {f"cost/evaluation/{task}/seconds": float(seconds)}


def _facts(training: Training) -> Iterator[tuple[str, str | int | float | bool]]:
    """What a training is: where in the study it stands, and what it was trained with."""
    cells, phase = training.cells, training.phase
    for name in ("backbone", "arm", "target", "reference"):
        if values := [value for cell in cells if (value := getattr(cell, name))]:
            yield name, ", ".join(dict.fromkeys(values))
    if phase is None:
        yield "phase", "none"
        return
    specification = phase.specification
    assert isinstance(specification, Phase)
    asked = [step.specification for step in training.evaluations]
    is_asked = any(isinstance(one, Evaluation) and one.trained_by in specification.uses for one in asked)
    yield "phase", "target" if is_asked else "intermediate"
    yield "seed", specification.seed
    yield "tasks", "+".join(use.task for use in specification.uses)
    yield "fingerprint", phase.fingerprint
    for name, value in specification.recipe.model_dump(mode="json").items():
        parts = {f"recipe.{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {}
        for key, one in (parts or {f"recipe.{name}": value}).items():
            if one is not None:
                yield key, one if isinstance(one, str | int | float | bool) else json.dumps(one)
