"""A phase that is stopped, by an error or by the system, and started again ends with the same bits."""

import contextlib
import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from toybox import Box, Use, compute_in, evaluation, phase, use

from xstilts.compute import context, state, train
from xstilts.study.phase import Phase
from xstilts.study.step import Step


class StoppedError(Exception):
    """Raised by the test in place of whatever stops a run."""


def stopping(*updates: int) -> Any:
    """A report that stops the run at each of these updates, once."""
    left = list(updates)

    def report(event: Any) -> None:
        if left and event.get("update") == left[0]:
            left.pop(0)
            raise StoppedError

    return report


@pytest.fixture(autouse=True)
def _report_every_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)


PHASES = {
    "dropout": phase("pairs", updates=12, dropout=0.1),
    "bf16": phase("tags", updates=12, precision="bf16"),
    "masked": phase("texts", updates=12, dropout=0.1),
    "epochs": phase("questions", updates=None, epochs=2.0, batch_tokens=400),
    "best": phase("pairs", updates=12, evaluations=6, select="best"),
    # The head of the small task sees its first batch late, and few in all.
    "several": phase("tags", use("pairs", examples=6), "texts", updates=None, epochs=2.0, batch_tokens=900),
}


@pytest.mark.parametrize("name", sorted(PHASES))
def test_a_stopped_phase_goes_on_as_if_nothing_had_been(first: Box, box: Box, name: str) -> None:
    trained = PHASES[name]
    wanted = first.weights(trained)
    report, steps = stopping(1, 4, 9), []

    def watched(event: Any) -> None:
        steps.append(event["update"])
        report(event)

    for _ in range(3):
        with pytest.raises(StoppedError):
            box.compute(trained, report=watched, save_seconds=0)
        assert box.store.folder(trained.fingerprint) is None
    told = box.compute(trained, report=watched, save_seconds=0)
    assert box.weights(trained) == wanted
    last = told["planned_updates"]
    assert steps == [1, *range(1, 5), *range(4, 10), *range(9, last + 1)], "saved work is not done again"
    before = first.store.record(trained.fingerprint)
    assert before is not None
    for key in ("tokens", "padding", "loss", "source_score", "selected_update", "updates"):
        assert told[key] == before[key]


def test_a_phase_tells_on_what_kinds_of_computers_it_was_trained(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, here = phase("pairs", updates=6), context.computes_on()
    other = here | {"processor": "another", "instructions": "AVX512"}
    for computer, stop in ((other, 2), (here, 4), (other, 7)):
        monkeypatch.setattr(train, "computes_on", lambda computer=computer: computer)
        with pytest.raises(StoppedError) if stop < 6 else contextlib.nullcontext():
            box.compute(trained, report=stopping(stop), save_seconds=0)
    assert box.compute(trained)["computed_on"] == [other, here]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_computes_on_the_threads_of_its_recipe_whatever_the_worker_has(box: Box, threads: int) -> None:
    trained = phase("pairs", updates=1, threads=threads)
    asked = evaluation(trained, "pairs")
    asked = asked.changed(inference=asked.inference.changed(threads=threads))  # type: ignore[union-attr]
    for step in (trained, asked):
        torch.set_num_threads(3 - threads)
        try:
            (computer,) = box.compute(step)["computed_on"]
        finally:
            torch.set_num_threads(1)
        assert computer["threads"] == threads
        widest, *bf16 = computer["instructions"].split(", ")
        assert widest == torch.backends.cpu.get_cpu_capability()
        assert ("amx_bf16" in bf16) == torch.cpu.get_capabilities().get("amx_bf16", False)


def test_a_state_that_was_cut_short_is_none(first: Box, box: Box) -> None:
    trained = phase("pairs", updates=6)
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(4), save_seconds=0)
    path = box.store.running(trained.fingerprint) / state.STATE
    path.write_bytes(path.read_bytes()[:-8])
    assert box.weights(trained) == first.weights(trained)


def test_patience_counts_on_after_a_stop(first: Box, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = phase("pairs", updates=12, evaluations=12, patience=4, select="best")
    scores = iter([10.0, 9.0, 8.0, 8.0, 7.0, 99.0])
    monkeypatch.setattr(train, "mean_score", lambda *_: next(scores))
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(4), save_seconds=0)
    scores = iter([8.0, 7.0, 99.0])  # the fourth update is done again: it was not saved
    record = box.compute(trained, save_seconds=0)
    assert (record["updates"], record["selected_update"]) == (5, 1)


def test_the_seconds_of_all_attempts_add_up(box: Box) -> None:
    trained = phase("pairs", updates=6)

    def slow(event: Any) -> None:
        time.sleep(0.05)
        if event["update"] == 4 and not (box.store.root / "once").exists():
            (box.store.root / "once").touch()
            raise StoppedError

    with pytest.raises(StoppedError):
        box.compute(trained, report=slow, save_seconds=0)
    assert box.compute(trained, report=slow, save_seconds=0)["train_seconds"] > 0.25


def test_a_parameter_that_no_update_has_reached_has_no_moments(box: Box) -> None:
    trained = PHASES["several"]
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(3), save_seconds=0)
    running = box.store.running(trained.fingerprint)
    with safe_open(running / state.STATE, framework="pt") as file:
        steps = {
            name.removeprefix("step."): file.get_tensor(name).item()
            for name in file.keys()  # noqa: SIM118 (it has no other iterator)
            if name.startswith("step.")
        }
        assert len(steps) < len([name for name in file.keys() if name.startswith("parameter.")])  # noqa: SIM118
    assert steps["encoder.embeddings.word_embeddings.weight"] == 2
    assert all(steps[name] <= 2 for name in steps)


def test_what_a_killed_write_left_goes_and_a_finished_phase_leaves_nothing(box: Box) -> None:
    trained = phase("pairs", updates=3)
    running = box.store.running(trained.fingerprint)
    (running / f"{state.STATE}.4711").write_bytes(b"half")
    (running / ".tmpXyz").write_bytes(b"half")
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(2), save_seconds=0)
    assert [path.name for path in running.iterdir()] == [state.STATE]
    box.compute(trained)
    assert not running.exists()


def test_states_are_saved_at_the_interval(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    save = state.save

    def counted(*arguments: Any, **how: Any) -> None:
        saved.append(arguments[3].update)
        save(*arguments, **how)

    monkeypatch.setattr(train, "save", counted)
    box.compute(phase("pairs", updates=3), save_seconds=3600)
    assert saved == []
    box.compute(phase("pairs", updates=3, seed=2), save_seconds=0)
    assert saved == [1, 2, 3]


# Killed by the system


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Processes that start at once, for they are forked from one that has imported torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["xstilts.compute.train"])
    yield context


def _run(processes: ForkServerContext, box: Box, trained: Phase, die_at_write: int | None) -> Any:
    arguments = (box.store.root, Step(trained).spec, die_at_write)
    process = processes.Process(target=compute_in, args=arguments)
    process.start()
    return process


def _state(box: Box, trained: Phase) -> Path:
    return box.store.root / "running" / trained.fingerprint / state.STATE


def _killed(process: Any, box: Box, trained: Phase, seconds: float) -> bool:
    """Kill the process so long after it has saved a state anew; False if it ended first."""
    path = _state(box, trained)
    began = path.stat().st_mtime_ns if path.exists() else 0
    while process.is_alive():
        if path.exists() and path.stat().st_mtime_ns != began:
            time.sleep(seconds)
            process.kill()
            break
        time.sleep(0.001)
    process.join()
    return bool(process.exitcode == -signal.SIGKILL)


def test_kill_at_any_moment_and_run_again(first: Box, box: Box, processes: ForkServerContext) -> None:
    """Twice in the middle of writing a state, then at random moments; then to the end."""
    trained = phase("tags", use("pairs", examples=40), updates=40, dropout=0.1, evaluations=4, select="best")
    wanted = first.weights(trained)
    for write in (1, 3):
        process = _run(processes, box, trained, write)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        left = len(list(_state(box, trained).parent.iterdir()))
        assert left == (1 if write == 1 else 2), "half a state, beside a whole one if there was one before"
    rng = random.Random(0)
    killed = [_killed(_run(processes, box, trained, None), box, trained, rng.uniform(0, 0.04)) for _ in "abc"]
    assert killed[0]
    final = _run(processes, box, trained, None)
    final.join()
    assert final.exitcode == 0
    box.store.prepare()
    assert not list((box.store.root / "temporary").iterdir())
    assert box.weights(trained) == wanted


def test_resuming_is_not_starting_anew(first: Box, box: Box) -> None:
    """The test of the tests: a state that is changed on the way is seen at the end."""
    trained = PHASES["dropout"]
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(6), save_seconds=0)
    path = _state(box, trained)
    from safetensors.torch import save_file

    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    name = "exp_avg_sq.encoder.encoder.layer.0.output.dense.weight"
    save_file(tensors | {name: torch.ones_like(tensors[name])}, path, metadata)
    assert box.weights(trained) != first.weights(trained)
    assert isinstance(trained.uses[0], Use)
