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


@pytest.mark.parametrize(
    ("changes", "role", "said"),
    [
        ({"columns": {"text": "kind", "label": "kind"}}, "label", "'kind' is the column of `text` already."),
        (
            {"columns": {"text": "remark", "text2": "remark", "label": "kind"}},
            "text2",
            "'remark' is the column of `text` already.",
        ),
        (
            {"family": "choice", "labels": [], "columns": {"options": ["a", "b", "a"], "label": "kind"}},
            "options",
            "'a' is the column of `options` already.",
        ),
        (
            {"family": "choice", "labels": [], "columns": {"options": ["a", "b"], "label": "b"}},
            "options",
            "'b' is the column of `label` already.",
        ),
        (
            {"family": "tagging", "format": "conll", "columns": {"tags": 1}},
            "tags",
            "1 is the column of `tokens` already.",
        ),
    ],
)
def test_a_column_stands_for_one_role(
    tmp_path: Path, changes: Mapping[str, Any], role: str, said: str
) -> None:
    found = refused(tmp_path, **{"languages": ["en"]} | changes)
    assert found == [f"study: tasks.remarks.columns.{role}: {said} Name the column that holds it."]


def test_a_name_and_answers_with_their_places_may_share_a_column(tmp_path: Path) -> None:
    columns = {"context": "c", "question": "q", "answers": "a", "start": "a", "id": "q"}
    study(tmp_path, family="span", labels=[], columns=columns, languages=["en"])
