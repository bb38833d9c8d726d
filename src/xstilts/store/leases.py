"""Leases: lease files that say which process computes a step at the moment.

A lease is a file, linked into place, that its owner touches every few seconds. It may be taken over when its
owner is a dead process of this computer, or has not touched it for five minutes by the file system's own
clock: a busy computer may well be silent for one. An engine that knows that a process of another computer is
dead frees its leases before. A takeover removes the file under a guard file; then whoever is first may make a
new one. `flock` would be shorter, but is doubtful on the network file systems of clusters.
"""

import contextlib
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 300.0
OWNER = re.compile(r"\S+ (\d{1,10}) (\S+)")
"""What stands in a lease: a token, the owner's process, its computer."""


@dataclass
class Lease:
    """The right to compute a step; its owner's thread keeps it fresh until `release`."""

    path: Path
    token: str
    _released: threading.Event = field(default_factory=threading.Event)
    _lost: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._beat, name=f"lease {self.path.stem}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether the lease was taken away: this process was silent for too long, or thought to be dead.

        Known from the last heartbeat; `is_held` looks now.
        """
        return self._lost.is_set()

    @property
    def is_held(self) -> bool:
        """Whether the lease is still this process's, as its file says now."""
        return _is_ours(self.path, self.token)

    def release(self) -> None:
        """Give the right back."""
        self._released.set()
        self._thread.join()
        if _is_ours(self.path, self.token):
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            try:
                held = _is_ours(self.path, self.token)
                os.utime(self.path)
            except FileNotFoundError:
                held = False
            except OSError:  # a file server that does not answer for a while
                continue
            if not held:
                self._lost.set()
                return


def take(path: Path) -> Lease | None:
    """The lease at that path; None while a living process holds it."""
    token = secrets.token_hex(16)
    made = _make(path, token) or (_remove(path, _is_stale) and _make(path, token))
    return Lease(path, token) if made else None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lease at that path."""
    return path.is_file() and not _is_stale(path)


def holder(path: Path) -> str:
    """The living process that holds the lease at that path, and its computer; "" if none does."""
    found = OWNER.fullmatch(_text(path) or "") if is_held(path) else None
    return "" if found is None else f"process {found[1]} on {found[2]}"


def clear(folder: Path) -> None:
    """Remove the leases that nobody holds any more."""
    for path in sorted(folder.glob("*.json")):
        _remove(path, _is_stale)


def owner() -> str:
    """This process and its computer, as they stand in its leases."""
    return f"{os.getpid()} {socket.gethostname()}"


def free(path: Path, owner: str) -> bool:
    """Remove the lease at that path if it is that owner's, who is known to be dead; whether it was.

    The leases of all others stay. Should the owner live after all (only its network was cut off), it finds
    its lease lost and stops; until then two compute the same, and the first to rename its folder wins.
    """
    return _remove(path, lambda lease: (_text(lease) or "").partition(" ")[2] == owner)


def is_alive(process: int) -> bool:
    """Whether a process of this computer exists."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def silence(path: Path) -> float:
    """Seconds since a file or folder was last touched, by the clock of the file system that holds it.

    By this computer's clock where nothing can be written: who only reads does no harm by an error.
    """
    probe = path.with_name(f".clock.{secrets.token_hex(4)}")
    try:
        try:
            probe.touch()
            now = probe.stat().st_mtime
        except OSError:
            now = time.time()
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _make(path: Path, token: str) -> bool:
    """Make the lease's file, which is never seen empty; False if there is one."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    beside.write_text(f"{token} {owner()}", encoding="utf-8")
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True


def _text(path: Path) -> str | None:
    """What stands in a lease; None if there is none, and nothing yet in the instant after it was made."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _is_ours(path: Path, token: str) -> bool:
    return (_text(path) or "").startswith(token)


def _is_stale(path: Path) -> bool:
    """Whether the owner of the lease is dead or silent. A lease that has gone is not."""
    text = _text(path)
    if text is None:
        return False
    owner = OWNER.fullmatch(text)
    dead = owner is not None and owner[2] == socket.gethostname() and not is_alive(int(owner[1]))
    return dead or silence(path) > STALE_SECONDS


def _remove(path: Path, may_go: Callable[[Path], bool]) -> bool:
    """Remove the lease if it may go; whether it went.

    Only one process at a time may look and remove, so that nobody removes the lease which another has just
    put in the old one's place. The guard of one who died in the act goes stale like a lease.
    """
    if not may_go(path):
        return False
    guard = path.with_suffix(".clearing")
    if not _make(guard, secrets.token_hex(16)):
        if _is_stale(guard):
            guard.unlink(missing_ok=True)
        return False
    try:
        goes = may_go(path)
        if goes:
            path.unlink(missing_ok=True)
        return goes
    finally:
        guard.unlink(missing_ok=True)
