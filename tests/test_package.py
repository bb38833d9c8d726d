"""The package as it is shipped: its version, and a wheel that holds all it reads at run time and no more."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from hatchling import build

import xstilts

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "xstilts"
SHIPPED = {".py", ".typed", ".toml", ".csv", ".jinja", ".css", ".js", ".json", ".jsonl", ".safetensors"}
MEGABYTES = 12


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        folder = tmp_path_factory.mktemp("wheel")
        return zipfile.ZipFile(folder / build.build_wheel(str(folder)))


def project() -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def named(requirements: object) -> list[str]:
    assert isinstance(requirements, list)
    return [re.split(r"[^A-Za-z0-9-]", requirement)[0] for requirement in requirements]


def test_one_version_everywhere() -> None:
    assert xstilts.__version__ == project()["version"] == version("xstilts")


def test_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    packaged = {name.removeprefix("xstilts/") for name in wheel.namelist() if name.startswith("xstilts/")}
    files = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packaged == {path.relative_to(SOURCE).as_posix() for path in files}
    assert {Path(name).suffix for name in packaged} <= SHIPPED


def test_wheel_is_small_and_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert Path(wheel.filename or "").stat().st_size < MEGABYTES * 2**20
    assert {name.split("/")[0] for name in wheel.namelist()} == {
        "xstilts",
        f"xstilts-{xstilts.__version__}.dist-info",
    }


def test_wheel_has_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    texts = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    assert "Apache License" in texts["LICENSE"]
    assert "xstilts = xstilts.__main__:main" in texts["entry_points.txt"]


def test_constraints_pin_what_the_project_names_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = Counter(re.fullmatch(r"([a-z0-9-]+)==[\w.]+", line)[1] for line in lines if line[0] != "#")  # type: ignore[index]
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    stated = named(project()["dependencies"]) + [name for extra in extras.values() for name in named(extra)]
    assert pinned == Counter(stated)


def test_wheel_runs_outside_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacked into an empty folder it answers, plans a study of the lab and copies one."""
    wheel.extractall(tmp_path / "unpacked")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "unpacked")}

    def run(*command: str) -> str:
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    def told(*arguments: str) -> str:
        return run(sys.executable, "-m", "xstilts", *arguments)

    assert told("--version") == f"xstilts {xstilts.__version__}\n"
    assert told("studies", "lab-quickstart", "--copy", "mine.toml") == "mine.toml\n"
    assert "73 steps" in told("check", "mine.toml")
    where = run(sys.executable, "-c", "import xstilts; print(xstilts.__file__)")
    assert where.startswith(str(tmp_path / "unpacked"))


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (xstilts.__version__, project()["license"])
    assert citation["references"][0]["url"] == "https://arxiv.org/abs/2005.13013"


def test_the_dockerfile_is_one() -> None:
    """Instructions that there are, sources that are there, torch from the place that an argument names."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    steps = [
        line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]
    assert [word for word, _ in steps[:2]] == ["ARG", "FROM"]
    assert {word for word, _ in steps} <= {
        "ARG",
        "FROM",
        "ENV",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENTRYPOINT",
        "CMD",
    }
    arguments = {rest.split("=")[0] for word, rest in steps if word == "ARG"}
    assert set(re.findall(r"\$\{(\w+)\}", text)) == arguments == {"PYTHON", "TORCH_OPTIONS"}
    for word, rest in steps:
        if word == "COPY":
            *sources, _ = rest.split()
            assert all((ROOT / source).exists() for source in sources)
        if word in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(part, str) for part in json.loads(rest))
    copied = " ".join(rest for word, rest in steps if word == "COPY")
    assert all(
        name in copied for name in ("src", "pyproject.toml", "README.md", "LICENSE", "constraints.txt")
    )
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {name for name in copied.split() if name in ignored}
