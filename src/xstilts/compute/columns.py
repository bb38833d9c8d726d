"""Columns on disk: rows are encoded once, part by part, and mapped by every process that needs them.

    store/data/<key>/<column>.bin     numbers of one column, without a header
    store/data/<key>/about.json       their types and checksums, the axis, the names of images

The key says everything that the numbers depend on. A folder that is damaged or cut short is made again.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.compute.data import Encoded
from xstilts.compute.pixels import Album

PART = 10_000
"""Rows that are encoded together; no more of them stand in memory at once."""

Parts = Iterable[tuple[int, Encoded]]
"""Encoded parts, each after the number of rows that it was made of."""

COLUMNS = tuple(field.name for field in fields(Encoded) if field.name not in ("axis", "names", "album"))


def mapped(folder: Path, key: str, parts: Callable[[], Parts], album: Album | None) -> tuple[Encoded, int]:
    """The columns with that key below the folder, which are made of the parts if they are not there.

    Beside them stands the number of rows that the parts were made of.
    """
    place = folder / key
    if (found := _read(place, album)) is None:
        shutil.rmtree(place, ignore_errors=True)
        beside = folder / f".{key}.{os.getpid()}.{secrets.token_hex(4)}"
        folder.mkdir(exist_ok=True)
        beside.mkdir()
        try:
            _write(beside, parts())
            if not place.exists():  # another process may have been faster, with the same
                beside.rename(place)
        except OSError:
            if not place.exists():
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        found = _read(place, album)
    assert found is not None, "columns that were just written"
    return found


def parted(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Rows in lists of at most `PART`."""
    left = iter(rows)
    while part := list(islice(left, PART)):
        yield part


def _write(folder: Path, parts: Parts) -> None:
    """Append the parts, column by column; where a column counts another's numbers, from where that ended."""
    names: list[str] = []
    axis, rows, types, ends = "", 0, dict[str, str](), dict.fromkeys(COLUMNS, 0)
    files = {name: (folder / f"{name}.bin").open("wb") for name in COLUMNS}
    digests = {name: hashlib.sha256() for name in COLUMNS}
    try:
        for count, part in parts:
            axis, first = part.axis, not rows
            rows += count
            for name, file in files.items():
                column: NDArray[Any] = getattr(part, name)
                if name.endswith("_at"):
                    column, ends[name] = column + ends[name], int(column[-1]) + ends[name]
                    column = column if first else column[1:]
                elif name == "images":
                    column = (column + len(names)).astype(column.dtype)
                elif name == "example":
                    column = (column + rows - count).astype(column.dtype)
                types[name] = column.dtype.str
                written = np.ascontiguousarray(column).tobytes()
                digests[name].update(written)
                file.write(written)
            names += part.names
    finally:
        for file in files.values():
            file.close()
    checks = {name: digest.hexdigest() for name, digest in digests.items()}
    about = {"axis": axis, "rows": rows, "types": types, "names": names, "sha256": checks}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _read(folder: Path, album: Album | None) -> tuple[Encoded, int] | None:
    """The columns in a folder; None if they are not there, or not what was written."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        columns = {}
        for name in COLUMNS:
            path = folder / f"{name}.bin"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != about["sha256"][name]:
                    return None
            kind = np.dtype(about["types"][name])
            empty = path.stat().st_size == 0  # which cannot be mapped
            columns[name] = np.zeros(0, kind) if empty else np.asarray(np.memmap(path, kind, "r"))
        encoded = Encoded(axis=about["axis"], names=tuple(about["names"]), album=album, **columns)
        return encoded, int(about["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clear(root: Path) -> None:
    """Forget all columns of a store; processes that have mapped some keep them."""
    shutil.rmtree(root / "data", ignore_errors=True)
