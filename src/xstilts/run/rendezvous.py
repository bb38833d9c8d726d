"""A folder of the store where a launcher meets its workers: `store/jobs/<token>/`.

    run.json               how the steps are computed, and where what they read lies
    steps.jsonl            the steps, in the order in which they are taken
    <worker>.jsonl         what a worker tells: steps with what happens to them, its own coming and going
    failed/<fingerprint>   why a step failed in this run, so that no other worker tries it again
    logs/                  what the workers print, and what submitit needs to start them

Network file systems show a file late in listings, so that files are looked for by name and never listed.

Launcher and workers each keep a list of the steps that are neither in the store nor given up, in the order in
which they are taken. It is a copy of what the store says, and never anybody's truth.
"""

import contextlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xstilts.errors import StoreError
from xstilts.plain import by_key
from xstilts.store import GONE, Store, write_json
from xstilts.store.leases import is_alive
from xstilts.study.step import Step
from xstilts.version import VERSION

WEIGHT = {"backbone": 1, "phase": 4, "evaluation": 1}
"""Roughly how long a step of a kind takes beside the others; only the order depends on it."""


@dataclass(frozen=True)
class Entry:
    """What a worker knows of a step before it takes it: making the step of its `spec` takes a millisecond."""

    name: str
    fingerprint: str
    parents: Sequence[str]
    spec: Mapping[str, Any]


class Remaining:
    """The steps that are left. Parents that are not among them are in the store."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._left = {entry.fingerprint: entry for entry in entries}

    def __len__(self) -> int:
        return len(self._left)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._left

    def ready(self) -> Iterator[Entry]:
        """Those whose parents are in the store, the first first. They may be finished meanwhile."""
        for entry in list(self._left.values()):
            if entry.fingerprint in self._left and not any(parent in self._left for parent in entry.parents):
                yield entry

    def finish(self, fingerprint: str) -> None:
        """The step is in the store."""
        self._left.pop(fingerprint, None)

    def give_up(self, fingerprint: str) -> list[str]:
        """The step will not be in the store; gives all that need it, which are given up with it."""
        lost = {fingerprint: None}
        while more := {
            name: None
            for name, entry in self._left.items()
            if name not in lost and not lost.keys().isdisjoint(entry.parents)
        }:
            lost |= more
        for name in lost:
            self._left.pop(name, None)
        return [name for name in lost if name != fingerprint]


def ordered(steps: Sequence[Step], done: Collection[str] = ()) -> list[Entry]:
    """The steps of a plan that are not done, in the order in which those that are ready are taken.

    Evaluations are short, and finished cells are what a reader waits for. Of the rest, what most depends on
    goes first (the longest remaining path, then the most descendants), so that workers do not stand idle at
    the end.
    """
    children = by_key((parent, step.fingerprint) for step in steps for parent in step.parents)
    path: dict[str, int] = {}
    below: dict[str, int] = {}
    rank: dict[str, tuple[bool, int, int]] = {}
    for step in reversed(steps):
        name, after = step.fingerprint, children.get(step.fingerprint, ())
        own = 0 if name in done else WEIGHT[step.kind]
        path[name] = own + max((path[child] for child in after), default=0)
        below[name] = sum(1 + below[child] for child in after)  # a step has one parent
        rank[name] = (step.kind != "evaluation", -path[name], -below[name])
    left = [step for step in steps if step.fingerprint not in done]
    return [
        Entry(step.name, step.fingerprint, step.parents, step.spec)
        for step in sorted(left, key=lambda step: rank[step.fingerprint])
    ]


OLD_SECONDS = 7 * 86_400.0
PATIENCE_SECONDS = 60.0
"""How long a network file system may take to show a new folder."""


@contextlib.contextmanager
def rendezvous(
    store: Store, entries: Iterable[Entry], settings: Mapping[str, Any], *, here: bool = False
) -> Iterator[Path]:
    """A new folder, which is gone when the block ends. StoreError if the store cannot be written.

    If workers are `here`, they end with this process, and the folder is of no use to anybody after its death.
    """
    owner = f"{platform.node()}@{os.getpid()}@" if here else ""
    folder = store.root / "jobs" / f"{owner}{secrets.token_hex(8)}"
    with store.guarded():
        for name in ("failed", "logs"):
            (folder / name).mkdir(parents=True)
        _remove_old(folder)
        lines = (json.dumps(asdict(entry)) + "\n" for entry in entries)
        (folder / "steps.jsonl").write_text("".join(lines), encoding="utf-8")
        write_json(folder / "run.json", {**settings, "release": VERSION})
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another run's folder is still there
            folder.parent.rmdir()


def _remove_old(new: Path) -> None:
    """Folders of dead launchers of this computer; of other runs, once nothing has changed for a week."""
    for folder in sorted(new.parent.iterdir()):
        host, _, rest = folder.name.partition("@")
        process = rest.partition("@")[0]
        with contextlib.suppress(FileNotFoundError):  # its own launcher has just removed it
            latest = max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
            is_dead = host == platform.node() and process.isdecimal() and not is_alive(int(process))
            if is_dead or new.stat().st_mtime - latest > OLD_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def join(folder: Path) -> tuple[dict[str, Any], list[Entry]]:
    """The settings and the steps of the run.

    Raises StoreError unless this process sees the launcher's store, and is of its release of xstilts.
    """
    host, until = platform.node(), time.monotonic() + PATIENCE_SECONDS
    while not (folder / "run.json").is_file():
        if time.monotonic() >= until:
            what = f"does not see {folder}: its {folder.parents[1]} is not the launcher's."
            raise StoreError(
                host, what, "Put the store where all computers see it, and name it with --store."
            )
        time.sleep(0.5)
    settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if settings["release"] != VERSION:
        what = f"has xstilts {VERSION}; the launcher has {settings['release']}."
        raise StoreError(host, what, "Install the same release on all computers.")
    lines = (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    return settings, [Entry(**json.loads(line)) for line in lines]


def failed(folder: Path, fingerprint: str) -> bool:
    """Whether the step has failed in this run."""
    return (folder / "failed" / fingerprint).is_file()


def fail(folder: Path, fingerprint: str, message: str) -> None:
    """Let no other worker of this run try the step."""
    with Store(folder.parents[1]).guarded():
        (folder / "failed" / fingerprint).write_text(message, encoding="utf-8")


class Log:
    """What one worker tells. The file is closed after each line, so that other computers see it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.path = folder / f"{worker}.jsonl"
        self._store, self._read = Store(folder.parents[1]), 0

    def tell(self, **event: Any) -> None:
        """Add a line. StoreError if the folder is not there any more, or the disk is full."""
        try:
            with self._store.guarded(), self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except FileNotFoundError as error:
            raise StoreError(str(self._store.root), *GONE) from error

    def news(self) -> list[dict[str, Any]]:
        """The lines that have come, whole, since this was last asked."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                arrived = file.read()
        except FileNotFoundError:
            return []
        whole = arrived[: arrived.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
