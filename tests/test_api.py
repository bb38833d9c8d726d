"""The Python API: what a notebook does, with the store, the data and the errors of the command line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import xstilts

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.py"


def test_a_notebook_runs_a_study_to_its_report(tmp_path: Path) -> None:
    program = NOTEBOOK.read_text() + "\nassert outcome.complete and check.cells.height == 6\n"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Supertagging harms retrieval" in done.stdout
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "report" / "verdicts.csv").is_file()


def test_the_api_is_asked_for_to_be_loaded() -> None:
    program = "import sys, xstilts; print({'torch', 'polars', 'pydantic', 'numpy'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )
    with pytest.raises(AttributeError, match="no attribute 'Studie'"):
        _ = xstilts.Studie  # type: ignore[attr-defined]


def test_all_errors_come_as_one() -> None:
    with pytest.raises(xstilts.InputErrors) as caught:
        xstilts.Study.parse({"name": "wrong", "backbone": {}, "target": {"tasks": ["xnlii"]}})
    told = str(caught.value)
    assert "study: backbone: " in told and "xnli" in told and len(caught.value.errors) >= 2


def test_numbers_of_numpy_and_ranges_are_numbers(tmp_path: Path) -> None:
    study = {
        "name": "x",
        "question": "Does it?",
        "backbones": {"lab": {"model": "lab"}},
        "intermediate": {"arms": {"none": []}, "seeds": range(1, 3)},
        "target": {"tasks": ("lab_ner",), "seeds": np.arange(2), "recipe": {"epochs": np.float64(2)}},
    }
    found = xstilts.Study.parse(study, tmp_path).file
    assert (found.target.seeds, found.intermediate.seeds) == ((0, 1), (1, 2))


def test_it_knows_what_the_store_has(
    world: "World", shell: "Shell", capsys: pytest.CaptureFixture[str]
) -> None:
    study = xstilts.Study.load(world.study())
    before = study.check(store="store")
    assert not before.steps["done"].any()
    assert before.cost.tokens >= 0
    with pytest.raises(xstilts.XstiltsError, match="no results"):
        study.status("store")
    outcome = study.run("store", workers=1)
    assert outcome.complete
    assert str(outcome) == f"{before.steps.height} steps computed, 0 were in the store."
    assert study.check(store="store").cells["done"].all()
    assert set(study.status("store")["state"]) == {"done"}
    assert str(study.run("store")).startswith("0 steps computed")
    assert "<" in outcome._repr_html_() and "<table" in before._repr_html_()
    found, cells = study.findings("store"), before.cells.height
    assert repr(found) == f"Findings({study.file.name!r}: {cells} of {cells} cells measured)"
    assert study.audit("store").unseen


@pytest.mark.parametrize(("workers", "limit"), [(0, 1.0), (-1, 1.0), (None, 0.0), (1, float("nan"))])
def test_no_worker_and_no_time_are_refused(world: "World", workers: int | None, limit: float) -> None:
    """The command line has bounds of its own. A run without workers would never end."""
    study = xstilts.Study.load(world.study())
    with pytest.raises(xstilts.XstiltsError, match=r"--(workers|limit): is .*\. Give a number above 0"):
        study.run("store", workers=workers, limit=limit)


def test_what_failed_is_told(world: "World", shell: "Shell") -> None:
    Path("store/instructions.json").write_text('{"mood-seed1": "fail"}')
    study = xstilts.Study.load(world.study())
    outcome = study.run("store", workers=1)
    assert not outcome.complete
    failed = study.status("store").filter(pl.col("state") == "failed")
    assert "the loss is nan" in failed["message"][0]
    assert "the loss is nan" in outcome._repr_html_()
