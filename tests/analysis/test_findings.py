"""Findings are computed once, and kept for those who want to know the answer at once."""

import os
from dataclasses import replace

import pytest

from xstilts.analysis import results
from xstilts.analysis.findings import NOT_REPORTED, Findings
from xstilts.cli import show
from xstilts.report import page
from xstilts.store import Store
from xstilts.study.step import Step

from .example import make


@pytest.fixture
def reported(tmp_path):
    """A small study of which a report was written."""
    world = make(tmp_path, seeds=(1,))
    found = Findings.of(world.plan, world.store)
    page.write(found, ["csv"], tmp_path / "out")
    return world, found


def status(world, capsys):
    show.status(world.plan, Store(world.store.root), as_json=False)
    return capsys.readouterr().out


def test_status_says_what_the_last_report_found_without_a_resample(reported, capsys, monkeypatch):
    world, found = reported
    monkeypatch.setattr(results.Results, "drawn", property(lambda _: pytest.fail("drawn again")))
    monkeypatch.setattr("xstilts.analysis.collapse.examine", lambda *_: pytest.fail("examined again"))
    text = status(world, capsys)
    assert found.answer in text
    assert all(condition in text for condition in found.conditions)


def test_status_says_so_when_results_have_gone_or_come_since(reported, capsys):
    world, found = reported
    cell = next(cell for cell in world.plan.cells if cell.arm == "nli")
    world.store.remove(cell.evaluation)
    text = status(world, capsys)
    assert NOT_REPORTED in text
    assert found.answer not in text
    assert "1 of 20 cells are missing." in text


def test_another_study_of_the_same_store_has_no_answer_of_this_one(reported, capsys):
    world, found = reported
    cells = tuple(cell for cell in world.plan.cells if cell.arm != "tags")
    assert Findings.of(replace(world.plan, cells=cells), world.store).known_headline[0] == NOT_REPORTED
    assert Findings.of(world.plan, world.store).known_headline[0] == found.answer


def test_a_repeated_evaluation_with_other_predictions_is_noticed(reported):
    world, _ = reported
    cell = world.plan.cells[0]
    store, step = world.store, Step(world.plan.evaluation(cell))
    files = {path.name: path.read_bytes() for path in store.folder(cell.evaluation).iterdir()}
    store.remove(cell.evaluation)
    with store.writing(step) as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content.replace(b'"seconds": 1.5', b'"seconds": 2.5'))
    assert Findings.of(world.plan, store).known_headline[0] == NOT_REPORTED


@pytest.mark.skipif(os.geteuid() == 0, reason="who may write everywhere is not kept from it")
def test_a_store_that_is_only_read_gets_nothing(reported, tmp_path):
    world, found = reported
    for path in (world.store.root / "answers").iterdir():
        path.unlink()
    (world.store.root / "answers").rmdir()
    world.store.root.chmod(0o555)
    try:
        found.keep()
    finally:
        world.store.root.chmod(0o755)
    assert not (world.store.root / "answers").exists()


def test_the_tidy_tables_are_computed_once(reported):
    _, found = reported
    assert found.scores is found.scores
    assert found.effects is found.effects
    assert found.verdicts is found.verdicts
