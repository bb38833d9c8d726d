"""A worker process of the local engine: reads steps as JSON lines, computes them, answers in JSON lines.

    python -m xstilts.runner.worker          (started by the engine, not by hand)

The first line names the store, the places and the function that computes. When standard input ends, the
driver is gone, and the worker ends at once, whatever it is doing: the store stays whole.
"""

import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from xstilts.errors import StoreError, XstiltsError
from xstilts.runner.context import Event
from xstilts.store import Store
from xstilts.study.step import Places, Step


def main() -> None:
    """Serve until the driver says stop or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.signal(signal.SIGTERM, _leave)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with answers
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    settings = json.loads(lines.get())
    store, places = Store(Path(settings["store"])), Places.from_json(settings["places"])
    module, function = settings["compute"].split(":")
    compute = getattr(importlib.import_module(module), function)
    while True:
        step = Step.from_spec(json.loads(lines.get()))
        _say(answers, _serve(compute, step, store, places, answers))


def _serve(compute: Callable[..., str], step: Step, store: Store, places: Places, answers: TextIO) -> Event:
    """Compute one step; whatever goes wrong with it is an answer, not the end of the worker."""

    def report(event: Event) -> None:
        _say(answers, {"event": "progress", **event})

    try:
        return {"event": "finished", "outcome": compute(step, store, places, report)}
    except Exception as error:
        return {
            "event": "failed",
            "message": str(error) if isinstance(error, XstiltsError) else f"{type(error).__name__}: {error}",
            "traceback": traceback.format_exc(),
            "store": [error.where, error.what, error.now] if isinstance(error, StoreError) else None,
        }
    finally:
        torch: Any = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


def _listen(lines: "queue.SimpleQueue[bytes]") -> None:
    """Takes lines by `os.read`: sys.stdin has a lock, which this thread would hold when the process ends."""
    rest = b""
    while arrived := os.read(sys.stdin.fileno(), 1 << 16):
        *whole, rest = (rest + arrived).split(b"\n")
        for line in whole:
            lines.put(line)
    os._exit(1)


def _leave(signal_number: int, frame: FrameType | None) -> None:
    """Give claims back and remove what is half written, on the way out."""
    raise SystemExit(1)


def _say(answers: TextIO, event: Event) -> None:
    answers.write(json.dumps(event) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
