"""Each tracker with the real library, in its offline mode: what it shows is read back as its users do."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xstilts.errors import InputError
from xstilts.tracking.tracker import News, Tracker, find

FACTS = {"arm": "mnli", "seed": 1, "phase": "target", "recipe.learning_rate": 1e-5, "tasks": "mnli+squad"}
CURVE = {update: {"train/loss": 2.0 / update, "train/learning_rate": 1e-5} for update in (1, 2, 3, 4)}
SCORES = {"evaluation/xnli/de": 61.5, "evaluation/xnli/transfer": 60.25, "cost/seconds": 12.0}
ID = "mine-0123456789abcdef"


def news(*updates: int, **fields: Any) -> News:
    """News of the run, with these points of its curve."""
    common: dict[str, Any] = {"state": "running", "is_first": False, "update": max(updates, default=4)}
    points = [(update, CURVE[update]) for update in updates]
    return News(
        id=ID, study="mine", name="mnli-seed1 (arm mnli)", facts=FACTS, points=points, **common | fields
    )


def play(name: str, folder: Path) -> Tracker:
    """A phase that is stopped in its middle, goes on in another process, is finished, then evaluated."""
    first = find(name, "mine", folder)
    first.tell(news(is_first=True))
    first.tell(news(1, 2))
    first.close()
    second = find(name, "mine", folder)
    second.tell(news(3))
    second.tell(news(4, state="finished", values={"development/mnli/accuracy": 80.0}))
    second.tell(news(state="finished", values=SCORES))
    other = {"id": "mine-fedcba9876543210", "study": "mine", "name": "squad-seed1", "facts": FACTS}
    second.tell(News(**other, state="failed", is_first=True, update=0, message="the loss is nan."))  # type: ignore[arg-type]
    second.close()
    return second


@pytest.mark.filterwarnings("default")
def test_tensorboard_reads_a_run_as_one_curve(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = play("tensorboard", tmp_path)
    assert tracker.place == str(tmp_path / "tensorboard")
    runs = sorted((tmp_path / "tensorboard" / "mine").iterdir())
    assert [path.name for path in runs] == ["mnli-seed1 (arm mnli)-01234567", "squad-seed1-fedcba98"]
    read = EventAccumulator(str(runs[0]))
    read.Reload()
    loss = {event.step: event.value for event in read.Scalars("train/loss")}
    assert loss == pytest.approx({update: values["train/loss"] for update, values in CURVE.items()})
    assert len(read.Scalars("train/loss")) == 4
    (score,) = read.Scalars("evaluation/xnli/transfer")
    assert (score.step, score.value) == (4, 60.25)
    assert read.Scalars("development/mnli/accuracy")[0].value == 80.0
    stated = read.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"recipe.learning_rate" in stated and b"mnli+squad" in stated


@pytest.mark.filterwarnings("default")
def test_mlflow_has_one_run_that_was_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    try:
        tracker = play("mlflow", tmp_path)
        assert tracker.place.endswith("/runs, experiment mine")
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name("mine")
        runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert sorted(runs) == ["mnli-seed1 (arm mnli)", "squad-seed1"]
        run = runs["mnli-seed1 (arm mnli)"]
        history = client.get_metric_history(run.info.run_id, "train/loss")
        assert {point.step: point.value for point in history} == {1: 2.0, 2: 1.0, 3: 2 / 3, 4: 0.5}
        assert run.data.metrics["evaluation/xnli/transfer"] == 60.25
        assert run.data.params["tasks"] == "mnli_squad" or run.data.params["tasks"] == "mnli+squad"
        assert run.info.status == "FINISHED"
        failed = runs["squad-seed1"]
        assert (failed.info.status, failed.data.tags["xstilts.failure"]) == ("FAILED", "the loss is nan.")
    finally:
        mlflow.set_tracking_uri("")


def _records(folder: Path) -> Iterator[Any]:
    """What `wandb sync` would send: the file is a LevelDB log, blocks of 32 KiB with records in parts."""
    from wandb.proto import wandb_internal_pb2

    for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        content, place, parts = path.read_bytes(), 7, b""
        while place + 7 <= len(content):
            length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
            parts += content[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):  # whole, or the last part
                record = wandb_internal_pb2.Record()
                record.ParseFromString(parts)
                yield record
                parts = b""
            if 32_768 - place % 32_768 < 7:
                place += 32_768 - place % 32_768


@pytest.mark.filterwarnings("default")
def test_weights_and_biases_has_one_run_that_was_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    wandb.teardown()
    try:
        tracker = play("wandb", tmp_path)
    finally:
        wandb.teardown()
    assert tracker.place.endswith("/xstilts")
    records = list(_records(tmp_path))
    runs = [record.run for record in records if record.HasField("run")]
    assert {(run.run_id, run.run_group, run.project) for run in runs} == {
        (ID, "mine", "xstilts"),
        ("mine-fedcba9876543210", "mine", "xstilts"),
    }
    configs = {item.key: json.loads(item.value_json) for run in runs for item in run.config.update}
    assert {name: configs[name] for name in FACTS} == FACTS
    history = [
        {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
        for record in records
        if record.HasField("history")
    ]
    assert {point["_step"]: point["train/loss"] for point in history} == {
        update: values["train/loss"] for update, values in CURVE.items()
    }
    summary = {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for record in records
        if record.HasField("summary")
        for item in record.summary.update
    }
    assert summary["evaluation/xnli/transfer"] == 60.25 and summary["failure"] == "the loss is nan."


def test_weights_and_biases_wants_a_key_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    wandb.teardown()
    try:
        with pytest.raises(InputError, match=r"nobody is logged in .* `wandb login`, or WANDB_MODE=offline"):
            find("wandb", "mine", tmp_path)
    finally:
        wandb.teardown()


READ = """
import json, sys
from pathlib import Path
from tracking.test_libraries import play
place = play("trackio", Path.cwd()).place
from trackio import SQLiteStorage as kept
name = "mnli-seed1 (arm mnli) (01234567)"
logs, facts = kept.get_logs("mine", name), kept.get_run_config("mine", name)
print(json.dumps([place, sorted(kept.get_runs("mine")), logs, facts]))
"""


def test_trackio_has_one_run_that_was_continued(tmp_path: Path) -> None:
    pytest.importorskip("trackio", reason="trackio is not installed")
    paths = os.pathsep.join((str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")))
    environment = os.environ | {"TRACKIO_DIR": str(tmp_path / "kept"), "PYTHONPATH": paths}
    command = [sys.executable, "-c", READ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place, runs, logs, facts = json.loads(done.stdout)  # and nothing else was printed
    assert place == f"{tmp_path / 'kept'}, project mine"
    assert runs == ["mnli-seed1 (arm mnli) (01234567)", "squad-seed1 (fedcba98)"]
    loss = {line["step"]: line["train/loss"] for line in logs if "train/loss" in line}
    assert loss == {update: values["train/loss"] for update, values in CURVE.items()}
    assert [line["evaluation/xnli/transfer"] for line in logs if "evaluation/xnli/transfer" in line] == [
        60.25
    ]
    assert {name: facts[name] for name in FACTS} == FACTS
