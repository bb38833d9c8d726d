"""The Slurm engine: on submitit's local executor, and on a real cluster of two nodes where one can start."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import slurms
from bench import FAKE, Bench, removing

from engines import on_processes
from xstilts.errors import EngineError, StoreError
from xstilts.runner import job, machine, meeting, on_slurm
from xstilts.runner.driver import ATTEMPTS, Driver, Listener, Result
from xstilts.runner.engine import SlurmOptions
from xstilts.runner.workbench import settings
from xstilts.store import Store
from xstilts.study.plan import Plan

submitit = pytest.importorskip("submitit")

pytestmark = pytest.mark.xdist_group("slurm")
OPTIONS = SlurmOptions(cpus=1, gpus=0, jobs=2, idle_minutes=0.05)

DRIVER = """
import sys
sys.path += {path}
from pathlib import Path
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan
from test_slurm import by_jobs
by_jobs(plan(load({study})), Store(Path({store})), lambda *_: None)
"""


def by_jobs(planned: Plan, store: Store, listener: Listener) -> Result:
    """The steps computed by two jobs of submitit's local executor."""
    told = settings(store, planned.places, FAKE)
    return on_processes(Driver(planned.steps, store, listener), planned.steps, told, OPTIONS)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_slurm, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(on_slurm, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(on_slurm, "GRACE_SECONDS", 1.0)


def name_of(bench: Bench, fingerprint: str) -> str:
    return bench.plan.by_fingerprint[fingerprint].name


def test_jobs_compute_everything_once_and_failures_and_deaths_stay_where_they_are(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "fail", "mood-seed2": "die once"})
    result = by_jobs(bench.plan, bench.store, bench.listener)
    assert {name_of(bench, one) for one in result.failed} == {"mood-seed1"}
    assert set(result.failed.values()) == {"mood-seed1: the loss is nan. Lower the learning rate."}
    lost = {*result.failed, *result.blocked}
    rest = [step for step in bench.plan.steps if step.fingerprint not in lost]
    assert result.blocked
    assert result.computed == len(rest)
    assert all(bench.store.done(step) for step in rest)
    twice = Counter(step.fingerprint for step in rest if step.name == "mood-seed2")
    assert bench.begun == Counter(step.fingerprint for step in rest) + twice + Counter([*result.failed])
    events = Counter(event["event"] for _, event in bench.events)
    assert events["finished"] == len(rest)
    assert events["started"] >= len(rest)
    assert not (bench.store.root / "jobs").exists(), "nothing of submitit stays"


def test_a_store_that_is_removed_ends_the_run(bench: Bench) -> None:
    bench.instruct(seconds=0.2)
    with pytest.raises(StoreError, match="is not there any more"):
        by_jobs(bench.plan, bench.store, removing(bench, "progress"))
    assert not bench.store.root.exists()


def test_a_step_that_always_takes_its_job_with_it_fails(bench: Bench) -> None:
    bench.instruct(**{"mood-then-mood-seed2": "die"})
    result = by_jobs(bench.plan, bench.store, bench.listener)
    ((fingerprint, message),) = result.failed.items()
    assert bench.begun[fingerprint] in (ATTEMPTS, ATTEMPTS + 1), (
        "a job may begin it before all know that it failed"
    )
    assert "its worker died 3 times (job" in message
    failure = bench.store.failure(fingerprint)
    assert failure is not None
    assert "last words" in failure.traceback


def test_jobs_go_on_without_their_driver_and_one_that_is_told_to_leave_leaves_nothing(bench: Bench) -> None:
    bench.instruct(seconds=0.4)
    names = {"path": sys.path, "study": str(bench.study), "store": str(bench.store.root)}
    program = DRIVER.format(**{name: repr(value) for name, value in names.items()})
    with subprocess.Popen([sys.executable, "-c", program]) as driver:
        for _ in range(1200):
            if len(bench.log) >= 2:
                break
            time.sleep(0.1)
        driver.kill()
    _, process = bench.log[-1]
    os.kill(process, signal.SIGUSR2)
    for _ in range(1200):
        if all(bench.store.done(step) for step in bench.plan.steps):
            break
        time.sleep(0.1)
    assert max(bench.begun.values()) <= 2
    assert sum(bench.begun.values()) <= len(bench.plan.steps) + 1
    (folder,) = (bench.store.root / "jobs").iterdir()
    told = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert "SIGUSR2" in {event.get("why") for event in told}
    result = by_jobs(bench.plan, bench.store, bench.listener)
    assert result.found == len(bench.plan.steps)
    assert bench.is_whole()


class Idle:
    """Jobs that end without a word."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def submit(self, count: int) -> list[str]:
        self.names += [f"job{len(self.names) + number}" for number in range(count)]
        return self.names[-count:]

    def states(self) -> dict[str, str] | None:
        return dict.fromkeys(self.names, "FAILED")

    def cancel(self, jobs: Sequence[str]) -> None:
        assert set(jobs) <= set(self.names)


def test_jobs_that_end_before_they_begin_end_the_run(bench: Bench) -> None:
    driver = Driver(bench.plan.steps, bench.store, bench.listener)
    crew = Idle()
    with meeting.meeting(bench.store) as folder:
        (folder / "logs").mkdir()
        (folder / "logs" / "job0_0_log.err").write_text("module: command not found")
        with pytest.raises(EngineError, match="3 jobs in a row: ended before they began a step"):
            on_slurm.attend(driver, bench.plan.steps, folder, crew, 1)
    assert len(crew.names) == on_slurm.BARREN


def test_what_another_driver_computes_is_found(bench: Bench) -> None:
    driver = Driver(bench.plan.steps, bench.store, bench.listener)
    bench.run()
    with meeting.meeting(bench.store) as folder:
        on_slurm.attend(driver, bench.plan.steps, folder, Idle(), 1)
    assert (driver.result.computed, driver.result.found) == (0, len(bench.plan.steps))


FAR = "7 another-computer"


class Told(Idle):
    """Jobs whose diaries the test writes, and which go on until it says that they are over."""

    state = "RUNNING"

    def states(self) -> dict[str, str] | None:
        return dict.fromkeys(self.names, self.state)


@pytest.mark.parametrize("how", ["NODE_FAIL", "PENDING", "joined"])
def test_the_claims_of_a_job_that_is_over_are_free_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(on_slurm, "GRACE_SECONDS", 0.0)
    step = bench.named("mood-then-mood-seed2")
    other = next(one for one in bench.plan.steps if one.kind == "evaluation")
    held = [step.fingerprint, *step.parents, other.fingerprint]
    places = [bench.store.root / "claims" / f"{fingerprint}.json" for fingerprint in held]
    for path, owner in zip(places, [FAR, FAR, "8 another-computer"], strict=True):
        path.write_text(f"token {owner}")
    driver = Driver(bench.plan.steps, bench.store, bench.listener)
    crew = Told()
    with meeting.meeting(bench.store) as folder:
        watch = on_slurm._Watch(driver, bench.plan.steps, folder, crew, 1)
        watch.look()
        (name,) = crew.names
        diary = meeting.Diary(folder, name)
        diary.tell({"event": "joined", "owner": FAR})
        diary.tell({"event": "started", "step": step.fingerprint})
        watch.look()
        assert all(path.is_file() for path in places), "the job is at it"
        if how == "joined":  # queued again, and there again
            diary.tell({"event": how, "owner": "9 yet-another"})
        else:
            crew.state = how
            watch.asked = -math.inf
        watch.look()
    assert [path.is_file() for path in places] == [False, False, True]
    claim = bench.store.claim(step.fingerprint)
    assert claim is not None
    claim.release()


@pytest.mark.parametrize("gpus", [1, 2])
def test_several_gpus_of_a_job_train_its_phases_together(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, gpus: int
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ})
    told = settings(bench.store, bench.plan.places, FAKE)
    with meeting.meeting(bench.store) as folder:
        options = SlurmOptions(cpus=6, gpus=gpus, divide_model=gpus == 2)
        on_slurm.arrange(folder, bench.plan.steps, told, options)
        job._Job(folder, meeting.Diary(folder, "1"))
    assert os.environ["OMP_NUM_THREADS"] == ("3" if gpus == 2 else "6")
    together = ("2", "1") if gpus == 2 else (None, None)
    assert tuple(map(os.environ.get, (machine.PROCESSES, machine.DIVIDED))) == together


def test_a_job_refuses_another_store_and_another_release(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meeting, "PATIENCE_SECONDS", 0.0)
    with meeting.meeting(bench.store) as folder:
        meeting.agree(meeting.agreement(folder))
        with pytest.raises(StoreError, match="Install the same release on all computers"):
            meeting.agree(meeting.agreement(folder) | {"release": "0.0.1"})
    with pytest.raises(StoreError, match=r"is not the driver's\. Put the store where all computers see it"):
        meeting.agree(meeting.agreement(folder))


def test_folders_of_dead_drivers_go_after_a_week(bench: Bench) -> None:
    old, young = (bench.store.root / "jobs" / name for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    week = time.time() - meeting.OLD_SECONDS - 60
    os.utime(old, (week, week))
    with meeting.meeting(bench.store):
        assert not old.exists()
        assert young.exists()


def test_options_become_parameters_of_sbatch() -> None:
    from submitit.slurm.slurm import _make_sbatch_string

    options = SlurmOptions(
        partition="gpu", account="me", hours=0.51, memory_gb=1.5, cpus=3, gpus=2,
        setup=("module load python",), extra={"mail-type": "END", "exclusive": True},
    )  # fmt: skip
    lines = _make_sbatch_string("python", "logs", **on_slurm.parameters(options)).splitlines()
    for wanted in (
        "#SBATCH --partition=gpu",
        "#SBATCH --account=me",
        "#SBATCH --time=31",
        "#SBATCH --mem=1536MB",
        "#SBATCH --cpus-per-task=3",
        "#SBATCH --gpus-per-node=2",
        "#SBATCH --requeue",
        "#SBATCH --mail-type=END",
        "#SBATCH --exclusive",
        "module load python",
        "export OMP_NUM_THREADS=3",
    ):
        assert wanted in lines
    (command,) = [line for line in lines if line.startswith("srun")]
    assert "--cpus-per-task=3" in command, "srun does not take it from the job"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurms.Slurm]:
    if reason := slurms.missing():
        pytest.skip(f"no Slurm: {reason}")
    with slurms.Slurm(tmp_path_factory.mktemp("slurm") / "cluster") as started:
        yield started


@pytest.fixture
def slurm(cluster: slurms.Slurm, monkeypatch: pytest.MonkeyPatch) -> slurms.Slurm:
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    return cluster


def test_a_study_on_a_real_cluster_with_a_preempted_job(slurm: slurms.Slurm, bench: Bench) -> None:
    preempted: list[str] = []

    def listener(step: Any, event: Any) -> None:
        bench.listener(step, event)
        if event["event"] == "finished" and not preempted:
            running = slurm.ask("squeue", "--states=RUNNING", "--array", "--noheader", "--format=%i").split()
            preempted.extend(running[:1])
            slurm.ask("scontrol", "requeue", running[0])

    bench.instruct(seconds=0.3)
    options = OPTIONS.changed(jobs=4, gpus=1)
    result = on_slurm.run(
        bench.plan.steps, bench.store, bench.plan.places, listener, options=options, compute=FAKE
    )
    assert preempted
    assert (result.computed, result.complete) == (len(bench.plan.steps), True)
    assert bench.is_whole()
    assert sum(bench.begun.values()) <= len(bench.plan.steps) + 1, "at most the preempted step, again"
    told = slurm.ask("squeue", "--states=all", "--array", "--noheader", "--format=%i %T").split()
    assert set(told[1::2]) <= {"COMPLETED", "CANCELLED", "COMPLETING"}


def test_what_slurm_refuses_is_said(slurm: slurms.Slurm, bench: Bench) -> None:
    options = OPTIONS.changed(partition="nowhere")
    with pytest.raises(EngineError, match=r"sbatch: .*nvalid partition"):
        on_slurm.run(bench.plan.steps, bench.store, bench.plan.places, bench.listener, options=options)
