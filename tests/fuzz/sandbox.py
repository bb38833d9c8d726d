"""One input tried: it ends in a result or in one of our errors, in time, and touches nothing outside.

What a run does is watched by an audit hook of the interpreter (PEP 578). A hook cannot be taken away again,
so it looks only while an input is tried, and not at threads that were there before.
"""

import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from xstilts.errors import XstiltsError

CPU_SECONDS, WALL_SECONDS = 2.0, 30.0
"""Of computing a hang; the other counts where a run waits instead, or other programs take the processor."""

MEMORY = 6 * 2**30
"""Bytes of address space: what asks for more is a fault, not the end of the computer."""

Kind = Literal["result", "error", "fault"]


class HangError(BaseException):
    """A run that takes too long; no `except Exception` holds it up."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended; of a fault what and where."""

    kind: Kind
    seconds: float
    what: str = ""
    trace: str = ""


class _Watch:
    """What the audit hook looks for, while there is a folder."""

    hooked = False
    folder: str | None = None
    others: frozenset[int | None]
    broken: list[str]


_watch = _Watch()

_CHANGES = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.chown", "os.utime", "shutil.move", "shutil.rmtree", "shutil.copyfile", "shutil.unpack_archive",
}  # fmt: skip
_NEVER = {
    "pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.fork",
    "os.posix_spawn", "socket.connect", "socket.getaddrinfo", "urllib.Request",
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    folder = _watch.folder
    if folder is None or threading.get_ident() in _watch.others:
        return
    if event in _NEVER:
        _watch.broken.append(f"{event} {arguments!r:.200}")
    elif event == "open":
        path, mode, flags = arguments
        writes = bool(flags & _WRITING) if isinstance(flags, int) else set("wax+") & set(mode or "")
        if writes and isinstance(path, str | bytes | os.PathLike) and _outside(path, folder):
            _watch.broken.append(f"open for writing {path!r}")
    elif event in _CHANGES:
        for path in arguments[: 2 if event in ("os.rename", "os.link", "shutil.move") else 1]:
            if isinstance(path, str | bytes | os.PathLike) and _outside(path, folder):
                _watch.broken.append(f"{event} {path!r}")


def _outside(path: Any, folder: str) -> bool:
    where = os.path.realpath(os.fsdecode(path))
    return not (
        where == folder or where.startswith(folder + "/") or "__pycache__" in where or where == "/dev/null"
    )


def _late(number: int, frame: FrameType | None) -> None:
    raise HangError(f"no end after {CPU_SECONDS:g} s of computing, or {WALL_SECONDS:g} s in all")


@contextmanager
def _watched(folder: Path) -> Iterator[list[str]]:
    if not _watch.hooked:
        sys.addaudithook(_look)
        _watch.hooked = True
    before = {kind: signal.signal(kind, _late) for kind in (signal.SIGPROF, signal.SIGALRM)}
    _watch.broken = []
    _watch.others = frozenset(thread.ident for thread in threading.enumerate()) - {threading.get_ident()}
    _watch.folder = os.path.realpath(folder)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield _watch.broken
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _watch.folder = None
        for kind, one in before.items():
            signal.signal(kind, one)


def attempt(run: Callable[[], object], folder: Path) -> Outcome:
    """Run; `folder` is the only place where it may write."""
    start = time.perf_counter()
    what, trace, kind = "", "", "result"
    with _watched(folder) as broken:
        try:
            run()
        except XstiltsError as error:
            kind, what = "error", _complaint(error)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            kind, what, trace = "fault", f"{type(error).__name__}: {error!s:.300}", traceback.format_exc()
    if kind == "error" and what:
        kind = "fault"
    if broken:
        kind, what = "fault", f"does what it may not: {broken[0]}"
    return Outcome(kind, time.perf_counter() - start, what, trace)  # type: ignore[arg-type]


def _complaint(error: XstiltsError) -> str:
    """What is wrong with an error of ours: it must say where and what, in words that can be printed."""
    told = str(error)
    if not error.where or not error.what:
        return f"an error without place or content: {told!r}"
    try:
        told.encode()
    except UnicodeEncodeError:
        return f"an error that cannot be printed: {told!r:.300}"
    return ""


def limit_memory() -> None:
    """Of this process, to MEMORY; a run that asks for more ends in MemoryError."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
