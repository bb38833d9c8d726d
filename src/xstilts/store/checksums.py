"""Checksums: of what a finished step consists, so that a truncated file or a flipped bit is noticed.

A record lists size and SHA-256 of every file beside it (`files`), and carries the SHA-256 of its own content
(`seal`). Records of earlier releases have neither: nothing can be told of their files.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECORD = "record.json"
FILES, SEAL = "files", "seal"


def of(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def of_folder(folder: Path) -> dict[str, dict[str, Any]]:
    """By name within the folder, what `of` says of every file but the record."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / RECORD)
    return {path.relative_to(folder).as_posix(): of(path) for path in paths}


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the checksum of its own content."""
    content = {key: value for key, value in record.items() if key != SEAL}
    return content | {SEAL: _digest(content)}


def broken(record: Any) -> str:
    """What is wrong with the content of a record itself; empty if nothing, or if it has no seal."""
    if not isinstance(record, dict):
        return "holds no record"
    content = {key: value for key, value in record.items() if key != SEAL}
    if FILES not in record and SEAL not in record:
        return ""
    return "" if record.get(SEAL) == _digest(content) else "is not what was written"


def wrong(folder: Path, name: str, recorded: Mapping[str, Any]) -> str:
    """What is wrong with a file; empty if nothing. Its size, which costs nothing, is compared first."""
    path = folder / name
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size != recorded["size"]:
        return f"has {size:,} bytes instead of {recorded['size']:,}"
    return "is not what was written" if of(path) != recorded else ""


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
