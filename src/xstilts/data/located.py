"""Which files of a release are there, below a folder."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.errors import DataError

if TYPE_CHECKING:
    from xstilts.data.task import Files


def fill(pattern: str, files: "Files", language: str) -> str:
    """A pattern with the release's own code of a language."""
    return pattern.replace("{lang}", files.codes.get(language, language))


def matches(folder: Path, patterns: tuple[str, ...], files: "Files", language: str) -> Iterator[Path]:
    """The files that are there, plain or compressed, in the order in which they are tried."""
    for pattern in patterns:
        plain = fill(pattern, files, language).removesuffix(".gz")
        for candidate in (plain, plain + ".gz"):
            paths = sorted(folder.glob(candidate)) if "*" in candidate else [folder / candidate]
            yield from (path for path in paths if path.is_file())


def first(folder: Path, patterns: tuple[str, ...], files: "Files", language: str) -> Path | None:
    """The first file that is usable; if none is, the first; None if there is none."""
    paths = list(matches(folder, patterns, files, language))
    if len(paths) > 1 and files.usable is not None:
        paths = [path for path in paths if _is_usable(files.usable, path, path.stat().st_mtime_ns)] or paths
    return paths[0] if paths else None


@lru_cache(maxsize=4096)
def _is_usable(usable: Callable[[Path], bool], path: Path, changed: int) -> bool:
    """Whether a file can be used; what is wrong with one that is broken is told where it is read."""
    try:
        return usable(path)
    except (DataError, OSError, EOFError, zlib.error):
        return True


def find(files: "Files", split: str, language: str, folder: Path) -> tuple[Path, ...]:
    """The file of a split, what is paired with it, what is gold, nothing unless all of them are there; and
    those of the further files that are there."""
    if language in files.unlabelled.get(split, ()):
        return ()
    found = list[Path]()
    for beside in (files.patterns, files.paired, files.gold):
        if split in beside or beside is files.patterns:
            path = first(folder, beside.get(split, ()), files, language)
            if path is None:
                return ()
            found.append(path)
    further = (first(folder, patterns, files, language) for patterns in files.also.get(split, ()))
    return (*found, *(path for path in further if path is not None))


def lacks_gold(files: "Files", split: str, language: str, folder: Path) -> bool:
    """Whether all files of a split are there but the one with the right pairs."""
    texts = [patterns[split] for patterns in (files.patterns, files.paired) if split in patterns]
    return split in files.gold and all(first(folder, patterns, files, language) for patterns in texts)


def labelled(url: str, *, on_hub: bool) -> str:
    """What to do where the gold labels or answers of a file are missing."""
    source = f" ({url})" if url else ""
    hub = " or take all files of the task out of the folder, to read the Hub's copy" if on_hub else ""
    return (
        "XTREME's download takes labels and answers out of its test files, which can then not be scored. "
        f"Lay in the labelled files of the data set itself{source}{hub}."
    )


@lru_cache(maxsize=4096)
def checksum(files: tuple[tuple[Path, int], ...]) -> str:
    """The SHA-256 of files together, each with the time of its last change."""
    digest = hashlib.sha256()
    for path, _ in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
