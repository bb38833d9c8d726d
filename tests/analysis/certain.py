"""The example study whose evaluations kept probabilities, with planted confidences.

Where nothing is planted, a share c of the answers with the confidence c are right, in all languages. In the
arm `nli` the stated confidence is higher than that by `EXCESS`, but for the source language: as if the
intermediate training had made the models too sure of what they know from it alone.
"""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl

from xstilts import lab
from xstilts.store import write_json

from . import example
from .example import World

EXCESS = 0.15
SPREAD = 0.2  # of confidences around the share of right answers


def make(folder: Path, examples: int = 300) -> World:
    """The study's plan and a store with all results, of so many examples in each language."""
    with mock.patch.object(example, "N", examples):
        world = example.make(folder)
    for cell in world.plan.cells:
        if cell.reference != "majority" and "tatoeba" not in cell.target:
            keep(world.store.folder(cell.evaluation) / "predictions.parquet", EXCESS * (cell.arm == "nli"))
    return world


def keep(path: Path, excess: float) -> None:
    """Add doubts and Brier scores to a file of predictions, unless it has them."""
    frame = pl.read_parquet(path)
    if "doubt" in frame.columns:
        return
    words = 3 if "B-" in frame["gold"][0] else 1  # of which the one in the middle is always right
    doubts, briers = [], []
    for (language,), own in frame.group_by("language", maintain_order=True):
        rng = np.random.default_rng([*f"{path.parent.name} {language}".encode()])
        right = np.repeat(own["statistics"].list.get(0).to_numpy()[:, None] > 0, words, axis=1)
        right[:, 1:2] = True
        stated = confidences(right.ravel(), rng).reshape(right.shape) + excess * (language != lab.BASE)
        doubt = np.clip(1 - stated, 2**-20, 1)
        doubts += doubt.tolist()
        briers += np.where(right, 2 * doubt**2, 2 * (1 - doubt) ** 2).tolist()
    kept = {"doubt": doubts, "brier": briers}
    added = pl.DataFrame(kept, schema=dict.fromkeys(kept, pl.List(pl.Float32)))
    rewrite(path, pl.concat([frame, added], how="horizontal"))


def rewrite(path: Path, frame: pl.DataFrame) -> None:
    """Other predictions, and a record that vouches for none: the store would rightly refuse these."""
    frame.write_parquet(path)
    record = json.loads((path.parent / "record.json").read_text())
    for name in ("files", "seal"):
        record.pop(name, None)
    write_json(path.parent / "record.json", record)


def confidences(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Confidences with which answers are right as often as these say."""
    share = right.mean()
    low, high = max(0.0, share - SPREAD), min(1.0, share + SPREAD)
    low, high = share - min(share - low, high - share), share + min(share - low, high - share)
    found = np.full(len(right), np.nan)
    while (left := np.isnan(found)).any():
        drawn = rng.uniform(low, high, left.sum())
        accepted = rng.random(left.sum()) < np.where(right[left], drawn, 1 - drawn)
        found[np.flatnonzero(left)[accepted]] = drawn[accepted]
    return found
