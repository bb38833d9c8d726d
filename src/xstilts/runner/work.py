"""The work: one step, from a claim to a folder in the store. Engines only decide where this is called."""

import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from xstilts.claims import Claim
from xstilts.errors import StoreError, XstiltsError
from xstilts.runner import record
from xstilts.runner.context import Context, Event
from xstilts.store import Store, write_json
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.step import Places, Step

Outcome = Literal["done", "found", "busy"]
"""Computed here; in the store already; being computed by another process."""


class ClaimLostError(Exception):
    """Another process has taken the step over, because this one was silent for too long."""


def compute(
    step: Step,
    store: Store,
    places: Places,
    report: Callable[[Event], None],
    *,
    save_memory: bool = False,
) -> Outcome:
    """Compute a step unless it is there or another process is at it.

    Raises whatever the computation raises, after keeping it as the step's failure in the store; a StoreError
    is not the step's fault and is not kept.
    """
    if store.done(step):
        return "found"
    claim = store.claim(step.fingerprint)
    if claim is None:
        return "busy"
    with claim:
        if store.done(step):  # finished by another between the first look and the claim
            return "found"
        try:
            _compute(step, store, places, _watched(report, claim), save_memory=save_memory)
        except ClaimLostError:
            return "busy"
        except StoreError:
            raise
        except Exception as error:
            message = str(error) if isinstance(error, XstiltsError) else f"{type(error).__name__}: {error}"
            store.fail(step, message, traceback.format_exc())
            raise
    return "done"


compute_in_less_memory = partial(compute, save_memory=True)
"""Like `compute`; trainings take less memory and more time."""


def _compute(
    step: Step, store: Store, places: Places, report: Callable[[Event], None], *, save_memory: bool
) -> None:
    began = time.monotonic()
    record.begin()
    with store.writing(step) as folder:
        running = store.running(step.fingerprint)
        context = Context(store, step, folder, running, places, report, save_memory=save_memory)
        result = _result(step, context)
        seconds = time.monotonic() - began
        write_json(folder / "record.json", record.record(step, result, seconds))


def _result(step: Step, context: Context) -> dict[str, Any]:
    """What the step returns for its record. What imports torch is imported here and not before."""
    match step.specification:
        case Backbone() as backbone:
            from xstilts.runner.backbone import create

            return create(backbone, context)
        case Phase() as phase:
            from xstilts.runner.train import train

            return train(phase, context)
        case Evaluation() as evaluation:
            from xstilts.runner.evaluate import evaluate

            return evaluate(evaluation, context)


def _watched(report: Callable[[Event], None], claim: Claim) -> Callable[[Event], None]:
    def watched(event: Event) -> None:
        if claim.lost:
            raise ClaimLostError
        report(event)

    return watched
