"""The Slurm launcher: on submitit's local executor, and on a real cluster of two nodes where one starts."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slurms
from bench import Bench, removing

from engines import on_processes
from xstilts.errors import EngineError, StoreError
from xstilts.run import launch, rendezvous, slurm
from xstilts.run.options import SlurmOptions

submitit = pytest.importorskip("submitit")

pytestmark = pytest.mark.xdist_group("slurm")
OPTIONS = SlurmOptions(cpus=1, gpus=0, jobs=2, idle_minutes=0.05)

DRIVER = """
import sys
sys.path += {path}
from pathlib import Path
from xstilts.run import launch
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan
from test_slurm import OPTIONS, on_processes
launch.COMPUTE = "fakes:compute"
found = plan(load({study}))
on_processes(launch.Run(found.steps, Store(Path({store})), found.places), lambda *_: None, OPTIONS)
"""


def by_jobs(bench: Bench) -> launch.Result:
    """The steps computed by two jobs of submitit's local executor."""
    return on_processes(bench.wanted, bench.listener, OPTIONS)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = dataclasses.replace(slurm.PACE, look=0.1, ask=0.5, grace=1.0, search=0.2, busy=1.0)
    monkeypatch.setattr(slurm, "PACE", quick)


def name_of(bench: Bench, fingerprint: str) -> str:
    return bench.plan.by_fingerprint[fingerprint].name


def test_jobs_compute_everything_once_and_failures_and_deaths_stay_where_they_are(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "fail", "mood-seed2": "die once"})
    result = by_jobs(bench)
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


# Of a job that begins while the store goes submitit loses the process: the launcher never hears of it.
@pytest.mark.filterwarnings("ignore:.*Popen.__del__:pytest.PytestUnraisableExceptionWarning")
def test_a_store_that_is_removed_ends_the_run(bench: Bench) -> None:
    bench.instruct(seconds=0.2)
    with pytest.raises(StoreError, match="is not there any more"):
        on_processes(bench.wanted, removing(bench, "progress"), OPTIONS)
    assert not bench.store.root.exists()


def test_a_step_that_always_takes_its_job_with_it_fails(bench: Bench) -> None:
    bench.instruct(**{"mood-then-mood-seed2": "die"})
    result = by_jobs(bench)
    ((fingerprint, message),) = result.failed.items()
    assert bench.begun[fingerprint] in (launch.ATTEMPTS, launch.ATTEMPTS + 1), (
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
    result = by_jobs(bench)
    assert result.found == len(bench.plan.steps)
    assert bench.is_whole()


@pytest.mark.parametrize("gpus", [1, 2])
def test_several_gpus_of_a_job_train_its_phases_together(bench: Bench, gpus: int) -> None:
    told: list[dict[str, Any]] = []

    class Told(slurm.Jobs):
        def __init__(self, folder: Path, options: SlurmOptions) -> None:
            told.append(rendezvous.join(folder)[0])
            raise EngineError("here", "ends the test.")

    with pytest.raises(EngineError), pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm, "Jobs", Told)
        slurm.run(bench.wanted, bench.listener, OPTIONS.changed(cpus=6, gpus=gpus, divide_model=gpus == 2))
    assert told[0]["environment"]["OMP_NUM_THREADS"] == "1", "however many cores a job has"
    assert told[0]["means"] == {"save_memory": False, "processes": gpus, "divide": gpus == 2}


def test_the_states_of_jobs_tell_which_are_over(tmp_path: Path) -> None:
    states: dict[str, str] | None = {"1": "RUNNING", "2": "PENDING", "3": "NODE_FAIL", "4": "OUT_OF_MEMORY"}

    class Told(slurm.Jobs):
        def __init__(self) -> None:
            self._folder = tmp_path

        def states(self) -> dict[str, str] | None:
            return states

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "4_0_log.err").write_text("slurmstepd: oom-kill")
    assert Told().ended(["1", "2", "3", "4", "5"]) == {
        "2": launch.End("job 2: its node died", returns=True),
        "3": launch.End("job 3: NODE_FAIL"),
        "4": launch.End("job 4: OUT_OF_MEMORY", "slurmstepd: oom-kill", memory=True),
        "5": launch.End("job 5: UNKNOWN"),
    }
    states = None
    assert Told().ended(["1"]) == {}, "the controller does not answer"


def test_folders_of_dead_launchers_go_after_a_week(bench: Bench) -> None:
    old, young = (bench.store.root / "jobs" / name for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
    week = time.time() - rendezvous.OLD_SECONDS - 60
    os.utime(old, (week, week))
    with rendezvous.rendezvous(bench.store, [], {}):
        assert not old.exists()
        assert young.exists()


def test_options_become_parameters_of_sbatch() -> None:
    from submitit.slurm.slurm import _make_sbatch_string

    options = SlurmOptions(
        partition="gpu", account="me", hours=0.51, memory_gb=1.5, cpus=3, gpus=2,
        setup=("module load python",), extra={"mail-type": "END", "exclusive": True},
    )  # fmt: skip
    lines = _make_sbatch_string("python", "logs", **slurm.parameters(options)).splitlines()
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
        "export OMP_NUM_THREADS=1",
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
def real(cluster: slurms.Slurm, monkeypatch: pytest.MonkeyPatch) -> slurms.Slurm:
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    return cluster


def test_a_study_on_a_real_cluster_with_a_preempted_job(real: slurms.Slurm, bench: Bench) -> None:
    preempted: list[str] = []

    def listener(step: Any, event: Any) -> None:
        bench.listener(step, event)
        if event["event"] == "finished" and not preempted:
            running = real.ask("squeue", "--states=RUNNING", "--array", "--noheader", "--format=%i").split()
            preempted.extend(running[:1])
            real.ask("scontrol", "requeue", running[0])

    bench.instruct(seconds=0.3)
    options = OPTIONS.changed(jobs=4, gpus=1)
    result = slurm.run(bench.wanted, listener, options)
    assert preempted
    assert (result.computed, result.complete) == (len(bench.plan.steps), True)
    assert bench.is_whole()
    assert sum(bench.begun.values()) <= len(bench.plan.steps) + 1, "at most the preempted step, again"
    told = real.ask("squeue", "--states=all", "--array", "--noheader", "--format=%i %T").split()
    assert set(told[1::2]) <= {"COMPLETED", "CANCELLED", "COMPLETING"}


def test_what_slurm_refuses_is_said(real: slurms.Slurm, bench: Bench) -> None:
    options = OPTIONS.changed(partition="nowhere")
    with pytest.raises(EngineError, match=r"sbatch: .*nvalid partition"):
        slurm.run(bench.wanted, bench.listener, options)
