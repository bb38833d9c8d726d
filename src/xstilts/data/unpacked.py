"""Compressed files, unpacked as a stream and within bounds: a small file may claim to hold a whole disk.

Nothing is unpacked onto the disk, and no archive with names of files in it is ever read.
"""

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from xstilts.errors import DataError

FREE_BYTES = 2**30
"""That a file may hold in any case."""

MOST_TIMES = 200
"""As large as the compressed file it may be beyond that. Text becomes three to thirty times as large."""


class _Bounded(io.RawIOBase):
    """The content of a gzip file; DataError from the byte on that is too many."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = gzip.open(path, "rb")  # noqa: SIM115 (closed below)
        self._left = max(FREE_BYTES, MOST_TIMES * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto(buffer)
        self._left -= count
        if self._left < 0:
            what = f"holds more than {MOST_TIMES} times as many bytes as it has: no text does."
            raise DataError(str(self._path), what, "Fetch it again, or unpack it yourself.")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def unpacked(path: Path) -> BinaryIO:
    """What a gzip file holds, as a stream; reading raises DataError if that is out of all proportion."""
    return cast(BinaryIO, io.BufferedReader(_Bounded(path), 2**17))


def said_size(path: Path) -> int:
    """The bytes of a file, of a compressed one those that it says to hold: without reading it.

    gzip keeps the size in its last four bytes (RFC 1952, section 2.3.1).
    """
    if path.suffix != ".gz" or path.stat().st_size < 18:
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")
