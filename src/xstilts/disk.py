"""Files and folders as a store needs them: looked for anew, and forced to the disk."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from xstilts.errors import InputError


def is_there(path: Path) -> bool:
    """Whether a folder is there. Network file systems look anew only after the folder above was opened."""
    if path.is_dir():
        return True
    with contextlib.suppress(OSError):
        os.close(os.open(path.parent, os.O_RDONLY))
    return path.is_dir()


def is_file(path: Path) -> bool:
    """Whether a file is there. No file has a name that is too long, or that may not be looked for."""
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; as `is_file`."""
    with contextlib.suppress(OSError):
        return path.is_dir()
    return False


def digest(paths: Iterable[Path]) -> str:
    """The SHA-256 of files together."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


@contextlib.contextmanager
def writes(path: Path, option: str) -> Iterator[None]:
    """Turns what goes wrong as `path` is written into an InputError; `option` is where another is named."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "the disk is full." if full else f"cannot be written ({error.strerror})."
        raise InputError(str(path), what, f"Name another folder with {option}.") from error


def flush(folder: Path) -> None:
    """Force files and listings to the disk, so that a power cut after a rename finds them there."""
    for directory, _, names in os.walk(folder):
        for name in names:
            with (Path(directory) / name).open("rb") as file:
                os.fsync(file.fileno())
        flush_listing(Path(directory))


def flush_listing(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
