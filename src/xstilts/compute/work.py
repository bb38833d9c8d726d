"""The work: one step, from a lease to a folder in the store. Launchers only decide where this is called.

python -m xstilts.compute.work          (trains a phase along with another process; not started by hand)
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from xstilts.compute.context import MICRO_TOKENS, Context, Event, Means, begin, cuda, record
from xstilts.errors import DamageError, StoreError, XstiltsError
from xstilts.store import Store, write_json
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.sources import read
from xstilts.study.step import Places, Step

Outcome = Literal["done", "found", "busy"]
"""Computed here; in the store already; being computed by another process."""
ALONE = Means()
AGAIN = "Tried again with half the micro-batch."


class LeaseLostError(Exception):
    """Another process has taken the step over, because this one was silent for too long."""


def compute(
    step: Step,
    store: Store,
    places: Places,
    report: Callable[[Event], None],
    means: Means = ALONE,
    *,
    checkpoint: bool = False,
) -> Outcome:
    """Compute a step, or its `checkpoint`, unless that is there or another process is at it.

    A parent whose checkpoint was dropped is computed again first, for the step cannot begin without. Raises
    whatever the computation raises, after keeping it as the step's failure in the store; a StoreError is not
    the step's fault and is not kept, unless a file that the step needs is damaged.
    """
    is_there, parent = store.has_checkpoint if checkpoint else store.done, step.parent
    if is_there(step):
        return "found"
    lease = store.lease(step.fingerprint)
    if lease is None:
        return "busy"

    def watched(event: Event) -> None:
        if lease.lost:
            raise LeaseLostError
        report(event)

    with lease:
        if is_there(step):  # finished by another between the first look and the lease
            return "found"
        report({"kind": "begin"})
        begun = False
        try:
            if (
                parent is not None
                and compute(parent, store, places, report, means, checkpoint=True) == "busy"
            ):
                return "busy"
            begun = True
            _attempt(step, store, places, watched, means)
        except LeaseLostError:
            return "busy"
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, DamageError):
                raise
            if is_there(step):  # finished by another, who then removed what both wrote
                return "found"
            dropped = begun and parent is not None and not store.has_checkpoint(parent)
            if dropped or not lease.is_held:  # by another driver while it was read; another is at it
                return "busy"
            store.fail(step, message(error), traceback.format_exc(), killed=_wants_memory(error))
            raise
    return "done"


def _attempt(step: Step, store: Store, places: Places, report: Callable[[Event], None], means: Means) -> None:
    """Compute a step with as large a micro-batch as fits: each want of memory halves it, once in a run."""
    failure = store.failure(step.fingerprint)
    tokens, halved = max(1, MICRO_TOKENS >> (0 if failure is None else failure.killed)), False
    while True:
        began = time.monotonic()
        begin()
        try:
            with store.writing(step) as folder:
                running = store.running(step.fingerprint)
                how: dict[str, Any] = {"micro_tokens": tokens, "means": means}
                result = _result(step, Context(store, step, folder, running, places, report, **how))
                result["sources"] = [asdict(source) for source in read(step, places)]
                if tokens != MICRO_TOKENS:
                    result["micro_tokens"] = tokens
                seconds = time.monotonic() - began
                write_json(folder / "record.json", record(step, result, seconds))
        except Exception as error:
            if halved or not _wants_memory(error):
                raise
            store.fail(step, f"{message(error)} {AGAIN}", traceback.format_exc(), killed=True)
        else:
            return
        tokens, halved = max(1, tokens // 2), True
        if (gpu := cuda()) is not None:
            gpu.empty_cache()


def message(error: Exception) -> str:
    return str(error) if isinstance(error, XstiltsError) else f"{type(error).__name__}: {error}"


def _wants_memory(error: Exception) -> bool:
    """Whether memory was short: of the computer, or of a GPU, for which torch has an error of its own."""
    named = type(error).__name__ == "OutOfMemoryError"
    return named or isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _result(step: Step, context: Context) -> dict[str, Any]:
    """What the step returns for its record. What imports torch is imported here and not before."""
    match step.specification:
        case Backbone() as backbone:
            from xstilts.compute.backbone import create

            return create(backbone, context)
        case Phase() as phase:
            from xstilts.compute.distributed import started
            from xstilts.compute.train import train

            with started(context) as ranks:
                return train(phase, replace(context, ranks=ranks))
        case Evaluation() as evaluation:
            from xstilts.compute.evaluate import evaluate

            return evaluate(evaluation, context)


def end_with_parent() -> None:
    """End this process when the one that started it does, however it ends: its pipe closes."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Train a phase along with the first process, as one of a higher rank (`compute.distributed`)."""
    from xstilts.compute.distributed import Ranks, joined
    from xstilts.compute.train import train

    told = json.loads(sys.stdin.buffer.readline())
    end_with_parent()
    step, store = Step.from_spec(told["spec"]), Store(Path(told["store"]))
    phase, rank, means = step.specification, told["rank"], Means(**told["means"])
    assert isinstance(phase, Phase), "only phases are trained"
    folder = Path(told["folder"]) / str(rank)
    folder.mkdir()
    with joined(rank, means.processes, Path(told["folder"])):
        running, places = store.running(step.fingerprint), Places.from_json(told["places"])
        ranks = Ranks(rank, means.processes, means.divide)
        how: dict[str, Any] = {"micro_tokens": told["micro_tokens"], "means": means, "ranks": ranks}
        train(phase, Context(store, step, folder, running, places, lambda event: None, **how))


if __name__ == "__main__":
    main()
