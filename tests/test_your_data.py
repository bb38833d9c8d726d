"""The page on one's own data: its files and tables are laid out as it says, checked, and one is trained."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from huggingface_hub import constants

import xstilts
from xstilts.analysis.findings import Findings
from xstilts.audit import finding
from xstilts.audit.audit import audited
from xstilts.data import loader
from xstilts.errors import InputErrors, StudyError
from xstilts.store import Store
from xstilts.study.load import find_task, tasks_of

if TYPE_CHECKING:
    from shell import Shell

PAGE = (Path(__file__).parents[1] / "docs" / "your-data.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"((?:`[^`\n]+`[^`\n]*)*)\n\n```(\w*)\n(.*?)```", re.DOTALL)
EXAMPLES = ("remarks", "questions", "names", "pairs", "nli")
LAB = {"lab": {"model": "lab"}}
SHORT = {"max_length": 64, "stride": 16, "precision": "fp32", "threads": 1}


def lay(folder: Path) -> None:
    """Write the files that the page shows, each under all the names that stand before it."""
    for before, _, text in BLOCK.findall(PAGE):
        for name in re.findall(r"`([^`]+\.(?:csv|tsv|jsonl|conll|toml))`", before):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def tables() -> Iterator[dict[str, Any]]:
    """The tables that the page declares."""
    for _, kind, text in BLOCK.findall(PAGE):
        if kind == "toml":
            yield tomllib.loads(text)["tasks"]


def content(name: str, **target: Any) -> dict[str, Any]:
    """The page's study with one of its tasks as the target, on the lab's encoder."""
    (study,) = (tomllib.loads(text) for _, kind, text in BLOCK.findall(PAGE) if "[backbones]" in text)
    (table,) = (one[name] for one in tables() if name in one)
    target = {"seeds": [1], "tasks": [name], "recipe": SHORT | {"updates": 3}} | target
    return (
        study
        | {"references": ["majority"], "backbones": LAB, "tasks": {name: table}, "target": target}
        | {"intermediate": {"arms": {"none": []}}}
    )


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page; and of the Hub's data set a few rows, in a cache, offline."""
    lay(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    (hub,) = (one["nli"]["hub"] for one in tables() if "nli" in one)
    root = (
        tmp_path
        / "cache"
        / ("datasets--" + hub["dataset"].replace("/", "--"))
        / "snapshots"
        / hub["revision"]
    )
    rows = {"premise": ["a b", "c"], "hypothesis": ["a", "d"], "label": [0, 2]}
    for code in ("en", "de", "sw"):
        (root / code).mkdir(parents=True)
        for split in ("train", "validation", "test"):
            pl.DataFrame(rows).write_parquet(root / code / f"{split}-00000-of-00001.parquet")
    return tmp_path


def test_the_page_shows_five_tasks() -> None:
    assert [name for one in tables() for name in one] == list(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_sound(name: str, laid: Path) -> None:
    target = {"languages": ["fi"]} if name == "questions" else {}
    study = xstilts.Study.parse(content(name, **target), laid)
    found = study.check(store=laid / "store")
    assert len(found.rows) >= 2
    assert all(found.rows.values())
    assert not [note for note in found.notes if "are checked when they are fetched" in note]
    (one,) = tasks_of(study.file).values()
    first = loader.load(one, "test", one.languages[-1])[0]
    told = {
        "remarks": "Das Zimmer war kalt",
        "questions": "Silta rakennettiin vuonna 1889.",
        "names": "B-PER",
        "pairs": "Wo finde ich es?",
        "nli": "entailment",
    }
    assert told[name] in str(first)


def test_the_study_of_the_page_loads_and_shows_its_tasks(laid: Path) -> None:
    study = xstilts.Study.load(laid / "study.toml")
    assert list(study.tasks) == ["remarks", "mnli"]
    one = find_task(f"{laid}/study.toml:remarks")
    assert one == study.tasks["remarks"]
    assert one.reads == "text from 'remark', label from 'kind'"


def test_a_declared_task_is_trained_evaluated_and_reported(laid: Path) -> None:
    """In both languages, by its metric, with an interval."""
    from xstilts.compute import work

    study = xstilts.Study.parse(content("remarks"), laid)
    plan, store = study.planned(laid / "store")
    store.prepare()
    for step in plan.steps:
        assert work.compute(step, store, plan.places, lambda event: None) == "done"
    found = Findings.of(plan, Store(laid / "store"))
    scores = found.scores.filter(pl.col("arm") == "none")
    assert set(scores["language"]) >= {"de", "en"}
    assert set(scores["metric"]) == {"macro_f1"}
    record = store.record(plan.cells[0].phases[-1])
    assert record is not None
    assert record["source_score"]["remarks"]["metric"] == "macro_f1"
    assert {source["task"] for source in record["sources"]} == {"remarks"}


def test_commands_show_the_tasks_of_a_study(laid: Path, shell: "Shell") -> None:
    status, out, _ = shell("tasks", laid / "study.toml")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["task", "remarks", "mnli"]
    status, out, _ = shell("tasks", f"{laid}/study.toml:remarks")
    assert status == 0
    assert "  columns       text from 'remark', label from 'kind'" in out.splitlines()
    assert "Files beside the study file" in out
    assert shell("tasks", f"{laid}/study.toml:remark")[::2] == (
        2,
        f"{laid}/study.toml: declares no task 'remark'. Did you mean 'remarks'?\n",
    )


@pytest.mark.parametrize("content", [[], None, 3, "study.toml", ["name"]])
def test_what_is_no_mapping_is_no_study(content: Any) -> None:
    with pytest.raises(StudyError, match=r"study: is no study, but .* Give a mapping"):
        xstilts.Study.parse(content)


def test_rows_in_translation_are_made_and_laid_beside_the_study(laid: Path) -> None:
    arms = {"none": [], "german": {"tasks": ["remarks"], "languages": ["de"], "translated": True}}
    changed = content("remarks") | {"intermediate": {"arms": arms, "recipe": SHORT}}
    with pytest.raises(InputErrors, match=rf"`xstilts translate {laid}/study\.toml:remarks --to de"):
        xstilts.Study.parse(changed, laid).check()
    (laid / "translated" / "remarks").mkdir(parents=True)
    row = '{"text": "Ein Kissen bitte", "label": "request"}\n'
    (laid / "translated" / "remarks" / "de.jsonl").write_text(row)
    assert xstilts.Study.parse(changed, laid).check(store=laid / "store").rows


def test_rows_that_train_and_are_tested_are_refused(laid: Path) -> None:
    """The audit reads declared rows as all others, and knows in which languages a file has some."""
    study = xstilts.Study.parse(content("pairs", languages=["de", "en"]), laid)
    plan, store = study.planned(laid / "store")
    with pytest.raises(InputErrors, match="evaluated rows in labelled training data"):
        finding.refuse(audited(plan, store), plan.study)
    (laid / "pairs.tsv").write_text("language\tfirst\tsecond\tsame\neng\tOne?\tTwo?\t0\n")
    changed = content("pairs", languages=["de"])
    changed["tasks"]["pairs"]["splits"] = {"train": "pairs.tsv", "test": "test.tsv"}
    (laid / "test.tsv").write_text("language\tfirst\tsecond\tsame\ndeu\tDrei?\tVier?\t0\n")
    plan, store = xstilts.Study.parse(changed, laid).planned(laid / "store")
    finding.refuse(audited(plan, store), plan.study)
