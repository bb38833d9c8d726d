"""A small three-phase study on the lab: killed at random moments, it ends with the same table, bit by bit."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUDY = """
name = "tiny"
question = "Does it go on?"
[backbones]
lab = { model = "lab" }
[intermediate]
[intermediate.recipe]
updates = 30
batch_size = 8
max_length = 96
stride = 32
precision = "fp32"
[intermediate.arms]
none = []
nli = ["lab_nli"]
[target]
tasks = ["lab_entail", "lab_pos", "lab_tatoeba"]
languages = ["x-en", "x-ga"]
[target.recipe]
examples = 60
epochs = 1
batch_size = 8
max_length = 96
stride = 32
precision = "fp32"
development_examples = 40
"""
CELLS = 3 * 4
"""Three targets; two arms, the majority class and random weights."""
KILLS = 2


def begin(study: Path, store: Path) -> "subprocess.Popen[bytes]":
    """Driver and workers, in a process group of their own."""
    command = [sys.executable, "-m", "xstilts", "run", str(study), "--store", str(store), "--workers", "2"]
    out = ["--out", str(store.parent / f"report-{store.name}")]
    return subprocess.Popen([*command, *out], start_new_session=True, stderr=subprocess.PIPE)


def finish(running: "subprocess.Popen[bytes]") -> None:
    _, said = running.communicate(timeout=300)
    assert running.returncode == 0, said.decode()


def table(study: Path, store: Path) -> str:
    """The tidy table, as a user gets it."""
    out = store.parent / f"tables-{store.name}"
    command = [sys.executable, "-m", "xstilts", "report", str(study), "--store", str(store)]
    subprocess.run([*command, "--to", "csv", "--out", str(out)], check=True, capture_output=True)
    return (out / "results.csv").read_text()


def seconds_of(store: Path) -> list[float]:
    """When the records of the store were written, from the first on."""
    times = sorted(path.stat().st_mtime for path in store.glob("steps/*/record.json"))
    return [at - times[0] for at in times]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_study_killed_again_and_again_ends_with_the_same_table(tmp_path: Path) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(STUDY)
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    finish(begin(study, whole))
    wanted = table(study, whole)
    rows = list(csv.DictReader(wanted.splitlines()))
    assert len({(row["target"], row["arm"], row["reference"]) for row in rows if row["value"]}) == CELLS
    steps, span = len(seconds_of(whole)), seconds_of(whole)[-1]

    rng, kills = random.Random(), 0
    while kills < KILLS:
        running = begin(study, torn)
        _wait_for_a_step(torn, running)
        time.sleep(rng.uniform(0, span / KILLS))
        if running.poll() is not None:
            break
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        kills += 1
    assert kills, "the study ended before it could be killed"
    finish(begin(study, torn))
    assert table(study, torn) == wanted
    assert len(seconds_of(torn)) == steps

    before = {path: path.stat().st_mtime_ns for path in torn.glob("steps/*/record.json")}
    finish(begin(study, torn))
    assert {path: path.stat().st_mtime_ns for path in torn.glob("steps/*/record.json")} == before


def _wait_for_a_step(store: Path, running: "subprocess.Popen[bytes]") -> None:
    """Until something is being computed: before that there is nothing to lose."""
    while running.poll() is None and not any(store.glob("leases/*")):
        time.sleep(0.01)
