"""A worker: takes step after step whose parents are in the store and that nobody holds, and computes it.

    python -m xstilts.run.worker FOLDER NAME          (started by the local launcher, not by hand)

It is the same program everywhere. It reads the steps of the run, looks into the store and takes leases; so it
needs nobody to hand out work, and goes on if its launcher is gone (but for the local launcher's, which are to
end with it). A worker that is asked to leave gives its lease back; the step continues from its last state.
"""

import contextlib
import importlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from xstilts.compute.context import Event, Means, cuda
from xstilts.compute.work import Outcome, end_with_parent, message
from xstilts.errors import DamageError, StoreError
from xstilts.run import rendezvous
from xstilts.run.rendezvous import Entry, Remaining
from xstilts.store import Store, leases
from xstilts.study.step import Places, Step

Compute = Callable[[Step, Store, Places, Callable[[Event], None], Means], Outcome]


class Leave(SystemExit):
    """The worker is asked to leave; raised wherever it is, so that leases are given back on the way out."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(0)


def leave(number: int, frame: FrameType | None) -> None:
    """Leave at a signal: a handler."""
    signal.signal(number, signal.SIG_IGN)  # what is being put away must not be cut off by a second signal
    raise Leave(number)


def serve(folder: Path, name: str, **about: Any) -> None:
    """Work for the run that meets in that folder, until all is done or given up.

    `about` is what the launcher should know of this process. Raises StoreError if the store is not the
    launcher's, or cannot be written any more; Leave where the worker is asked to leave.
    """
    settings, entries = rendezvous.join(folder)
    os.environ.update(settings["environment"])
    module, function = settings["compute"].split(":")
    compute: Compute = getattr(importlib.import_module(module), function)
    store, places, pace = Store(folder.parents[1]), Places.from_json(settings["places"]), settings["pace"]
    means, left, later = Means(**settings["means"]), Remaining(entries), dict[str, float]()
    patience = math.inf if pace["idle"] is None else pace["idle"]
    with _present(folder, name, about) as log:
        useful = time.monotonic()
        while left:
            entry = _next(folder, store, left, later)
            if entry is None:
                if time.monotonic() - useful > patience:  # others have been at all that is left for long
                    return
                time.sleep(pace["search"])
                continue
            fingerprint = entry.fingerprint
            if store.leased(fingerprint):
                later[fingerprint] = time.monotonic() + pace["busy"]
                continue
            try:
                tell = _teller(log, fingerprint, pace["tell"])
                outcome = compute(Step.from_spec(entry.spec), store, places, tell, means)
            except Exception as error:
                if isinstance(error, StoreError) and not isinstance(error, DamageError):
                    raise
                told = message(error)
                rendezvous.fail(folder, fingerprint, told)
                left.give_up(fingerprint)
                log.tell(event="failed", step=fingerprint, message=told)
            else:
                if outcome == "busy":
                    later[fingerprint] = time.monotonic() + pace["busy"]
                    log.tell(event="busy", step=fingerprint)
                else:
                    left.finish(fingerprint)
                    log.tell(event="finished", step=fingerprint, outcome=outcome)
            finally:
                if (gpu := cuda()) is not None:
                    gpu.empty_cache()
            useful = time.monotonic()


@contextlib.contextmanager
def _present(folder: Path, name: str, about: Mapping[str, Any]) -> Iterator[rendezvous.Log]:
    """The log of a worker, which says that it has joined, and why it left or what stopped it."""
    log = rendezvous.Log(folder, name)
    log.tell(event="joined", owner=leases.owner(), **about)
    try:
        yield log
    except (Leave, KeyboardInterrupt) as end:
        why = signal.Signals(end.number).name if isinstance(end, Leave) else "interrupted"
        log.tell(event="left", why=why)
        raise
    except StoreError as error:
        with contextlib.suppress(StoreError):  # the log is in the store, which may be gone
            log.tell(event="stopped", store=list(error.args))
        raise
    log.tell(event="left", why="nothing to do")


def _next(folder: Path, store: Store, left: Remaining, later: Mapping[str, float]) -> Entry | None:
    """The first step that is ready and, as far as is known, to be computed; None if there is none now."""
    store.require()
    looks = True
    while looks:
        looks = False
        for entry in left.ready():
            if store.done(entry):
                left.finish(entry.fingerprint)
                looks = True  # what waited for it may come first
                break
            if rendezvous.failed(folder, entry.fingerprint):
                left.give_up(entry.fingerprint)
            elif time.monotonic() >= later.get(entry.fingerprint, 0.0):
                return entry
    return None


def _teller(log: rendezvous.Log, name: str, seconds: float) -> Callable[[Mapping[str, Any]], None]:
    """Tells that the step begins, and its progress, but not more often than that."""
    begun, told = False, -math.inf

    def tell(event: Mapping[str, Any]) -> None:
        nonlocal begun, told
        if event["kind"] == "begin":  # also of a parent whose checkpoint was dropped
            if not begun:
                log.tell(event="started", step=name)
            begun = True
        elif time.monotonic() - told >= seconds:
            told = time.monotonic()
            log.tell(**{**event, "event": "progress", "step": name})

    return tell


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the launcher decides
    signal.signal(signal.SIGTERM, leave)
    end_with_parent()
    try:
        serve(Path(sys.argv[1]), sys.argv[2])
    except StoreError as end:
        print(end, file=sys.stderr)
        sys.exit(1)
