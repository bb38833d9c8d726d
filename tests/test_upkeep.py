"""Care for a store: sizes, what no study refers to, checkpoints that go and return, what failed before."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.cli.output import gigabytes
from xstilts.run import rendezvous
from xstilts.run.launch import CheckpointDropper
from xstilts.store import Store, maintenance, write_json
from xstilts.study.load import load
from xstilts.study.phase import Phase
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell

BARE = ('question = "Does mood help?"', 'question = "Does mood help?"\nreferences = []')
"""Without references no two steps have the same name."""
TARGETS = {
    "mood-seed2",
    "mood-then-mood-seed1",
    "mood-then-mood-seed2",
}
"""Target phases that nothing is trained from; `mood-seed1` is an intermediate phase too."""


def fill(store: Store, found: Plan, but: frozenset[str] = frozenset()) -> None:
    """Put every step of a plan into a store, as if it had been computed, but those of some names."""
    store.prepare()
    for step in found.steps:
        if step.name not in but:
            with store.writing(step) as folder:
                if step.kind != "evaluation":
                    (folder / "checkpoint").mkdir()
                    (folder / "checkpoint" / "weights").write_text(step.fingerprint)
                write_json(folder / "record.json", {"status": "done", "kind": step.kind})


def there(store: Store, found: Plan) -> set[str]:
    """The names of finished steps."""
    return {step.name for step in found.steps if store.done(step)}


def with_checkpoint(store: Store, found: Plan) -> set[str]:
    """The names of finished phases that have their checkpoint."""
    phases = [step for step in found.steps if isinstance(step.specification, Phase)]
    return {step.name for step in phases if store.has_checkpoint(step)}


@pytest.fixture
def small(world: "World") -> Plan:
    return plan(load(world.study(BARE)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def nothing(step: Step, event: object) -> None:
    """Nobody listens."""


# Checkpoints


def test_checkpoints_of_target_phases_go_after_their_last_evaluation(store: Store, small: Plan) -> None:
    last = next(one for one in small.steps if one.name == "mood-of-mood-seed2")
    fill(store, small, but=frozenset({last.name}))
    phases = with_checkpoint(store, small)
    heard: list[str] = []
    sweep = CheckpointDropper(small.steps, store, lambda step, event: heard.append(step.name))
    assert phases - with_checkpoint(store, small) == TARGETS - {"mood-seed2"}
    sweep(last, {"event": "started"})
    sweep(last, {"event": "failed", "message": "the loss is nan"})
    assert "mood-seed2" in with_checkpoint(store, small), "its evaluation may be tried again"
    fill(store, small, but=there(store, small))
    sweep(last, {"event": "finished", "outcome": "done"})
    assert heard == [last.name] * 3
    assert phases - with_checkpoint(store, small) == TARGETS
    assert "mood-seed1" in with_checkpoint(store, small), "another phase starts from it"
    assert there(store, small) == {step.name for step in small.steps}
    assert store.missing(small.steps) == []


def test_phases_without_evaluations_are_kept(world: "World", store: Store) -> None:
    text = world.study().read_text()
    found = plan(load(world.study(BARE, text=text.split("[target]")[0])))
    fill(store, found)
    CheckpointDropper(found.steps, store, nothing)
    assert with_checkpoint(store, found) == {"mood-seed1"}


def test_models_that_are_only_asked_are_kept(world: "World", store: Store) -> None:
    """Retrieval trains no target phase: what it asks is the intermediate phase itself."""
    asked = ('tasks = ["./mood.py", "./search.py"]', 'tasks = ["./search.py"]')
    found = plan(load(world.study(BARE, asked, ('targets = ["mood"]', 'targets = ["search"]'))))
    fill(store, found)
    CheckpointDropper(found.steps, store, nothing)
    assert with_checkpoint(store, found) == {"mood-seed1"}


def test_a_dropped_checkpoint_is_missed_only_by_what_is_missing(store: Store, small: Plan) -> None:
    fill(store, small)
    for step in small.steps:
        if step.kind != "evaluation":
            store.drop(step)
    assert store.missing(small.steps) == []
    evaluation = next(one for one in small.steps if one.name == "mood-of-mood-then-mood-seed2")
    store.remove(evaluation.fingerprint)
    missing = [step.name for step in store.missing(small.steps)]
    assert missing[1:] == ["mood-seed1", "mood-then-mood-seed2", "mood-of-mood-then-mood-seed2"]
    assert next(step.kind for step in store.missing(small.steps)) == "backbone"


def test_a_run_drops_and_restores(world: "World", shell: "Shell") -> None:
    shell("run", world.study(BARE), "--workers", "2")
    store, found = Store(Path("store")), plan(load(world.study(BARE)))
    assert not TARGETS & with_checkpoint(store, found)
    assert {"mood-seed1"} <= with_checkpoint(store, found)
    phase = next(one for one in found.steps if one.name == "mood-then-mood-seed2")
    evaluation = next(one for one in found.steps if one.name == "mood-of-mood-then-mood-seed2")
    before = store.record(phase.fingerprint)
    store.remove(evaluation.fingerprint)
    status, _, err = shell("run", world.study(BARE), "--workers", "2", "--keep-checkpoints")
    assert status == 0
    assert f"1 steps computed, {len(found.steps) - 1} were in the store." in err.splitlines()
    log = Path("store/log.txt").read_text()
    assert [log.count(one.fingerprint) for one in (phase, evaluation)] == [2, 2]
    assert with_checkpoint(store, found) & TARGETS == {phase.name}
    assert store.record(phase.fingerprint) == before, "the same bytes came back"
    shell("run", world.study(BARE))
    assert not TARGETS & with_checkpoint(store, found)


# What failed before


def test_what_failed_what_waits_for_it_and_what_it_needs(store: Store, small: Plan) -> None:
    lost = {"mood-then-mood-seed2", "mood-of-mood-then-mood-seed2", "search-of-mood-seed1", "mood-seed1"}
    fill(store, small, but=frozenset(lost))
    assert maintenance.failed_before(store, small.steps) == []
    failed = next(one for one in small.steps if one.name == "mood-then-mood-seed2")
    store.fail(failed, "the loss is nan", "")
    chosen = [step.name for step in maintenance.failed_before(store, small.steps)]
    assert chosen == ["mood-seed1", "mood-then-mood-seed2", "mood-of-mood-then-mood-seed2"]


def test_retry_computes_only_what_failed_before(world: "World", shell: "Shell") -> None:
    Path("store/instructions.json").write_text(json.dumps({"mood-seed2": "fail"}))
    assert shell("run", world.study(BARE), "--workers", "2")[0] == 1
    Path("store/instructions.json").write_text("{}")
    store, found = Store(Path("store")), plan(load(world.study(BARE)))
    other = next(one for one in found.steps if one.name == "search-of-mood-seed1")
    store.remove(other.fingerprint)
    assert shell("run", world.study(BARE), "--workers", "2", "--retry")[0] == 0
    assert [step.name for step in found.steps if not store.done(step)] == [other.name]
    status, _, err = shell("run", world.study(BARE), "--retry")
    assert status == 0
    assert "0 steps computed, 0 were in the store." in err.splitlines()


# Sizes and what no study refers to


def test_sizes_by_kind(store: Store, small: Plan) -> None:
    fill(store, small)
    with rendezvous.rendezvous(store, [], {}) as folder:  # as a launcher leaves it that was killed
        rendezvous.Log(folder, "7_0").tell(event="joined")
        (folder / "logs").mkdir(exist_ok=True)
        (folder / "logs" / "7_0_log.err").write_text("last words")
        jobs = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        found = {one.kind: one for one in maintenance.sizes(store)}
        whole = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert found["jobs"] == maintenance.Size("jobs", 0, jobs, 0)
    phases = [step for step in small.steps if step.kind == "phase"]
    assert found["phase"].steps == len(phases)
    assert found["phase"].checkpoints == sum(len(step.fingerprint) for step in phases)
    assert found["evaluation"].checkpoints == 0
    assert sum(one.bytes for one in found.values()) == whole - (store.root / "version.json").stat().st_size


def test_the_store_for_people_and_machines(world: "World", shell: "Shell") -> None:
    fill(Store(Path("store")), plan(load(world.study(BARE))))
    status, out, err = shell("store")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [
        "kind",
        "backbone",
        "phase",
        "evaluation",
        *maintenance.BESIDE,
        "all",
    ]
    assert json.loads(shell("store", "--json")[1])[1]["kind"] == "phase"
    found = json.loads(shell("store", "verify", "--json")[1])
    assert (found["unknown"], found["damages"]) == (0, [])
    assert found["steps"] == len(list(Path("store/steps").iterdir()))
    status, out, err = shell("store", "--store", "there", "verify")
    assert status == 2
    assert err == (
        "xstilts store: --store stands before the command. Put it behind: xstilts store verify --store DIR.\n"
    )
    for command in (["store"], ["store", "verify"], ["store", "prune", str(world.study())]):
        status, out, err = shell(*command, "--store", "there")
        assert (status, out) == (2, "")
        assert (
            "there: no such store. Did you mean 'store'? `xstilts run STUDY --store DIR` computes into one"
            in err
        )


def test_records_without_checksums_are_counted(store: Store, small: Plan) -> None:
    fill(store, small)
    for folder in maintenance.folders(store)[:3]:
        write_json(folder / "record.json", {"status": "done"})
    found = maintenance.verify(store)
    assert (found.unknown, found.damages) == (3, ())


def test_prune_lists_before_it_removes(world: "World", shell: "Shell") -> None:
    store = Store(Path("store"))
    one, other = world.study(BARE), world.study(BARE, ("seeds = [1, 2]", "seeds = [1, 3]"), name="other.toml")
    first, second = plan(load(one)), plan(load(other))
    fill(store, first)
    fill(store, second, but=there(store, second))
    store.running("0123456789abcdef").joinpath("state.safetensors").write_text("half")
    kept = {step.name for step in second.steps}
    only = {step.name for step in first.steps} - kept
    assert only
    status, out, err = shell("store", "prune", one, other)
    assert (status, out.count("\n")) == (0, 1)
    assert "running/0123456789abcdef" in out
    status, out, err = shell("store", "prune", other)
    assert status == 0
    assert out.count("\n") == len(only) + 1
    assert err.endswith("nothing was removed yet. Give --yes to remove it.\n")
    assert there(store, first) == {step.name for step in first.steps}
    status, out, err = shell("store", "prune", other, "--yes")
    assert err.endswith(": removed.\n")
    assert there(store, second) == kept
    assert there(store, first).isdisjoint(only)
    assert shell("store", "prune", other, "--yes")[2] == "Everything belongs to these studies.\n"


def test_what_is_being_computed_is_not_pruned(store: Store, small: Plan) -> None:
    fill(store, small)
    state = store.running("0123456789abcdef")
    claim = store.lease("0123456789abcdef")
    assert claim is not None
    assert maintenance.unreferenced(store, small.steps) == []
    claim.release()
    assert maintenance.unreferenced(store, small.steps) == [state]


def test_prune_removes_nothing_when_a_study_is_wrong(world: "World", shell: "Shell") -> None:
    found = plan(load(world.study(BARE)))
    fill(Store(Path("store")), found)
    (world.folder / "wrong.toml").write_text("nam = 1")
    assert shell("store", "prune", world.folder / "wrong.toml", "--yes")[0] == 2
    assert len(list(Path("store/steps").iterdir())) == len(found.steps)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3 * 10**9, "3.0 GB")],
)
def test_bytes_for_people(number: int, text: str) -> None:
    assert gigabytes(number) == text
