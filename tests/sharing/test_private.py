"""What is shared holds nothing of the user's computer but what was asked for."""

import json
from pathlib import Path

import pytest

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
    (out / "README.md").unlink()
    text = everything(out)
    for private in ("someone", "hf_secret", "private", str(on_folder.path.parent)):
        assert private not in text, private
