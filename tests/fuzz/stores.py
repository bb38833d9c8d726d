"""A store with the results of a small study, of which one file is made wrong, and then all is read again."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import mutation
import polars as pl

from analysis import example
from xstilts import metrics
from xstilts.analysis import collapse, files, methods, permutation
from xstilts.analysis.results import Results
from xstilts.audit import audit as audits
from xstilts.audit.finding import Audit, Finding
from xstilts.run import cost
from xstilts.store import Store, checksums, maintenance
from xstilts.study.phase import Phase
from xstilts.study.plan import Cell, Plan
from xstilts.study.step import Step
from xstilts.xtreme.export import export

Look = tuple[int, int, int]

FEW = {"EXCHANGES": 5, "FIRST": 2}
"""How often predictions are exchanged to know a guess: not 199 times, which took nine tenths of all time."""
SMALL = {"N": 8, "METRICS": {"lab_nli": "accuracy", "lab_ner": "span_f1"}, "LANGUAGES": ("x-en", "x-ga")}
FINDING = Finding(
    "rows", "leak", "lab_nli", "test", "x-en", ("lab_nli train x-en",), ("7",), 3, 1, 8, 0.0, ("a",)
)


def prepare(folder: Path) -> Callable[[Random], Callable[[], object]]:
    """Gives what makes a file wrong, and what reads it as `status`, `report`, `export` and `check` do."""
    with mock.patch.multiple(example, **SMALL, CLAIMS=()):
        world = example.make(folder, seeds=(1,), without=(("tags", "lab_ner"),))
    plan, root = world.plan, world.store.root
    (root / "audits").mkdir()
    audit = audits._path(plan, world.store)
    audit.write_text(json.dumps(Audit((FINDING,), 8, 9, ("lab_nli test in x-ga",), ("x-ga",)).to_json()))
    for step in plan.steps:
        _with_ids(world.store.folder(step.fingerprint))
    (root / "leases" / f"{plan.steps[-1].fingerprint}.json").write_text("token 7 host")
    right = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    paths, looks = sorted(right), {path: _look(path) for path in right}

    def wrong(rng: Random) -> Callable[[], object]:
        _restore(root, right, looks)
        path = rng.choice(paths)
        path.write_bytes(_changed(rng, path, right[path]))
        for one in (path, path.with_name(checksums.RECORD)):
            looks.pop(one, None)
        if path.parent.parent.name == "steps":
            _sealed(rng, path)
        if rng.random() < 0.03:
            (root / "temporary" / rng.choice(("a", "a@b", "7@host@x@y", "a@b@9999999999999999999@c"))).mkdir()
        if rng.random() < 0.03:
            return lambda: _briefly(lambda: _read_all(plan, root, folder / "out"))
        return lambda: _briefly(lambda: _read(plan, root, path))

    return wrong


def _briefly(read: Callable[[], object]) -> object:
    with mock.patch.multiple(permutation, **FEW):
        return read()


def _with_ids(folder: Path | None) -> None:
    """The example's predictions have no ids; those that `compute` writes do."""
    if folder is not None and (path := folder / "predictions.parquet").is_file():
        pl.read_parquet(path).with_columns(id=pl.col("index").cast(pl.String)).write_parquet(path)
        _recorded(folder)


def _recorded(folder: Path) -> None:
    """The record with the checksums of what is there now."""
    path = folder / checksums.RECORD
    record = json.loads(path.read_bytes()) | {checksums.FILES: checksums.of_folder(folder)}
    path.write_text(json.dumps(checksums.sealed(record)))


def _restore(root: Path, right: dict[Path, bytes], looks: dict[Path, Look | None]) -> None:
    """All as it was: the files of which no look is known, and those that look otherwise now."""
    for folder in (root / "temporary").iterdir():
        folder.rmdir()
    for path, content in right.items():
        if path not in looks or looks[path] != _look(path):
            path.write_bytes(content)
            looks[path] = _look(path)


def _look(path: Path) -> Look | None:
    """How a file looks without being read."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changed(rng: Random, path: Path, content: bytes) -> bytes:
    if path.suffix == ".parquet":
        return _frame(rng, content) if rng.random() < 0.7 else mutation.data(rng, content)
    if path.suffix == ".jsonl":
        return mutation.chosen(rng, content, (mutation.lines, _line))
    if path.parent.name == "leases":
        return mutation.data(rng, content)
    return mutation.json_text(rng, json.loads(content))


def _line(rng: Random, content: bytes) -> bytes:
    rows = content.rstrip(b"\n").split(b"\n")
    at = rng.randrange(len(rows))
    rows[at] = mutation.json_text(rng, json.loads(rows[at]))
    return b"\n".join(rows)


def _frame(rng: Random, content: bytes) -> bytes:
    """Predictions with another value, another type, a column less, rows fewer or more."""
    frame = pl.read_parquet(content)
    name = rng.choice(frame.columns)
    values: list[Any] = frame[name].to_list()
    at = rng.randrange(len(values))
    match rng.randrange(6):
        case 0:
            frame = frame.drop(name)
        case 1:
            frame = frame.head(rng.randrange(len(frame)))
        case 2:
            frame = pl.concat([frame, frame.tail(rng.randrange(3))])
        case 3:
            kinds = {
                "index": (pl.Int64, pl.Float64, pl.String),
                "statistics": (pl.List(pl.Float32), pl.List(pl.Int8)),
            }
            frame = frame.with_columns(
                pl.col(name).cast(rng.choice(kinds.get(name, (pl.Categorical, pl.Binary))))
            )
        case _:
            values[at] = _other(rng, values[at])
            frame = frame.with_columns(pl.Series(name, values, frame[name].dtype, strict=False))
    written = io.BytesIO()
    frame.write_parquet(written)
    return written.getvalue()


def _other(rng: Random, value: Any) -> Any:
    if isinstance(value, list):
        return rng.choice(([], [1.0], [float("nan")] * len(value), [1e308] * len(value), [*value, 1.0], None))
    if isinstance(value, int):
        return rng.choice((-1, 2**31 - 1, 0, None))
    made = mutation.json_text(rng, ["B-0", "O"]).decode(errors="replace")
    return rng.choice((None, "", "x-ga", "1", "-1", "[[]]", '{"a": 1}', "null", made[:10_000]))


def _sealed(rng: Random, path: Path) -> None:
    """Checksums that fit in most cases: as whoever gives a store away could make them; or none at all."""
    folder, record = path.parent, path.parent / checksums.RECORD
    chance = rng.random()
    if path != record and chance < 0.8:
        _recorded(folder)
    elif path == record and chance < 0.8:
        try:
            changed = json.loads(path.read_bytes())
            if isinstance(changed, dict):
                path.write_text(json.dumps(checksums.sealed(changed)))
        except (ValueError, RecursionError):
            return


def _read(plan: Plan, root: Path, path: Path) -> Store:
    """What every command reads, and the step whose file it is."""
    store = Store(root)
    store.prepare()
    store.know(plan.steps)
    store.missing(plan.steps)
    methods.leaks(plan, store)
    for step in plan.steps:
        store.leased(step.fingerprint)
        store.failure(step.fingerprint)
        if step.fingerprint in path.as_posix() and store.done(step):
            maintenance.verify(store, [path.parent])
            _read_step(Plan(plan.study, (step,), _cells(plan, step.fingerprint), plan.places), step, store)
    return store


def _cells(plan: Plan, fingerprint: str) -> tuple[Cell, ...]:
    return tuple(cell for cell in plan.cells if cell.evaluation == fingerprint)


def _read_step(plan: Plan, step: Step, store: Store) -> None:
    """The step alone, as a report reads each."""
    for found in (methods.failures, methods.costs, methods.machines):
        found(plan, store)
    cost.estimate(plan, store)
    if isinstance(step.specification, Phase):
        files.curve(store.file(step.fingerprint, "curve.jsonl"))
    for cell in plan.cells[:1]:
        collapse._by_predictions.cache_clear()
        used = plan.evaluation(cell).use
        path = store.file(cell.evaluation, "predictions.parquet")
        collapse._by_predictions(path, "x-en", used.family, metrics.find(plan.evaluation(cell).metric), 0.0)
        assert len(Results(plan, store).table) > 0
        assert Results(plan, store)._samples or not len(pl.read_parquet(path))


def _read_all(plan: Plan, root: Path, out: Path) -> None:
    """All that reads a store, but for the drawing of charts and the setting of pages."""
    store = _read(plan, root, root)
    maintenance.sizes(store)
    maintenance.verify(store)
    maintenance.unreferenced(store, plan.steps)
    results = Results(plan, store)
    assert len(results.table) > 0
    methods.models(plan, store)
    methods.own_scores(results)
    collapse._by_predictions.cache_clear()
    collapse.examined(plan, store)
    assert results._samples
    export(plan, store, out)
