"""Decisions about the house, held by tests: which way imports point, and what stays light."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xstilts

if TYPE_CHECKING:
    from conftest import World

SOURCE = Path(xstilts.__file__).parent
HEAVY = ("torch", "transformers", "tokenizers", "datasets", "safetensors", "sklearn", "pandas")

LAYERS = (
    ("errors", "plain", "claims", "checksums", "disk"),
    ("data.examples", "data.unpacked", "store.schema"),
    ("metrics",),
    ("families",),
    ("data", "xtreme.layouts"),
    ("lab",),
    ("tasks",),
    ("lab.truth",),
    (
        "xtreme",
        "study.specification",
        "study.use",
        "study.vision",
        "study.recipe",
        "study.claim",
        "study.allowed",
        "study.mixture",
        "study.backbone",
        "study.phase",
    ),
    ("study.step",),
    ("store",),
    ("study",),
    ("audit",),
    ("analysis",),
    ("runner", "report"),
    ("cli", "xtreme.export"),
    ("__main__",),
)
"""From the bottom up. A module imports from its own layer and those below; `runner` meets neither `analysis`
nor `report`."""


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] != "tasks")


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer(name: str) -> int:
    """The layer of a module: that of the longest prefix which is listed."""
    found = [
        (len(prefix), number)
        for number, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(f"{prefix}.")
    ]
    assert found, f"{name} has no layer: add it to LAYERS"
    return max(found)[1]


def imported(path: Path) -> set[str]:
    """The modules of this package that a module imports, anywhere in it but for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = (SOURCE.parent / node.module.replace(".", "/")).is_dir()
            names |= {f"{node.module}.{alias.name}" if inside else node.module for alias in node.names}
    return {name.removeprefix("xstilts.") for name in names if name.startswith("xstilts.")}


def known(name: str) -> str:
    """The module that a dotted name means: `metrics.find` is `metrics`."""
    while name and not (
        (SOURCE / f"{name.replace('.', '/')}.py").is_file() or (SOURCE / name.replace(".", "/")).is_dir()
    ):
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    own = name_of(path)
    if not own:
        return
    for name in sorted(known(one) for one in imported(path)):
        if name:
            assert layer(name) <= layer(own), f"{own} imports {name}, which stands above it"


def test_the_runner_and_the_report_never_meet() -> None:
    meets = {"runner": {"report", "analysis"}, "report": {"runner"}, "analysis": {"runner"}}
    for path in modules():
        own = name_of(path).split(".")[0]
        assert not {name.split(".")[0] for name in imported(path)} & meets.get(own, set()), path


def test_the_analysis_knows_no_pictures_and_the_report_computes_nothing() -> None:
    """What is drawn, and how, is the report's; resampling, fitting and judging are the analysis's."""
    drawing = {"altair", "vl_convert", "jinja2", "markupsafe"}
    for path in sorted((SOURCE / "analysis").glob("*.py")):
        assert not external(path) & drawing, path
    for path in sorted((SOURCE / "report").glob("*.py")):
        assert not external(path) & {"scipy", "xstilts.metrics", "xstilts.families"}, path
        assert not {"analysis.best", "analysis.collapse", "analysis.pools", "store"} & imported(path), path


def external(path: Path) -> set[str]:
    """The packages, and parts of this one, that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {".".join(name.split(".")[: 2 if name.startswith("xstilts.") else 1]) for name in names}


def test_only_the_runner_imports_torch() -> None:
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] == "runner":
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
        "import sys; from pathlib import Path\n"
        "from xstilts.cli import show; from xstilts.store import Store\n"
        "from xstilts.study.load import load; from xstilts.study.plan import plan\n"
        "found, store = plan(load(sys.argv[1])), Store(Path(sys.argv[2]))\n"
        "show.checked(found, store, as_json=False); show.status(found, store, as_json=True)\n"
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
    long = {name_of(path): lines for path in modules() if (lines := len(path.read_text().splitlines())) > 500}
    assert not long


@pytest.mark.parametrize("word", ["manager", "handler", "factory", "helper", "util", "config"])
def test_words_that_say_nothing_are_not_used_in_names(word: str) -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                assert word not in node.name.lower(), f"{path}: {node.name}"
