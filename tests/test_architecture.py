"""Decisions about the house, held by tests: which way imports point, and what stays light."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import architecture

if TYPE_CHECKING:
    from conftest import World

SOURCE = architecture.SOURCE
HEAVY = ("torch", "transformers", "tokenizers", "datasets", "safetensors", "sklearn", "pandas")

ARROWS = {
    "data": set[str](),
    "metrics": {"data"},
    "families": {"data", "metrics"},
    "lab": {"data"},
    "tasks": {"data", "families", "lab", "metrics"},
    "study": {"data", "families", "lab", "metrics", "tasks"},
    "store": {"study"},
    "audit": {"data", "store", "study"},
    "analysis": {"audit", "data", "lab", "metrics", "store", "study", "tasks"},
    "report": {"analysis", "study"},
    "compute": {"data", "families", "lab", "metrics", "store", "study", "tasks"},
    "run": {"compute", "data", "store", "study"},
    "tracking": {"store", "study"},
    "sharing": {"analysis", "compute", "data", "report", "store", "study"},
    "xtreme": {"analysis", "data", "metrics", "store", "study"},
    "systems": {"analysis", "data", "families", "metrics", "report", "study", "xtreme"},
    "cli": {"analysis", "audit", "data", "report", "run", "store", "study", "tasks", "xtreme"},
    "published": set[str](),
    "studies": set[str](),
}
"""What each package may import, at the top of a file or in a function. `report` and `compute` never meet."""


def test_imports_point_one_way() -> None:
    for name, imported in architecture.between_packages().items():
        assert imported <= ARROWS[name], f"{name} imports {', '.join(sorted(imported - ARROWS[name]))}"


def test_nothing_imports_itself_around_a_corner() -> None:
    assert architecture.circles(architecture.between_files()) == []
    assert architecture.circles(architecture.between_packages()) == []


def test_a_circle_is_found() -> None:
    assert architecture.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_a_class_name_means_one_thing() -> None:
    assert architecture.classes_named_twice() == {}


def test_the_way_from_the_command_to_the_loss_is_as_told() -> None:
    assert architecture.broken_hops() == []


def test_the_analysis_knows_no_pictures_and_the_report_computes_nothing() -> None:
    """What is drawn, and how, is the report's; resampling, fitting and judging are the analysis's."""
    drawing = {"altair", "vl_convert", "jinja2", "markupsafe"}
    for path in sorted((SOURCE / "analysis").glob("*.py")):
        assert not external(path) & drawing, path
    for path in sorted((SOURCE / "report").glob("*.py")):
        assert not external(path) & {"scipy", "xstilts.metrics", "xstilts.families"}, path
        assert not {"analysis.best", "analysis.collapse", "analysis.pools", "store"} & architecture.imports(
            path
        ), path


def external(path: Path) -> set[str]:
    """The packages, and parts of this one, that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {".".join(name.split(".")[: 2 if name.startswith("xstilts.") else 1]) for name in names}


def test_only_what_computes_imports_torch() -> None:
    for path in architecture.files():
        if path.relative_to(SOURCE).parts[0] == "compute":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            assert not {name.split(".")[0] for name in names} & {"torch", "transformers", "tokenizers"}, path


def loaded_after(program: str, *arguments: str) -> set[str]:
    """The top-level modules of a fresh interpreter that has run a program."""
    last = "\nimport sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    command = [sys.executable, "-c", program + last, *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return set(json.loads(output.splitlines()[-1]))


def test_planning_loads_nothing_heavy(world: "World", tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from xstilts.api import Check\n"
        "from xstilts.cli import show, show_tasks; from xstilts.store import Store\n"
        "from xstilts.study.load import load; from xstilts.study.plan import plan\n"
        "found, store = plan(load(sys.argv[1])), Store(Path(sys.argv[2]))\n"
        "show.checked(found, store, Check(found, store, {}).sources, as_json=False)\n"
        "show.status(found, store, as_json=True)\n"
        "show_tasks.tasks(None, as_json=True); show.languages(as_json=True)"
    )
    loaded = loaded_after(program, str(world.study()), str(tmp_path / "store"))
    assert not loaded & {*HEAVY, "polars", "scipy", "altair", "huggingface_hub"}


def test_the_analysis_loads_neither_altair_nor_jinja2() -> None:
    program = "\n".join(
        f"import xstilts.analysis.{path.stem}" for path in sorted((SOURCE / "analysis").glob("[a-z]*.py"))
    )
    assert not loaded_after(program) & {*HEAVY, "altair", "vl_convert", "jinja2"}


def test_text_tables_need_no_altair() -> None:
    program = (
        "import xstilts.report.tables, xstilts.report.paper, xstilts.report.markdown, xstilts.report.latex"
    )
    assert "altair" not in loaded_after(program)


def test_reporting_loads_no_torch() -> None:
    program = "\n".join(
        f"import xstilts.report.{path.stem}" for path in sorted((SOURCE / "report").glob("[a-z]*.py"))
    )
    assert not loaded_after(program) & set(HEAVY)


def test_a_launcher_loads_no_torch() -> None:
    assert not loaded_after(
        "import xstilts.run.local, xstilts.run.progress, xstilts.run.worker\n"
        "import xstilts.run.engine, xstilts.run.ray, xstilts.run.slurm"
    ) & set(HEAVY)


def test_help_loads_next_to_nothing() -> None:
    loaded = loaded_after("import xstilts.__main__")
    assert not loaded & {*HEAVY, "numpy", "pydantic", "polars"}


def test_files_are_short_enough_to_read() -> None:
    assert [path for path in architecture.counted() if len(path.read_text().splitlines()) > 500] == []


@pytest.mark.parametrize("word", ["manager", "handler", "factory", "helper", "util", "config"])
def test_words_that_say_nothing_are_not_used_in_names(word: str) -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                assert word not in node.name.lower(), f"{path}: {node.name}"
