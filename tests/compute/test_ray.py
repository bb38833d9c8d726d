"""The Ray launcher: two nodes on this computer, of which one comes and is killed while a study runs."""

import dataclasses
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import rays
import slowly
from bench import removing

from xstilts.analysis.findings import Findings
from xstilts.errors import EngineError, StoreError
from xstilts.report import page
from xstilts.run import launch, local, machine
from xstilts.run import ray as on_ray
from xstilts.run.options import RayOptions
from xstilts.store import Store, leases
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step

if TYPE_CHECKING:
    from bench import Bench

    from conftest import World

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.xdist_group("ray")

SECOND = rays.ADDRESSES[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rays.Ray]:
    """Its processes find the modules of these tests; one core for each step, as in the local runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        with rays.Ray(tmp_path_factory.mktemp("ray") / "logs") as started:
            if not any(started.answers() for _ in range(rays.TRIES)):
                pytest.skip("Ray started and does not answer: a driver that connects dies (a busy computer)")
            yield started


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = dataclasses.replace(on_ray.PACE, look=0.1, ask=0.2, grace=0.5, search=0.2, busy=0.5)
    monkeypatch.setattr(on_ray, "PACE", quick)
    monkeypatch.setattr(on_ray, "ROOM_SECONDS", 0.5)


def results(planned: Plan, store: Store, out: Path) -> dict[str, bytes]:
    """The table of the report; and of every step the scores, the predictions and the weights."""
    files = {path.name: path for path in page.write(Findings.of(planned, store), ["csv"], out)}
    for step in planned.steps:
        folder = store.folder(step.fingerprint)
        assert folder is not None, step.name
        for path in folder.rglob("*"):
            if path.name in ("scores.json", "predictions.parquet") or path.suffix == ".safetensors":
                files[f"{step.fingerprint}/{path.name}"] = path
    return {name: path.read_bytes() for name, path in files.items()}


def test_what_no_node_has_is_refused(cluster: rays.Ray, bench: "Bench") -> None:
    options = RayOptions(address=cluster.address, cpus=64)
    with pytest.raises(EngineError, match="a step wants 64 CPUs and 0 GPUs; the whole cluster has 1 CPUs"):
        on_ray.run(bench.wanted, bench.listener, options)


def test_a_store_that_is_removed_ends_the_run(cluster: rays.Ray, bench: "Bench") -> None:
    bench.instruct(seconds=0.2)
    options, listener = RayOptions(address=cluster.address), removing(bench, "progress")
    with pytest.raises(StoreError, match="is not there any more"):
        on_ray.run(bench.wanted, listener, options)
    assert not bench.store.root.exists()


def test_a_failure_blocks_its_descendants_only_and_a_death_is_retried(
    cluster: rays.Ray, bench: "Bench"
) -> None:
    bench.instruct(**{"mood-seed1": "fail", "mood-seed2": "die once"})
    options = RayOptions(address=cluster.address)
    steps = bench.plan.steps
    result = on_ray.run(bench.wanted, bench.listener, options)
    assert set(result.failed.values()) == {"mood-seed1: the loss is nan. Lower the learning rate."}
    assert result.blocked
    assert result.computed == len(steps) - len(result.failed) - len(result.blocked)
    died = [step.fingerprint for step in steps if step.name == "mood-seed2" and bench.store.done(step)]
    assert died
    done = [step.fingerprint for step in steps if bench.store.done(step)]
    assert bench.begun == Counter(done) + Counter([*result.failed]) + Counter(died)
    assert not (bench.store.root / "jobs").exists()


@pytest.fixture
def _listening() -> Iterator[None]:
    """Ctrl-C means what it means in a terminal, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_listening")
def test_an_interrupted_run_leaves_no_leases(cluster: rays.Ray, bench: "Bench") -> None:
    bench.instruct(seconds=3)  # a sleep is not interrupted, and then waited for
    options = RayOptions(address=cluster.address)
    before = signal.getsignal(signal.SIGTERM)
    begun = threading.Event()

    def interrupt() -> None:
        begun.wait()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    def listener(step: Step, event: Mapping[str, Any]) -> None:
        if event["event"] == "started":
            begun.set()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        on_ray.run(bench.wanted, listener, options)
    assert [*(bench.store.root / "leases").iterdir()] == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.usefixtures("_listening")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the exception that is lost
def test_an_interrupt_counts_though_its_exception_is_lost() -> None:
    class Freed:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    before = signal.getsignal(signal.SIGINT)
    with on_ray._noticed() as interrupted:
        Freed()
        assert interrupted.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_node_dies_and_the_results_are_those_of_local_workers(
    cluster: rays.Ray, world: "World", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 2)  # one thread for each of two workers, as on the cluster
    small = ("[backbones.scratch]", "references = []\n[backbones.scratch]")
    planned = plan(load(world.study(small)))
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    alone = local.run(launch.Run(planned.steps, here, planned.places), lambda *_: None, workers=2)
    there.prepare()
    ended: set[str] = set()
    killed: list[str] = []
    deaths: list[float] = []

    def listener(step: Step, event: Mapping[str, Any]) -> None:
        if not ended and event["event"] == "finished":
            cluster.add_second()
        if event["event"] == "finished":
            ended.add(step.fingerprint)
        at_work = [one for one, node in slowly.begun(there) if node == SECOND and one not in ended]
        if at_work and not killed:
            killed.extend(at_work)
            cluster.kill_second()
            deaths.append(time.monotonic())
        if event["event"] == "finished" and step.fingerprint in killed:
            assert time.monotonic() - deaths[0] < leases.STALE_SECONDS, "nobody waits for its lease"

    options = RayOptions(address=cluster.address)
    monkeypatch.setattr(launch, "COMPUTE", "slowly:compute")
    result = on_ray.run(launch.Run(planned.steps, there, planned.places), listener, options)
    assert killed, "the second node was at nothing"
    assert result.failed == alone.failed == {}
    assert result.computed + result.found == len(planned.steps), "one may have been done when it was killed"
    begun = Counter(fingerprint for fingerprint, _ in slowly.begun(there))
    assert {one for one, count in begun.items() if count > 1} <= set(killed)
    expected = results(planned, here, tmp_path / "alone")
    assert {Path(name).name for name in expected} >= {"results.csv", "scores.json", "model.safetensors"}
    assert results(planned, there, tmp_path / "on-ray") == expected


class Alone:
    """Ray without a cluster: a task's end and the living nodes are as the test says."""

    exceptions = ray.exceptions

    def __init__(self, end: Exception | str | None = None) -> None:
        self.end = end
        self.asked: dict[str, Any] = {}

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 6.0, "GPU": 4.0}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": "here", "Alive": True}, {"NodeID": "there", "Alive": False}]

    def remote(self, **asked: Any) -> Any:
        self.asked = asked
        return lambda function: SimpleNamespace(remote=lambda folder, name: f"task {name}")

    def wait(self, tasks: list[str], **_: Any) -> tuple[list[str], list[str]]:
        return ([], tasks) if self.end is None else (tasks, [])

    def get(self, task: str) -> str:
        if isinstance(self.end, Exception):
            raise self.end
        assert self.end is not None
        return self.end


def tasks(alone: Alone, options: RayOptions | None = None) -> on_ray.Tasks:
    return on_ray.Tasks(alone, options or RayOptions(), 1.0, Path(), threading.Event())


ERRORS = ray.exceptions


@pytest.mark.parametrize(
    ("end", "memory"),
    [(ERRORS.WorkerCrashedError(), False), (ERRORS.OutOfMemoryError("too much"), True)],
    ids=["crash", "memory"],
)
def test_want_of_memory_is_told_from_other_deaths(end: Exception, memory: bool) -> None:
    crew = tasks(Alone(end))
    (name,) = crew.start(1)
    assert crew.ended({name: {}}) == {name: launch.End(type(end).__name__, str(end), memory=memory)}


def test_a_worker_whose_node_is_dead_is_known_to_be_before_ray_starts_it_again() -> None:
    crew = tasks(Alone())
    names = crew.start(3)
    joined: list[dict[str, Any]] = [{}, {"node": "here"}, {"node": "there"}]
    told = crew.ended(dict(zip(names, joined, strict=True)))
    assert told == {names[2]: launch.End("NodeDiedError", returns=True)}


def test_a_node_that_does_not_see_the_store_ends_the_run() -> None:
    crew = tasks(Alone(json.dumps(["node", "does not see it.", "Share it."])))
    (name,) = crew.start(1)
    with pytest.raises(StoreError, match=r"node: does not see it\. Share it\."):
        crew.ended({name: {}})


def test_a_worker_asks_for_its_share_and_is_started_again_where_its_node_dies() -> None:
    alone = Alone()
    assert tasks(alone, RayOptions(cpus=2)).room == 3
    assert tasks(alone, RayOptions(cpus=2, steps=7)).room == 7
    tasks(alone, RayOptions(cpus=2, memory_gb=1))
    assert (alone.asked["num_cpus"], alone.asked["num_gpus"], alone.asked["memory"]) == (2, 1.0, 2**30)
    assert alone.asked["max_retries"] > 0


def test_an_interrupt_is_noticed_though_its_exception_is_lost() -> None:
    crew = tasks(Alone())
    crew._interrupted.set()
    with pytest.raises(KeyboardInterrupt):
        crew.ended({})


def test_no_cluster_at_the_address_is_said(bench: "Bench", monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, **_: Any) -> None:
        raise ConnectionError(f"Ray is trying to start at {address}.\nfailed to connect to GCS")

    monkeypatch.setattr(ray, "init", refuse)
    options = RayOptions(address="host:1")
    with pytest.raises(EngineError, match="--address host:1: no Ray cluster: failed to connect to GCS"):
        on_ray.run(bench.wanted, bench.listener, options)
    assert not (bench.store.root / "jobs").exists()
