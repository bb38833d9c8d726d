"""A small study whose work costs nothing (fakes.py), for the tests of engines; and what was done of it."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.run import launch, local
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step

if TYPE_CHECKING:
    from conftest import World

DRIVER = """
import sys
from pathlib import Path
from xstilts.run import launch, local
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan
found = plan(load(sys.argv[1]))
print("begin", flush=True)
store, listener = Store(Path(sys.argv[2])), lambda *_: None
launch.COMPUTE = "fakes:compute"
result = local.run(launch.Run(found.steps, store, found.places), listener, workers=2)
print(result.computed, flush=True)
"""


class Bench:
    """A plan, a store with instructions for the fake work, and what was done."""

    def __init__(self, world: "World", root: Path) -> None:
        self.study = world.study()
        self.plan: Plan = plan(load(self.study))
        self.store = Store(root)
        self.events: list[tuple[Step, Mapping[str, Any]]] = []
        self.store.prepare()
        self.instruct()

    def instruct(self, **instructions: Any) -> None:
        (self.store.root / "instructions.json").write_text(json.dumps(instructions))

    def run(self, workers: int = 2) -> launch.Result:
        return local.run(self.wanted, self.listener, workers=workers)

    @property
    def wanted(self) -> launch.Run:
        """All of it, of those who launch it."""
        return launch.Run(self.plan.steps, self.store, self.plan.places)

    def listener(self, step: Step, event: Mapping[str, Any]) -> None:
        self.events.append((step, event))

    def driver(self) -> "subprocess.Popen[str]":
        """Another driver, as a process of its own."""
        arguments = [sys.executable, "-c", DRIVER, str(self.study), str(self.store.root)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    @property
    def log(self) -> list[tuple[str, int]]:
        """Fingerprint and process of every computation that was begun."""
        path = self.store.root / "log.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split()[0], int(line.split()[1])) for line in lines]

    @property
    def begun(self) -> Counter[str]:
        return Counter(fingerprint for fingerprint, _ in self.log)

    def named(self, name: str) -> Step:
        return next(step for step in self.plan.steps if step.name == name)

    def is_whole(self) -> bool:
        finished = all(self.store.done(step) for step in self.plan.steps)
        left = [
            path for name in ("leases", "temporary", "running") for path in (self.store.root / name).iterdir()
        ]
        return finished and not left


def remove(root: Path) -> None:
    """As `rm -rf` does it, while others write into it."""
    while root.exists():
        shutil.rmtree(root, ignore_errors=True)


def removing(bench: Bench, at: str, part: str = "") -> Callable[[Step, Mapping[str, Any]], None]:
    """A listener that removes the store, or a part of it, at every event of that kind."""

    def listener(step: Step, event: Mapping[str, Any]) -> None:
        if event["event"] == at:
            remove(bench.store.root / part)

    return listener
