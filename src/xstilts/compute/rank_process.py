"""A process of a higher rank: it trains a phase along with the first process (`compute.ranks`)."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from xstilts.compute.context import Context, Means
from xstilts.compute.ranks import Ranks, joined
from xstilts.compute.train import train
from xstilts.store import Store
from xstilts.study.phase import Phase
from xstilts.study.step import Places, Step


def main() -> None:
    """Train along with the first process, and leave with it."""
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_the_first, daemon=True).start()
    step, store = Step.from_spec(told["spec"]), Store(Path(told["store"]))
    phase, rank, means = step.specification, told["rank"], Means(**told["means"])
    assert isinstance(phase, Phase), "only phases are trained"
    folder = Path(told["folder"]) / str(rank)
    folder.mkdir()
    with joined(rank, means.processes, Path(told["folder"])):
        running, places = store.running(step.fingerprint), Places.from_json(told["places"])
        ranks = Ranks(rank, means.processes, means.divide)
        how: dict[str, Any] = {"micro_tokens": told["micro_tokens"], "means": means, "ranks": ranks}
        context = Context(store, step, folder, running, places, lambda event: None, **how)
        train(phase, context)


def _leave_with_the_first() -> None:
    """The pipe closes when the first process ends, however it ends."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


if __name__ == "__main__":
    main()
