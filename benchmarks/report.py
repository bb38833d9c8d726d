"""What a report costs: a store at the paper's scale, made up, and the report that is written of it.

    python benchmarks/report.py [--seeds 3] [--arms 24] [--rows 1.0] [--collapsed 0] [--json FILE]

The plan is that of the bundled study `phang2020` without mining: by default 584 cells on eight targets in
forty languages, with 28 million predictions, about as many in each language as the releases have. Nothing is
trained. Which answers are right is drawn: some examples are easier than others, the arms and the languages
differ, and all runs are paired. `--rows` changes the number of rows, `--collapsed` lets so many runs guess.
The report, as `xstilts report` writes it, runs in a process of its own, of which the processor's seconds and
the largest memory are measured. A store that `--store` names is kept, and used again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts import metrics
from xstilts.analysis.findings import Findings
from xstilts.data.examples import Answer
from xstilts.report import page
from xstilts.store import Store, write_json
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import Cell, Plan, draft
from xstilts.study.step import Step

ROWS = {
    "xnli": 5010, "pawsx": 2000, "udpos": 1200, "panx": 4000,
    "xquad": 1190, "mlqa": 5500, "tydiqa": 550, "tatoeba": 1000,
}  # fmt: skip
"""In each language; of `udpos`, `panx`, `mlqa`, `tydiqa` the mean over languages."""
QUESTIONS = 5  # about a paragraph
ALIKE = 3  # made-up sentences of a length
UPDATES = 100  # points of a training curve
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "B-ORG")
WORDS = ("the", "of", "a", "to", "and", "in", "is", "was", "he", "for", "it", "with")
SCHEMA: dict[str, Any] = {
    "language": pl.String, "index": pl.Int32, "id": pl.String, "cluster": pl.Int32,
    "gold": pl.String, "predicted": pl.String, "statistics": pl.List(pl.Float64),
}  # fmt: skip


def main() -> None:
    """Make the store, write the report, print what it cost."""
    parser = argparse.ArgumentParser(description="What a report costs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", type=int, default=24)
    parser.add_argument("--rows", type=float, default=1.0, help="times the rows of the releases")
    parser.add_argument("--collapsed", type=int, default=0, help="runs that guess")
    parser.add_argument("--formats", default="html,csv")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--store", type=Path, help="where to keep the store; by default it is removed")
    parser.add_argument("--out", type=Path, help="where to keep the report; by default it is removed")
    parser.add_argument("--only-report", action="store_true", help="the store is there; measure nothing")
    options = parser.parse_args()
    plan = plan_of(options.arms, options.seeds)
    if options.only_report:
        findings = Findings.of(plan, Store(options.store))
        for path in page.write(findings, options.formats.split(","), options.out):
            print(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = options.store or Path(folder) / "store"
        out = options.out or Path(folder) / "report"
        predictions = fill(plan, Store(root), options.rows, options.collapsed)
        command = [sys.executable, __file__, *sys.argv[1:], "--only-report", "--store", root, "--out", out]
        began = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        figures = {
            "cells": len(plan.cells),
            "languages": len({code for cell in plan.cells for code in plan.evaluation(cell).use.languages}),
            "predictions": predictions,
            "seconds": round(time.perf_counter() - began, 1),
            "seconds of processors": round(usage.ru_utime + usage.ru_stime, 1),
            "peak memory in MB": round(usage.ru_maxrss / 1024),
        }
    print(json.dumps(figures, indent=1))
    if options.json is not None:
        write_json(options.json, figures)
    sys.exit(process.returncode)


def plan_of(arms: int, seeds: int) -> Plan:
    """The plan of `phang2020` without mining, with so many of its arms and seeds."""
    whole = draft(load("phang2020"))
    names = list(dict.fromkeys(cell.arm for cell in whole.cells if cell.arm))[:arms]
    cells = tuple(
        cell
        for cell in whole.cells
        if cell.target in ROWS and cell.seed <= seeds and cell.arm in (*names, "")
    )
    needed = {key for cell in cells for key in (*cell.phases, cell.evaluation)}
    steps = tuple(step for step in whole.steps if step.kind == "backbone" or step.fingerprint in needed)
    claims = [
        claim.changed(targets=claim.targets and tuple(name for name in claim.targets if name in ROWS))
        for claim in whole.study.claims
        if {*claim.arms, *claim.opponents} <= {*names, "majority"}
    ]
    study = whole.study.model_copy(update={"claims": tuple(claims)})
    return replace(whole, study=study, steps=steps, cells=cells, errors=())


def fill(plan: Plan, store: Store, rows: float, collapsed: int) -> int:
    """Write what is not in the store yet; gives the number of predictions."""
    store.prepare()
    guessing = [cell.evaluation for cell in plan.cells if cell.phases and cell.target != "tatoeba"]
    guessing = guessing[:: max(1, len(guessing) // max(1, collapsed))][:collapsed]
    for step in plan.steps:
        if isinstance(step.specification, Phase) and not store.done(step):
            _write_phase(store, step.specification)
    total = 0
    for cell in plan.cells:
        evaluation = plan.evaluation(cell)
        sizes = {code: _rows(evaluation, code, rows) for code in evaluation.use.languages}
        total += sum(sizes.values())
        if not store.done(Step(evaluation)):
            _write_evaluation(store, cell, evaluation, sizes, guesses=cell.evaluation in guessing)
    return total


def _rows(evaluation: Evaluation, code: str, share: float) -> int:
    """Test sets that are translations have the same size in all languages, the others a third to double."""
    task, codes = evaluation.use.task, evaluation.use.languages
    spread = 1.0
    if task in ("udpos", "panx", "mlqa", "tydiqa"):
        factors = np.geomspace(1 / 3, 2.2, len(codes))
        spread = float(factors[codes.index(code)] / factors.mean())
    return max(20, round(share * spread * ROWS[task]))


def _write_phase(store: Store, phase: Phase) -> None:
    own = {use.task: {"metric": "accuracy", "value": 80.0, "chance": 40.0, "n": 500} for use in phase.uses}
    points = [
        {"update": 50 * n, "loss": 0.2 + 0.97**n, "rate": 1e-5, "tokens": 10_000 * n}
        | ({"development": 80 - 40 * 0.95**n} if n % 5 == 0 else {})
        for n in range(1, UPDATES + 1)
    ]
    hardware = {"gpu": "made up", "processor": None}
    record = {"status": "done", "kind": "phase", "name": phase.name, "seconds": 600.0, "tokens": 1_000_000}
    with store.writing(Step(phase)) as folder:
        (folder / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
        write_json(folder / "record.json", record | {"hardware": hardware, "source_score": own})


def _write_evaluation(
    store: Store, cell: Cell, evaluation: Evaluation, sizes: dict[str, int], *, guesses: bool
) -> None:
    metric, target = metrics.find(evaluation.metric), evaluation.use.task
    rng = np.random.default_rng(list(cell.evaluation.encode()))
    arm = np.random.default_rng(list(f"{cell.arm} {target}".encode())).normal(0, 0.3) if cell.arm else -1.5
    family, labels = evaluation.use.family, evaluation.use.label_set
    answers, alike = _answers(family, labels)
    tables, scores = [], {}
    for place, (code, n) in enumerate(sizes.items()):
        items = np.random.default_rng(list(f"{target} {'' if _is_translated(target) else code}".encode()))
        ease, gold = items.logistic(0, 1, n), items.integers(0, len(answers), n)
        right = ease + rng.logistic(0, 0.7, n) < 1.2 + arm + rng.normal(0, 0.05) - 0.03 * place
        if target == "tatoeba":
            gold = np.arange(n)
            predicted = np.where(right, gold, rng.integers(0, n, n))
            numbers = np.stack([predicted == gold, np.ones(n)], axis=1).astype(np.float64)
            texts = [pl.Series(map(str, values.tolist())) for values in (gold, predicted)]
        else:
            other = rng.integers(0, alike, n)
            place_of = np.where(right & (not guesses), gold % alike, other)
            numbers = _statistics(metric.name, family, labels)[gold, place_of]
            predicted = gold - gold % alike + place_of
            shown = ([[one] for one in answers] if family == "span" else answers, answers)
            texts = [
                pl.Series([json.dumps(value) for value in values]).gather(which)
                for values, which in zip(shown, (gold, predicted), strict=True)
            ]
        sums = numbers.sum(axis=0)
        scores[code] = {"n": n, "value": float(metric.value(sums)), "sums": sums.tolist(), "beside": {}}
        index = np.arange(n, dtype=np.int32)
        about = QUESTIONS if family == "span" else 1
        columns = {
            "language": pl.repeat(code, n, eager=True),
            "index": index,
            "id": pl.Series(index).cast(pl.String) if about == 1 else "q" + pl.Series(index).cast(pl.String),
            "cluster": index // about * about,
            "gold": texts[0],
            "predicted": texts[1],
            "statistics": pl.Series(numbers).reshape(numbers.shape).arr.to_list(),
        }
        tables.append(pl.DataFrame(columns, schema_overrides=SCHEMA))
    record = {"status": "done", "kind": "evaluation", "name": evaluation.name, "seconds": 60.0}
    with store.writing(Step(evaluation)) as folder:
        told = {"task": target, "metric": metric.name, "unit": metric.unit, "languages": scores}
        write_json(folder / "scores.json", told)
        path = folder / "predictions.parquet"
        pl.concat(tables).write_parquet(path, compression="zstd", statistics=False)
        write_json(folder / "record.json", record)


def _is_translated(target: str) -> bool:
    return target in ("xnli", "pawsx", "xquad")


@lru_cache
def _answers(family: str, labels: tuple[str, ...]) -> tuple[list[Any], int]:
    """What may be answered (labels, tags, words), and how many of that, in order, are alike in form."""
    rng = np.random.default_rng(1)
    match family:
        case "tagging":
            lengths = [5 + n // ALIKE for n in range(60)]
            return [[TAGS[tag] for tag in rng.integers(0, len(TAGS), n)] for n in lengths], ALIKE
        case "span":
            return [" ".join(rng.choice(WORDS, rng.integers(1, 5))) for _ in range(60)], 60
        case _:
            return list(labels or ("0", "1")), len(labels or ("0", "1"))


@lru_cache
def _statistics(metric: str, family: str, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The metric's numbers of each right answer with each that is alike in form: [answers, alike, K]."""
    answers, alike = _answers(family, labels)
    pairs = [(one, answers[n - n % alike + k]) for n, one in enumerate(answers) for k in range(alike)]
    gold: list[Any] = [(Answer(right, 0),) if family == "span" else right for right, _ in pairs]
    numbers = metrics.find(metric).statistics(gold, [given for _, given in pairs], "en")
    return numbers.reshape(len(answers), alike, -1)


if __name__ == "__main__":
    main()
