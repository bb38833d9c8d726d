"""The long run: mutated inputs by the thousand, each of which ends in a result or in an error of ours.

    python tests/fuzz [--inputs N] [--seconds S] [--seed K] [TARGET ...]

Prints a table, and every fault once with the number of the first input that shows it; `--only NUMBER` tries
that one again, with its traceback. Targets run one after another, each in a process of its own, so that one
that dies is a fault and not the end.
"""

import argparse
import faulthandler
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1]))

DIED = "the process died"


def serve(name: str, first: int, last: int, seed: int) -> None:
    """Try the inputs of a target, with a line of JSON for each but the ordinary ones."""
    import sandbox
    from targets import TARGETS

    target = next(one for one in TARGETS if one.name == name)
    with tempfile.TemporaryDirectory() as root:
        wrong = target.prepare(Path(root))
        sandbox.limit_memory()
        for number in range(first, last):
            say({"at": number})
            faulthandler.dump_traceback_later(2 * sandbox.WALL_SECONDS, exit=True)  # no signal ends it
            run = wrong(Random(f"{name} {seed} {number}"))
            found = sandbox.attempt(run, Path(root))
            faulthandler.cancel_dump_traceback_later()
            say({"number": number, **vars(found)})


def say(fact: dict[str, Any]) -> None:
    print(json.dumps(fact), flush=True)


@dataclass
class Tally:
    """What came of the inputs of a target. The clock runs from the first input on."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    slowest: float = 0.0
    began: float | None = None

    @property
    def took(self) -> float:
        """Seconds since the first input."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    def hear(self, fact: dict[str, Any]) -> None:
        """Take in how an input ended."""
        self.counts[fact["kind"]] += 1
        self.slowest = max(self.slowest, fact["seconds"])
        if fact["kind"] == "fault":
            key = place(fact)
            times, first, what = self.faults.get(key, (0, fact["number"], fact["what"]))
            self.faults[key] = (times + 1, first, what)


def drive(name: str, options: argparse.Namespace) -> Tally:
    """Run a target, starting again after an input at which its process died."""
    tally = Tally(name)
    following: int | None = 0
    while following is not None and following < options.inputs:
        following = _drive(tally, following, options)
    return tally


def _drive(tally: Tally, first: int, options: argparse.Namespace) -> int | None:
    """Run inputs from one on; the one to go on with, None if time is up."""
    part = ["--serve", f"{first}:{options.inputs}", "--seed", str(options.seed)]
    trying, following = None, first
    with subprocess.Popen(
        [sys.executable, __file__, tally.name, *part], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for fact in map(json.loads, process.stdout):
            tally.began = tally.began or time.monotonic()
            if "at" in fact:
                trying = fact["at"]
                continue
            tally.hear(fact)
            trying, following = None, fact["number"] + 1
            if options.seconds and tally.took > options.seconds:
                process.kill()
                return None
    if trying is None and following == first:
        raise SystemExit(f"{tally.name}: cannot be prepared (exit status {process.returncode})")
    if trying is not None:
        what = f"{DIED} (exit status {process.returncode})"
        tally.hear({"kind": "fault", "seconds": 0.0, "number": trying, "what": what, "trace": ""})
        following = trying + 1
    return following


def place(fact: dict[str, Any]) -> str:
    """By what faults are told apart: the kind of exception and the last line of ours that it came through."""
    own = [line.strip() for line in fact["trace"].splitlines() if "xstilts/" in line]
    what: str = fact["what"].partition(":")[0]
    shown = f"{what} {own[-1].partition('xstilts/')[2]}" if own else fact["what"]
    return shown[:200]


def main() -> int:
    """Run the targets and print what came of it; 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--inputs", type=int, default=1000, help="for each target")
    parser.add_argument("--seconds", type=float, default=0, help="for each target at most; 0: no limit")
    parser.add_argument("--seed", type=int, default=0, help="other seeds, other inputs")
    parser.add_argument("--only", type=int, help="the number of one input, tried with its traceback")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        first, last = map(int, options.serve.split(":"))
        serve(options.targets[0], first, last, options.seed)
        return 0
    from targets import TARGETS

    names = [one.name for one in TARGETS]
    if unknown := set(options.targets) - set(names):
        parser.error(f"no target named {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if options.only is not None:
        return again(options.targets, options.only, options.seed)
    print(f"{'target':<12}{'inputs':>8}{'results':>9}{'errors':>8}{'faults':>8}{'slowest':>9}{'seconds':>9}")
    found = []
    for name in options.targets or names:
        found.append(drive(name, options))
        tell(found[-1])
    for one in found:
        for key, (times, first, what) in sorted(one.faults.items()):
            print(f"\n{one.name} {first} (and {times - 1} more): {key}\n    {what}")
    return int(any(one.faults for one in found))


def tell(one: Tally) -> None:
    """A line of the table."""
    kinds = (("result", 9), ("error", 8), ("fault", 8))
    numbers = "".join(f"{one.counts[kind]:>{width}}" for kind, width in kinds)
    print(f"{one.name:<12}{one.counts.total():>8}{numbers}{one.slowest:>8.2f}s{one.took:>8.0f}s", flush=True)


def again(names: list[str], number: int, seed: int) -> int:
    for name in names:
        command = [sys.executable, __file__, name, "--serve", f"{number}:{number + 1}", "--seed", str(seed)]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
        for fact in map(json.loads, output.splitlines()):
            if "kind" in fact:
                print(f"{name} {number}: {fact['kind']} {fact['what']}\n{fact['trace']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
