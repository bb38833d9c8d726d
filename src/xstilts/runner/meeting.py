"""A folder of the store where a driver meets workers on other computers: `store/jobs/<token>/`.

    run.json               what is to be computed, and how
    <job>.jsonl            what a job tells: steps with what happens to them, its own coming and going
    failed/<fingerprint>   why a step failed in this run, so that no other job tries it again
    logs/                  what the jobs print, and what submitit needs to start them

Network file systems show a file late in listings, so that files are looked for by name and never listed.
"""

import contextlib
import json
import platform
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xstilts
from xstilts.errors import StoreError
from xstilts.store import GONE, Store

OLD_SECONDS = 7 * 86_400.0
PATIENCE_SECONDS = 60.0
"""How long a network file system may take to show a new folder."""


@contextlib.contextmanager
def meeting(store: Store) -> Iterator[Path]:
    """A new folder, which is gone when the block ends. StoreError if the store cannot be written."""
    folder = store.root / "jobs" / secrets.token_hex(8)
    with store.guarded():
        (folder / "failed").mkdir(parents=True)
        _remove_old(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another run's folder is still there
            folder.parent.rmdir()


def _remove_old(new: Path) -> None:
    """Folders of runs whose driver was killed, once nothing in them has changed for a week."""
    for folder in sorted(new.parent.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # its own driver has just removed it
            latest = max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
            if new.stat().st_mtime - latest > OLD_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def agreement(folder: Path) -> dict[str, str]:
    """What a worker must find as the driver has it."""
    return {"meeting": str(folder), "release": xstilts.__version__}


def agree(settings: Mapping[str, Any]) -> None:
    """Raises StoreError unless this process sees the driver's store, and is of its release of xstilts."""
    folder, host = Path(settings["meeting"]), platform.node()
    if settings["release"] != xstilts.__version__:
        what = f"has xstilts {xstilts.__version__}; the driver has {settings['release']}."
        raise StoreError(host, what, "Install the same release on all computers.")
    until = time.monotonic() + PATIENCE_SECONDS
    while not folder.is_dir():
        if time.monotonic() > until:
            what = f"does not see {folder}: its {folder.parents[1]} is not the driver's."
            raise StoreError(
                host, what, "Put the store where all computers see it, and name it with --store."
            )
        time.sleep(0.5)


def failed(folder: Path, fingerprint: str) -> str | None:
    """Why the step failed in this run; None if it has not."""
    try:
        return (folder / "failed" / fingerprint).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def fail(folder: Path, fingerprint: str, message: str) -> None:
    """Let no other job of this run try the step."""
    (folder / "failed" / fingerprint).write_text(message, encoding="utf-8")


class Diary:
    """What one job tells. The file is closed after each line, so that other computers see it."""

    def __init__(self, folder: Path, job: str) -> None:
        self.path = folder / f"{job}.jsonl"
        self._read = 0

    def tell(self, event: Mapping[str, Any]) -> None:
        """Add a line. StoreError if the folder is not there any more."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except FileNotFoundError as error:
            raise StoreError(str(self.path.parents[2]), *GONE) from error

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
