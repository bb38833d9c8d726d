"""The package as it is shipped: its version, and a wheel that holds all it reads at run time and no more."""

import re
import tomllib
import zipfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest
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
