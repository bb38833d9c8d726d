"""The store: one folder per step, whole or absent.

    store/version.json                 the layout's version
    store/steps/<name>-<fingerprint>/  finished steps: spec.json, what the step wrote, record.json
    store/temporary/                   folders being written; renamed into steps/ when complete
    store/running/<fingerprint>/       the state from which a killed phase continues
    store/claims/<fingerprint>.json    who computes a step at the moment
    store/audits/<key>.json            what the leak audit of a plan found
    store/failures/<fingerprint>.json  why a step failed the last time it was tried

Claims save work; the rename decides what is true. So a claim may be lost (a stalled computer, a clock), and
the worst that follows is that a step is computed twice, with the same result.
"""

import contextlib
import errno
import json
import os
import secrets
import shutil
import socket
import string
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xstilts.claims import Claim, clear, is_alive, is_held, take
from xstilts.errors import MissingResultError, StoreError
from xstilts.study.step import Step

LAYOUT = 1
READABLE = frozenset(string.ascii_letters + string.digits + "+-.")
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
CONTINUES = "Free some space and give the same command again: it continues where it stopped."
ELSEWHERE = "Name another folder with --store."

Record = Mapping[str, Any]
"""What record.json holds: status, kind, name, seconds, versions, hardware, and what the step returned."""


@dataclass(frozen=True)
class Failure:
    """Why a step failed: a message for readers and the traceback for those who repair."""

    name: str
    fingerprint: str
    message: str
    traceback: str
    host: str
    seconds_since_1970: float


class Store:
    """The results of all studies that were computed into one folder. Making one writes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._index: dict[str, Path] = {}
        self._index_of = -1
        self._refuse_newer()

    # Reading

    def folder(self, fingerprint: str) -> Path | None:
        """The folder of a finished step; None if it is not finished."""
        if fingerprint not in self._index:
            self._scan()
        return self._index.get(fingerprint)

    def done(self, step: Step) -> bool:
        """Whether the step is finished. Looks at its own folder, never at a listing."""
        return self._path(step).is_dir()

    def record(self, fingerprint: str) -> Record | None:
        """What is recorded of a finished step; None if it is not finished."""
        folder = self.folder(fingerprint)
        return None if folder is None else read_json(folder / "record.json")

    def scores(self, fingerprint: str) -> dict[str, Any]:
        """The scores of a finished evaluation; MissingResultError if it is not finished."""
        scores: dict[str, Any] = read_json(self._finished(fingerprint) / "scores.json")
        return scores

    def checkpoint(self, fingerprint: str) -> Path:
        """The folder with the weights of a finished phase or backbone; MissingResultError without one."""
        return self._finished(fingerprint) / "checkpoint"

    def failure(self, fingerprint: str) -> Failure | None:
        """Why the step failed when it was last tried; None if it did not."""
        path = self.root / "failures" / f"{fingerprint}.json"
        return Failure(**read_json(path)) if path.is_file() else None

    def claimed(self, fingerprint: str) -> bool:
        """Whether a living process computes the step."""
        return is_held(self.root / "claims" / f"{fingerprint}.json")

    # Writing

    def prepare(self) -> None:
        """Make the store's folders and tidy it; StoreError if it cannot be written."""
        with self.guarded():
            for name in ("steps", "temporary", "running", "claims", "failures"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self.tidy()
            if not self._version_file.is_file():
                write_json(self._version_file, {"layout": LAYOUT})

    def tidy(self) -> None:
        """Remove what dead processes left: claims, half-written folders, the state of finished steps."""
        clear(self.root / "claims")
        for folder in sorted((self.root / "temporary").iterdir()):
            _, host, process, _ = folder.name.split("@")
            if host == socket.gethostname() and not is_alive(int(process)):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in sorted((self.root / "running").iterdir()):
            if self.folder(folder.name) is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def claim(self, fingerprint: str) -> Claim | None:
        """The right to compute a step; None while a living process has it."""
        with self.guarded():
            return take(self.root / "claims" / f"{fingerprint}.json")

    def running(self, fingerprint: str) -> Path:
        """The folder of the state from which a killed step continues; it goes when the step is finished."""
        path = self.root / "running" / fingerprint
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def writing(self, step: Step) -> Iterator[Path]:
        """A folder to write a step into, which must hold record.json at the end; then it is in the store.

        If the block raises, nothing stays. StoreError if the disk is full or writing is forbidden.
        """
        owner = f"{step.fingerprint}@{socket.gethostname()}@{os.getpid()}@{secrets.token_hex(4)}"
        folder = self.root / "temporary" / owner
        try:
            with self.guarded():
                folder.mkdir(parents=True)
                write_json(folder / "spec.json", step.spec)
                yield folder
                assert (folder / "record.json").is_file(), "a step must write its record last"
                _flush(folder)
                self._rename(folder, self._path(step))
                (self.root / "failures" / f"{step.fingerprint}.json").unlink(missing_ok=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.root / "running" / step.fingerprint, ignore_errors=True)

    def fail(self, step: Step, message: str, traceback: str) -> None:
        """Keep why a step failed."""
        host, now = socket.gethostname(), time.time()
        failure = Failure(step.name, step.fingerprint, message, traceback, host, now)
        with self.guarded():
            write_json(self.root / "failures" / f"{step.fingerprint}.json", asdict(failure))

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns a full disk and a forbidden write into a StoreError that names the place."""
        try:
            yield
        except Exception as error:
            problem = self._problem(error)
            if problem is None:
                raise
            raise StoreError(str(self.root), *problem) from error

    # Within

    @property
    def _version_file(self) -> Path:
        return self.root / "version.json"

    def _refuse_newer(self) -> None:
        if not self._version_file.is_file():
            return
        content = read_json(self._version_file)
        layout = content.get("layout") if isinstance(content, dict) else None
        if not isinstance(layout, int):
            raise StoreError(str(self._version_file), "names no layout.", ELSEWHERE)
        if layout > LAYOUT:
            what = f"the store has layout {layout}; this release of xstilts reads up to {LAYOUT}."
            raise StoreError(str(self.root), what, "Upgrade xstilts, or name another folder with --store.")

    def _path(self, step: Step) -> Path:
        readable = "".join(letter if letter in READABLE else "_" for letter in step.name)
        return self.root / "steps" / f"{readable[:100]}-{step.fingerprint}"

    def _finished(self, fingerprint: str) -> Path:
        folder = self.folder(fingerprint)
        if folder is None:
            raise MissingResultError(f"step {fingerprint}", f"is not in {self.root}.", "Run the study first.")
        return folder

    def _scan(self) -> None:
        """Read the listing anew if it changed. A listing younger than 2 s may still change unnoticed."""
        steps = self.root / "steps"
        changed = steps.stat().st_mtime_ns if steps.is_dir() else 0
        if changed == self._index_of:
            return
        self._index = {path.name.rsplit("-", 1)[-1]: path for path in steps.glob("*-*")} if changed else {}
        self._index_of = changed if time.time_ns() - changed > 2_000_000_000 else -1

    def _rename(self, folder: Path, target: Path) -> None:
        """Into place; if another process was first, its folder stays, for it holds the same."""
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        _flush_directory(target.parent)

    def _problem(self, error: Exception) -> tuple[str, str] | None:
        """What to say of a full disk, or of a place in the store that cannot be written; None of all else.

        The writers of safetensors and Parquet have errors of their own, which carry only the system's words.
        """
        number = error.errno if isinstance(error, OSError) else None
        if number in FULL or (number is None and os.strerror(errno.ENOSPC) in str(error)):
            return "the disk is full.", CONTINUES
        if not isinstance(error, OSError) or not str(error.filename).startswith(str(self.root)):
            return None  # a file that the step reads
        if number in FORBIDDEN:
            return f"cannot be written ({error.strerror}: {error.filename}).", ELSEWHERE
        return ("is no folder.", ELSEWHERE) if number in (errno.ENOTDIR, errno.EEXIST) else None


def read_json(path: Path) -> Any:
    """The content of a JSON file of the store; StoreError if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            str(path), f"is damaged or cannot be read ({error}).", "Remove its folder."
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write JSON for readers, whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Force files and listings to the disk, so that a power cut after the rename finds them there."""
    for directory, _, names in os.walk(folder):
        for name in names:
            _flush_file(Path(directory) / name)
        _flush_directory(Path(directory))


def _flush_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
