"""The work: one step, from a lease to a folder in the store. Launchers only decide where this is called."""

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from xstilts.compute import record
from xstilts.compute.context import MICRO_TOKENS, Context, Event, Means
from xstilts.errors import DamageError, StoreError, XstiltsError
from xstilts.store import Store, write_json
from xstilts.store.leases import Lease
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
) -> Outcome:
    """Compute a step unless it is there or another process is at it.

    A parent whose checkpoint was dropped is computed again first. Raises whatever the computation raises,
    after keeping it as the step's failure in the store; a StoreError is not the step's fault and is not kept,
    unless a file that the step needs is damaged.
    """
    return _ensure(step, store.done, _Bench(store, places, report, means))


def restore(step: Step, store: Store, places: Places) -> Outcome:
    """Compute a finished step again if its checkpoint was dropped. Raises what `compute` does."""
    return _ensure(step, store.has_checkpoint, _Bench(store, places, lambda event: None, ALONE))


@dataclass(frozen=True)
class _Bench:
    """What is the same for a step and those that it needs."""

    store: Store
    places: Places
    report: Callable[[Event], None]
    means: Means


def _ensure(step: Step, is_there: Callable[[Step], bool], bench: _Bench) -> Outcome:
    """Compute a step unless it is there, after the parent without whose checkpoint it cannot begin."""
    store, parent = bench.store, step.parent
    if is_there(step):
        return "found"
    lease = store.lease(step.fingerprint)
    if lease is None:
        return "busy"
    with lease:
        if is_there(step):  # finished by another between the first look and the lease
            return "found"
        bench.report({"kind": "begin"})
        begun = False
        try:
            if parent is not None and _ensure(parent, store.has_checkpoint, bench) == "busy":
                return "busy"
            begun = True
            _attempt(step, replace(bench, report=_watched(bench.report, lease)))
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


def _attempt(step: Step, bench: _Bench) -> None:
    """Compute a step with as large a micro-batch as fits: each want of memory halves it, once in a run."""
    failure = bench.store.failure(step.fingerprint)
    tokens = max(1, MICRO_TOKENS >> (0 if failure is None else failure.killed))
    try:
        _compute(step, bench, tokens)
    except Exception as error:
        if not _wants_memory(error):
            raise
        bench.store.fail(step, f"{message(error)} {AGAIN}", traceback.format_exc(), killed=True)
    else:
        return
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    _compute(step, bench, max(1, tokens // 2))


def _compute(step: Step, bench: _Bench, micro_tokens: int) -> None:
    began = time.monotonic()
    record.begin()
    with bench.store.writing(step) as folder:
        running = bench.store.running(step.fingerprint)
        context = Context(
            bench.store,
            step,
            folder,
            running,
            bench.places,
            bench.report,
            micro_tokens=micro_tokens,
            means=bench.means,
        )
        result = _result(step, context)
        result["sources"] = [asdict(source) for source in read(step, bench.places)]
        if micro_tokens != MICRO_TOKENS:
            result["micro_tokens"] = micro_tokens
        seconds = time.monotonic() - began
        write_json(folder / "record.json", record.record(step, result, seconds))


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
            from xstilts.compute.ranks import started
            from xstilts.compute.train import train

            with started(context) as ranks:
                return train(phase, replace(context, ranks=ranks))
        case Evaluation() as evaluation:
            from xstilts.compute.evaluate import evaluate

            return evaluate(evaluation, context)


def _watched(report: Callable[[Event], None], lease: Lease) -> Callable[[Event], None]:
    def watched(event: Event) -> None:
        if lease.lost:
            raise LeaseLostError
        report(event)

    return watched
