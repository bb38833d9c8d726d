"""The examples are sound: no study file has errors, and the one that needs nothing from outside plans."""

import json
import runpy
import shutil
from pathlib import Path

import pytest

from xstilts import tasks as registry
from xstilts.audit import finding
from xstilts.audit.audit import audited
from xstilts.data import loader
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan

EXAMPLES = Path(__file__).parent.parent / "examples"
STUDIES = sorted(EXAMPLES.glob("*/*.toml"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the example with a task and a backbone of one's own, its backbone made."""
    folder = tmp_path / "own-task"
    shutil.copytree(EXAMPLES / "own-task", folder, ignore=shutil.ignore_patterns("backbone", "store"))
    runpy.run_path(str(folder / "make_backbone.py"), run_name="__main__")
    return folder


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_study_files_have_no_errors(path: Path) -> None:
    assert load(path).question


def test_own_task_and_backbone_plan(own: Path) -> None:
    planned = plan(load(own / "study.toml"))
    assert not planned.notes
    assert {(cell.arm, cell.seed) for cell in planned.cells if not cell.reference} == {
        (arm, seed) for arm in ("none", "translations") for seed in (1, 2, 3)
    }
    assert planned.places.tasks["mytask"] == own / "mytask.py"


def test_the_own_task_example_runs_as_its_page_says(own: Path) -> None:
    """The leak audit, which comes before a run, refuses nothing of it."""
    planned = plan(load(own / "study.toml"))
    found = audited(planned, Store(own / "store"))
    assert {one.kind for one in found.findings} >= {"rows", "parallel"}
    finding.refuse(found, planned.study)


def test_own_tasks_read_their_rows() -> None:
    remarks = registry.find(str(EXAMPLES / "own-task" / "mytask.py"))
    rows = {language: loader.load(remarks, "test", language) for language in remarks.languages}
    assert len(rows["de"]) == len(rows["en"])
    for english, german in zip(rows["en"], rows["de"], strict=True):
        assert english.label == german.label  # type: ignore[union-attr]
    translations = registry.find(str(EXAMPLES / "own-task" / "mytranslations.py"))
    read = loader.load(translations, "train", "de")
    tested = {row.text for of_language in rows.values() for row in of_language}  # type: ignore[union-attr]
    assert not tested & {text for row in read for text in (row.text, row.text2)}  # type: ignore[union-attr]


def test_the_backbone_of_real_small_loads_and_tells_how_it_was_made() -> None:
    from xstilts.compute import checkpoint

    folder = EXAMPLES / "real-small" / "backbone"
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    made = checkpoint.load(folder)
    assert sum(weights.numel() for weights in made.encoder.parameters()) == record["parameters"]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20e6
    study = load(EXAMPLES / "real-small" / "pretrain.toml")
    arm = study.intermediate.arms["pretrained"]
    kept = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    assert [use["task"] for use in kept["uses"]] == sorted(arm.tasks)
    stated = study.intermediate_recipe(arm).model_dump(mode="json")
    assert {
        key: kept["recipe"][key] for key in ("updates", "learning_rate", "batch_tokens", "mask_rate")
    } == {key: stated[key] for key in ("updates", "learning_rate", "batch_tokens", "mask_rate")}
