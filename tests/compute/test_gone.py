"""The store is removed while a study runs: that is said, and nobody makes a part of it anew.

For the other engines see test_ray.py and test_slurm.py.
"""

from pathlib import Path

import pytest
from bench import Bench, remove, removing
from toybox import BACKBONE, PLACES, phase

from xstilts.compute import train, work
from xstilts.errors import StoreError
from xstilts.store import Store
from xstilts.study.step import Step

GONE = "is not there any more"


@pytest.mark.parametrize("at", ["started", "progress", "finished"])
def test_the_local_engine_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    bench.instruct(seconds=0.2)
    monkeypatch.setattr(bench, "listener", removing(bench, at))
    with pytest.raises(StoreError, match=GONE):
        bench.run()
    assert not bench.store.root.exists()


def test_so_it_does_where_the_folder_is_gone_in_which_workers_meet(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.instruct(seconds=0.2)
    monkeypatch.setattr(bench, "listener", removing(bench, "progress", "jobs"))
    with pytest.raises(StoreError, match=GONE):
        bench.run(workers=1)


def test_a_worker_that_dies_does_not_hide_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.instruct(**{step.name: "die" for step in bench.plan.steps})
    monkeypatch.setattr(bench, "listener", removing(bench, "progress"))
    with pytest.raises(StoreError, match=GONE):
        bench.run(workers=1)


@pytest.mark.parametrize("part", ["", "temporary", "steps"])
def test_a_training_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    store = Store(tmp_path / "store")
    store.prepare()
    trained = Step(phase("pairs", parent=BACKBONE, updates=4))
    work.compute(Step(BACKBONE), store, PLACES, lambda event: None)
    with pytest.raises(StoreError, match=GONE):
        work.compute(trained, store, PLACES, lambda event: remove(store.root / part))
    assert not (store.root / part).exists()


def test_what_a_bug_raises_is_no_matter_of_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.prepare()
    with pytest.raises(FileNotFoundError), store.guarded():
        (tmp_path / "elsewhere").read_text()
