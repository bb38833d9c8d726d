"""The store: one folder per step, whole or absent.

    store/version.json                 the layout's version
    store/steps/<name>-<fingerprint>/  finished steps: spec.json, what the step wrote, record.json
    store/temporary/                   folders being written; renamed into steps/ when complete
    store/running/<fingerprint>/       the state from which a killed phase continues
    store/leases/<fingerprint>.json    who computes a step at the moment
    store/audits/<key>.json            what the leak audit of a plan found
    store/answers/<key>.json           what the last report of a plan found, in a sentence
    store/probes/<fingerprint>.json    what frozen models tell of rows, to choose an arm before training
    store/studies/<name>.json          which studies were run here, and what their steps are
    store/failures/<fingerprint>.json  why a step failed the last time it was tried
    store/data/<key>/                  encoded rows that workers share while they train
    store/tracking/                    what trackers were told, and what they write (tracking/following.py)
    store/jobs/<token>/                where launchers meet their workers (run/rendezvous.py)

Leases save work; the rename decides what is true. So a lease may be lost (a stalled computer, a clock), and
the worst that follows is that a step is computed twice, with the same result.

What is read of a finished step is compared with the checksums in its record. Its checkpoint may be dropped:
whoever needs it computes the step again, and the record tells whether the same bytes came back.
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from xstilts.disk import flush, flush_listing, is_there
from xstilts.errors import DamageError, MissingResultError, StoreError, did_you_mean
from xstilts.plain import parse_json
from xstilts.store import checksums, schema
from xstilts.store.leases import STALE_SECONDS, Lease, clear, free, holder, is_alive, is_held, silence, take
from xstilts.study.step import Step

if TYPE_CHECKING:
    from xstilts.study.plan import Plan

LAYOUT = 1
READABLE = frozenset(string.ascii_letters + string.digits + "+-.")
FOLDERS = ("steps", "temporary", "running", "leases", "failures")
GONE = (
    "is not there any more: the folder, or a part of it, was removed while a study ran.",
    "Give the same command again: it computes what is missing.",
)
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
CONTINUES = "Free some space and give the same command again: it continues where it stopped."
ELSEWHERE = "Name another folder with --store."
NO_FOLDER = "is no folder.", ELSEWHERE
MAKE = "`xstilts run STUDY --store DIR` computes into one; --store or XSTILTS_STORE names another."
REMOVE = "Remove it."
REPAIR = "Give `xstilts run` with --repair: the step is computed again."
DIFFERS = "Its dropped checkpoint was computed again, and other bytes came: evaluations before used others."
CHECKPOINT = "checkpoint"

Record = Mapping[str, Any]
"""What record.json holds: status, kind, name, seconds, versions, hardware, and what the step returned."""


class Named(Protocol):
    """What a step's folder is called after."""

    @property
    def name(self) -> str:
        """Readable."""

    @property
    def fingerprint(self) -> str:
        """The identity."""


@dataclass(frozen=True)
class Failure:
    """Why a step failed: a message for readers and the traceback for those who repair.

    `killed` counts how often it was for want of memory: each time halves the next try's micro-batch.
    """

    name: str
    fingerprint: str
    message: str
    traceback: str
    host: str
    seconds_since_1970: float
    killed: int = 0


@dataclass(frozen=True)
class KnownStudy:
    """A study that was run into a store: as it was the last time, with the fingerprints of its steps."""

    name: str
    question: str
    file: str
    evaluations: list[str]
    """Those that the cells read, one for each cell."""
    steps: list[str]
    seconds_since_1970: float

    @classmethod
    def of(cls, plan: "Plan") -> Self:
        """What a store keeps of a study that is run now."""
        evaluations = [cell.evaluation for cell in plan.cells]
        steps = [step.fingerprint for step in plan.steps]
        study = plan.study
        return cls(study.name, study.question, study.shown, evaluations, steps, time.time())


class Store:
    """The results of all studies that were computed into one folder. Making one writes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._version_file = self.root / "version.json"
        self._places: dict[str, Path] = {}
        self._index: dict[str, Path] = {}
        self._index_of = -1
        self._sound: dict[Path, int] = {}
        if self.root.is_file():
            raise StoreError(str(self.root), *NO_FOLDER)
        if self._version_file.is_file():
            content = read_json(self._version_file)
            layout = content.get("layout") if isinstance(content, dict) else None
            if not isinstance(layout, int):
                raise StoreError(str(self._version_file), "names no layout.", ELSEWHERE)
            if layout > LAYOUT:
                what = f"the store has layout {layout}; this release of xstilts reads up to {LAYOUT}."
                now = "Upgrade xstilts, or name another folder with --store."
                raise StoreError(str(self.root), what, now)

    # Reading

    def know(self, steps: Iterable[Named]) -> None:
        """Look for these steps in their own places from now on, never in a listing, which may be old."""
        self._places |= {step.fingerprint: self._path(step) for step in steps}

    def folder(self, fingerprint: str) -> Path | None:
        """The folder of a finished step; None if it is not finished."""
        path = self._places.get(fingerprint)
        if path is None:
            if fingerprint not in self._index:
                self._scan()
            path = self._index.get(fingerprint)
        return path if path is not None and is_there(path) else None

    def done(self, step: Named) -> bool:
        """Whether the step is finished. Looks at its own folder, never at a listing."""
        self.know([step])
        return is_there(self._path(step))

    def has_checkpoint(self, step: Step) -> bool:
        """Whether the step is finished and its checkpoint is there: it may have been dropped."""
        self.know([step])
        return is_there(self._path(step) / CHECKPOINT)

    def missing(self, steps: Sequence[Step]) -> list[Step]:
        """Of steps in the order of a plan those to compute: not finished, or a checkpoint that they need."""
        found: list[Step] = []
        needed: set[str] = set()
        for step in reversed(steps):
            if not self.done(step) or (step.fingerprint in needed and not self.has_checkpoint(step)):
                found.append(step)
                needed.update(step.parents)
        return found[::-1]

    def record(self, fingerprint: str) -> Record | None:
        """What is recorded of a finished step; None if it is not finished. DamageError if it is damaged."""
        folder = self.folder(fingerprint)
        return None if folder is None else read_record(folder)

    def file(self, fingerprint: str, name: str) -> Path:
        """A file of a finished step, compared with its checksum if one is recorded.

        DamageError if it is not what was written, MissingResultError if the step is not finished.
        """
        folder = self._finished(fingerprint)
        self._compare(folder, [name])
        return folder / name

    def scores(self, fingerprint: str) -> dict[str, Any]:
        """The scores of a finished evaluation; MissingResultError if it is not finished."""
        return dict(read_json(self.file(fingerprint, "scores.json"), REPAIR, schema.ScoresFile))

    def checkpoint(self, fingerprint: str) -> Path:
        """The folder with the weights of a finished phase or backbone, compared with its checksums.

        MissingResultError if the step is not finished or its checkpoint was dropped, DamageError if a file is
        not what was written.
        """
        folder = self._finished(fingerprint)
        if not (folder / CHECKPOINT).is_dir():
            now = "Remove its folder, then give `xstilts run` with --keep-checkpoints."
            raise MissingResultError(str(folder), "its checkpoint was dropped after its evaluations.", now)
        names = read_record(folder).get(checksums.FILES, ())
        self._compare(folder, [name for name in names if name.startswith(f"{CHECKPOINT}/")])
        return folder / CHECKPOINT

    def failure(self, fingerprint: str) -> Failure | None:
        """Why the step failed when it was last tried; None if it did not."""
        path = self._failure(fingerprint)
        return schema.made(read_json(path, REMOVE, Failure), Failure) if path.is_file() else None

    def leased(self, fingerprint: str) -> bool:
        """Whether a living process computes the step."""
        return is_held(self._lease(fingerprint))

    def studies(self) -> list[KnownStudy]:
        """The studies that were run into the store, by name."""
        paths = sorted((self.root / "studies").glob("*.json"))
        return [schema.made(read_json(path, REMOVE, KnownStudy), KnownStudy) for path in paths]

    def computing(self) -> dict[str, str]:
        """By fingerprint, who computes a step at the moment: 'process 12 on COMPUTER'."""
        found = {path.stem: holder(path) for path in sorted((self.root / "leases").glob("*.json"))}
        return {fingerprint: who for fingerprint, who in found.items() if who}

    def require_results(self) -> Self:
        """The store itself; StoreError if there is none, or if nothing was computed into it yet."""
        if not self._version_file.is_file() and not (self.root / "steps").is_dir():
            folder = self.root.parent
            others = [path.parent.name for path in folder.glob("*/version.json")] if folder.is_dir() else []
            near = did_you_mean(self.root.name, others) or (
                f"There are {', '.join(others)}." if others else ""
            )
            what = "is no store: it has no version.json." if is_there(self.root) else "no such store."
            raise StoreError(str(self.root), what, f"{near} {MAKE}".strip())
        if not any(any((self.root / name).glob("*")) for name in ("steps", "running", "leases", "failures")):
            raise StoreError(str(self.root), "holds no results.", MAKE)
        return self

    # Writing

    def state(self, chain: Sequence[Step]) -> Literal["done", "running", "failed", "open"]:
        """Of the last of some steps, each the parent of the next: done, or how far its chain is."""
        missing = [step for step in chain if not self.done(step)]
        if not missing or missing[-1] is not chain[-1]:
            return "done"
        if any(self.leased(step.fingerprint) for step in missing):
            return "running"
        return "failed" if any(self.failure(step.fingerprint) for step in missing) else "open"

    def remember(self, study: KnownStudy) -> None:
        """Keep that a study was run here, for whoever asks what the store holds."""
        with self.guarded():
            (self.root / "studies").mkdir(exist_ok=True)
            write_json(self.root / "studies" / f"{study.name}.json", asdict(study))

    def prepare(self) -> None:
        """Make the store's folders and tidy it; StoreError if it cannot be written."""
        with self.guarded(made=False):
            for name in FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self.tidy()
            if not self._version_file.is_file():
                write_json(self._version_file, {"layout": LAYOUT})

    def tidy(self) -> None:
        """Remove what dead processes left: leases, half-written folders, the state of finished steps.

        Encoded rows go when nobody computes any more; a process that has just begun encodes them again.
        """
        clear(self.root / "leases")
        if not any((self.root / "leases").glob("*.json")):
            shutil.rmtree(self.root / "data", ignore_errors=True)
        for folder in sorted((self.root / "temporary").glob("*")):
            if self._is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in sorted((self.root / "running").glob("*")):
            finished = self.folder(folder.name)
            if finished is not None and (finished / CHECKPOINT).is_dir():
                shutil.rmtree(folder, ignore_errors=True)

    def lease(self, fingerprint: str) -> Lease | None:
        """The right to compute a step; None while a living process has it."""
        with self.guarded():
            return take(self._lease(fingerprint))

    def free(self, fingerprint: str, owner: str) -> None:
        """Free the lease on a step if its owner is that process, which is known to be dead."""
        with self.guarded():
            free(self._lease(fingerprint), owner)

    def running(self, fingerprint: str) -> Path:
        """The folder of the state from which a killed step continues; it goes when the step is finished."""
        path = self.root / "running" / fingerprint
        path.mkdir(exist_ok=True)
        return path

    @contextlib.contextmanager
    def writing(self, step: Step) -> Iterator[Path]:
        """A folder to write a step into, which must hold record.json at the end; then it is in the store.

        If the block raises, nothing stays. StoreError if the disk is full or writing is forbidden.
        """
        folder = self._temporary(step.fingerprint)
        try:
            with self.guarded():
                folder.mkdir()
                write_json(folder / "spec.json", step.spec)
                yield folder
                path = folder / checksums.RECORD
                assert path.is_file(), "a step must write its record last"
                files = {checksums.FILES: checksums.of_folder(folder)}
                write_json(path, checksums.sealed(read_json(path) | files))
                flush(folder)
                # A step that is there stays, for it holds the same; its dropped checkpoint returns.
                target = self._path(step)
                try:
                    folder.rename(target)
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                    if (folder / CHECKPOINT).is_dir() and not (target / CHECKPOINT).is_dir():
                        _restore(folder, target)
                flush_listing(target.parent)
                self.forgive(step.fingerprint)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.root / "running" / step.fingerprint, ignore_errors=True)

    def fail(self, step: Step, message: str, traceback: str, *, killed: bool = False) -> None:
        """Keep why a step failed, and whether it was for want of memory."""
        before = None
        with contextlib.suppress(DamageError):
            before = self.failure(step.fingerprint)
        times = killed + (0 if before is None else before.killed)
        host, now = socket.gethostname(), time.time()
        failure = Failure(step.name, step.fingerprint, message, traceback, host, now, times)
        with self.guarded():
            write_json(self._failure(step.fingerprint), asdict(failure))

    def drop(self, step: Step) -> None:
        """Remove the checkpoint of a finished step; all else of it stays."""
        self._away(self._path(step) / CHECKPOINT, step.fingerprint)

    def remove(self, fingerprint: str) -> None:
        """Remove a step: its folder and what is kept of it beside. StoreError if that is forbidden."""
        folder = self.folder(fingerprint)
        if folder is not None:
            self._away(folder, fingerprint)
        shutil.rmtree(self.root / "running" / fingerprint, ignore_errors=True)
        self.forgive(fingerprint)

    def forgive(self, fingerprint: str) -> None:
        """Forget why a step failed."""
        with self.guarded():
            self._failure(fingerprint).unlink(missing_ok=True)

    def require(self) -> None:
        """Raises StoreError if the store was removed since it was prepared."""
        if not all(is_there(self.root / name) for name in FOLDERS):
            raise StoreError(str(self.root), *GONE)

    @contextlib.contextmanager
    def guarded(self, *, made: bool = True) -> Iterator[None]:
        """Turns a full disk and a forbidden write into a StoreError that names the place.

        And whatever goes wrong after the store was removed, if it was `made` before.
        """
        try:
            yield
        except Exception as error:
            problem = self._problem(error)
            if problem is None and not made and isinstance(error, OSError):
                problem = f"cannot be written ({error.strerror}: {error.filename}).", ELSEWHERE
            if problem is None:
                if made:
                    self.require()
                raise
            raise StoreError(str(self.root), *problem) from error

    # Within

    def _lease(self, fingerprint: str) -> Path:
        return self.root / "leases" / f"{fingerprint}.json"

    def _failure(self, fingerprint: str) -> Path:
        return self.root / "failures" / f"{fingerprint}.json"

    def _temporary(self, fingerprint: str) -> Path:
        owner = f"{fingerprint}@{socket.gethostname()}@{os.getpid()}@{secrets.token_hex(4)}"
        return self.root / "temporary" / owner

    def _is_left(self, folder: Path) -> bool:
        """Whether a temporary folder is that of a dead process; of other computers' none is known to live."""
        parts = folder.name.split("@")
        if len(parts) == 4 and parts[1] == socket.gethostname() and parts[2].isdecimal():
            return not is_alive(int(parts[2]))
        return not self.leased(parts[0]) and silence(folder) > STALE_SECONDS

    def _away(self, path: Path, fingerprint: str) -> None:
        """Remove a folder at once: renamed first, so that nobody ever finds a half of it."""
        away = self._temporary(fingerprint)
        with self.guarded(), contextlib.suppress(FileNotFoundError):
            path.rename(away)
        shutil.rmtree(away, ignore_errors=True)

    def _compare(self, folder: Path, names: Iterable[str]) -> None:
        """DamageError if a file is not what its record says. What has not changed since is not read again."""
        recorded = read_record(folder).get(checksums.FILES, {})
        for name in names:
            path = folder / name
            if name not in recorded or (path.is_file() and self._sound.get(path) == path.stat().st_mtime_ns):
                continue
            if what := checksums.wrong(folder, name, recorded[name]):
                raise DamageError(str(path), f"is damaged: it {what}.", REPAIR)
            self._sound[path] = path.stat().st_mtime_ns

    def _path(self, step: Named) -> Path:
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
        return NO_FOLDER if number in (errno.ENOTDIR, errno.EEXIST) else None


def read_json(path: Path, now: str = REMOVE, shape: type = object) -> Any:
    """The content of a JSON file of the store; DamageError if it is damaged, or not of that shape."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamageError(str(path), f"is damaged or cannot be read ({error}).", now) from error
    if shape is not object and (what := schema.wrong(content, shape)):
        raise DamageError(str(path), f"is damaged: it does not hold what it should ({what}).", now)
    return content


def read_record(folder: Path) -> Record:
    """The record in the folder of a finished step; DamageError if it is damaged."""
    path = folder / checksums.RECORD
    record: Record = read_json(path, REPAIR, schema.Record)
    if what := checksums.broken(record):
        raise DamageError(str(path), f"is damaged: it {what}.", REPAIR)
    return record


def write_json(path: Path, content: Any) -> None:
    """Write JSON for readers, whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _restore(made: Path, kept: Path) -> None:
    """Give a finished step its dropped checkpoint back. If it has changed, the record says so from now on."""
    record, again = (read_record(folder) for folder in (kept, made))
    before, after = (one.get(checksums.FILES, {}) for one in (record, again))
    fresh = {name: sums for name, sums in after.items() if name.startswith(f"{CHECKPOINT}/")}
    if before and fresh != {name: before[name] for name in before if name.startswith(f"{CHECKPOINT}/")}:
        files = {name: sums for name, sums in before.items() if not name.startswith(f"{CHECKPOINT}/")} | fresh
        changed = {**record, checksums.FILES: dict(sorted(files.items())), "warning": DIFFERS}
        write_json(kept / checksums.RECORD, checksums.sealed(changed))
    (made / CHECKPOINT).rename(kept / CHECKPOINT)
    flush_listing(kept)
