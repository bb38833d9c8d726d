"""What survives a kill: a small study of the lab is killed at random instants and started again.

    python benchmarks/chaos.py kills [--kills 50] [--workers 1 4] [--json FILE]
    python benchmarks/chaos.py two [--steps 400] [--json FILE]

`kills`: every run is killed once, with all its workers (-9), and given again. Every other one is killed at an
instant drawn from the time that a run takes; the rest while a state, a checkpoint, or encoded rows are being
written. Afterwards the checksums of all files of all steps, and the tables of the report, are compared with
those of a run that nobody killed. Lost is the time that both parts took beyond that of a run that nobody
killed, which is measured again every ten kills. Three phases train for some seconds each, and a state is kept
every half second instead of every minute: else no kill would find one.

`two`: two drivers of four workers each on one store; three workers are killed. Steps only wait, so that the
figures are of leases and takeovers alone. Then one whole driver is killed, and the other's takeover timed.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from xstilts.analysis.findings import Findings
from xstilts.compute import work
from xstilts.compute.context import Context, Event, Means
from xstilts.run import launch, local
from xstilts.run.launch import CheckpointDropper
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Places, Step

HERE = Path(__file__).resolve()
LOG = "begun.txt"
STATE_SECONDS = 0.5
AGAIN = 10
"""So many kills later it is measured again what a run takes, for a computer is not always equally fast."""
STEP_SECONDS = 0.3
STUDY = """
name = "chaos"
question = "Does a kill change a number?"
references = []
[backbones.lab]
model = "lab"
[intermediate]
seeds = [1]
recipe = { updates = 60, examples = 500, batch_size = 16, max_length = 64, stride = 32, precision = "fp32" }
[intermediate.arms]
none = []
nli = ["lab_nli"]
[target]
seeds = [1]
tasks = ["lab_entail", "lab_tatoeba"]
[target.recipe]
updates = 40
examples = 300
batch_size = 16
max_length = 64
stride = 32
precision = "fp32"
"""
MANY = """
name = "many"
question = "Is anything done twice?"
references = []
[backbones.base]
model = "lab"
[intermediate]
seeds = {seeds}
recipe = {{ max_length = 64, stride = 32 }}
[intermediate.arms]
none = []
nli = ["lab_nli"]
[target]
seeds = {seeds}
tasks = ["lab_entail", "lab_pos"]
recipe = {{ max_length = 64, stride = 32 }}
"""


def main() -> None:
    """Do what is asked, print figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description="What survives a kill")
    parser.add_argument("what", choices=("kills", "two", "drive"))
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    if options.what == "drive":
        drive(Path(options.rest[0]), Path(options.rest[1]), int(options.rest[2]), options.rest[3])
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "two":
            figures = two(Path(folder), options.steps)
        else:
            figures = {
                f"{workers} workers": kills(Path(folder) / str(workers), options.kills, workers)
                for workers in options.workers
            }
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


# A driver and its work, in processes of their own


def drive(study: Path, root: Path, workers: int, compute: str) -> None:
    """Run the study as the command would, with as many workers as asked for, also beyond the cores."""
    found, store = plan(load(study)), Store(root)
    with mock.patch("xstilts.run.machine.cores", return_value=workers):
        store.prepare()
        sweep = CheckpointDropper(found.steps, store, lambda *_: None)
        with mock.patch.object(launch, "COMPUTE", f"chaos:{compute}"):
            wanted = launch.Run(found.steps, store, found.places)
            result = local.run(wanted, sweep, workers=workers)
    print(result.computed, flush=True)
    sys.exit(0 if result.complete else 1)


def train(
    step: Step, store: Store, places: Places, report: Callable[[Event], None], means: Means
) -> work.Outcome:
    """The real work, with states more often."""
    with mock.patch.object(work, "Context", partial(Context, save_seconds=STATE_SECONDS)):
        return work.compute(step, store, places, report, means)


def wait(
    step: Step, store: Store, places: Places, report: Callable[[Event], None], means: Means
) -> work.Outcome:
    """The real leases and folders around nothing but time; a line in the log at the beginning and the end."""

    def result(step: Step, context: Context) -> dict[str, Any]:
        _log(store, "begun", step)
        time.sleep(STEP_SECONDS)
        (context.folder / "checkpoint").mkdir()
        (context.folder / "checkpoint" / "weights").write_text(step.fingerprint)
        _log(store, "ended", step)
        return {}

    with mock.patch.object(work, "_result", result):
        return work.compute(step, store, places, report, means)


def _log(store: Store, what: str, step: Step) -> None:
    with (store.root / LOG).open("a") as file:
        file.write(f"{what} {step.fingerprint} {os.getpid()} {time.time()}\n")


# Kills


def kills(folder: Path, number: int, workers: int) -> dict[str, Any]:
    """Kill so many runs once each, and compare with one that was not killed."""
    folder.mkdir()
    study = folder / "chaos.toml"
    study.write_text(STUDY)
    found = plan(load(study))
    runs = [_whole_seconds(study, folder / "whole", workers)]
    wanted, rng = _content(found, folder / "whole"), random.Random(0)
    lost, moments, same = [], Counter[str](), 0
    for one in range(number):
        if one and one % AGAIN == 0:
            runs.append(_whole_seconds(study, folder / f"whole{one}", workers))
        root, whole = folder / f"killed{one}", runs[-1]
        seconds, moment = _killed(study, root, workers, rng, rng.uniform(0, whole) if one % 2 else None)
        began = time.monotonic()
        assert _start(study, root, workers, "train").wait() == 0, "the study ends after a kill"
        lost.append(seconds + time.monotonic() - began - whole)
        identical = _content(found, root) == wanted
        same += identical
        moments[moment] += 1
        told = f"{workers} workers, kill {one + 1}: {moment}, at {seconds:.1f} s, lost {lost[-1]:.1f} s"
        print(told if identical else f"{told}: DIFFERENT", file=sys.stderr, flush=True)
    return {
        "kills": number,
        "identical": same,
        "moments": dict(moments),
        "seconds_of_a_run": [round(one, 1) for one in runs],
        "lost_seconds_median": round(statistics.median(lost), 1),
        "lost_seconds_worst": round(max(lost), 1),
    }


def _killed(
    study: Path, root: Path, workers: int, rng: random.Random, after: float | None
) -> tuple[float, str]:
    """Start a run and kill it and its workers; gives the seconds that it had, and what it was doing."""
    process, began = _start(study, root, workers, "train"), time.monotonic()
    kind, skip = rng.choice(("state", "checkpoint", "rows")), rng.randrange(4)
    seen: set[Path] = set()
    while process.poll() is None:
        if after is not None:
            if time.monotonic() - began >= after:
                break
        else:
            seen.update(_being_written(root, kind))
            if len(seen) > skip:
                break
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    seconds = time.monotonic() - began
    left = [one for one in ("state", "checkpoint", "rows") if _being_written(root, one)]
    return seconds, f"writing {' and '.join(left)}" if left else "between"


def _being_written(root: Path, kind: str) -> list[Path]:
    """Files that are half written now."""
    patterns = {
        "state": "running/*/state.safetensors.*",
        "checkpoint": "temporary/*/checkpoint",
        "rows": "data/.*",
    }
    with contextlib.suppress(FileNotFoundError):
        return list(root.glob(patterns[kind]))
    return []


def _content(found: Plan, root: Path) -> dict[str, Any]:
    """The checksums of all files of all steps, and the tables of the report."""
    from xstilts.report import page

    store = Store(root)
    store.know(found.steps)
    files = {step.fingerprint: (store.record(step.fingerprint) or {})["files"] for step in found.steps}
    tables = page.write(Findings.of(found, store), ["csv"], root / "report")
    left = [path.name for name in ("temporary", "running", "leases") for path in (root / name).iterdir()]
    assert not left, f"left behind: {left}"
    return {"files": files, "tables": [path.read_bytes() for path in tables]}


def _start(
    study: Path, root: Path, workers: int, compute: str, output: int = subprocess.DEVNULL
) -> "subprocess.Popen[str]":
    """A driver in a process group of its own, which is killed with its workers."""
    arguments = [sys.executable, str(HERE), "drive", str(study), str(root), str(workers), compute]
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(arguments, stdout=output, text=True, start_new_session=True, env=environment)


def _whole_seconds(study: Path, root: Path, workers: int) -> float:
    """What a run takes that nobody kills."""
    began = time.monotonic()
    assert _start(study, root, workers, "train").wait() == 0, "the study ends"
    return time.monotonic() - began


# Two drivers


def two(folder: Path, steps: int) -> dict[str, Any]:
    """Two drivers of four workers each; three workers are killed. Then a driver is killed, and taken over."""
    study, seeds = folder / "many.toml", list(range(1, max(2, steps // 9) + 1))
    study.write_text(MANY.format(seeds=seeds))
    found = plan(load(study))
    root, rng = folder / "store", random.Random(0)
    drivers = [_start(study, root, 4, "wait", subprocess.PIPE) for _ in range(2)]
    for share in (0.2, 0.4, 0.6):
        _await(partial(_has_ended, root, share * len(found.steps)))
        _await(lambda: bool(_at_work(root)))
        os.kill(rng.choice(_at_work(root)), signal.SIGKILL)
    computed = [int(driver.communicate()[0]) for driver in drivers]
    assert all(Store(root).done(step) for step in found.steps)
    begun, ended = (Counter(line[1] for line in _lines(root, what)) for what in ("begun", "ended"))
    return {
        "steps": len(found.steps),
        "in_the_store": len(list((root / "steps").iterdir())),
        "computed_by_each_driver": computed,
        "begun": begun.total(),
        "ended": ended.total(),
        "ended_twice": sum(count > 1 for count in ended.values()),
        "cut_short_by_kills": begun.total() - ended.total(),
    } | _takeover(study, folder / "other", len(found.steps))


def _takeover(study: Path, root: Path, steps: int) -> dict[str, Any]:
    """How long after the kill of a driver the other begins the steps that the dead workers had leased."""
    dead, living = (_start(study, root, 4, "wait") for _ in range(2))
    _await(partial(_has_ended, root, steps / 4))
    os.killpg(dead.pid, signal.SIGKILL)
    killed = time.time()
    dead.wait()
    held = {line[1] for line in _lines(root, "begun")} - {line[1] for line in _lines(root, "ended")}
    assert living.wait() == 0
    again = {line[1]: float(line[3]) for line in _lines(root, "begun") if line[1] in held}
    seconds = [at - killed for at in again.values() if at > killed]
    return {
        "leases_taken_over": len(seconds),
        "takeover_seconds_median": round(statistics.median(seconds), 2) if seconds else None,
        "takeover_seconds_worst": round(max(seconds), 2) if seconds else None,
    }


def _lines(root: Path, what: str) -> list[list[str]]:
    path = root / LOG
    lines = [line.split() for line in path.read_text().splitlines()] if path.is_file() else []
    return [line for line in lines if line[0] == what]


def _has_ended(root: Path, number: float) -> bool:
    return len(_lines(root, "ended")) >= number


def _at_work(root: Path) -> Sequence[int]:
    """The workers that have begun a step and not ended it."""
    busy = Counter(int(line[2]) for line in _lines(root, "begun"))
    busy.subtract(int(line[2]) for line in _lines(root, "ended"))
    return [process for process, count in busy.items() if count > 0 and _is_running(process)]


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _await(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.005)


if __name__ == "__main__":
    main()
