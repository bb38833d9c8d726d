"""The languages of an evaluation that are done: what it takes to go on with the others after a kill."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from xstilts.compute.context import Context
from xstilts.plain import parse_json
from xstilts.store import checksums, write_json

STATE = "languages.json"

SCHEMA: dict[str, Any] = {
    "language": pl.String,
    "index": pl.Int32,
    "id": pl.String,
    "cluster": pl.Int32,
    "gold": pl.String,
    "predicted": pl.String,
    "statistics": pl.List(pl.Float64),
    "doubt": pl.List(pl.Float32),
    "brier": pl.List(pl.Float32),
}
"""Columns of predictions.parquet: `cluster` is the first row about the same text, `gold` and `predicted` are
JSON, `statistics` the metric's numbers; `doubt` and `brier` of each decision are those of
xstilts.families.certainty. Files of earlier releases have not these two."""


@dataclass
class Finished:
    """Scores and predictions by language, in the order in which they came."""

    folder: Path
    save_seconds: float
    scores: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, pl.DataFrame] = field(default_factory=dict)
    computed_on: list[dict[str, Any]] = field(default_factory=list)
    """The kinds of computers that have computed some, as `record.computes_on` tells them."""

    def __post_init__(self) -> None:
        self._saved = time.monotonic()

    @classmethod
    def of(cls, context: Context) -> "Finished":
        """What an interrupted run had kept; nothing if it is damaged, of an earlier release, or not there."""
        finished = cls(context.running, context.save_seconds)
        try:
            state = parse_json((finished.folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return finished
        whole = not checksums.broken(state) and checksums.SEAL in state
        if whole and all(set(one) == set(SCHEMA) for one in state["predictions"].values()):
            finished.scores = state["scores"]
            rows = state["predictions"].items()
            finished.predictions = {language: pl.DataFrame(one, schema=SCHEMA) for language, one in rows}
            finished.computed_on = state.get("computed_on", [])
        return finished

    def add(self, language: str, scores: dict[str, Any], predictions: pl.DataFrame) -> None:
        """One more; all are kept if the last time was long ago."""
        self.scores[language], self.predictions[language] = scores, predictions
        if time.monotonic() - self._saved < self.save_seconds:
            return
        rows = {name: one.to_dict(as_series=False) for name, one in self.predictions.items()}
        state = {"scores": self.scores, "predictions": rows, "computed_on": self.computed_on}
        write_json(self.folder / STATE, checksums.sealed(state))
        self._saved = time.monotonic()
