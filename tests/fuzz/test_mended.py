"""What mutated inputs brought to light, each with the smallest input that showed it."""

import gzip
import json
from functools import partial
from pathlib import Path
from typing import Any

import mutation
import pytest
import seeds

from xstilts import tasks as registry
from xstilts.analysis import published
from xstilts.cli import show
from xstilts.data import images, loader, readers, unpacked
from xstilts.data.examples import Bitext, Choice, Pair, Tagged, fit
from xstilts.errors import (
    BackboneError,
    DataError,
    InputError,
    InputErrors,
    PredictionError,
    StudyError,
)
from xstilts.plain import parse_json
from xstilts.store import Store
from xstilts.study.architecture import room
from xstilts.study.load import load
from xstilts.study.plan import draft, plan
from xstilts.xtreme import score

DEEP = "[" * 100_000
LONG = "9" * 5000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DEEP, "nested too deeply"),
        (LONG, "too many digits"),
        (r'"\ud800"', "half of a surrogate pair"),
        (r'{"\udc00": 1}', "half of a surrogate pair"),
    ],
)
def test_json_that_is_made_to_break_its_reader(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(json.JSONDecodeError, match=reason):
        parse_json(text)
    path = tmp_path / "rows.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"rows.json:1: is no JSON .*{reason}"):
        list(readers.json_lines(path, ()))
    with pytest.raises(DataError, match=f"rows.json:1: is no JSON .*{reason}"):
        list(readers.json_object(path, ()))
    with pytest.raises(PredictionError, match=reason):
        score.score("xquad", path, path, "de")
    with pytest.raises(InputError, match=reason):
        published.read(str(path))
    (tmp_path / "config.json").write_text(text)
    assert room(tmp_path) is None


def test_a_control_that_only_some_targets_have_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(mutation.toml(seeds.STUDY))
    found, store = draft(load(path)), Store(tmp_path / "store")
    for told in (partial(show.checked, read=(), every_phase=True), show.status):
        told(found, store, as_json=False)
        lines = [one.split() for one in capsys.readouterr().out.splitlines() if "nli (shuffled" in one]
        assert lines == [
            [name, "nli", "(shuffled-images)", "0", "of", "1"] for name in seeds.STUDY["backbones"]
        ]


def test_a_model_that_reads_without_end_sets_no_end(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert", "max_position_embeddings": 1e999}')
    assert room(tmp_path) is None


def test_whole_pairs_of_surrogates_and_spelled_out_backslashes_are_text() -> None:
    assert parse_json(r'["\ud83d\ude00", "\\ud800"]') == ["😀", r"\ud800"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = " + DEEP, "nested too deeply"),
        ("a = " + LONG, "a number with too many digits"),
        ("[" + ".".join("a" * 1000) + "]", "nested too deeply"),
        ("[" + ".".join("a" * 50_000) + "]", "a line with more than 2,000 dots"),
    ],
)
def test_toml_that_is_made_to_break_its_reader(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "figures.toml"
    path.write_text(text)
    with pytest.raises(StudyError, match=f"is not TOML: {reason}"):
        load(path)
    with pytest.raises(InputError, match=reason):
        published.read(str(path))


def test_figures_that_are_dates_are_told(tmp_path: Path) -> None:
    path = tmp_path / "figures.toml"
    path.write_text("title = 1979-05-27\nsource = 'x'\nsettings = 1979-05-27")
    with pytest.raises(InputErrors, match="settings: must be a list, got '1979-05-27'"):
        published.read(str(path))


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("languages", "{ x-en = [0.5] }", "languages.x-en: must be a number"),
        ("languages", '"x-en"', "languages: must be a list"),
        ("mixing", "{ limit = [] }", "mixing.limit: must be a whole number"),
        ("tasks", "{ a = 1 }", "tasks: must be a list"),
    ],
)
def test_a_wrong_value_inside_of_what_may_be_two_things(
    key: str, value: str, told: str, tmp_path: Path
) -> None:
    """Its place was taken for another one, and what was wrong never removed: no end."""
    path = tmp_path / "study.toml"
    path.write_text(
        'name = "s"\nquestion = "?"\nbackbones = { lab = { model = "lab" } }\n'
        f'[intermediate.arms]\nnli = {{ {key} = {value} }}\n[target]\ntasks = ["lab_nli"]\n'
    )
    with pytest.raises(InputErrors) as caught:
        load(path)
    first = [str(error) for error in caught.value.errors if f"arms.nli.{told}" in str(error)]
    assert len(first) == 1, str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../../outside",
        "/outside",
        "a/b",
        "a\\b",
        "..",
        ".hidden",
        "-rf",
        "~root",
        "a\0b",
        "a\nb",
        " ",
        "x" * 101,
        "NA",
        "null",
        "None",
        "nan",
    ],
)
@pytest.mark.parametrize("of", ["name", "backbones", "arms", "axes"])
def test_names_that_lead_elsewhere_are_refused(name: str, of: str, tmp_path: Path) -> None:
    """The report's folder, its figures and the folders of an export are called by them, and rows of tables,
    in which pandas.read_csv takes NA, null, None and nan for missing values (its `na_values`)."""
    said = {"name": "study", "backbones": "lab", "arms": "nli", "axes": "size"} | {of: name}
    quoted = {key: json.dumps(value) for key, value in said.items()}
    path = tmp_path / "study.toml"
    path.write_text(
        f"name = {quoted['name']}\nquestion = '?'\n"
        f"backbones = {{ {quoted['backbones']} = {{ model = 'lab' }} }}\n"
        f"[intermediate.arms]\n{quoted['arms']} = ['lab_nli']\n[target]\ntasks = ['lab_nli']\n"
        f"[[axes]]\nname = {quoted['axes']}\narms = {{ {quoted['arms']} = 1 }}\n"
    )
    with pytest.raises(InputErrors, match="cannot be a name: it"):
        load(path)


def _row(task_name: str, split: str, path: str, row: dict[str, Any], root: Path) -> None:
    seeds.write(root, {path: json.dumps(row)})
    loader.load(registry.find(task_name), split, "en", root)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("ctx", ["A man"], r"hellaswag_val.jsonl:1: the field 'ctx' is no text but \['A man'\]"),
        ("endings", 5, r"hellaswag_val.jsonl:1: the field 'endings' is no list"),
        ("endings", ["x", 5], r"hellaswag_val.jsonl:1: the field 'endings' holds what is no text: 5"),
        ("ctx_a", 7, r"hellaswag_val.jsonl: row 1: the field 'context' is not a text: 7"),
    ],
)
def test_a_field_of_another_type_is_told(field: str, value: object, told: str, tmp_path: Path) -> None:
    row = {"ind": 3, "ctx": "A man stands.", "endings": ["falls.", "sings."], "label": 1} | {field: value}
    with pytest.raises(DataError, match=told):
        _row("hellaswag", "dev", "intermediate/hellaswag/hellaswag_val.jsonl", row, tmp_path)


def test_an_id_of_another_type_becomes_a_text(tmp_path: Path) -> None:
    row = {"gold_label": "neutral", "sentence1": "a", "sentence2": "b"}
    for name, found in ((None, ""), (7, "7")):
        files = {"intermediate/mnli/multinli_1.0_train.jsonl": json.dumps(row | {"pairID": name})}
        seeds.write(tmp_path, files)
        assert loader.load(registry.find("mnli"), "train", "en", tmp_path) == [
            Pair("a", "b", "neutral", found)
        ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Pair("a", None, 5), "the field 'label' is not a text: 5"),  # type: ignore[arg-type]
        (Choice("a", ("b", "c"), 2), "the right option is number 2, of 2"),
        (Choice("a", ("b",), 0), "has one option: there is nothing to choose"),
        (Tagged(("a", "b"), ("X",)), "has 2 words and 1 tags"),
        (Bitext(("a",), ("b",), ((0, 1),)), "pairs a sentence that is not there"),
        ("a text", "is no row of data but 'a text'"),
    ],
)
def test_rows_that_are_not_fit_are_told_by_their_number(row: Any, told: str) -> None:
    with pytest.raises(DataError, match=f"here: row 2: {told}"):
        list(fit([Pair("a", None, "b"), row], "here"))


def test_a_reader_that_fails_is_told_by_the_row() -> None:
    with pytest.raises(DataError, match=r"here: row 2: cannot be read \(KeyError: 'text'\)"):
        list(fit((Pair(row["text"], None, "b") for row in ({"text": "a"}, {})), "here"))


def test_infinity_is_no_number_of_an_option() -> None:
    hub = registry.find("hellaswag").hub
    assert hub is not None and hub.read is not None
    row = seeds.HUB["hellaswag"] | {"label": float("inf")}
    with pytest.raises(DataError, match=r"row 1: cannot be read \(OverflowError"):
        list(fit(hub.read(iter([row]), "en"), "here"))


def test_encodings_are_told_by_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"a,b\n\xff,2\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        list(readers.csv_rows(path, ("a",)))
    with pytest.raises(DataError, match="is not UTF-8"):
        list(readers.json_object(path, ()))


def test_gold_answers_that_are_no_text_are_told(tmp_path: Path) -> None:
    answers = [{"text": 5.0, "answer_start": 0}]
    gold = {"data": [{"paragraphs": [{"qas": [{"id": "q", "answers": answers}]}]}]}
    files = seeds.write(tmp_path, {"gold-de.json": json.dumps(gold), "given-de.json": '{"q": "x"}'})
    with pytest.raises(PredictionError, match="question 'q': has a gold answer that is no text"):
        score.score("xquad", files / "given-de.json", files / "gold-de.json")


def test_a_small_file_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.tsv.gz"
    path.write_bytes(gzip.compress(b"x\n" * 10**6))
    assert sum(1 for _ in readers.lines(path)) == 10**6
    monkeypatch.setattr(unpacked, "FREE_BYTES", 10**6)
    with pytest.raises(DataError, match=r"rows.tsv.gz: holds more than 200 times as many bytes as it has"):
        list(readers.lines(path))


@pytest.mark.parametrize(
    ("model", "revision", "told"),
    [
        ("a/../b", "main", "model: 'a/../b' is no name of the Hub"),
        ("a/b/c", "main", "model: 'a/b/c' is no name of the Hub"),
        ("a/b\\n", "main", "is no name of the Hub"),
        ("a/b", "../../../outside", "revision: '../../../outside' is no full commit"),
        ("a/b", "/outside", "revision: '/outside' is no full commit"),
    ],
)
def test_names_of_the_hub_that_lead_out_of_its_cache(
    model: str, revision: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        f'name = "s"\nquestion = "?"\n[backbones]\nb = {{ model = "{model}", revision = "{revision}" }}\n'
        '[intermediate.arms]\nnli = ["lab_nli"]\n[target]\ntasks = ["lab_nli"]\n'
    )
    with pytest.raises(InputErrors, match=told):
        load(path)


def test_what_the_hub_takes_for_no_name_is_told() -> None:
    from xstilts.study.models import download

    with pytest.raises(BackboneError, match=r"a//b at a{40}: cannot be had from the Hub"):
        download("a//b", "a" * 40, ("*.json",))


TOO_LONG = "./" + "x" * 300


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["lab_nli"]', f'["{TOO_LONG}.py"]', "no such task file"),
        ('model = "lab"', f'model = "{TOO_LONG}"', "no such folder"),
        ('model = "lab"', f'model = "lab", vision = {{ model = "{TOO_LONG}" }}', "holds no config.json"),
    ],
)
def test_a_name_that_is_too_long_for_a_file_is_that_of_none(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    text = (
        'name = "s"\nquestion = "?"\n[backbones]\nb = { model = "lab" }\n[intermediate.arms]\nnone = []\n'
        '[target]\ntasks = ["lab_nli"]\n[target.recipe]\nmax_length = 64\nstride = 8\n'
    )
    path.write_text(text.replace(old, new))
    with pytest.raises(InputErrors, match=told):
        plan(load(path))


def test_no_file_has_a_name_that_is_too_long(tmp_path: Path) -> None:
    for read in (load, published.read):
        with pytest.raises(InputError, match=r"no such|no published figures"):
            read("x" * 300 + ".toml")
    assert images.missing(registry.find("marvl"), ["sw/" + "x" * 300], tmp_path) == ["sw/" + "x" * 300]
