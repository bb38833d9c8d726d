"""A worker process of the local engine: reads steps as JSON lines, computes them, answers in JSON lines.

    python -m xstilts.runner.worker          (started by the engine, not by hand)

The first line names the store, the places and the function that computes. When standard input ends, the
driver is gone, and the worker ends at once, whatever it is doing: the store stays whole.
"""

import json
import os
import queue
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import TextIO

from xstilts.runner.context import Event
from xstilts.runner.workbench import Workbench


def main() -> None:
    """Serve until the driver says stop or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    signal.signal(signal.SIGTERM, _leave)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with answers
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    workbench = Workbench(json.loads(lines.get()))
    while True:
        workbench.serve(json.loads(lines.get()), partial(_say, answers))


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
