"""Images by name: files below a folder that the user names, or pictures that the embedded lab draws.

A row of the family `visual` names its images; a task says under which paths a name is looked for
(`Task.images`). Files are JPEG, PNG, WebP or GIF (its first frame), whatever their names end in. Too large
ones are refused before they are decoded, and a name never leads out of the folder.
"""

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xstilts.data.task import Task
from xstilts.disk import is_file
from xstilts.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

MOST_PIXELS = 50_000_000
"""Of an image. A small file may claim far more, to fill the memory of whoever decodes it."""

MOST_BYTES, MOST_FILES = 64 * 2**20, 2_000
"""Of a file the most bytes; of a collection the most bytes and files whose contents enter its identity."""

WAY_OUT = "Name their folder with --images DIR or XSTILTS_IMAGES, laid out as in docs/multimodal.md."


def default_folder(data: Path | None) -> Path | None:
    """The folder that is taken where none is named: `images` in the data folder, if there is one."""
    return data / "images" if data is not None and (data / "images").is_dir() else None


def load(task: Task, name: str, folder: Path | None = None) -> NDArray[np.uint8]:
    """The image of that name in red, green and blue [height, width, 3].

    Raises DataError if there is none, if it is too large, or if its file cannot be decoded.
    """
    if task.made is not None:
        image: NDArray[np.uint8] = task.made.image(name)
        return image
    path = find(task, name, folder)
    if path is None:
        where, tried = _folder(task, folder), ", ".join(_candidates(task, name))
        raise DataError(str(where), f"has no image '{name}': looked for {tried}.", WAY_OUT)
    return decode(path)


def decode(path: Path) -> NDArray[np.uint8]:
    """The pixels of an image file [height, width, 3]. Raises DataError if it is too large or damaged."""
    from PIL import Image

    if path.stat().st_size > MOST_BYTES:
        raise DataError(str(path), f"has more than {MOST_BYTES:,} bytes.", "Make it smaller.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size, which is looked at here, and of odd metadata
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    what = f"is {image.width:,} x {image.height:,} pixels large; {MOST_PIXELS:,} are allowed."
                    raise DataError(str(path), what, "Make it smaller.")
                return np.array(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        what = f"is no whole image in one of the formats {', '.join(FORMATS)} ({error})."
        raise DataError(str(path), what, "Fetch it again, or convert it.") from error


def find(task: Task, name: str, folder: Path | None = None) -> Path | None:
    """The file of an image; None if there is none. DataError if the name would lead out of the folder."""
    root = _folder(task, folder)
    return next((path for one in _candidates(task, name) if is_file(path := root / one)), None)


def missing(task: Task, names: Iterable[str], folder: Path | None = None) -> list[str]:
    """Those of the names that have no image, each once, in their order; the lab draws any.

    Raises DataError if there is no folder, or if a name would lead out of it.
    """
    if task.made is not None:
        return []
    return [name for name in dict.fromkeys(names) if find(task, name, folder) is None]


def identity(task: Task, folder: Path | None = None) -> str:
    """What pixels depend on: a checksum over the files below the task's folders, used or not.

    Names and sizes count; contents too, of at most MOST_FILES files with at most MOST_BYTES together. Of
    larger collections it is not noticed if a file is replaced by another one of the same size. Of the lab it
    is the version. Raises DataError if there is no folder.
    """
    if task.made is not None:
        return task.made.identity
    root = _folder(task, folder)
    every = {pattern.split("{")[0].rpartition("/")[0] for pattern in task.images}
    tops = sorted(top for top in every if not any(top.startswith(f"{other}/") for other in every))
    return _checksum(tuple(file for top in tops for file in _files(root / top, top)))


def _folder(task: Task, folder: Path | None) -> Path:
    """The folder that is named; for a user's own task `images` beside its file, if it is there."""
    if task.path is not None and (folder is None or (task.path.parent / "images").is_dir()):
        folder = task.path.parent / "images"
    if folder is None:
        raise DataError(f"task '{task.name}'", "has images, and their folder is not known.", WAY_OUT)
    if not folder.is_dir():
        raise DataError(str(folder), "no such folder of images.", WAY_OUT)
    return folder


def _candidates(task: Task, name: str) -> tuple[str, ...]:
    """The paths below the folder under which a name is looked for, in order."""
    parts = name.split("/")
    if not name or "\0" in name or "\\" in name or ":" in parts[0] or {"", ".", ".."} & set(parts):
        what = f"the image name {name!r} is no path below a folder."
        raise DataError(f"task '{task.name}'", what, "Correct the row that names it.")
    filled = (pattern.replace("{id}", name).replace("{name}", parts[-1]) for pattern in task.images)
    return tuple(dict.fromkeys(filled))


_File = tuple[str, int, int, str]
"""Name below the folder, bytes, time of change in nanoseconds, path."""


def _files(folder: Path, name: str) -> Iterator[_File]:
    """All files of a folder and those below it, sorted, but hidden ones; links are followed."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        below = f"{name}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), below)
        elif entry.is_file():
            stat = entry.stat()
            yield below, stat.st_size, stat.st_mtime_ns, entry.path


@lru_cache(maxsize=64)
def _checksum(files: tuple[_File, ...]) -> str:
    whole = len(files) <= MOST_FILES and sum(size for _, size, _, _ in files) <= MOST_BYTES
    digest = hashlib.sha256()
    for name, size, _, path in files:
        digest.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
        if whole:
            digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return ("sha256:" if whole else "names:") + digest.hexdigest()
