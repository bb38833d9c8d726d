"""Progress on standard error: a live display on a terminal, plain lines elsewhere."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from xstilts.plain import printable
from xstilts.run.cost import tokens_of
from xstilts.study.plan import Plan
from xstilts.study.step import Step

LINE_SECONDS = 30.0
"""Time between two plain lines about a step that goes on."""


class Board:
    """What is known about a run: cells and steps done, what goes on now, how long the rest may take."""

    def __init__(self, plan: Plan, done: set[str]) -> None:
        self.plan = plan
        self.done = set(done)
        self.lost: set[str] = set()
        self.active: dict[str, tuple[Step, dict[str, Any]]] = {}
        self.began: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._timed: Counter[str] = Counter()
        # What the time of a step goes with: a phase's tokens if they are known of all, or 1.
        sizes = {one.fingerprint: tokens_of(one, plan.places) for one in plan.steps if one.kind == "phase"}
        known = all(sizes.values())
        self._size = {step.fingerprint: (known and sizes.get(step.fingerprint)) or 1 for step in plan.steps}
        self._widest = 1

    def hear(self, step: Step, event: Mapping[str, Any]) -> None:
        """Take in an event of the engine."""
        name, now = step.fingerprint, time.monotonic()
        match event["event"]:
            case "started":
                self.active[name], self.began[name] = (step, {}), now
                self._widest = max(self._widest, len(self.active))
            case "progress":
                self.active[name] = (step, dict(event))
            case "finished":
                self.done.add(name)
                if event["outcome"] == "done":
                    spent = now - self.began[name]
                    self._seconds[step.kind] = self._seconds.get(step.kind, 0.0) + spent
                    self._timed[step.kind] += self._size[name]
            case "failed" | "blocked":
                self.lost.add(name)
        if event["event"] in ("finished", "failed", "busy"):
            self.active.pop(name, None)

    @property
    def cells(self) -> tuple[int, int]:
        """Cells done, of all; of a study without targets its steps."""
        wanted = [cell.evaluation for cell in self.plan.cells] or [
            step.fingerprint for step in self.plan.steps
        ]
        return sum(one in self.done for one in wanted), len(wanted)

    @property
    def tokens_per_second(self) -> float:
        """Of all phases that go on now, together."""
        return sum(float(event.get("tokens_per_second", 0.0)) for _, event in self.active.values())

    @property
    def seconds_left(self) -> float | None:
        """What the remaining steps take at the speed of those of their kind so far; None without a guess."""
        left: Counter[str] = Counter()
        for step in self.plan.steps:
            if step.fingerprint not in self.done | self.lost:
                left[step.kind] += self._size[step.fingerprint]
        if not left or any(not self._timed[kind] for kind in left):
            return None
        seconds = sum(size * self._seconds[kind] / self._timed[kind] for kind, size in left.items())
        return seconds / self._widest

    def summary(self) -> str:
        """Cells, speed and time left in a line."""
        done, every = self.cells
        noun = "cells" if self.plan.cells else "steps"
        parts = [f"{done} of {every} {noun}"]
        if self.lost:
            parts.append(f"{len(self.lost)} steps failed or blocked")
        if self.tokens_per_second:
            parts.append(f"{self.tokens_per_second:,.0f} tokens/s")
        if self.seconds_left is not None:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)


class Progress:
    """A listener of the engine that shows a board. Use as a context; call it with every event."""

    def __init__(self, plan: Plan, done: set[str]) -> None:
        self.board = Board(plan, done)
        self.console = Console(stderr=True)
        self._said: dict[str, float] = {}
        self._executions: set[str] = set()
        self._elsewhere: set[str] = set()
        self._ended, self._turn = threading.Event(), threading.Lock()
        self._live = Live(
            console=self.console, get_renderable=self._picture, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Progress":
        self._shown().__enter__()
        if not self.console.is_terminal:
            threading.Thread(target=self._remind, daemon=True).start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._ended.set()
        self._shown().__exit__(*raised)

    def _remind(self) -> None:
        """Say that steps go on which send no events for a while: they read data, or predict a language."""
        while not self._ended.wait(1.0):
            self.remind()

    def remind(self) -> None:
        """Say how far each step is of which nothing was said for long."""
        for step, event in list(self.board.active.values()):
            self._print(self._due(step, event))

    def __call__(self, step: Step, event: Mapping[str, Any]) -> None:
        """Take in an event, and say what should be said."""
        before = self.board.began.get(step.fingerprint, 0.0)
        self.board.hear(step, event)
        execution = event.get("execution", "cpu")
        if not execution.startswith("cpu") and execution not in self._executions:
            self._executions.add(execution)
            self._print(f"phases are trained on {execution}")
        self._print(self._line(step, event, time.monotonic() - before))

    def _print(self, line: str) -> None:
        if line:
            self.console.print(printable(line), highlight=False, markup=False, soft_wrap=True)

    def _shown(self) -> AbstractContextManager[Any]:
        return self._live if self.console.is_terminal else nullcontext()

    def _line(self, step: Step, event: Mapping[str, Any], seconds: float) -> str:
        """A line for the log; on a terminal only failures, for the picture has the rest."""
        kind, name = event["event"], self.board.plan.names[step.fingerprint]
        if kind == "failed":
            return f"failed: {name} ({step.fingerprint}): {event['message']}"
        if kind == "busy" and step.fingerprint not in self._elsewhere:
            self._elsewhere.add(step.fingerprint)
            return f"{name}: another run in this store computes it; this one waits for it"
        if self.console.is_terminal or kind in ("started", "busy", "blocked"):
            return ""
        if kind == "finished":
            how = "found" if event["outcome"] == "found" else f"done in {duration(seconds)}"
            return f"{name}: {how}; {self.board.summary()}"
        return self._due(step, event)

    def _due(self, step: Step, event: Mapping[str, Any]) -> str:
        """How far a step is, if nothing was said of it for long."""
        now, began = time.monotonic(), self.board.began[step.fingerprint]
        with self._turn:
            if now - self._said.get(step.fingerprint, began) < LINE_SECONDS:
                return ""
            self._said[step.fingerprint] = now
        far = _update(event, now - began) or f"begun {duration(now - began)} ago"
        return f"{self.board.plan.names[step.fingerprint]}: {far}; {self.board.summary()}"

    def _picture(self) -> Group:
        done, every = self.board.cells
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(total=max(1, every), completed=done, width=40), self.board.summary())
        steps = Table.grid(padding=(0, 2))
        for step, event in self.board.active.values():
            seconds = time.monotonic() - self.board.began[step.fingerprint]
            steps.add_row(
                Text(f"  {self.board.plan.names[step.fingerprint]}"),
                _update(event, seconds),
                duration(seconds),
            )
        return Group(head, steps)


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _update(event: Mapping[str, Any], seconds: float) -> str:
    """How far a step is that began so many seconds ago, and how long the rest of it may take."""
    if "update" not in event:
        return ""
    unit = "language" if "language" in event else "update"
    text = f"{unit} {event['update']} of {event['updates']}"
    text += f", loss {event['loss']:.3f}" if "loss" in event else ""
    share = event["update"] / max(1, event["updates"])
    rest = f", about {duration(seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
    return f"{text} ({share:.0%}{rest})"
