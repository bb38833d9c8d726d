"""Tasks that a study declares are tested and scored like others, and metrics of labels need no task."""

import json
from pathlib import Path

import pytest

import xstilts
from xstilts.analysis import published
from xstilts.errors import InputError, TaskError
from xstilts.metrics import names
from xstilts.systems.test import SystemComparison
from xstilts.xtreme.score import score

STUDY = """
name = "remarks"
question = "Does it?"
[backbones]
lab = { model = "lab" }
[tasks.remarks]
family = "classification"
languages = ["en", "de"]
labels = ["bad", "good", "odd"]
metric = "macro_f1"
splits = { train = "{lang}.csv", test = "{lang}.csv" }
columns = { text = "remark", label = "kind" }
[intermediate.arms]
none = []
[target]
tasks = ["remarks"]
"""
GOLD = ["bad", "good", "good", "bad", "good", "bad"]
RIGHT = ["bad", "good", "good", "bad", "good", "good"]
WRONG = ["bad", "bad", "good", "odd", "good", "bad"]
MACRO_F1 = {"right": 100 * (6 / 7 + 4 / 5) / 2, "wrong": 100 * (4 / 6 + 4 / 5 + 0) / 3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study with a declared task, its rows, and two systems' predictions of the German ones."""
    (tmp_path / "study.toml").write_text(STUDY)
    table = "remark,kind\n" + "".join(f"text {row},{label}\n" for row, label in enumerate(GOLD))
    for code in ("en", "de"):
        (tmp_path / f"{code}.csv").write_text(table)
    for name, labels in (("gold", GOLD), ("right", RIGHT), ("wrong", WRONG)):
        (tmp_path / f"{name}-de.tsv").write_text("".join(f"{label}\n" for label in labels))
        rows = [{"prediction": said, "gold": gold} for said, gold in zip(labels, GOLD, strict=True)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def scores(found: SystemComparison) -> dict[str, float]:
    chosen = found.effects.filter(quantity="score", level="language")
    return dict(zip(chosen["system"], chosen["estimate"], strict=True))


def test_a_declared_task_is_tested_with_its_own_rows_and_metric(folder: Path) -> None:
    systems = {name: str(folder / f"{name}-de.tsv") for name in MACRO_F1}
    found = xstilts.test(f"{folder}/study.toml:remarks", systems)
    assert scores(found) == pytest.approx(MACRO_F1)
    assert repr(found).startswith("Difference to right on remarks")


def test_a_declared_task_is_scored(folder: Path) -> None:
    found = score(f"{folder}/study.toml:remarks", folder / "wrong-de.tsv", folder / "gold-de.tsv")
    assert found["languages"]["de"] == pytest.approx({"macro_f1": MACRO_F1["wrong"], "accuracy": 400 / 6})
    with pytest.raises(TaskError, match=r"declares no task 'remark'\. Did you mean 'remarks'\?"):
        score(f"{folder}/study.toml:remark", folder / "wrong-de.tsv", folder / "gold-de.tsv")


def test_the_way_to_a_declared_task_is_told(folder: Path) -> None:
    systems = {name: str(folder / f"{name}-de.tsv") for name in MACRO_F1}
    with pytest.raises(TaskError, match=r"One that a study declares is STUDY\.toml:NAME\."):
        xstilts.test("remarks", systems)
    with pytest.raises(TaskError, match=r"is a study, not a task\. Name one .*study\.toml:NAME"):
        xstilts.test(f"{folder}/study.toml", systems)


def test_a_study_is_no_published_figures(folder: Path) -> None:
    with pytest.raises(InputError, match=r"is a study, not published figures\. To compare two studies"):
        published.read(str(folder / "study.toml"))


def test_every_metric_that_is_offered_works(folder: Path) -> None:
    systems = {name: str(folder / f"{name}.jsonl") for name in MACRO_F1}
    with pytest.raises(TaskError) as raised:
        xstilts.test("no_such", systems)
    assert all(name in str(raised.value) for name in names())
    assert scores(xstilts.test("macro_f1", systems)) == pytest.approx(MACRO_F1)
    assert scores(xstilts.test("matthews_correlation", systems))["right"] == pytest.approx(70.7107)
    for name in ("pearson_correlation", "spearman_correlation"):
        numbers = {"a": ["1", "2", "4", "4"], "b": ["4", "1", "2", "1"]}
        values = scores(xstilts.test(name, numbers, ["1", "2", "3", "4"]))
        assert values["a"] > 90 and values["b"] < 0


def test_a_byte_order_mark_is_dropped_everywhere(folder: Path) -> None:
    asked = f"{folder}/study.toml:remarks"
    without = score(asked, folder / "wrong-de.tsv", folder / "gold-de.tsv")
    lines = {name: str(folder / f"{name}.jsonl") for name in MACRO_F1}
    for path in folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert score(asked, folder / "wrong-de.tsv", folder / "gold-de.tsv") == without
    assert scores(xstilts.test("macro_f1", lines)) == pytest.approx(MACRO_F1)
    assert scores(
        xstilts.test(asked, {name: str(folder / f"{name}-de.tsv") for name in MACRO_F1})
    ) == pytest.approx(MACRO_F1)
