"""The local launcher: whatever dies, nothing finished is lost and nothing is computed twice."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from bench import Bench

from xstilts.errors import EngineError, StoreError
from xstilts.run import launch
from xstilts.run.machine import environments


def test_everything_is_computed_once_and_parents_first(bench: Bench) -> None:
    result = bench.run()
    assert (result.computed, result.found, result.complete) == (len(bench.plan.steps), 0, True)
    assert set(bench.begun.values()) == {1}
    assert bench.is_whole()
    assert Counter(event["event"] for _, event in bench.events) == {
        "started": len(bench.plan.steps),
        "progress": len(bench.plan.steps),
        "finished": len(bench.plan.steps),
    }


def test_a_finished_study_computes_nothing(bench: Bench) -> None:
    bench.run()
    began = time.monotonic()
    result = bench.run()
    assert (result.computed, result.found) == (0, len(bench.plan.steps))
    assert set(bench.begun.values()) == {1}
    assert time.monotonic() - began < 1, "no worker is even started"


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_are_warm_and_have_a_thread_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Whatever their number: sums of several threads have other last digits."""
    monkeypatch.setattr("xstilts.run.machine.cores", lambda: 8)
    bench.run(workers=workers)
    processes = {process for _, process in bench.log}
    assert 1 <= len(processes) <= workers
    (threads,) = {bench.store.record(step.fingerprint)["threads"] for step in bench.plan.steps}  # type: ignore[index]
    assert threads == "1"


def test_the_record_tells_where_and_with_what(bench: Bench) -> None:
    bench.run()
    record = bench.store.record(bench.plan.steps[0].fingerprint)
    assert record is not None
    assert record["status"] == "done"
    assert record["tokens"] == 1
    assert record["seconds"] > 0
    assert record["memory"]["peak_mb"] > 0
    assert {"python", "xstilts", "commit", "torch", "transformers"} <= set(record["software"])
    assert {"processor", "system", "gpu"} <= set(record["hardware"])


def test_a_failure_blocks_its_descendants_only(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "fail"})
    result = bench.run()
    failed = {bench.plan.by_fingerprint[one].name for one in result.failed}
    assert failed == {"mood-seed1"}
    assert set(result.failed.values()) == {"mood-seed1: the loss is nan. Lower the learning rate."}
    blocked = {bench.plan.by_fingerprint[one].name for one in result.blocked}
    assert "mood-of-mood-then-mood-seed2" in blocked
    assert not result.complete
    assert result.computed == len(bench.plan.steps) - len(result.failed) - len(result.blocked)
    failure = bench.store.failure(next(iter(result.failed)))
    assert failure is not None
    assert "Traceback" in failure.traceback
    assert "LossError" in failure.traceback


def test_a_failed_step_is_tried_again_by_the_next_run(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "bug"})
    assert set(bench.run().failed.values()) == {"KeyError: 'a bug'"}
    bench.instruct()
    result = bench.run()
    assert result.complete
    assert bench.is_whole()
    assert all(bench.store.failure(step.fingerprint) is None for step in bench.plan.steps)


def test_a_full_disk_ends_the_run(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "full"})
    with pytest.raises(StoreError, match="the disk is full"):
        bench.run()
    assert list((bench.store.root / "failures").iterdir()) == [], "it is not the fault of the step"
    bench.instruct()
    assert bench.run().complete
    assert bench.is_whole()


def test_a_killed_worker_is_replaced_and_its_step_tried_again(bench: Bench) -> None:
    bench.instruct(**{"mood-seed1": "die once"})
    result = bench.run()
    assert result.complete
    assert bench.is_whole()
    died = [step.fingerprint for step in bench.plan.steps if step.name == "mood-seed1"]
    assert bench.begun == Counter({step.fingerprint: 1 for step in bench.plan.steps}) + Counter(died)


def test_a_step_that_always_takes_its_worker_with_it_fails(bench: Bench) -> None:
    bench.instruct(**{"mood-then-mood-seed2": "die"})
    result = bench.run()
    (fingerprint,) = result.failed
    assert bench.begun[fingerprint] == launch.ATTEMPTS
    assert "died 3 times (exit status -9" in result.failed[fingerprint]
    failure = bench.store.failure(fingerprint)
    assert failure is not None
    assert "last words" in failure.traceback
    assert len(result.blocked) == 1


def _await_some(bench: Bench, number: int) -> None:
    for _ in range(12_000):
        if len(list((bench.store.root / "steps").iterdir())) >= number:
            return
        time.sleep(0.01)
    raise AssertionError("the driver computed nothing")


def _gone(process: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has ended too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_driver_takes_its_workers_along_and_loses_nothing(bench: Bench) -> None:
    bench.instruct(seconds=0.05)
    with bench.driver() as driver:
        _await_some(bench, 3)
        driver.send_signal(signal.SIGKILL)
    workers = {process for _, process in bench.log}
    for _ in range(6_000):
        if all(_gone(process) for process in workers):
            break
        time.sleep(0.01)
    else:
        raise AssertionError("a worker outlived its driver")
    finished = {step.fingerprint for step in bench.plan.steps if bench.store.done(step)}
    assert finished
    before = bench.begun
    assert len([*(bench.store.root / "jobs").iterdir()]) == 1
    result = bench.run()
    assert not (bench.store.root / "jobs").exists(), "nor does its own folder"
    assert result.found == len(finished)
    assert result.complete
    assert bench.is_whole()
    assert all(bench.begun[one] == before[one] for one in finished)


def test_ctrl_c_stops_cleanly(bench: Bench) -> None:
    bench.instruct(seconds=0.3)  # so slow that a busy machine cannot finish before the signal comes
    with bench.driver() as driver:
        _await_some(bench, 2)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(120) != 0
    bench.instruct()
    left = [path for name in ("leases", "temporary") for path in (bench.store.root / name).iterdir()]
    assert left == []
    assert bench.run().complete
    assert bench.is_whole()


def test_two_drivers_do_nothing_twice(bench: Bench) -> None:
    bench.instruct(seconds=0.03)
    with bench.driver() as one, bench.driver() as other:
        computed = [int(driver.communicate(timeout=300)[0].split()[1]) for driver in (one, other)]
    assert sum(computed) == len(bench.plan.steps)
    assert set(bench.begun.values()) == {1}
    assert bench.is_whole()


def test_threads_and_gpus_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xstilts.run.machine.cores", lambda: 8)
    monkeypatch.setattr("xstilts.run.machine.gpus", lambda: ())
    for workers in (1, 3, 8):
        assert [one["OMP_NUM_THREADS"] for one in environments(workers)] == ["1"] * workers
    assert len(environments(None, threads=3)) == len(environments(100, threads=3)) == 2
    assert len(environments(None)) == 8
    assert len(environments(100)) == 8, "never more than one per core"
    monkeypatch.setattr("xstilts.run.machine.gpus", lambda: ("0", "3"))
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(None)] == ["0", "3"]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(3)] == ["0", "3", "0"]
    assert len(environments(None, threads=8)) == 2, "threads are those of a step on a CPU"
    monkeypatch.setattr("xstilts.run.machine.gpus", lambda: tuple("01234"))
    pairs = environments(None, processes=2)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in pairs] == ["0,1", "2,3"]
    with pytest.raises(EngineError, match="6 processes want a GPU each; this computer shows 5"):
        environments(None, processes=6)
    monkeypatch.setattr("xstilts.run.machine.gpus", lambda: ())
    assert [one["OMP_NUM_THREADS"] for one in environments(None, processes=4)] == ["1", "1"]


def test_visible_devices_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    from xstilts.run.machine import cores, gpus

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, 2")
    assert gpus() == ("1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == ()
    assert 1 <= cores() <= (os.cpu_count() or 1)
