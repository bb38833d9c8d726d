"""What can go wrong on one computer: each fault has its message, and none stops what it does not concern.

The commands run for real, with workers of their own; the work of a step costs nothing (compute/fakes.py).
"""

import itertools
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.compute.context import MICRO_TOKENS
from xstilts.run import launch, local
from xstilts.store import Store, leases
from xstilts.study.load import load
from xstilts.study.plan import plan
from xstilts.study.step import Step

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell

PHASE = "mood-then-mood-seed2"
"""A target phase, with one evaluation below it, which is all that it can take with it."""
PARENT = "mood-seed1"
"""The intermediate phase that other phases start from."""
STEPS = 21


def instruct(**instructions: str) -> None:
    """What goes wrong, by the names of steps."""
    Path("store/instructions.json").write_text(json.dumps(instructions))


def step(world: "World", name: str) -> Step:
    """A step of the study by its name."""
    return next(one for one in plan(load(world.study())).steps if one.name == name)


def folder(world: "World", name: str) -> Path:
    """The folder of a finished step by its name."""
    found = Store(Path("store")).folder(step(world, name).fingerprint)
    assert found is not None
    return found


def begun(world: "World", name: str) -> int:
    """How often a step was begun."""
    return Path("store/log.txt").read_text().count(step(world, name).fingerprint)


def fails(world: "World", shell: "Shell", message: str, name: str = PHASE) -> None:
    """The study ends with status 1; the step failed with the message, which `status` repeats."""
    status, _, err = shell("run", world.study(), "--workers", "2")
    fingerprint = step(world, name).fingerprint
    assert status == 1
    assert f"failed: {name} ({fingerprint}): {message}" in err.replace(str(Path.cwd()), ".")
    told = shell("status", world.study())[1]
    assert f"failed: {name} ({fingerprint}): {message}" in told.replace(str(Path.cwd()), ".")


def recovers(world: "World", shell: "Shell", *options: str) -> str:
    """The same command, once the fault is gone, computes what is missing; gives what it said."""
    instruct()
    status, _, err = shell("run", world.study(), "--workers", "2", *options)
    assert status == 0
    assert "14 of 14 cells" in err or f"{STEPS} were in the store" in err
    return err


def test_a_full_disk(world: "World", shell: "Shell") -> None:
    instruct(**{PHASE: "full disk"})
    status, _, err = shell("run", world.study(), "--workers", "2")
    assert status == 2
    assert err.splitlines()[-1] == (
        f"{Path('store').absolute()}: the disk is full. "
        "Free some space and give the same command again: it continues where it stopped."
    )
    assert not list(Path("store/failures").iterdir()), "it is not the fault of the step"
    recovers(world, shell)


def test_a_read_only_store(world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(one: Path, other: Path) -> None:
        raise OSError(30, "Read-only file system", str(one))

    shutil.rmtree("store/steps")
    Path("store/steps").write_text("")
    status, _, err = shell("run", world.study())
    assert status == 2
    assert err.splitlines()[-1].endswith("is no folder. Name another folder with --store.")
    Path("store/steps").unlink()
    monkeypatch.setattr(Path, "mkdir", lambda path, **_: forbidden(path, path))
    status, _, err = shell("run", world.study())
    assert status == 2
    there = Path("store").absolute()
    assert err.splitlines()[-1] == (
        f"{there}: cannot be written (Read-only file system: {there}/steps). "
        "Name another folder with --store."
    )


def test_a_read_only_store_can_be_read(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    recovers(world, shell)
    fingerprint = step(world, PHASE).fingerprint
    shutil.rmtree(folder(world, PHASE))
    Path(f"store/leases/{fingerprint}.json").write_text("token 1 another-computer")

    def forbidden(path: Path, **_: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", forbidden)
    assert leases.is_held(Path(f"store/leases/{fingerprint}.json"))
    status, out, err = shell("status", world.study())
    assert (status, err) == (0, "")
    assert "Cells:" in out


def test_a_flipped_byte_in_a_checkpoint(world: "World", shell: "Shell") -> None:
    recovers(world, shell)
    weights = folder(world, PARENT) / "checkpoint" / "weights"
    shutil.rmtree(folder(world, PHASE))
    content = weights.read_bytes()
    weights.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    fails(
        world,
        shell,
        f"./store/steps/{weights.parent.parent.name}/checkpoint/weights: is damaged: it is not what was "
        "written. Give `xstilts run` with --repair: the step is computed again.",
    )
    before = begun(world, "search-of-mood-seed1")
    err = recovers(world, shell, "--repair")
    assert f"damaged: {weights}: is not what was written" in err
    assert "Repair: 1 damaged steps are computed again." in err
    assert (begun(world, PARENT), begun(world, "search-of-mood-seed1")) == (2, before), "and only these"
    assert weights.read_bytes() == content


def test_a_truncated_file_is_found_and_repaired(world: "World", shell: "Shell") -> None:
    recovers(world, shell)
    assert shell("store", "verify")[0] == 0
    record = folder(world, "search-of-mood-seed1") / "record.json"
    record.write_bytes(record.read_bytes()[:40])
    spec = folder(world, PARENT) / "spec.json"
    spec.write_bytes(b"")
    status, out, err = shell("store", "verify")
    assert status == 1
    assert sorted(line.split(": ")[1] for line in out.splitlines()[:-1]) == sorted([str(record), str(spec)])
    assert out.splitlines()[-1].startswith(f"{STEPS} steps verified")
    assert out.splitlines()[-1].endswith("2 damaged.")
    assert err == "`xstilts run STUDY --repair` computes them again.\n"
    assert "Repair: 2 damaged" in recovers(world, shell, "--repair")
    assert shell("store", "verify")[0] == 0
    assert "Repair: nothing is damaged." in recovers(world, shell, "--repair")


def test_a_worker_that_is_killed_for_memory(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "memory_kills", itertools.count().__next__)
    instruct(**{PHASE: "die"})
    fails(world, shell, "its worker died 2 times (it was killed for want of memory).")
    assert begun(world, PHASE) == 2, "tried again once"
    recovers(world, shell)
    assert json.loads((folder(world, PHASE) / "record.json").read_text())["micro_tokens"] == MICRO_TOKENS // 4


def test_half_the_micro_batch_is_enough(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "memory_kills", lambda: None)  # where the system cannot tell
    instruct(**{PHASE: "die once", PARENT: "memory once"})
    status, *_ = shell("run", world.study(), "--workers", "2")
    assert status == 0
    for name in (PHASE, PARENT):
        record = json.loads((folder(world, name) / "record.json").read_text())
        assert record["micro_tokens"] == MICRO_TOKENS // 2
        assert begun(world, name) == 2
    assert "micro_tokens" not in json.loads((folder(world, "mood-seed2") / "record.json").read_text())


def test_memory_that_is_never_enough(world: "World", shell: "Shell") -> None:
    instruct(**{PHASE: "memory"})
    fails(world, shell, "MemoryError: much too much")
    assert begun(world, PHASE) == 2


class Clock:
    """A clock that jumps by an hour a second after a step hangs: nobody waits for the limit."""

    hours = 0
    sleep = staticmethod(time.sleep)

    @classmethod
    def monotonic(cls) -> float:
        """What the engine takes for the time."""
        mark = Path("store/hung")
        if mark.exists() and time.time() - mark.stat().st_mtime > 1:
            cls.hours += 1
            mark.unlink()
        return time.monotonic() + 3600 * cls.hours


def test_a_worker_that_hangs(world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "time", Clock)
    instruct(**{PHASE: "hang once"})
    assert shell("run", world.study(), "--workers", "1")[0] == 0
    assert begun(world, PHASE) == 2
    instruct(**{PARENT: "hang"})
    shutil.rmtree("store/steps")
    fails(world, shell, "its worker died 2 times (it said nothing for 30 min).", PARENT)


def test_a_loss_that_is_not_finite(world: "World", shell: "Shell") -> None:
    instruct(**{PHASE: "fail"})
    fails(world, shell, f"{PHASE}: the loss is nan. Lower the learning rate.")
    recovers(world, shell)


def test_data_that_vanish_midway(world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch) -> None:
    instruct()
    rows, run = world.folder / "mood-dev-en.tsv", local.run

    def vanishing(*arguments: object, **options: object) -> object:
        rows.rename(rows.with_suffix(".away"))
        try:
            return run(*arguments, **options)
        finally:
            rows.with_suffix(".away").rename(rows)

    with monkeypatch.context() as patched:
        patched.setattr(local, "run", vanishing)
        fails(
            world,
            shell,
            f"{world.folder}: no dev data of task 'mood' in 'en': looked for mood-dev-en.tsv",
            PARENT,
        )
    recovers(world, shell)


def test_a_failure_stops_nothing_else(world: "World", shell: "Shell") -> None:
    instruct(**{PHASE: "bug", "mood-seed2": "fail"})
    shell("run", world.study(), "--workers", "2")
    kept, found = Store(Path("store")), plan(load(world.study()))
    lost = {one.name for one in found.steps if not kept.done(one)}
    assert {PHASE, "mood-seed2"} < lost
    assert all(PHASE in name or "mood-seed2" in name for name in lost)
