"""Columns of declared tasks: misspelt and unknown languages, roles that share one, other separators."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import xstilts
from xstilts.errors import InputErrors

REMARKS: Mapping[str, Any] = {
    "family": "classification",
    "languages": ["en", "de"],
    "labels": ["bad", "good"],
    "splits": {"train": "rows.csv", "test": "rows.csv"},
    "columns": {"text": "remark", "label": "kind", "language": "lang"},
}
HEADER = "remark,kind,lang\n"
ROWS = "It was fine,good,en\nNever again,bad,en\nGut,good,de\n"


def study(folder: Path, **changes: Any) -> xstilts.Study:
    """A study of the lab's encoder with one declared task."""
    content = {
        "name": "own",
        "question": "Does it?",
        "backbones": {"lab": {"model": "lab"}},
        "tasks": {"remarks": REMARKS | changes},
        "intermediate": {"arms": {"none": []}},
        "target": {"tasks": ["remarks"], "recipe": {"max_length": 64, "stride": 16}},
    }
    return xstilts.Study.parse(content, folder)


def refused(folder: Path, **changes: Any) -> list[str]:
    with pytest.raises(InputErrors) as raised:
        study(folder, **changes).check()
    return str(raised.value).splitlines()


@pytest.mark.parametrize("language", ["EN", "en ", "De"])
def test_a_misspelt_language_is_refused_with_its_row(tmp_path: Path, language: str) -> None:
    (tmp_path / "rows.csv").write_text(f"{HEADER}{ROWS}Fine again,good,{language}\n")
    (found,) = refused(tmp_path)
    meant = language.strip().lower()
    assert found.startswith(
        f"{tmp_path}/rows.csv:5: the language {language!r} is not {meant!r}, which `languages` names."
    )


def test_rows_in_other_languages_are_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"{HEADER}{ROWS}Bien,good,fr\nMal,bad,fr\nBene,good,it\n")
    notes = [note for note in study(tmp_path).check().notes if "other languages" in note]
    assert notes == [
        f"remarks: {split} has 3 rows in other languages: 'fr' (2), 'it' (1)" for split in ("test", "train")
    ]
    (tmp_path / "rows.csv").write_text(f"{HEADER}{ROWS}")
    assert not [note for note in study(tmp_path).check().notes if "other languages" in note]
