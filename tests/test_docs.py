"""The documents say what the code says."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

import layouts
from xstilts.cli.show_tasks import studies
from xstilts.study.backbone import VisionTable
from xstilts.study.claim import Claim
from xstilts.study.declared import ColumnsTable, HubTable, PromptTable, SplitsTable, TaskTable
from xstilts.study.load import load
from xstilts.study.recipe import Recipe
from xstilts.study.study import (
    Allowed,
    Arm,
    Axis,
    BackboneTable,
    Intermediate,
    Replay,
    StudyFile,
    Target,
    TokenizerTable,
)

ROOT = Path(__file__).parent.parent
TABLES: dict[str, type[BaseModel]] = {
    "The file": StudyFile,
    "`[backbones.NAME]`": BackboneTable,
    "`[backbones.NAME.tokenizer]`": TokenizerTable,
    "`[backbones.NAME.vision]`": VisionTable,
    "`[tasks.NAME]`": TaskTable,
    "`[tasks.NAME.hub]`": HubTable,
    "`[tasks.NAME.splits]`": SplitsTable,
    "`[tasks.NAME.columns]`": ColumnsTable,
    "`[tasks.NAME.prompts.LANGUAGE]`": PromptTable,
    "`[intermediate]`": Intermediate,
    "`[intermediate.arms]`": Arm,
    "Replay": Replay,
    "`[target]`": Target,
    "The recipe": Recipe,
    "`[[axes]]`": Axis,
    "`[[claims]]`": Claim,
    "`[[allowed]]`": Allowed,
}
NOTHING = (None, "", [], {})
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def sections() -> dict[str, list[list[str]]]:
    """The cells of the table below each heading of docs/study-file.md."""
    found = {}
    for section in (ROOT / "docs" / "study-file.md").read_text().split("\n## ")[1:]:
        rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
        found[section.splitlines()[0]] = rows
    return found


def words(annotation: Any) -> Iterator[str]:
    """The words that a field may hold."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from words(part)


def test_every_table_of_a_study_file_is_documented() -> None:
    assert list(sections()) == list(TABLES)


@pytest.mark.parametrize("heading", TABLES)
def test_keys_defaults_and_words_are_those_of_the_code(heading: str) -> None:
    model = TABLES[heading]
    fields = {name: field for name, field in model.model_fields.items() if not field.exclude}
    defaults = model().model_dump(mode="json")
    rows = sections()[heading]
    assert [key.strip("`") for key, _, _ in rows] == list(fields)
    for key, default, meaning in rows:
        name, expected = key.strip("`"), defaults[key.strip("`")]
        if default == "see below":
            continue
        stated = "" if default == "-" else tomllib.loads(f"x = {default.strip('`')}")["x"]
        assert stated == expected or (stated == "" and expected in NOTHING), f"{heading}: {name}"
        for word in words(fields[name].annotation):
            assert f"`{word}`" in meaning, f"{heading}: {name}: {word}"


def test_the_tree_of_the_readme_grows_here() -> None:
    block = (ROOT / "README.md").read_text().split("## The tree\n\n```text\n")[1].split("```")[0]
    above: list[str] = []
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], line.split()[0]]
        assert (ROOT / "".join(above)).exists(), "".join(above)
    shown = {line.split()[0] for line in block.splitlines()}
    for path in (ROOT / "src" / "xstilts").iterdir():
        name = path.name + "/" * path.is_dir()
        assert name in shown or name.startswith("_") or path.suffix in (".csv", ".typed"), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target


def test_the_page_of_data_layouts_is_that_of_the_tasks() -> None:
    """Otherwise: python tests/layouts.py."""
    assert layouts.PAGE.read_text() == layouts.page()


def test_the_tutorial_names_the_report_of_the_study_that_it_copies(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorial-lab.md").read_text(encoding="utf-8")
    name, copy = re.findall(r"xstilts studies (\S+) --copy (\S+)", text)[0]
    studies(name, tmp_path / copy, as_json=False)
    assert re.findall(r"`reports/(\S+)/report.html`", text) == [load(str(tmp_path / copy)).name]
