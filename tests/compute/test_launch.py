"""What all launchers do with what workers tell: held by workers whose words and ends the test makes."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench import Bench

from xstilts.errors import EngineError, StoreError
from xstilts.run import launch, rendezvous
from xstilts.run.launch import End, Launch, Pace

PACE = Pace(look=0.0, ask=0.0)
FAR = "7 another-computer"


class Fake:
    """Workers that do nothing; `ends` says which are over, and `logs` is where the test speaks for them."""

    def __init__(self, folder: Path, room: int = 1) -> None:
        self.folder, self.room = folder, room
        self.logs: dict[str, rendezvous.Log] = {}
        self.ends: dict[str, End] = {}
        self.killed: list[str] = []
        self.removed: list[str] = []

    def start(self, count: int) -> list[str]:
        new = [f"w{len(self.logs) + number}" for number in range(count)]
        self.logs |= {name: rendezvous.Log(self.folder, name) for name in new}
        return new

    def ended(self, workers: Mapping[str, Any]) -> dict[str, End]:
        return {name: end for name, end in self.ends.items() if name in workers}

    def kill(self, worker: str) -> None:
        self.killed.append(worker)

    def remove(self, worker: str) -> None:
        self.removed.append(worker)

    def stop(self, workers: Sequence[str]) -> None:
        assert set(workers) <= set(self.logs)

    def begin(self, name: str, step: str) -> None:
        """The worker joins and begins a step."""
        self.logs[name].tell(event="joined", owner=FAR)
        self.logs[name].tell(event="started", step=step)


@pytest.fixture(autouse=True)
def _seek_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SEEK_SECONDS", 0.0)


@pytest.fixture
def folder(bench: Bench) -> Iterator[Path]:
    with rendezvous.rendezvous(bench.store, [], {}) as made:
        yield made


def first(bench: Bench, folder: Path, pace: Pace = PACE, limit: float = 1800.0) -> tuple[Launch, Fake, str]:
    """A launch with one worker that is at the first step, whose fingerprint comes too."""
    started, crew = Launch(bench.wanted, bench.listener, pace, limit), Fake(folder)
    started.look(folder, crew)
    name = started.entries[0].fingerprint
    crew.begin("w0", name)
    started.look(folder, crew)
    return started, crew, name


def test_workers_that_end_before_they_begin_end_the_run(bench: Bench, folder: Path) -> None:
    started, crew = Launch(bench.wanted, bench.listener, PACE), Fake(folder)
    crew.ends = {f"w{number}": End("FAILED", "module: command not found") for number in range(9)}
    said = r"3 workers in a row: ended before they began a step \(FAILED\).*module: command not found"
    with pytest.raises(EngineError, match=f"(?s){said}"):
        started.attend(folder, crew)
    assert crew.removed == ["w0", "w1", "w2"]


def test_what_another_launcher_computes_is_found(bench: Bench, folder: Path) -> None:
    started = Launch(bench.wanted, bench.listener, PACE)
    bench.run()
    started.attend(folder, Fake(folder))
    assert (started.result.computed, started.result.found) == (0, len(bench.plan.steps))


def test_what_an_own_worker_computes_is_not_counted_as_found(bench: Bench, folder: Path) -> None:
    started, crew, name = first(bench, folder)
    bench.run()
    started.look(folder, crew)
    assert name in started.left, "the worker has not told yet"
    crew.logs["w0"].tell(event="finished", step=name, outcome="done")
    started.attend(folder, crew)
    assert (started.result.computed, started.result.found) == (1, len(bench.plan.steps) - 1)


def test_no_more_workers_than_there_are_steps_that_nobody_is_at(bench: Bench, folder: Path) -> None:
    started, crew = Launch(bench.wanted, bench.listener, PACE), Fake(folder, room=50)
    started.look(folder, crew)
    ready = len(list(started.left.ready()))
    assert len(crew.logs) == ready
    started.look(folder, crew)
    assert len(crew.logs) == ready, "those that are there have not begun yet"


@pytest.mark.parametrize("how", ["ended", "returns", "joined"])
def test_the_leases_of_a_worker_whose_process_is_over_are_free_at_once(
    bench: Bench, folder: Path, how: str
) -> None:
    step = bench.named("mood-then-mood-seed2")
    other = next(one for one in bench.plan.steps if one.kind == "evaluation")
    held = [step.fingerprint, *step.parents, other.fingerprint]
    places = [bench.store.root / "leases" / f"{fingerprint}.json" for fingerprint in held]
    for path, owner in zip(places, [FAR, FAR, "8 another-computer"], strict=True):
        path.write_text(f"token {owner}")
    started, crew = Launch(bench.wanted, bench.listener, PACE), Fake(folder)
    started.look(folder, crew)
    crew.begin("w0", step.fingerprint)
    started.look(folder, crew)
    assert all(path.is_file() for path in places), "the worker is at it"
    if how == "joined":  # queued again, and there again
        crew.logs["w0"].tell(event="joined", owner="9 yet-another")
    else:
        crew.ends["w0"] = End("NODE_FAIL", returns=how == "returns")
    started.look(folder, crew)
    assert [path.is_file() for path in places] == [False, False, True]
    assert crew.removed == (["w0"] if how == "ended" else [])
    lease = bench.store.lease(step.fingerprint)
    assert lease is not None
    lease.release()


def test_what_a_worker_wrote_is_waited_for_before_it_is_thought_dead(bench: Bench, folder: Path) -> None:
    started, crew, name = first(bench, folder, dataclasses.replace(PACE, grace=3600.0))
    crew.ends["w0"] = End("COMPLETED")
    started.look(folder, crew)
    assert crew.removed == []
    crew.logs["w0"].tell(event="finished", step=name, outcome="done")
    started.look(folder, crew)
    assert (started.result.computed, started.result.failed) == (1, {})


@pytest.mark.parametrize(
    ("end", "tries", "halved"),
    [
        (End(-11), 3, [0, 0]),
        (End(-9), 3, [0, 1]),  # for which no reason is known
        (End("OutOfMemoryError", memory=True), 3, [1, 2]),
        (End("it was killed for want of memory", memory=True, tries=2), 2, [1]),
    ],
)
def test_a_step_that_takes_its_workers_with_it_is_tried_again_and_not_for_ever(
    bench: Bench, folder: Path, end: End, tries: int, halved: list[int]
) -> None:
    started, crew, name = first(bench, folder)
    found = []
    for number in range(tries):
        crew.ends[f"w{number}"] = dataclasses.replace(end, words="last words")
        started.look(folder, crew)
        if number < tries - 1:
            failure = bench.store.failure(name)
            found.append(0 if failure is None else failure.killed)
            crew.begin(f"w{number + 1}", name)
            started.look(folder, crew)
    assert found == halved
    why = f"exit status {end.why}" if isinstance(end.why, int) else end.why
    assert started.result.failed == {name: f"its worker died {tries} times ({why})."}
    assert rendezvous.failed(folder, name), "no other worker tries it again"
    kept = bench.store.failure(name)
    assert kept is not None
    assert kept.traceback == "last words"


def test_a_silent_worker_is_killed(bench: Bench, folder: Path) -> None:
    started, crew, name = first(bench, folder, limit=-60.0)
    started.look(folder, crew)
    assert set(crew.killed) == {"w0"}
    crew.ends["w0"] = End(-9)
    started.look(folder, crew)
    assert bench.store.failure(name) is None, "that is no want of memory"
    assert started._deaths == {name: 1}


def test_a_store_that_a_worker_cannot_write_ends_the_run(bench: Bench, folder: Path) -> None:
    started, crew, _ = first(bench, folder)
    crew.logs["w0"].tell(event="stopped", store=["the store", "the disk is full.", "Free some."])
    with pytest.raises(StoreError, match=r"the store: the disk is full\. Free some\."):
        started.look(folder, crew)


@pytest.mark.parametrize(("there", "raises"), [(True, False), (False, True)])
def test_a_refusal_of_new_workers_ends_the_run_only_if_none_is_there(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch, there: bool, raises: bool
) -> None:
    started, crew = Launch(bench.wanted, bench.listener, PACE), Fake(folder)
    if there:
        started.look(folder, crew)
    crew.room = 2

    def refuse(count: int) -> list[str]:
        raise EngineError("sbatch", "QOSMaxJobsPerUserLimit")

    monkeypatch.setattr(crew, "start", refuse)
    if raises:
        with pytest.raises(EngineError):
            started.look(folder, crew)
    else:
        started.look(folder, crew)


def test_a_worker_refuses_another_store_and_another_release(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendezvous, "PATIENCE_SECONDS", 0.0)
    assert rendezvous.join(folder)[1] == []
    with monkeypatch.context() as patch:
        patch.setattr("xstilts.run.rendezvous.VERSION", "0.0.1")
        with pytest.raises(StoreError, match="Install the same release on all computers"):
            rendezvous.join(folder)
    (folder / "run.json").unlink()
    with pytest.raises(StoreError, match=r"is not the launcher's\. Put the store where all computers see it"):
        rendezvous.join(folder)


def test_several_gpus_of_a_worker_train_its_phases_together(bench: Bench) -> None:
    for gpus, divide, processes in ((0, True, 1), (0.5, False, 1), (2, False, 2), (2, True, 2)):
        told = bench.wanted.settings(PACE, gpus, divide=divide)
        assert told["means"] == {
            "save_memory": False,
            "processes": processes,
            "divide": divide and processes > 1,
        }
        assert told["environment"]["OMP_NUM_THREADS"] == "1", "however many cores a worker has"


def test_what_is_done_costs_no_worker(bench: Bench) -> None:
    bench.run()
    started = Launch(dataclasses.replace(bench.wanted), bench.listener, PACE)
    assert (started.result, len(started.left)) == (launch.Result(found=len(bench.plan.steps)), 0)
