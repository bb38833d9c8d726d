"""Functions that stand for the work in tests of the engine; workers find them by module and name."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xstilts.compute import work
from xstilts.compute.context import MICRO_TOKENS, Context, Event, Means
from xstilts.errors import LossError, StoreError
from xstilts.store import Store
from xstilts.study.step import Places, Step


def compute(
    step: Step, store: Store, places: Places, report: Callable[[Event], None], means: Means
) -> work.Outcome:
    """The real leases and folders around a result that costs nothing but a little time."""
    work._result = _result
    return work.compute(step, store, places, report, means)


def _result(step: Step, context: Context) -> dict[str, Any]:
    instructions = json.loads((context.store.root / "instructions.json").read_text())
    with (context.store.root / "log.txt").open("a") as log:
        log.write(f"{step.fingerprint} {os.getpid()}\n")
    context.report({"kind": "train", "update": 1, "updates": 2, "tokens_per_second": 100.0})
    for parent in step.parents:
        context.store.checkpoint(parent)
    todo = instructions.get(step.name, "")
    if todo == "fail":
        raise LossError(step.name, "the loss is nan.", "Lower the learning rate.")
    if todo == "bug":
        raise KeyError("a bug")
    if todo == "full":
        raise StoreError(str(context.store.root), "the disk is full.")
    if todo == "full disk":
        with Path("/dev/full").open("w") as file:  # the system's own error
            file.write("x")
    if todo == "memory" or (todo == "memory once" and context.micro_tokens == MICRO_TOKENS):
        raise MemoryError("much too much")
    if todo == "hang" or (todo == "hang once" and not (context.running / "hung").exists()):
        (context.running / "hung").touch()
        (context.store.root / "hung").touch()
        time.sleep(3600)
    if todo == "die":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if todo == "die once" and not (mark := context.running / "died").exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(instructions.get("seconds", 0.01)))
    (context.folder / "checkpoint").mkdir()
    (context.folder / "checkpoint" / "weights").write_text(step.fingerprint)
    return {"tokens": 1, "threads": os.environ["OMP_NUM_THREADS"], "places": str(places_of(context))}


def places_of(context: Context) -> Path | None:
    return context.places.data
