"""The store: a folder is whole or absent, and says so in words when it cannot be."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from xstilts import store as stores
from xstilts.errors import MissingResultError, StoreError
from xstilts.store import LAYOUT, Store, write_json
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.use import Use

USE = Use(
    task="mnli",
    task_version=1,
    family="classification",
    family_version=1,
    split="train",
    languages=("en",),
    data=("x",),
)


def step(seed: int = 1, **changes: Any) -> Step:
    parent = Backbone(model="a/b", revision="1")
    return Step(Phase(parent=parent, uses=(USE.changed(**changes),), recipe=Recipe(), seed=seed))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def finish(store: Store, one: Step, **record: Any) -> Path:
    with store.writing(one) as folder:
        (folder / "checkpoint").mkdir()
        (folder / "checkpoint" / "weights").write_text("x")
        write_json(folder / "scores.json", {"task": "mnli"})
        write_json(folder / "record.json", {"status": "done", **record})
    found = store.folder(one.fingerprint)
    assert found is not None
    return found


def test_a_finished_step_can_be_read(store: Store) -> None:
    one = step()
    assert store.folder(one.fingerprint) is None
    assert not store.done(one)
    folder = finish(store, one, tokens=5)
    assert store.done(one)
    assert folder.name == f"mnli-seed1-{one.fingerprint}"
    assert store.record(one.fingerprint) == {"status": "done", "tokens": 5}
    assert store.scores(one.fingerprint) == {"task": "mnli"}
    assert store.checkpoint(one.fingerprint) == folder / "checkpoint"
    assert Step.from_spec(json.loads((folder / "spec.json").read_text())) == one


def test_what_is_absent(store: Store) -> None:
    assert store.record("0" * 16) is None
    assert store.failure("0" * 16) is None
    with pytest.raises(MissingResultError, match="Run the study first"):
        store.scores("0" * 16)


def test_a_store_that_is_only_read_is_not_made(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere")
    assert store.folder(step().fingerprint) is None
    assert not store.done(step())
    assert not (tmp_path / "nowhere").exists()


def test_a_step_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing(step()) as folder:
        (folder / "checkpoint").mkdir()
        raise RuntimeError
    assert not store.done(step())
    assert list((store.root / "temporary").iterdir()) == []


def test_a_step_without_a_record_is_not_finished(store: Store) -> None:
    with pytest.raises(AssertionError), store.writing(step()):
        pass
    assert not store.done(step())


def test_nothing_appears_in_steps_before_the_record_is_written(store: Store) -> None:
    with store.writing(step()) as folder:
        (folder / "weights").write_text("x")
        assert list((store.root / "steps").iterdir()) == []
        write_json(folder / "record.json", {})
    assert len(list((store.root / "steps").iterdir())) == 1


PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[2])
from test_store import Store, step, write_json
from pathlib import Path
store = Store(Path(sys.argv[1]))
for seed in range(10_000):
    with store.writing(step(seed)) as folder:
        for part in range(20):
            (folder / f"part{part}").write_bytes(b"x" * 1000)
        write_json(folder / "record.json", {"seed": seed})
    print(seed, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.013, 0.031, 0.05])
def test_a_killed_writer_leaves_whole_folders_only(store: Store, delay: float) -> None:
    arguments = [sys.executable, "-c", PROGRAM, str(store.root), str(Path(__file__).parent)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    folders = list((store.root / "steps").iterdir())
    assert folders
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        assert names == {"spec.json", "record.json", *(f"part{part}" for part in range(20))}
    Store(store.root).prepare()
    assert list((store.root / "temporary").iterdir()) == [], "what the killed writer left is cleared"


def test_the_temporary_folders_of_living_processes_stay(store: Store) -> None:
    with store.writing(step()) as folder:
        Store(store.root).prepare()
        assert folder.is_dir()
        write_json(folder / "record.json", {})


def test_of_two_writers_the_first_stays(store: Store) -> None:
    with store.writing(step()) as slow:
        finish(store, step(), who="first")
        write_json(slow / "record.json", {"who": "second"})
    assert store.record(step().fingerprint) == {"status": "done", "who": "first"}


def test_the_running_state_survives_a_failure_and_goes_with_success(store: Store) -> None:
    state = store.running(step().fingerprint) / "state"
    with pytest.raises(RuntimeError), store.writing(step()):
        state.write_text("update 7")
        raise RuntimeError
    assert state.read_text() == "update 7"
    finish(store, step())
    assert not state.parent.exists()


def test_state_of_a_finished_step_is_tidied_away(store: Store) -> None:
    """A worker that is killed between the rename and the removal of the state."""
    finish(store, step())
    state, other = store.running(step().fingerprint), store.running(step(2).fingerprint)
    store.tidy()
    assert not state.exists()
    assert other.exists()


def test_failures_are_kept_until_success(store: Store) -> None:
    one = step()
    store.fail(one, "the loss is nan", "Traceback ...")
    failure = store.failure(one.fingerprint)
    assert failure is not None
    assert (failure.name, failure.message, failure.traceback) == (
        one.name,
        "the loss is nan",
        "Traceback ...",
    )
    finish(store, one)
    assert store.failure(one.fingerprint) is None


def test_a_listing_that_changed_is_read_anew(store: Store) -> None:
    reader = Store(store.root)
    for seed in range(5):
        assert reader.folder(step(seed).fingerprint) is None
        finish(store, step(seed))
        assert reader.folder(step(seed).fingerprint) is not None


@pytest.mark.parametrize("name", ["../../evil", "a/b", "/etc/passwd", "a b\n", "x" * 300])
def test_names_never_leave_the_store(store: Store, name: str) -> None:
    folder = finish(store, step(task=name))
    assert folder.parent == store.root / "steps"
    assert store.done(step(task=name))


def test_a_newer_store_is_refused(store: Store) -> None:
    write_json(store.root / "version.json", {"layout": LAYOUT + 1})
    with pytest.raises(StoreError) as raised:
        Store(store.root)
    assert str(raised.value) == (
        f"{store.root}: the store has layout {LAYOUT + 1}; this release of xstilts reads up to {LAYOUT}. "
        "Upgrade xstilts, or name another folder with --store."
    )
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("content", ["{", "[]", '{"layout": "new"}'])
def test_a_damaged_version_is_refused(store: Store, content: str) -> None:
    (store.root / "version.json").write_text(content)
    with pytest.raises(StoreError):
        Store(store.root)


def test_a_damaged_record_is_told_with_its_path(store: Store) -> None:
    folder = finish(store, step())
    (folder / "record.json").write_text("{")
    with pytest.raises(StoreError, match=r"record.json: is damaged"):
        store.record(step().fingerprint)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_and_leaves_nothing(store: Store, error: Exception) -> None:
    with pytest.raises(StoreError, match="the disk is full") as raised, store.writing(step()) as folder:
        (folder / "half").write_text("x")
        raise error
    assert raised.value.where == str(store.root)
    assert "continues" in raised.value.now
    assert not store.done(step())
    assert list((store.root / "temporary").iterdir()) == []


def test_a_disk_that_is_full_when_flushing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        finish(store, step())
    assert not store.done(step())


def test_other_errors_of_a_step_pass_unchanged(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.writing(step()):
        (store.root / "absent").read_text()


def test_no_permission(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path, content: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(stores, "write_json", forbidden)
    with pytest.raises(StoreError, match=r"cannot be written .* Name another folder with --store"):
        finish(store, step())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_make_the_store(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "store").prepare()


def test_a_file_in_the_place_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is no folder"):
        Store(tmp_path / "store").prepare()


def test_nothing_in_the_store_is_a_pickle() -> None:
    source = Path(stores.__file__).parent
    assert not [path for path in source.rglob("*.py") if "import pickle" in path.read_text()]
