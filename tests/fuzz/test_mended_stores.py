"""What mutated stores brought to light; checksums fit, for whoever makes a store can make them fit."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from analysis import example
from analysis.example import World
from xstilts.analysis import collapse, files
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Results
from xstilts.audit import audit as audits
from xstilts.errors import DamageError
from xstilts.store import Store, checksums


@pytest.fixture
def world(tmp_path: Path) -> World:
    small: dict[str, Any] = {
        "N": 8,
        "METRICS": {"lab_nli": "accuracy"},
        "LANGUAGES": ("x-en", "x-ga"),
        "CLAIMS": (),
    }
    with mock.patch.multiple(example, **small):
        return example.make(tmp_path, seeds=(1,), without=(("tags", "lab_nli"),))


def _folder(world: World, kind: str) -> Path:
    done = [step for step in world.plan.steps if step.kind == kind and world.store.done(step)]
    found = world.store.folder(done[-1].fingerprint)
    assert found is not None
    return found


def _forged(folder: Path, **changes: Any) -> Store:
    """The record changed, with checksums that fit; a new store, which has compared nothing yet."""
    path = folder / checksums.RECORD
    record = json.loads(path.read_bytes()) | {checksums.FILES: checksums.of_folder(folder)} | changes
    path.write_text(json.dumps(checksums.sealed(record)))
    return Store(folder.parents[1])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seconds": "soon"}, r"record.json: .*seconds: Input should be a valid number"),
        ({"tokens": -1}, r"record.json: .*tokens: Input should be greater than or equal to 0"),
        ({"hardware": {"gpu": 7}}, r"hardware.gpu: Input should be a valid string"),
        ({"software": []}, r"software: Input should be an object"),
        ({"source_score": {"lab_nli": {"value": 1.0}}}, r"source_score.lab_nli.metric: Field required"),
        ({"files": {"../../outside": {"size": 1, "sha256": ""}}}, r"is no path below the step's folder"),
        ({"files": {"/outside": {"size": 1, "sha256": ""}}}, r"is no path below the step's folder"),
        ({"files": {"spec.json": 7}}, r"files.spec.json: Input should be an object"),
    ],
)
def test_records_that_are_none(world: World, changes: dict[str, Any], told: str) -> None:
    folder = _folder(world, "phase")
    store = _forged(folder, **changes)
    with pytest.raises(DamageError, match=told):
        store.record(folder.name.rpartition("-")[2])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"languages": {"x-en": {"n": 8}}}, "languages.x-en.value: Field required"),
        ({"languages": {"x-en": {"n": 2**63, "value": 1.0}}}, "languages.x-en.n: Input should be less than"),
        (
            {"languages": {"x-en": {"n": 8, "value": "high"}}},
            "languages.x-en.value: Input should be a valid number",
        ),
        ([], "Input should be an object"),
    ],
)
def test_scores_that_are_none(world: World, content: Any, told: str) -> None:
    folder = _folder(world, "evaluation")
    (folder / "scores.json").write_text(json.dumps(content))
    with pytest.raises(DamageError, match=f"scores.json: .*{told}.*--repair"):
        Results(world.plan, _forged(folder)).table  # noqa: B018


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pl.lit(None).alias("language"), "has no whole column 'language'"),
        (pl.col("index").cast(pl.String), "has no whole column 'index'"),
        (pl.lit(2**31 - 1, pl.Int32).alias("index"), "counts its rows wrongly"),
        (pl.lit([1.0], pl.List(pl.Float64)).alias("statistics"), "has not 2 numbers for each example"),
        (pl.lit([1.0, float("nan")], pl.List(pl.Float64)).alias("statistics"), "has not 2 numbers"),
        (pl.lit("{").alias("predicted"), "holds an answer that is no JSON"),
        (pl.lit("[[]]").alias("gold"), "holds an answer that is none"),
    ],
)
def test_predictions_that_are_none(world: World, column: pl.Expr, told: str) -> None:
    (cell,) = [one for one in world.plan.cells if one.arm == "nli"]
    folder = world.store.folder(cell.evaluation)
    assert folder is not None
    path = folder / "predictions.parquet"
    pl.read_parquet(path).with_columns(column).write_parquet(path)
    store = _forged(folder)
    collapse._by_predictions.cache_clear()
    with pytest.raises(DamageError, match=f"predictions.parquet: {told}.*--repair"):
        assert Results(world.plan, store)._samples
        collapse.examined(world.plan, store)


@pytest.mark.parametrize("line", ["{", "[]", '{"update": "first"}', '{"update": 1, "loss": []}', "7"])
def test_curves_that_are_none(world: World, line: str) -> None:
    path = _folder(world, "phase") / "curve.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DamageError, match=r"curve.jsonl: is .*--repair"):
        files.curve(path)


def test_failures_and_audits_that_are_none(world: World) -> None:
    failed = next(step for step in world.plan.steps if world.store.failure(step.fingerprint))
    path = world.store.root / "failures" / f"{failed.fingerprint}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"message": [7]}))
    with pytest.raises(DamageError, match=r"message: Input should be a valid string\)\. Remove it"):
        world.store.failure(failed.fingerprint)
    audit = audits._path(world.plan, world.store)
    audit.parent.mkdir()
    audit.write_text('{"findings": [{"kind": "rows"}], "evaluated": 1, "trained": 1, "unseen": []}')
    with pytest.raises(DamageError, match=r"is no audit \(findings.0.severity: Field required"):
        audits.stored(world.plan, world.store)


def test_a_task_of_a_user_may_be_called_like_those_of_the_lab(tmp_path: Path) -> None:
    """Nothing is planted there, and a report that looked for it broke."""
    small: dict[str, Any] = {
        "N": 8,
        "METRICS": {"lab_mine": "accuracy"},
        "LANGUAGES": ("x-en",),
        "CLAIMS": (),
    }
    more = {"FAMILIES": {"lab_mine": "classification"}, "EASE": {"lab_mine": 1.0}}
    with mock.patch.multiple(example, **small, **more):
        made = example.make(tmp_path, seeds=(1,))
    assert Findings(made.results).planted == []
