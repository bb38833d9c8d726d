"""The store: a folder is whole or absent, and says so in words when it cannot be."""

import errno
import hashlib
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
from xstilts.errors import DamageError, MissingResultError, StoreError
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

SCORES: dict[str, Any] = {"languages": {}}


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
        write_json(folder / "scores.json", SCORES)
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
    record = store.record(one.fingerprint)
    assert record is not None
    assert (record["status"], record["tokens"]) == ("done", 5)
    assert sorted(record["files"]) == ["checkpoint/weights", "scores.json", "spec.json"]
    assert store.scores(one.fingerprint) == SCORES
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
    assert (store.record(step().fingerprint) or {})["who"] == "first"


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


def test_a_record_tells_size_and_checksum_of_every_file(store: Store) -> None:
    folder = finish(store, step())
    record = json.loads((folder / "record.json").read_text())
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(record["files"]) == written - {"record.json"}
    content = (folder / "scores.json").read_bytes()
    sums = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert record["files"]["scores.json"] == sums


@pytest.mark.parametrize("content", ["{", "[]", "", "\\", "[" * 100_000])
def test_a_damaged_record_is_told_with_its_path(store: Store, content: str) -> None:
    folder = finish(store, step())
    (folder / "record.json").write_text(content)
    with pytest.raises(DamageError, match=r"record.json: is damaged.*--repair"):
        store.record(step().fingerprint)


def test_every_flipped_bit_of_a_record_is_noticed_or_changes_nothing(store: Store) -> None:
    path = finish(store, step(), tokens=5) / "record.json"
    content, record = path.read_bytes(), store.record(step().fingerprint)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            assert store.record(step().fingerprint) == record
        except DamageError:
            continue


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "has 0 bytes instead of 21"), (b'{"task": "mnlj"}\n...', "is not what was written")],
)
def test_a_damaged_file_is_refused_by_name(store: Store, content: bytes, what: str) -> None:
    path = finish(store, step()) / "scores.json"
    content = content.ljust(path.stat().st_size) if content else content
    path.write_bytes(content)
    with pytest.raises(DamageError) as raised:
        store.scores(step().fingerprint)
    assert str(raised.value) == (
        f"{path}: is damaged: it {what}. Give `xstilts run` with --repair: the step is computed again."
    )


def test_a_file_that_is_missing_is_refused(store: Store) -> None:
    (finish(store, step()) / "scores.json").unlink()
    with pytest.raises(DamageError, match=r"scores.json: is damaged: it is missing"):
        store.scores(step().fingerprint)


def test_a_damaged_checkpoint_is_no_parent(store: Store) -> None:
    path = finish(store, step()) / "checkpoint" / "weights"
    assert store.checkpoint(step().fingerprint) == path.parent
    path.write_text("y")
    os.utime(path, ns=(0, 1))  # a write within the clock's resolution
    with pytest.raises(DamageError, match=r"weights: is damaged: it is not what was written"):
        store.checkpoint(step().fingerprint)


def test_records_of_earlier_releases_stay_readable(store: Store) -> None:
    folder = finish(store, step())
    record = json.loads((folder / "record.json").read_text())
    del record["files"], record["seal"]
    write_json(folder / "record.json", record)
    assert store.record(step().fingerprint) == record
    assert store.scores(step().fingerprint) == SCORES
    assert store.checkpoint(step().fingerprint).is_dir()


def test_what_has_not_changed_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(store, step())
    store.scores(step().fingerprint)
    monkeypatch.setattr(stores.checksums, "of", lambda path: pytest.fail("read again"))
    assert store.scores(step().fingerprint) == SCORES


def test_a_dropped_checkpoint(store: Store) -> None:
    folder = finish(store, step())
    store.drop(step())
    store.drop(step())  # nothing is left to drop
    assert store.done(step())
    assert not store.has_checkpoint(step())
    assert store.scores(step().fingerprint) == SCORES
    assert list((store.root / "temporary").iterdir()) == []
    with pytest.raises(MissingResultError, match=r"was dropped.*--keep-checkpoints") as raised:
        store.checkpoint(step().fingerprint)
    assert raised.value.where == str(folder)


def test_a_checkpoint_that_is_computed_again_returns_to_its_step(store: Store) -> None:
    finish(store, step(), who="first")
    store.drop(step())
    finish(store, step(), who="second")
    record = store.record(step().fingerprint) or {}
    assert (record["who"], record.get("warning")) == ("first", None)
    assert (store.checkpoint(step().fingerprint) / "weights").read_text() == "x"


def test_a_checkpoint_that_comes_back_changed_is_told_in_the_record(store: Store) -> None:
    finish(store, step(), who="first")
    store.drop(step())
    with store.writing(step()) as folder:
        (folder / "checkpoint").mkdir()
        (folder / "checkpoint" / "weights").write_text("other")
        write_json(folder / "record.json", {"who": "second"})
    record = store.record(step().fingerprint) or {}
    assert record["who"] == "first"
    assert record["warning"] == stores.DIFFERS
    assert (store.checkpoint(step().fingerprint) / "weights").read_text() == "other"
    assert store.scores(step().fingerprint) == SCORES


def test_the_state_of_a_step_whose_checkpoint_is_computed_again_stays(store: Store) -> None:
    finish(store, step())
    store.drop(step())
    state = store.running(step().fingerprint)
    store.tidy()
    assert state.is_dir()


def test_a_step_that_is_removed_leaves_nothing(store: Store) -> None:
    finish(store, step())
    store.fail(step(), "failed", "")
    store.running(step().fingerprint)
    store.remove(step().fingerprint)
    assert not store.done(step())
    assert [
        path
        for name in ("steps", "running", "failures", "temporary")
        for path in (store.root / name).iterdir()
    ] == []


def test_what_is_known_is_not_looked_for_in_a_listing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system may show an old listing; another computer finishes a step at any moment."""
    reader = Store(store.root)
    assert reader.folder(step().fingerprint) is None
    monkeypatch.setattr(reader, "_scan", lambda: None)
    finish(store, step())
    assert reader.folder(step().fingerprint) is None, "that is the old listing"
    reader.know([step()])
    assert reader.folder(step().fingerprint) is not None


def test_half_written_folders_of_silent_computers_go(store: Store) -> None:
    for name in (f"{'0' * 16}@elsewhere@1@ab", "stray"):
        folder = store.root / "temporary" / name
        folder.mkdir()
        store.tidy()
        assert folder.is_dir(), "its owner may live"
        os.utime(folder, (0, 0))
        store.tidy()
        assert not folder.exists()
    held, claimed = store.lease("1" * 16), store.root / "temporary" / f"{'1' * 16}@elsewhere@1@ab"
    claimed.mkdir()
    os.utime(claimed, (0, 0))
    store.tidy()
    assert claimed.is_dir()
    assert held is not None
    held.release()


def test_how_often_a_step_wanted_memory_is_counted_on(store: Store) -> None:
    for killed, times in ((False, 0), (True, 1), (False, 1), (True, 2)):
        store.fail(step(), "failed", "", killed=killed)
        failure = store.failure(step().fingerprint)
        assert failure is not None
        assert failure.killed == times


@pytest.mark.parametrize("content", ["{", "[]", '{"name": 1}'])
def test_a_damaged_failure_is_told_and_written_over(store: Store, content: str) -> None:
    path = store.root / "failures" / f"{step().fingerprint}.json"
    path.write_text(content)
    with pytest.raises(DamageError, match="Remove it"):
        store.failure(step().fingerprint)
    store.fail(step(), "failed", "")
    assert store.failure(step().fingerprint) is not None


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


@pytest.mark.parametrize("place", ["file/store", "file/some/store"])
def test_a_store_below_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"(cannot be written|is no folder).* Name another folder with --store"
    ):
        Store(tmp_path / place).prepare()


@pytest.mark.parametrize("place", ["/proc/none", "/proc/none/store"])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder in which nothing can be made")
def test_a_store_where_nothing_can_be_made(place: str) -> None:
    with pytest.raises(StoreError, match=r"cannot be written .* Name another folder with --store"):
        Store(Path(place)).prepare()


def test_a_file_in_the_place_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is no folder"):
        Store(tmp_path / "store").prepare()


def test_nothing_in_the_store_is_a_pickle() -> None:
    source = Path(stores.__file__).parent
    assert not [path for path in source.rglob("*.py") if "import pickle" in path.read_text()]
