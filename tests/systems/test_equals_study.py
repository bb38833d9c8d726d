"""The numbers of `test` on a study's predictions are those of the study's own report."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import xstilts
from analysis import example
from xstilts.analysis.findings import Findings
from xstilts.xtreme.export import export

TASK = """
from xstilts.data.task import Task
TASK = Task(
    family="{family}", languages={languages}, metric="{metric}", labels={labels}, trained_by={trained_by!r},
    source_language="x-en", description="", citation="", licence="",
)
"""
LABELS = {"lab_nli": ("0", "1", "2"), "lab_ner": ("B-0", "B-1", "B-2", "O"), "lab_tatoeba": ()}
SAME = ("quantity", "level", "language", "language_family", "languages", "metric")
NUMBERS = ("estimate", "low", "high", "p", "p_corrected", "smallest_effect", "seeds")


def study(folder: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> example.World:
    """The example study with one target, all measured, and the task file of that target."""
    monkeypatch.setattr(example, "METRICS", {target: example.METRICS[target]})
    world = example.make(folder)
    family = example.use(target, ("x-en",)).family
    languages = example.TRANSFER if family == "retrieval" else example.LANGUAGES
    facts = {"labels": LABELS[target], "trained_by": "" if family == "retrieval" else None}
    text = TASK.format(family=family, languages=languages, metric=example.METRICS[target], **facts)
    (folder / f"{target}.py").write_text(text)
    return world


def references(world: example.World, target: str, folder: Path) -> Path:
    """The gold values of the study, as JSON lines."""
    cell = next(cell for cell in world.plan.cells if cell.arm == "none" and not cell.reference)
    frame = pl.read_parquet(world.store.file(cell.evaluation, "predictions.parquet"))
    path = folder / "gold.jsonl"
    rows = frame.iter_rows(named=True)
    told = ({"id": row["id"], "language": row["language"], "gold": json.loads(row["gold"])} for row in rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in told))
    return path


def of_study(world: example.World) -> pl.DataFrame:
    effects = Findings.of(world.plan, world.store).effects
    return effects.filter(reference="arm")


@pytest.mark.parametrize("target", ["lab_nli", "lab_ner", "lab_tatoeba"])
def test_scores_differences_and_corrections_are_those_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    world = study(tmp_path, monkeypatch, target)
    runs: dict[str, dict[int, pl.DataFrame]] = {}
    for cell in world.plan.cells:
        if not cell.reference:
            frame = pl.read_parquet(world.store.file(cell.evaluation, "predictions.parquet"))
            given = frame.select(
                "id",
                "language",
                prediction="predicted",
            ).to_dict(as_series=False)
            given["prediction"] = [json.loads(text) for text in given["prediction"]]
            runs.setdefault(f"lab-mini/{cell.arm}", {})[cell.seed] = pl.DataFrame(given, strict=False)
    gold = references(world, target, tmp_path)
    found = xstilts.test(str(tmp_path / f"{target}.py"), runs, gold).effects
    expected = of_study(world)
    assert found.height == expected.height > 20
    assert found["system"].str.strip_prefix("lab-mini/").to_list() == expected["arm"].to_list()
    for name in SAME:
        assert found[name].to_list() == expected[name].to_list()
    for name in NUMBERS:
        assert found[name].to_list() == expected[name].to_list(), name


def test_exported_folders_give_the_same_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell
) -> None:
    world = study(tmp_path, monkeypatch, "lab_nli")
    export(world.plan, world.store, tmp_path / "exports")
    gold = references(world, "lab_nli", tmp_path)
    systems = [f"lab-mini/{arm}={tmp_path}/exports/{arm}-seed*" for arm in ("none", "nli", "tags")]
    status, out, err = shell("test", tmp_path / "lab_nli.py", *systems, "--references", gold, "--json")
    assert status == 0, err
    expected = of_study(world).filter(quantity="difference")
    found = [row for row in json.loads(out) if row["quantity"] == "difference"]
    for name in NUMBERS:
        assert [row[name] for row in found] == expected[name].to_list(), name
    status, out, err = shell(
        "test", tmp_path / "lab_nli.py", *systems, "--references", gold, "--out", tmp_path / "out"
    )
    (overall,) = expected.filter(level="transfer", arm="nli").iter_rows(named=True)
    line = next(
        line for line in out.splitlines() if line.startswith("all but the source (7)") and "/nli" in line
    )
    assert f"{overall['estimate']:+.1f}" in line
    assert out.splitlines()[-2:] == [f"{tmp_path}/out/systems.html", f"{tmp_path}/out/systems.csv"]
    assert err.startswith("Difference to lab-mini/none on lab_nli, points in 7 languages other than ")
    page = (tmp_path / "out" / "systems.html").read_text()
    assert "lab-mini/nli" in page and f"{overall['estimate']:+.1f}" in page
    csv = pl.read_csv(tmp_path / "out" / "systems.csv")
    assert csv.filter(level="transfer", quantity="difference")["estimate"].to_list() == pytest.approx(
        expected.filter(level="transfer")["estimate"].to_list(), abs=1e-6
    )


def test_names_change_only_the_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = study(tmp_path, monkeypatch, "lab_nli")
    export(world.plan, world.store, tmp_path / "exports")
    systems = {arm: f"{tmp_path}/exports/{arm}-seed*" for arm in ("none", "nli", "tags")}
    found = xstilts.test(
        str(tmp_path / "lab_nli.py"), systems, references(world, "lab_nli", tmp_path)
    ).effects
    expected = of_study(world)
    assert found["estimate"].to_list() == expected["estimate"].to_list()
    width = (expected["high"] - expected["low"]).to_numpy()
    assert np.all(np.abs((found["low"] - expected["low"]).to_numpy()) < 0.1 * width + 0.1)
