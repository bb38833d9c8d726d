"""What is shared holds nothing of the user's computer but what was asked for."""

import json
import tomllib
from pathlib import Path

import pytest

from xstilts.report import page
from xstilts.sharing.private import LEFT_OUT, study_text, without_folders

from .conftest import Computed


def everything(folder: Path) -> str:
    """All that was written, as text, names included."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(
        f"{path.relative_to(folder)}\n{path.read_bytes().decode(errors='replace')}" for path in paths
    )


@pytest.mark.parametrize("merged", [False, True])
def test_of_a_folder_only_the_model_is_pushed(on_folder: Computed, tmp_path: Path, merged: bool) -> None:
    out = tmp_path / "out"
    on_folder.study.push("none", "org/name", on_folder.store, target="mood", dry_run=out, merged=merged)
    base = out if merged else out / "base"
    model = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    heads = {"heads.json", "heads.safetensors"}
    names = {path.name for path in base.iterdir()} - {"README.md"}
    assert names == (model | heads if merged else model)
    settings = json.loads((base / "config.json").read_text())
    assert settings["made"] == {"from": ["books"]}
    assert (settings["hidden_size"], len(settings["id2label"])) == (16, 2)
    assert "tokenizer_file" not in json.loads((base / "tokenizer_config.json").read_text())
    text = everything(out)
    assert "Start: enc with checksum" in text
    for private in ("someone", "hf_secret", "private", str(on_folder.path.parent)):
        assert private not in text, private


def test_results_are_shared_without_paths(
    on_folder: Computed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "figures", lambda findings: [])
    on_folder.study.share("org/results", on_folder.store, dry_run=tmp_path / "out")
    text = everything(tmp_path / "out")
    for private in ("someone", "hf_secret", str(on_folder.path.parent), str(tmp_path)):
        assert private not in text, private
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Backbone: " not in card, "a folder is no model of the Hub"
    shared = (tmp_path / "out" / "study.toml").read_text()
    assert shared.startswith(f"{LEFT_OUT}\n")
    before, after = tomllib.loads(on_folder.path.read_text()), tomllib.loads(shared)
    assert after["backbones"] == {"mine": {"model": "enc"}}
    assert {**before, "backbones": after["backbones"]} == after


@pytest.mark.parametrize(
    ("line", "shared"),
    [
        ('a = "/home/me/my enc"', 'a = "my enc"'),
        ('a = "~/enc/"  # in ~/enc', 'a = "enc"  # in enc'),
        (r'a = "C:\\models\\enc"', 'a = "enc"'),
        (r"a = 'C:\models\enc'", "a = 'enc'"),
        ('"/home/me/x.py" = { "file:///home/me/y" = 1 }', '"x.py" = { "y" = 1 }'),
        ("a = 1  # of /home/me/notes", "a = 1  # of notes"),
    ],
)
def test_paths_leave_the_study_file(line: str, shared: str) -> None:
    assert study_text(line) == f"{LEFT_OUT}\n{shared}"


@pytest.mark.parametrize(
    "line",
    [
        'a = "org/tiny"',
        'a = "{lang}/a/b.tsv"',
        'a = "./mood.py"',
        'a = "and/or"  # https://a.org/b/c',
        "a = 1",
    ],
)
def test_a_study_file_without_paths_is_shared_as_it_is(line: str) -> None:
    assert study_text(line) == line


def test_folders_are_named_in_messages(tmp_path: Path) -> None:
    run, home = tmp_path / "run", Path.home()
    text = f"{run}/store/steps/x: damaged; {run}s; {home}/y; <{home}> {run}."
    named = without_folders(text, [run / "store", run])
    assert named == f"store/steps/x: damaged; {run}s; ~/y; <{home}> run."
