"""How good the orders of `xstilts rank` are, and what they cost beside trainings: a small grid of the lab.

    python benchmarks/ranking.py [--store DIR] [--study FILE] [--rows 500] [--json FILE]

Trains what of the study the store does not have (benchmarks/ranking.toml: some ten minutes of a core),
reads its estimates once from nothing, and prints the measures of every estimate, the planted truth beside the
orders, and the share of tokens and of seconds. Seconds of trainings and evaluations are those in their
records; whoever wants them to mean something lets one worker compute on an idle machine.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

import xstilts
from xstilts.analysis.planted import expected
from xstilts.analysis.ranking import ROWS, Ranking
from xstilts.cli import show_rank

STUDY = Path(__file__).with_suffix(".toml")


def main() -> None:
    """Train, read, compare, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="What `xstilts rank` is worth and what it costs")
    parser.add_argument("--store", type=Path, default=None, help="by default a temporary one")
    parser.add_argument("--study", default=str(STUDY))
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    study = xstilts.Study.load(given.study)
    with tempfile.TemporaryDirectory() as folder:
        store = given.store or Path(folder) / "store"
        study.run(store, workers=given.workers)
        shutil.rmtree(store / "probes", ignore_errors=True)
        began = time.monotonic()
        found = study.rank(store, rows=given.rows)
        _ = found.order, found.quality
        seconds = time.monotonic() - began
        show_rank.ranked(found, as_json=False)
        figures = costs(found, seconds) | {"rows": given.rows, "planted": planted(found)}
        for name, value in figures.items():
            print(f"{name}: {value}")
        if given.json is not None:
            tables = {"order": found.order.to_dicts(), "quality": found.quality.to_dicts()}
            given.json.write_text(json.dumps(figures | tables, indent=1))


def costs(found: Ranking, seconds: float) -> dict[str, Any]:
    """Tokens and seconds of reading and of training and evaluating, and the shares."""
    plan, kept = found.results.plan, found.results.store
    cells = [cell for cell in plan.cells if not cell.reference]
    steps = {step for cell in cells for step in (*cell.phases, cell.evaluation)}
    trained = sum(float((kept.record(step) or {}).get("seconds", 0.0)) for step in steps)
    return {
        "arms": len({cell.arm for cell in cells}),
        "targets": len({cell.target for cell in cells}),
        "seeds": len({cell.seed for cell in cells}),
        "tokens_read": found.tokens,
        "tokens_trained": found.training,
        "share_of_tokens": found.tokens / found.training if found.training else None,
        "seconds_of_rank": seconds,
        "seconds_of_steps": trained,
        "share_of_seconds": seconds / trained if trained else None,
    }


def planted(found: Ranking) -> dict[str, dict[str, str]]:
    """For each target of the lab the place of each arm by the mean of the estimates, and what was planted."""
    arms = found.results.plan.study.intermediate.arms
    own = found.order.filter((pl.col("estimate") == "mean_place") & pl.col("place").is_not_null())
    told: dict[str, dict[str, str]] = {}
    for target, arm, place in own.select("target", "arm", "place").sort("place").iter_rows():
        (task,) = arms[arm].tasks
        told.setdefault(target, {})[arm] = f"{place} ({expected(task, target)[0]})"
    return told


if __name__ == "__main__":
    main()
