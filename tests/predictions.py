"""Predictions in a store without any training: what `xstilts export` is tested on."""

import json
from collections.abc import Callable
from typing import Any

import polars as pl

from xstilts.compute.evaluate import SCHEMA
from xstilts.store import Store, write_json
from xstilts.study.plan import Plan

TARGETS = """
name = "targets"
question = "?"
[backbones]
lab = { model = "lab" }
[intermediate.arms]
none = []
[target]
tasks = ["TASK"]
languages = ["LANGUAGE"]
[target.recipe]
max_length = 96
stride = 32
"""
"""A study of one backbone, without intermediate training."""
LAB = TARGETS.replace("TASK", 'lab_qa", "lab_pos", "lab_tatoeba').replace("LANGUAGE", "x-ga")


def predicted(
    found: Plan, store: Store, answers: dict[str, list[Any]], name: Callable[[str, int], str] = "{}{}".format
) -> None:
    """Every evaluation of the arms, with these predictions in every language, and ids named so."""
    for cell in found.cells:
        step = found.by_fingerprint[cell.evaluation]
        if cell.reference or store.done(step):
            continue
        values = answers[cell.target]
        frames = [
            pl.DataFrame(
                {
                    "language": [language] * len(values),
                    "index": list(range(len(values)))[::-1],
                    "id": [name(language, row) for row in range(len(values))][::-1],
                    "cluster": list(range(len(values)))[::-1],
                    "gold": [json.dumps(value) for value in values],
                    "predicted": [json.dumps(value) for value in values][::-1],
                    "statistics": [[1.0, 1.0]] * len(values),
                    "doubt": [[]] * len(values),
                    "brier": [[]] * len(values),
                },
                schema=SCHEMA,
            )
            for language in found.evaluation(cell).use.languages
        ]
        with store.writing(step) as folder:
            pl.concat(frames).write_parquet(folder / "predictions.parquet")
            write_json(folder / "record.json", {"status": "done"})
