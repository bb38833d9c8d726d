"""The Ray engine: two nodes on this computer, of which one comes and is killed while a study runs."""

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

from xstilts import claims
from xstilts.analysis.findings import Findings
from xstilts.errors import EngineError, StoreError
from xstilts.report import page
from xstilts.runner import local, machine, on_ray
from xstilts.runner.driver import Driver
from xstilts.runner.engine import RayOptions
from xstilts.store import Store
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
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with rays.Ray(tmp_path_factory.mktemp("ray") / "logs") as started:
            if not any(started.answers() for _ in range(rays.TRIES)):
                pytest.skip("Ray started and does not answer: a driver that connects dies (a busy computer)")
            yield started


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "LOOK_SECONDS", 0.1)
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
        on_ray.run(bench.plan.steps, bench.store, bench.plan.places, bench.listener, options=options)


def test_a_store_that_is_removed_ends_the_run(cluster: rays.Ray, bench: "Bench") -> None:
    bench.instruct(seconds=0.2)
    options, listener = RayOptions(address=cluster.address), removing(bench, "progress")
    with pytest.raises(StoreError, match="is not there any more"):
        on_ray.run(
            bench.plan.steps,
            bench.store,
            bench.plan.places,
            listener,
            options=options,
            compute="fakes:compute",
        )
    assert not bench.store.root.exists()


def test_a_failure_blocks_its_descendants_only_and_a_death_is_retried(
    cluster: rays.Ray, bench: "Bench"
) -> None:
    bench.instruct(**{"mood-seed1": "fail", "mood-seed2": "die once"})
    options = RayOptions(address=cluster.address)
    steps, places = bench.plan.steps, bench.plan.places
    result = on_ray.run(steps, bench.store, places, bench.listener, options=options, compute="fakes:compute")
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
def test_an_interrupted_run_leaves_no_claims(cluster: rays.Ray, bench: "Bench") -> None:
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
    steps, places = bench.plan.steps, bench.plan.places
    with pytest.raises(KeyboardInterrupt):
        on_ray.run(steps, bench.store, places, listener, options=options, compute="fakes:compute")
    assert [*(bench.store.root / "claims").iterdir()] == []
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


def test_a_node_dies_and_the_results_are_those_of_the_local_engine(
    cluster: rays.Ray, world: "World", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 2)  # one thread for each of two workers, as on the cluster
    small = ("[backbones.scratch]", "references = []\n[backbones.scratch]")
    planned = plan(load(world.study(small)))
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    alone = local.run(planned.steps, here, planned.places, lambda *_: None, workers=2)
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
            assert time.monotonic() - deaths[0] < claims.STALE_SECONDS, "nobody waits for its claim"

    options = RayOptions(address=cluster.address)
    result = on_ray.run(
        planned.steps, there, planned.places, listener, options=options, compute="slowly:compute"
    )
    assert killed, "the second node was at nothing"
    assert result.failed == alone.failed == {}
    assert result.computed + result.found == len(planned.steps), "one may have been done when it was killed"
    begun = Counter(fingerprint for fingerprint, _ in slowly.begun(there))
    assert {one for one, count in begun.items() if count > 1} <= set(killed)
    expected = results(planned, here, tmp_path / "alone")
    assert {Path(name).name for name in expected} >= {"results.csv", "scores.json", "model.safetensors"}
    assert results(planned, there, tmp_path / "on-ray") == expected


class Alone:
    """Ray without a cluster: one task at a time, whose end and letters the test tells."""

    exceptions = ray.exceptions

    def __init__(self) -> None:
        self.end: Exception | None = None
        self.letters: list[tuple[str, str]] = []
        self.tasks = 0

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def remote(self, *_: Any, **__: Any) -> Any:
        return lambda function: SimpleNamespace(remote=self._begin)

    def _begin(self, *_: Any) -> str:
        self.tasks += 1
        return f"task {self.tasks}"

    def get(self, what: Any) -> Any:
        if what == "mail":
            letters, self.letters = self.letters, []
            return letters
        assert self.end is not None
        raise self.end


ERRORS = ray.exceptions
FAR = "7 another-computer"


@pytest.mark.parametrize(
    ("end", "owner", "free"),
    [
        (ERRORS.WorkerCrashedError(), FAR, True),
        (ERRORS.NodeDiedError("gone"), FAR, True),
        (ERRORS.OutOfMemoryError("too much"), FAR, True),
        (ERRORS.TaskCancelledError(), FAR, False),
        (ERRORS.ObjectLostError("0" * 56, None, ""), FAR, False),
        (ERRORS.NodeDiedError("gone"), "8 another-computer", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_the_claim_of_a_process_is_free_at_once_when_ray_tells_of_its_death(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch, end: Exception, owner: str, free: bool
) -> None:
    mailbox = SimpleNamespace(take=SimpleNamespace(remote=lambda: "mail"))
    monkeypatch.setattr(on_ray._Tasks, "_beside", lambda self: SimpleNamespace(remote=lambda: mailbox))
    alone, driver = Alone(), Driver(bench.plan.steps, bench.store, bench.listener)
    tasks = on_ray._Tasks(alone, RayOptions(gpus=0), driver, "")
    tasks._hand_out()
    ((task, step),) = tasks._running.items()
    path = bench.store.root / "claims" / f"{step.fingerprint}.json"
    path.write_text(f"token {owner}")
    alone.letters.append((step.fingerprint, json.dumps({"event": "started", "owner": FAR})))
    tasks._read_mail()
    alone.end = end
    tasks._take_in(task)
    assert path.is_file() is not free
    tasks._hand_out()
    again = [one for one in tasks._running.values() if one.fingerprint == step.fingerprint]
    assert bool(again) is free, "a step that is claimed waits"


@pytest.mark.parametrize("gpus", [0, 0.5, 2])
def test_several_gpus_of_a_step_train_its_phases_together(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch, gpus: float
) -> None:
    monkeypatch.setattr(on_ray._Tasks, "_beside", lambda self: SimpleNamespace(remote=lambda: None))
    driver = Driver(bench.plan.steps, bench.store, bench.listener)
    options = RayOptions(cpus=6, gpus=gpus, divide_model=gpus == 2)
    told = on_ray._Tasks(Alone(), options, driver, "")._environment
    assert told["OMP_NUM_THREADS"] == "1", "however many cores a step has"
    assert told.get("CUDA_VISIBLE_DEVICES") == (None if gpus else ""), "Ray says which, or we say none"
    together = {machine.PROCESSES: "2", machine.DIVIDED: "1"} if gpus == 2 else {}
    assert {name: told[name] for name in told if name.startswith("XSTILTS")} == together


def test_no_cluster_at_the_address_is_said(bench: "Bench", monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, **_: Any) -> None:
        raise ConnectionError(f"Ray is trying to start at {address}.\nfailed to connect to GCS")

    monkeypatch.setattr(ray, "init", refuse)
    options = RayOptions(address="host:1")
    with pytest.raises(EngineError, match="--address host:1: no Ray cluster: failed to connect to GCS"):
        on_ray.run(bench.plan.steps, bench.store, bench.plan.places, bench.listener, options=options)
    assert not (bench.store.root / "jobs").exists()
