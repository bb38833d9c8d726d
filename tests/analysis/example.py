"""A study as it looks when it has run, without a model: three arms, four targets, eight languages.

Effects are planted: `nli` helps its own target by about 25 points and `pairs` by about 20, `tags` hurts
retrieval, nothing else does anything. Scores fall with distance; the random reference is near the majority.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl

from xstilts import lab, metrics
from xstilts.analysis.results import Results
from xstilts.store import Store, write_json
from xstilts.study.backbone import Backbone
from xstilts.study.claim import Claim
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.study import Arm, Intermediate, StudyFile
from xstilts.study.use import Development, Use

N = 120
LANGUAGES = tuple(lab.LANGUAGES)
TRANSFER = tuple(code for code in LANGUAGES if code != lab.BASE)
METRICS = {
    "lab_nli": "accuracy",
    "lab_pairs": "accuracy",
    "lab_ner": "span_f1",
    "lab_tatoeba": "retrieval_accuracy",
}
FAMILIES = {"lab_nli": "classification", "lab_pairs": "classification", "lab_ner": "tagging"}
EASE = {"lab_nli": 0.9, "lab_pairs": 0.8, "lab_ner": 1.6, "lab_tatoeba": 1.8}
EFFECTS = {("nli", "lab_nli"): 1.4, ("nli", "lab_pairs"): 1.1, ("tags", "lab_tatoeba"): -1.5}
ARMS = {"none": (), "nli": ("lab_nli",), "tags": ("lab_ccg",)}


@dataclass(frozen=True)
class World:
    """A study with its plan and store."""

    plan: Plan
    store: Store

    @property
    def results(self) -> Results:
        return Results(self.plan, self.store)


def use(task: str, languages: tuple[str, ...], split: str = "train") -> Use:
    development = Development(split="dev", language=lab.BASE, data="lab:1")
    return Use(
        task=task,
        task_version=1,
        family=FAMILIES.get(task, "retrieval" if "tatoeba" in task else "tagging"),
        family_version=1,
        split=split,
        languages=languages,
        data=("lab:1",) * len(languages),
        development=development if split == "train" else None,
    )


def evaluation(model: Backbone | Phase | None, target: str) -> Evaluation:
    retrieval = "tatoeba" in target
    return Evaluation(
        model=model,
        use=use(target, TRANSFER if retrieval else LANGUAGES, "test"),
        trained_by=None if retrieval else use(target, (lab.BASE,)),
        metric=METRICS[target],
        metric_version=1,
        inference=None if model is None else Inference(max_length=64, stride=0, precision="fp32"),
    )


def record(**fields: Any) -> dict[str, Any]:
    hardware = {"host": "example", "processor": "An example of a processor", "threads": "1", "gpu": None}
    common = {"status": "done", "seconds": 21.5, "hardware": hardware}
    return common | {"software": {"python": "3.11.9", "xstilts": "0.1.0", "torch": "2.13.0"}} | fields


def write_phase(store: Store, phase: Phase) -> None:
    own = {}
    for one in phase.uses:
        value = 35.0 if one.task == "lab_ccg" else 83.0
        own[one.task] = {"metric": "accuracy", "value": value, "chance": 34.0, "n": 300}
    with store.writing(Step(phase)) as folder:
        points = [
            {"update": u, "loss": 1.1 * 0.97**u + 0.2, "rate": 1e-3, "tokens": 900 * u}
            for u in range(2, 60, 3)
        ]
        for point in points[4::5]:
            point["development"] = 90 - 50 * 0.95 ** point["update"]
        (folder / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
        write_json(
            folder / "record.json",
            record(kind="phase", name=phase.name, updates=60, tokens=54_000, loss=0.4, source_score=own),
        )


def answers(family: str, right: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Gold values, and predictions that are right where they should be: labels, two names, or rows."""
    if family == "retrieval":
        rows = np.arange(len(right))
        return rows.tolist(), np.where(right > 0, rows, (rows + 1) % len(rows)).tolist()
    numbers = np.random.default_rng(2).integers(0, 3, len(right))
    values: list[Any] = [str(number) for number in range(3)]
    if family == "tagging":
        values = [[f"B-{number}", "O", f"B-{number}"] for number in range(3)]
    wrong = (numbers + 1) % 3
    found = np.where(right > 0, numbers, wrong)
    return [values[number] for number in numbers], [values[number] for number in found]


def first_fingerprint(one: Evaluation) -> str:
    """That of the first release: what is drawn by it depends on no version that is raised later."""
    with mock.patch.object(Phase, "version", 1), mock.patch.object(Evaluation, "version", 1):
        return Evaluation.model_validate(one.model_dump()).fingerprint


def write_evaluation(store: Store, one: Evaluation, odds: Callable[[str], float], seed: int) -> None:
    metric = metrics.find(one.metric)
    rng = np.random.default_rng([seed, *first_fingerprint(one).encode()])
    items = np.random.default_rng(1).normal(0, 1, N)
    frames, languages = [], {}
    for code in one.use.languages:
        right = (rng.logistic(0, 1, N) < odds(code) + items).astype(float)
        rest = [np.ones(N)] if metric.name != "span_f1" else [2 * np.ones(N), 2 * np.ones(N)]
        numbers = np.column_stack([right * (2 if len(rest) == 2 else 1), *rest])
        sums = numbers.sum(axis=0)
        languages[code] = {"n": N, "value": float(metric.value(sums)), "sums": sums.tolist(), "beside": {}}
        if "retrieval" in metric.name:
            languages[code]["layers"] = [0.0, languages[code]["value"] / 2, languages[code]["value"]]
        gold, predicted = answers(one.use.family, right)
        frames.append(
            pl.DataFrame(
                {
                    "language": code,
                    "index": np.arange(N, dtype=np.int32),
                    "id": [str(row) for row in range(N)],
                    "gold": [json.dumps(value) for value in gold],
                    "predicted": [json.dumps(value) for value in predicted],
                    "statistics": numbers.tolist(),
                },
                schema={
                    "language": pl.String,
                    "index": pl.Int32,
                    "id": pl.String,
                    "gold": pl.String,
                    "predicted": pl.String,
                    "statistics": pl.List(pl.Float64),
                },
            )
        )
    with store.writing(Step(one)) as folder:
        scores = {"task": one.use.task, "metric": metric.name, "unit": "percent", "languages": languages}
        write_json(folder / "scores.json", scores)
        pl.concat(frames).write_parquet(folder / "predictions.parquet")
        write_json(folder / "record.json", record(kind="evaluation", name=one.name, seconds=1.5))


def rates(arm: str, target: str, reference: str, seed: int) -> Callable[[str], float]:
    """Log-odds of a right answer, by language."""
    if reference == "majority":
        return lambda _: -0.7
    tilt = np.random.default_rng([seed, *f"{arm} {target}".encode()]).normal(0, 0.03)
    if reference == "random":
        return lambda code: (0.2 if code == lab.BASE else -0.6) + tilt
    effect = EFFECTS.get((arm, target), 0.0)
    return lambda code: EASE[target] + effect + tilt - 1.5 * lab.LANGUAGES[code].distance


CLAIMS = (
    Claim(says="NLI helps its own target", arms=("nli",), targets=("lab_nli",)),
    Claim(says="NLI helps the edited pairs", arms=("nli",), targets=("lab_pairs",), margin=1.0),
    Claim(says="Supertagging helps retrieval", arms=("tags",), targets=("lab_tatoeba",)),
    Claim(says="Nothing changes NER", arms=("nli", "tags"), targets=("lab_ner",), relation="=", margin=1.0),
    Claim(
        says="Zero-shot accuracy falls with planted distance",
        quantity="slope_with_distance",
        arms=("none",),
        languages="all",
        targets=("lab_nli", "lab_pairs", "lab_ner"),
        relation="<",
    ),
    Claim(says="NLI beats random weights", arms=("nli",), against="random", targets=("lab_nli",)),
)


TASK_FILE = """\
from xstilts.data.task import Task
from xstilts.lab import Lab

TASK = Task(
    family="{family}", languages=("x-en",), metric="accuracy", description="", licence="",
    made=Lab(name="{name}", sizes=dict.fromkeys(("train", "dev", "test"), 300)),
    citation="An Example and {name} <example@example.org>. A Task of Tests. 2026.",
)
"""


def places(folder: Path) -> Places:
    """Files of tasks that have the names of the example's."""
    found = {}
    for name in sorted({*METRICS, *(task for tasks in ARMS.values() for task in tasks)}):
        found[name] = folder / f"{name}.py"
        text = TASK_FILE.format(name=name, family=use(name, (lab.BASE,)).family)
        found[name].write_text(text, encoding="utf-8")
    return Places(tasks=found)


def make(
    folder: Path,
    seeds: tuple[int, ...] = (1, 2, 3),
    without: tuple[tuple[str, str], ...] = (),
    random_arms: tuple[str, ...] = ("none",),
) -> World:
    """The study's plan, and a store with all results but those of the (arm, target) pairs in `without`."""
    store = Store(folder / "store")
    store.prepare()
    study = StudyFile(
        name="example",
        question="Which English intermediate tasks help zero-shot transfer in the lab?",
        claims=CLAIMS,
        intermediate=Intermediate(arms={name: Arm(tasks=tasks) for name, tasks in ARMS.items()}),
    )
    steps: dict[str, Step] = {}
    cells = []
    contenders = [*((arm, "") for arm in ARMS), ("", "majority")]
    contenders += [(arm, "random") for arm in random_arms]
    for arm, reference in contenders:
        for target in METRICS:
            for seed in (0,) if reference == "majority" else seeds:
                phases = _phases(arm, target, reference, seed)
                one = evaluation(phases[-1] if phases else _model(reference), target)
                steps |= {s.fingerprint: Step(s) for s in (*phases, one)}
                cells.append(
                    Cell(
                        backbone="" if reference == "majority" else "lab-mini",
                        arm=arm,
                        target=target,
                        seed=seed,
                        reference=reference,
                        evaluation=one.fingerprint,
                        phases=tuple(phase.fingerprint for phase in phases),
                    )
                )
                if not reference and (arm, target) in without:
                    store.fail(Step(one), "The loss is nan.", "Traceback ...")
                    continue
                for phase in phases:
                    if not store.done(Step(phase)):
                        write_phase(store, phase)
                if not store.done(Step(one)):
                    write_evaluation(store, one, rates(arm, target, reference, seed), seed)
    plan = Plan(study, tuple(steps.values()), tuple(cells), places(folder))
    return World(plan, store)


def _model(reference: str) -> Backbone | None:
    if reference == "majority":
        return None
    return Backbone(checksum="sha256:lab", weights="random" if reference else "pretrained")


def _phases(arm: str, target: str, reference: str, seed: int) -> list[Phase]:
    model = _model(reference)
    if model is None:
        return []
    phases: list[Phase] = []
    recipe = Recipe(learning_rate=7e-4, epochs=2.0, precision="fp32")
    if ARMS[arm]:
        uses = tuple(use(task, (lab.BASE,)) for task in ARMS[arm])
        phases.append(Phase(parent=model, uses=uses, recipe=recipe, seed=seed))
    if "tatoeba" not in target:
        parent = phases[-1] if phases else model
        phases.append(Phase(parent=parent, uses=(use(target, (lab.BASE,)),), recipe=recipe, seed=seed))
    return phases
