"""The answer of a study as its last report found it: store/answers/<key>.json, one for each plan.

To find it takes all resamples; to say it again takes none, as long as the cells have the same predictions.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xstilts.analysis.results import Results
from xstilts.store import checksums, read_json, schema, write_json

VERSION = 1
"""Raised by hand whenever the analysis would say something else of the same predictions."""


@dataclass(frozen=True)
class Headline:
    """The answer, the sentences on runs to be read with it, and a digest of what it was found in."""

    answer: str
    of_runs: tuple[str, ...]
    found_in: str


def read(results: Results) -> Headline | None:
    """Read what was kept of exactly these results; None if there is nothing."""
    path = _path(results)
    kept = schema.made(read_json(path, shape=Headline), Headline) if path.is_file() else None
    return kept if kept is not None and kept.found_in == _digest(results) else None


def write(results: Results, answer: str, of_runs: tuple[str, ...]) -> None:
    """Keep the answer in place of an earlier one; not in a store that is only read."""
    path = _path(results)
    if not os.access(results.store.root, os.W_OK):
        return
    with results.store.guarded():
        path.parent.mkdir(exist_ok=True)
        write_json(path, asdict(Headline(answer, of_runs, _digest(results))))


def _path(results: Results) -> Path:
    key = _hash([asdict(cell) for cell in results.plan.cells])[:16]
    return results.store.root / "answers" / f"{key}.json"


def _digest(results: Results) -> str:
    """Hash what an answer depends on: the analysis, and which steps are there with which files."""
    steps = dict.fromkeys(key for cell in results.plan.cells for key in (*cell.phases, cell.evaluation))
    records = [(step, results.store.record(step)) for step in steps]
    return _hash([VERSION, [(step, record and record.get(checksums.SEAL, "")) for step, record in records]])


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
