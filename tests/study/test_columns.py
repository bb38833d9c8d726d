"""Columns of declared tasks: misspelt and unknown languages, roles that share one, other separators."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import xstilts
from xstilts.data import loader
from xstilts.data.examples import Pair
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


def test_a_missing_file_of_the_source_language_is_to_be_laid_in(tmp_path: Path) -> None:
    (tmp_path / "de.csv").write_text(f"{HEADER}{ROWS}")
    found = refused(tmp_path, splits={"train": "train.csv", "test": "{lang}.csv"})
    (train,) = (line for line in found if "no train data" in line)
    assert train.endswith(
        "looked for train.csv (plain or .gz). Lay it in, or correct the path of `train` in `splits`."
    )


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("\t", 'Its columns seem to be divided by tabs: write format = "tsv" in the task.'),
        (";", "Its columns seem to be divided by semicolons: save it with commas."),
    ],
)
@pytest.mark.parametrize("rows", [ROWS, ROWS.replace("fine", "fine, really")])
def test_columns_that_are_divided_otherwise_are_told(tmp_path: Path, mark: str, said: str, rows: str) -> None:
    (tmp_path / "rows.csv").write_text((HEADER + rows).replace(",", mark).replace(f"{mark} ", ", "))
    (found,) = refused(tmp_path)
    assert found.endswith(said)
    if mark == "\t":
        assert study(tmp_path, format="tsv").check().rows


def test_blank_lines_and_long_texts_are_read_and_a_lacking_quote_is_suspected(tmp_path: Path) -> None:
    text = "long " * 40_000
    (tmp_path / "rows.csv").write_text(f"{HEADER}{ROWS}\n{text},good,de\n\n")
    task = study(tmp_path).tasks["remarks"]
    assert loader.load(task, "test", "de") == [Pair("Gut", None, "good"), Pair(text, None, "good")]
    (tmp_path / "rows.csv").write_text(f'{HEADER}"It was fine,good,en\n{ROWS}')
    assert refused(tmp_path)[0].endswith("is a quote missing, here or before?")
