"""Leases: one holder at a time, and none for ever."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xstilts.store import leases


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0123.json"


def of_a_dead_process(path: Path) -> None:
    """A lease as a killed worker of this computer leaves it."""
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    path.write_text(f"token {int(process.stdout)} {socket.gethostname()}")


def test_a_lease_is_held_by_one(path: Path) -> None:
    lease = leases.take(path)
    assert lease is not None
    assert leases.take(path) is None
    lease.release()
    again = leases.take(path)
    assert again is not None
    again.release()
    assert list(path.parent.iterdir()) == []


def test_leases_that_nobody_holds_are_cleared(path: Path) -> None:
    of_a_dead_process(path)
    assert not leases.is_held(path)
    held = leases.take(path.with_name("other.json"))
    assert held is not None
    assert leases.is_held(held.path)
    leases.clear(path.parent)
    assert list(path.parent.iterdir()) == [held.path]
    held.release()
    assert not leases.is_held(held.path)


def test_a_block_gives_its_lease_back_when_it_fails(path: Path) -> None:
    lease = leases.take(path)
    assert lease is not None
    with pytest.raises(RuntimeError), lease:
        raise RuntimeError
    assert not path.exists()


def test_the_lease_of_a_dead_process_is_taken_over_at_once(path: Path) -> None:
    of_a_dead_process(path)
    lease = leases.take(path)
    assert lease is not None
    assert leases.take(path) is None
    lease.release()


def test_the_lease_of_another_computer_holds_while_it_is_touched(path: Path) -> None:
    path.write_text("token 1 another-computer")
    assert leases.take(path) is None
    long_ago = time.time() - leases.STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    lease = leases.take(path)
    assert lease is not None
    lease.release()


def test_a_lease_whose_maker_died_before_writing_it_goes_stale(path: Path) -> None:
    path.touch()
    assert leases.take(path) is None
    os.utime(path, (0, 0))
    lease = leases.take(path)
    assert lease is not None
    lease.release()


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"token", b"token one host", b"token 99999999999999999999 host", b"a b c d"]
)
def test_a_lease_that_nobody_can_read_goes_stale(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert leases.take(path) is None
    os.utime(path, (0, 0))
    lease = leases.take(path)
    assert lease is not None
    lease.release()


def test_where_nothing_can_be_written_the_silence_is_told_by_the_own_clock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("token 1 another-computer")
    monkeypatch.setattr(Path, "touch", _forbidden)
    assert leases.is_held(path)
    os.utime(path, (0, 0))
    assert not leases.is_held(path)


def test_a_file_server_that_does_not_answer_for_a_while_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    lease = leases.take(path)
    assert lease is not None
    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", _forbidden)
        time.sleep(0.1)
    os.utime(path, (0, 0))
    _wait_until(lambda: path.stat().st_mtime > 0)
    assert not lease.lost
    lease.release()


def test_a_holder_touches_its_lease_and_learns_that_it_has_lost_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    lease = leases.take(path)
    assert lease is not None
    os.utime(path, (0, 0))
    _wait_until(lambda: path.stat().st_mtime > 0)
    assert not lease.lost
    path.write_text("other 1 another-computer")
    _wait_until(lambda: lease.lost)
    lease.release()
    assert path.read_text().startswith("other"), "the new holder's lease stays"


def test_a_lease_that_vanishes_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    lease = leases.take(path)
    assert lease is not None
    path.unlink()
    _wait_until(lambda: lease.lost)
    lease.release()


def test_of_many_who_take_over_one_succeeds(path: Path) -> None:
    for _ in range(20):
        of_a_dead_process(path) if not path.exists() else None
        with ThreadPoolExecutor(8) as pool:
            taken = [lease for lease in pool.map(lambda _: leases.take(path), range(8)) if lease is not None]
        assert len(taken) == 1
        taken[0].release()
        path.write_text(f"token {2**22 + 1} {socket.gethostname()}")  # a process that cannot exist


def test_a_lease_is_left_alone_while_another_clears_it(path: Path) -> None:
    of_a_dead_process(path)
    guard = path.with_suffix(".clearing")
    guard.write_text(f"token {os.getpid()} {socket.gethostname()}")
    assert leases.take(path) is None
    assert path.is_file()
    os.utime(guard, (0, 0))  # its maker died in the act, long ago: it goes, and the next attempt succeeds
    assert leases.take(path) is None
    lease = leases.take(path)
    assert lease is not None
    lease.release()


FAR = "7 another-computer"
"""A process of another computer, of which nobody here can see whether it lives."""


def test_the_lease_of_a_process_that_is_known_to_be_dead_is_free_at_once(path: Path) -> None:
    path.write_text(f"token {FAR}")
    assert leases.is_held(path)
    assert leases.free(path, FAR)
    lease = leases.take(path)
    assert lease is not None
    lease.release()
    assert list(path.parent.iterdir()) == []
    assert not leases.free(path, FAR), "there is none"


@pytest.mark.parametrize(
    "content", ["token 8 another-computer", "token 77 another-computer", "token 7 another", "token", "", FAR]
)
def test_the_death_of_one_frees_no_leases_of_others(path: Path, content: str) -> None:
    path.write_text(content)
    assert not leases.free(path, FAR)
    assert path.read_text() == content


def test_a_lease_names_its_owner_as_an_engine_knows_it(path: Path) -> None:
    held = leases.take(path)
    assert held is not None
    assert not leases.free(path, FAR)
    assert held.is_held
    assert leases.free(path, leases.owner())
    assert not held.is_held
    held.release()


def test_one_who_was_thought_dead_and_lives_learns_it_and_leaves_the_next_ones_lease(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    cut_off = leases.take(path)
    assert cut_off is not None
    assert leases.free(path, leases.owner())
    following = leases.take(path)
    assert following is not None
    _wait_until(lambda: cut_off.lost)
    cut_off.release()
    assert following.is_held
    assert not following.lost
    following.release()


def test_of_many_who_free_and_take_one_succeeds(path: Path) -> None:
    def attempt(_: int) -> leases.Lease | None:
        leases.free(path, FAR)
        return leases.take(path)

    for _ in range(20):
        path.write_text(f"token {FAR}")
        with ThreadPoolExecutor(8) as pool:
            taken = [lease for lease in pool.map(attempt, range(8)) if lease is not None]
        assert len(taken) == 1
        taken[0].release()


def _forbidden(path: Path, *_: object) -> None:
    raise OSError(30, "Read-only file system", str(path))


def _wait_until(condition: "object") -> None:
    assert callable(condition)
    for _ in range(6_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")
