"""Tasks that a study declares: faults are told at once, rows are read by column, the plan knows them."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub import constants

import xstilts
from xstilts.data import loader
from xstilts.data.examples import Answer, Bitext, Choice, Example, Pair, Question, Tagged, Text
from xstilts.errors import DataError, InputErrors
from xstilts.study import declared
from xstilts.study.plan import Plan, plan
from xstilts.study.sources import check_rows, look
from xstilts.study.step import Places

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAIRS = {
    "family": "classification",
    "languages": ["en", "de"],
    "labels": ["bad", "good"],
    "splits": {"train": "train.csv", "test": "test-{lang}.csv"},
    "columns": {"text": "review", "label": "stars"},
}
ROWS = "review,stars\nIt was fine,good\nNever again,bad\n"


def study(folder: Path, tasks: Mapping[str, Any], **tables: Any) -> xstilts.Study:
    """A study of the lab's encoder, whose targets are the declared tasks."""
    content: dict[str, Any] = {
        "name": "own",
        "question": "Does it?",
        "backbones": {"lab": {"model": "lab"}},
        "tasks": tasks,
        "intermediate": {"arms": {"none": []}},
        "target": {"tasks": list(tasks), "recipe": {"max_length": 64, "stride": 16}},
    }
    content["target"] |= tables.pop("target", {})
    return xstilts.Study.parse(content | tables, folder)


def errors(what: Callable[[], object]) -> list[str]:
    with pytest.raises(InputErrors) as raised:
        what()
    return str(raised.value).splitlines()


def fill(folder: Path, **files: str) -> None:
    """Write files; `__` in their names stands for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_text(text)


def laid(folder: Path) -> Path:
    """The files of PAIRS."""
    fill(folder, train__csv=ROWS, test_en__csv=ROWS, test_de__csv="review,stars\nNie wieder,bad\nGut,good\n")
    return folder


def read(folder: Path, table: Mapping[str, Any], language: str = "en") -> list[Example]:
    """The training rows of a declared task in a language."""
    one = declared.task("mine", declared.TaskTable.model_validate_json(json.dumps(table)), folder / "x.toml")
    return loader.load(one, "train", language)


# What is wrong with the table


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"family": "classificaton"}, "family: must be one of 'classification', "),
        ({"family": None}, "family: is missing. There are 'classification', "),
        ({"labels": []}, 'labels: is missing. Name all, in any order: labels = ["no", "yes"].'),
        ({"labels": ["good"]}, "labels: is a single label"),
        ({"labels": {"bad": 1, "good": 1}}, "labels: has a label twice."),
        (
            {"metric": "macro-f1"},
            "metric: no metric 'macro-f1'. Did you mean 'macro_f1'? There are accuracy, ",
        ),
        ({"metric": "span_f1"}, "metric: 'span_f1' is no metric of classification. There are accuracy, "),
        ({"metric": "pearson_correlation"}, "metric: 'pearson_correlation' needs labels that are numbers"),
        ({"languages": []}, 'languages: is missing. Name the codes: languages = ["en", "de"].'),
        ({"languages": ["en", "German"]}, "languages: no language has the code 'German'. Did you mean 'de'?"),
        ({"languages": ["en", "en"]}, "languages: names a language twice."),
        ({"languages": {"en": "english", "de": "../x"}}, "languages: '../x' for 'de' is no part of a path."),
        ({"languages": {"en": "de", "de": "de"}}, "languages: 'de' stands for 'en' and for 'de': both would"),
        ({"languages": ["de", "fr"]}, "languages: has no 'en', in which the task is trained."),
        (
            {"splits": {"train": "train.csv", "test": "test.csv"}},
            "languages: no split has rows in de. Put {lang} into the path of a split, or name the column",
        ),
        ({"splits": {}}, "splits: is missing: where are the rows?"),
        (
            {"splits": {"test": "test-{lang}.csv"}},
            "splits: has no `train`, and nothing else trains the task.",
        ),
        (
            {"splits": PAIRS["splits"] | {"validation": "dev.csv"}},  # type: ignore[operator]
            "splits.validation: no such key. Did you mean 'dev'?",
        ),
        (
            {"splits": {"train": "../train.csv", "test": "test-{lang}.csv"}},
            "splits.train: '../train.csv' is no path below a folder. Paths start from the study's folder.",
        ),
        ({"splits": {"train": "/train-{lang}.csv"}}, "splits.train: '/train-{lang}.csv' is no path below"),
        ({"splits": {"train": "{lang}/*.csv"}}, "splits.train: '{lang}/*.csv' holds `*`"),
        ({"splits": {"train": "{language}.csv"}}, "splits.train: '{language}.csv' holds braces that are not"),
        ({"splits": {"train": "{lang}.xls"}}, "splits.train: the ending of '{lang}.xls' tells no format."),
        ({"splits": {"train": "{lang}.conll"}}, "splits.train: conll is no format of classification."),
        (
            {"family": "tagging", "splits": {"train": "{lang}.conll", "test": "{lang}.csv"}},
            "splits: mixes conll, csv, whose columns are not named alike.",
        ),
        (
            {"columns": {"text": "review"}},
            'columns: has no label. Name the columns of the files: label = "..."',
        ),
        (
            {"columns": PAIRS["columns"] | {"tags": "x"}},  # type: ignore[operator]
            "columns.tags: is no column of classification. It takes text, label, text2, id, language.",
        ),
        ({"columns": {"sentence": "review"}}, "columns.sentence: no such key. Did you mean 'text'?"),
        ({"hub": {"dataset": "a/b", "revision": "main"}}, "hub.revision: 'main' is no full commit"),
        ({"hub": {"revision": COMMIT}}, "hub.dataset: is missing. A data set is OWNER/NAME."),
    ],
)
def test_a_fault_in_the_table_is_told(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    table = {key: value for key, value in (PAIRS | changes).items() if value is not None}
    found = errors(lambda: study(laid(tmp_path), {"mine": table}))
    assert any(line.startswith(f"study: tasks.mine.{said}") for line in found), found
    assert len(found) <= 2, found


def test_all_faults_are_told_at_once_and_no_other(tmp_path: Path) -> None:
    tasks = {"mine": PAIRS | {"family": "x"}, "mnli": PAIRS, "other": PAIRS | {"metric": "f1", "labels": []}}
    arms = {"none": [], "one": ["othr"], "two": ["mine"]}
    found = errors(lambda: study(tmp_path, tasks, intermediate={"arms": arms}, target={"tasks": ["mine"]}))
    assert [line.split(": ")[1] for line in found] == [
        "tasks.mine.family",
        "tasks.mnli",
        "tasks.other.labels",
        "tasks.other.metric",
        "intermediate.arms.one",
    ]
    assert found[-1].endswith("no task named 'othr'. Did you mean 'other'?")


# What is wrong with the rows


def test_what_is_wrong_with_the_rows_is_told_at_once(tmp_path: Path) -> None:
    fill(
        laid(tmp_path),
        train__csv="text,stars\nfine,good\n",
        test_de__csv="review,stars\nGut,good\nNaja,middling\nSchlecht,bd\nNaja,middling\n",
    )
    found = errors(lambda: study(tmp_path, {"mine": PAIRS}).check())
    assert found == [
        f"{tmp_path}/test-de.csv:3: the label 'middling' is not one of bad, good; nor 'bd' (line 4). "
        "Correct the rows, or `labels`.",
        f"{tmp_path}/train.csv: has no column 'review'; it has 'text', 'stars'. "
        "Name the columns under `columns`.",
    ]


def test_every_misspelt_column_and_label_is_told_with_a_way_out(tmp_path: Path) -> None:
    table = PAIRS | {"columns": {"text": "reviews", "label": "star"}}
    found = errors(lambda: study(laid(tmp_path), {"mine": table}).check())
    assert all(line.endswith("Did you mean 'review'? Did you mean 'stars'?") for line in found)
    fill(tmp_path, test_de__csv="review,stars\nGut,goood\n", train__csv="review,stars\n")
    wrong = errors(lambda: study(tmp_path, {"mine": PAIRS}).check())
    assert wrong[0].endswith("Did you mean 'good'? Correct the rows, or `labels`.")
    assert wrong[1].endswith(
        "train.csv: holds no examples in 'en'. Lay in rows in 'en', or take 'en' out of `languages`."
    )


def test_a_language_without_rows(tmp_path: Path) -> None:
    (laid(tmp_path) / "test-de.csv").unlink()
    (found,) = errors(lambda: study(tmp_path, {"mine": PAIRS}).check())
    assert "no test data of task 'mine' in 'de': looked for test-de.csv (plain or .gz). Lay it in" in found
    fill(tmp_path, all__jsonl='{"t": "a", "l": "bad", "code": "en"}\n{"t": "b", "l": "good", "code": "fr"}\n')
    table = PAIRS | {
        "splits": {"train": "all.jsonl", "test": "all.jsonl"},
        "columns": {"text": "t", "label": "l", "language": "code"},
    }
    (found,) = errors(lambda: study(tmp_path, {"mine": table}).check())
    assert found == (
        f"{tmp_path}/all.jsonl: has no rows in 'de': the column 'code' holds 'en', 'fr'. "
        "Correct `languages`, or take 'de' out."
    )


def test_a_split_in_one_language_is_in_no_other(tmp_path: Path) -> None:
    arms = {"none": [], "german": {"tasks": ["mine"], "languages": ["de"]}}
    recipe = {"max_length": 64, "stride": 16}
    intermediate = {"arms": arms, "recipe": recipe}
    (found,) = errors(lambda: study(laid(tmp_path), {"mine": PAIRS}, intermediate=intermediate).check())
    assert "task 'mine': has no train rows in 'de', but in en. Put {lang} into the path" in found


@pytest.mark.parametrize(
    ("table", "rows", "said"),
    [
        (
            {"columns": {"text": "t", "label": "l"}},
            {"t": 5, "l": "bad"},
            "the column 't' holds no text but 5.",
        ),
        ({"columns": {"text": "t", "label": "l"}}, {"t": "a", "l": None}, "the column 'l' is empty."),
        ({"columns": {"text": "t", "label": "l"}}, {"l": "bad"}, "has no column 't'; it has 'l'."),
        (
            {"family": "choice", "labels": [], "columns": {"options": "o", "label": "l"}},
            {"o": ["a", "b"], "l": "b"},
            "the label 'b' is not one of 0, 1, which number the options.",
        ),
        (
            {"family": "choice", "labels": [], "columns": {"options": "o", "label": "l"}},
            {"o": "a or b", "l": 0},
            "the column 'o' holds no list but 'a or b'.",
        ),
        (
            {"family": "tagging", "columns": {"tokens": "w", "tags": "t"}},
            {"w": ["a", ""], "t": ["bad", "good"]},
            "holds a token that is no text or empty",
        ),
        (
            {"family": "span", "labels": [], "columns": {"context": "c", "question": "q", "answers": "a"}},
            {"c": "It is here.", "q": "Where?", "a": {"text": ["here"], "answer_start": [7]}},
            "the answer 'here' does not stand at character 7 of its context.",
        ),
        (
            {"family": "span", "labels": [], "columns": {"context": "c", "question": "q", "answers": "a"}},
            {"c": "It is here.", "q": "Where?", "a": "here"},
            "the column 'a' holds no answers with their places but 'here'. An answer is",
        ),
    ],
)
def test_a_broken_row_is_told_with_its_line(
    tmp_path: Path, table: Mapping[str, Any], rows: Mapping[str, Any], said: str
) -> None:
    fill(tmp_path, en__jsonl=json.dumps(rows) + "\n")
    with pytest.raises(DataError) as raised:
        read(tmp_path, PAIRS | {"splits": {"train": "{lang}.jsonl"}} | table)
    assert str(raised.value).startswith(f"{tmp_path}/en.jsonl:1: {said}")


# What is read


def test_columns_of_every_format(tmp_path: Path) -> None:
    expected = [Pair("It was fine", None, "good"), Pair("Never again", None, "bad")]
    table = pl.DataFrame({"review": ["It was fine", "Never again"], "stars": ["good", "bad"]})
    table.write_csv(tmp_path / "en.csv")
    table.write_csv(tmp_path / "en.tsv", separator="\t")
    table.write_ndjson(tmp_path / "en.jsonl")
    table.write_parquet(tmp_path / "en.parquet")
    (tmp_path / "en.csv.gz").write_bytes(gzip.compress((tmp_path / "en.csv").read_bytes()))
    (tmp_path / "en.data").write_bytes((tmp_path / "en.tsv").read_bytes())
    for name in ("csv", "tsv", "jsonl", "parquet", "csv.gz"):
        assert read(tmp_path, PAIRS | {"splits": {"train": f"{{lang}}.{name}"}}) == expected, name
    assert read(tmp_path, PAIRS | {"splits": {"train": "{lang}.data"}, "format": "tsv"}) == expected


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        (
            {"family": "classification", "labels": {"no": 0, "yes": 1}}
            | {"columns": {"text": "a", "text2": "b", "label": "l", "id": "n"}},
            {"a": "one", "b": "two", "l": 1, "n": 7},
            Pair("one", "two", "yes", "7"),
        ),
        (
            {"family": "classification", "labels": {"no": False, "yes": True}}
            | {"columns": {"text": "a", "label": "l"}},
            {"a": "one", "l": False},
            Pair("one", None, "no"),
        ),
        (
            {"family": "choice", "labels": ["A", "B"]}
            | {"columns": {"context": "q", "options": ["a", "b"], "label": "l"}},
            {"q": "which?", "a": "this", "b": "that", "l": "B"},
            Choice("which?", ("this", "that"), 1),
        ),
        (
            {"family": "choice", "columns": {"options": "o", "label": "l"}},
            {"o": ["this", "that", "none"], "l": 2},
            Choice("", ("this", "that", "none"), 2),
        ),
        (
            {"family": "tagging", "labels": {"O": 0, "B-PER": 1}, "columns": {"tokens": "w", "tags": "t"}},
            {"w": ["Ann", "ran"], "t": [1, 0]},
            Tagged(("Ann", "ran"), ("B-PER", "O")),
        ),
        (
            {"family": "tagging", "labels": ["O", "P"], "columns": {"tokens": "w", "tags": "t"}},
            {"w": "Ann ran", "t": "P O"},
            Tagged(("Ann", "ran"), ("P", "O")),
        ),
        (
            {"family": "span", "columns": {"context": "c", "question": "q", "answers": "a", "id": "i"}},
            {"c": "It is here.", "q": "Where?", "a": {"text": ["here"], "answer_start": [6]}, "i": "x"},
            Question("It is here.", "Where?", (Answer("here", 6),), "x"),
        ),
        (
            {"family": "span", "columns": {"context": "c", "question": "q", "answers": "a"}},
            {"c": "It is here.", "q": "Where?", "a": [{"text": "here", "start": 6}]},
            Question("It is here.", "Where?", (Answer("here", 6),)),
        ),
        (
            {"family": "span", "columns": {"context": "c", "question": "q", "answers": "a", "start": "s"}},
            {"c": "It is here.", "q": "Where?", "a": "here", "s": "6"},
            Question("It is here.", "Where?", (Answer("here", 6),)),
        ),
        (
            {"family": "span", "metric": "squad2_f1"}
            | {"columns": {"context": "c", "question": "q", "answers": "a"}},
            {"c": "It is here.", "q": "Who?", "a": []},
            Question("It is here.", "Who?", ()),
        ),
        ({"family": "masked", "columns": {"text": "t"}}, {"t": "words"}, Text("words")),
        (
            {"family": "retrieval", "columns": {"text": "x", "text2": "y", "id": "n"}},
            {"x": "eins", "y": "one", "n": "1"},
            Bitext(("eins",), ("one",), ((0, 0),), ("1",), ("1",)),
        ),
    ],
)
def test_roles_of_every_family(
    tmp_path: Path, table: Mapping[str, Any], row: Mapping[str, Any], expected: Example
) -> None:
    fill(tmp_path, en__jsonl=json.dumps(row) + "\n")
    assert read(tmp_path, {"languages": ["en"], "splits": {"train": "en.jsonl"}} | table) == [expected]


def test_conll_and_squad_files(tmp_path: Path) -> None:
    fill(
        tmp_path,
        en__conll="-DOCSTART- -X- O\n\nAnn NNP B-PER\nran VBD O\n\nNo DT O\n",
        de__conll="Ann\tB-PER\nlief\tO\n",
        en__conllu="# sent_id = a\n1\tRun\t_\tVERB" + "\t_" * 6 + "\n\n",
        squad__json=json.dumps(
            {
                "data": [
                    {
                        "paragraphs": [
                            {
                                "context": "It is here.",
                                "qas": [
                                    {
                                        "id": "1",
                                        "question": "Where?",
                                        "answers": [{"text": "here", "answer_start": 6}],
                                    }
                                ],
                            }
                        ]
                    }
                ]
            }
        ),
    )
    table = {"family": "tagging", "languages": ["en", "de"], "labels": ["O", "B-PER"]}
    paths = {"splits": {"train": "{lang}.conll"}}
    assert read(tmp_path, table | paths) == [Tagged(("Ann", "ran"), ("B-PER", "O")), Tagged(("No",), ("O",))]
    assert read(tmp_path, table | paths, "de") == [Tagged(("Ann", "lief"), ("B-PER", "O"))]
    middle = {"columns": {"tokens": 1, "tags": 2}, "labels": ["NNP", "VBD", "DT"]}
    assert read(tmp_path, table | paths | middle)[0] == Tagged(("Ann", "ran"), ("NNP", "VBD"))
    with pytest.raises(DataError, match=r"de\.conll:1: has 2 columns, so no token in number 1 with"):
        read(tmp_path, table | paths | {"columns": {"tags": 3}}, "de")
    with pytest.raises(DataError, match=r"en\.conll:3: the label 'B-PER' is not one of O, X"):
        read(tmp_path, table | paths | {"labels": ["O", "X"]})
    universal = {"splits": {"train": "{lang}.conllu"}, "labels": {"doing": "VERB", "other": "X"}}
    assert read(tmp_path, table | universal) == [Tagged(("Run",), ("doing",), "a")]
    span = {"family": "span", "languages": ["en"], "format": "squad", "splits": {"train": "squad.json"}}
    assert read(tmp_path, span) == [Question("It is here.", "Where?", (Answer("here", 6),), "1")]


def test_a_document_of_a_conll_file_begins_with_or_without_a_blank_line(tmp_path: Path) -> None:
    """And a space that is part of a word, in French numbers or Japanese names, divides no columns."""
    text = "-DOCSTART- -X- O\nAnn NNP B-PER\n10\u00a0000 CD O\n-DOCSTART-\n山\u3000田 NR B-PER\n"
    fill(tmp_path, en__conll=text)
    table = {"family": "tagging", "languages": ["en"], "labels": ["O", "B-PER"]}
    assert read(tmp_path, table | {"splits": {"train": "en.conll"}}) == [
        Tagged(("Ann", "10\u00a0000"), ("B-PER", "O")),
        Tagged(("山\u3000田",), ("B-PER",)),
    ]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("en.conll", "_ O\n_ B-PER\n\n_ O\n"),
        ("en.tsv", "words\ttags\n_ _ _\tO O B-PER\n"),
        ("en.jsonl", '{"words": ["_", "_"], "tags": ["O", "O"]}\n'),
    ],
)
def test_a_file_whose_words_are_withheld_is_refused_in_every_format(
    tmp_path: Path, file: str, content: str
) -> None:
    (tmp_path / file).write_text(content)
    table = {"family": "tagging", "languages": ["en"], "labels": ["O", "B-PER"], "splits": {"train": file}}
    columns = {} if file == "en.conll" else {"columns": {"tokens": "words", "tags": "tags"}}
    with pytest.raises(DataError, match=rf"{file}: holds no words: they are withheld"):
        read(tmp_path, table | columns)
    (tmp_path / file).write_text(content.replace("_", "a", 1))
    assert len(read(tmp_path, table | columns)) == 1 + (file == "en.conll"), "single ones are words"


# The plan


def planned(folder: Path, table: Mapping[str, Any] = PAIRS) -> Plan:
    return plan(study(folder, {"mine": table}).file)


def test_the_definition_is_part_of_the_fingerprint_and_so_are_the_rows(tmp_path: Path) -> None:
    """What says nothing of the rows is not, and neither is another language of those that train."""
    laid(tmp_path)
    first = planned(tmp_path)
    assert first.steps == planned(tmp_path, PAIRS | {"description": "Reviews", "licence": "CC0"}).steps
    fill(tmp_path, train__csv=ROWS.replace("review,stars", "review,stars,title").replace("d\n", "d,x\n"))
    changed = planned(tmp_path)
    renamed = planned(tmp_path, PAIRS | {"columns": {"text": "title", "label": "stars"}})
    swapped = planned(tmp_path, PAIRS | {"labels": {"bad": "good", "good": "bad"}})
    trainings = [
        {step.fingerprint for step in one.steps if step.kind == "phase"}
        for one in (first, changed, renamed, swapped)
    ]
    assert not any(one & other for one in trainings for other in trainings if one is not other)
    fill(tmp_path, test_fr__csv=ROWS)
    wider = planned(tmp_path, PAIRS | {"languages": ["en", "de", "fr"]})
    assert {step.fingerprint for step in wider.steps if step.kind == "phase"} == trainings[1]


@pytest.mark.parametrize("named", ["train.csv", "train.csv.gz"])
def test_of_a_file_and_its_compressed_namesake_the_one_that_is_named_is_read(
    tmp_path: Path, named: str
) -> None:
    (tmp_path / "train.csv").write_text("t,l\nplain,a\n")
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(b"t,l\ncompressed,a\n"))
    table = {"family": "classification", "languages": ["en"], "labels": ["a", "b"]}
    table |= {"columns": {"text": "t", "label": "l"}, "splits": {"train": named}}
    (row,) = read(tmp_path, table)
    assert isinstance(row, Pair) and row.text == ("compressed" if named.endswith(".gz") else "plain")
    (tmp_path / named).unlink()
    assert len(read(tmp_path, table)) == 1, "each stands in for the other"


def test_places_travel_to_workers(tmp_path: Path) -> None:
    found = planned(laid(tmp_path))
    there = Places.from_json(json.loads(json.dumps(found.places.to_json())))
    one = there.task("mine")
    assert one == found.places.task("mine")
    assert loader.load(one, "test", "de")[0] == Pair("Nie wieder", None, "bad")
    counts, wrong, _ = look(found.steps, there)
    assert (sorted(counts.values()), wrong) == ([2, 2, 2], ())


def test_a_declared_task_names_another_that_trains_it(tmp_path: Path) -> None:
    fill(laid(tmp_path), other_de__csv="review,stars\nGut,good\n")
    other = PAIRS | {"languages": ["de"], "splits": {"test": "other-{lang}.csv"}, "trained_by": "mine"}
    found = plan(study(tmp_path, {"mine": PAIRS, "other": other}, target={"tasks": ["other"]}).file)
    used = {use.task for step in found.steps for use in getattr(step.specification, "uses", ())}
    assert used == {"mine"}


def test_labels_stand_in_the_order_of_the_task_that_trains(tmp_path: Path) -> None:
    fill(laid(tmp_path), other_de__csv="review,stars\nGut,good\n")
    other = PAIRS | {"languages": ["de"], "splits": {"test": "other-{lang}.csv"}, "trained_by": "mine"}
    tasks = {"mine": PAIRS, "other": other | {"labels": ["good", "bad"]}}
    (found,) = errors(lambda: study(tmp_path, tasks, target={"tasks": ["other"]}))
    assert found.endswith(
        "which has another family or other labels. Give the labels in its order: bad, good."
    )


# The Hub


def cached(folder: Path, files: Mapping[str, pl.DataFrame]) -> None:
    """A cache as the Hub's client leaves one behind."""
    root = folder / "datasets--someone--reviews"
    for name, frame in files.items():
        path = root / "snapshots" / COMMIT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / "main").write_text(COMMIT)


def of_hub(config: str = "{lang}", **changes: Any) -> dict[str, Any]:
    return (
        PAIRS
        | {
            "hub": {"dataset": "someone/reviews", "revision": COMMIT, "config": config},
            "labels": {"bad": 0, "good": 1},
            "splits": {"train": "train", "test": "test"},
        }
        | changes
    )


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HF_HUB_OFFLINE=1, and an empty cache; both are read where huggingface_hub is imported."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def frame(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"review": pl.String, "stars": pl.Int64}, orient="row")


def test_rows_of_the_hub_come_from_its_cache(tmp_path: Path, offline: Path) -> None:
    english, german = frame(("Fine", 1), ("Never", 0)), frame(("Gut", 1))
    parts = {f"en/train-0000{part}-of-00002.parquet": english for part in (0, 1)}
    cached(
        offline,
        parts
        | {f"{code}/test-00000-of-00001.parquet": one for code, one in (("en", english), ("de", german))},
    )
    found = planned(tmp_path, of_hub())
    one = found.places.task("mine")
    assert loader.load(one, "test", "de") == [Pair("Gut", None, "good")]
    assert len(loader.load(one, "train", "en")) == 4, "all parts"
    counts, wrong, notes = look(found.steps, found.places)
    assert (sorted(counts.values()), wrong, notes) == ([1, 2, 4], (), ())
    explicit = of_hub(
        splits={"train": "{config}/train-*.parquet", "test": "{lang}/test-00000-of-00001.parquet"}
    )
    assert loader.load(planned(tmp_path, explicit).places.task("mine"), "test", "de")


def test_what_is_wrong_with_rows_of_the_hub(tmp_path: Path, offline: Path) -> None:
    made = study(tmp_path, {"mine": of_hub()})
    assert "mine: its rows on the Hub are checked when they are fetched: by `run`" in made.check().notes
    found = planned(tmp_path, of_hub())
    assert len(errors(lambda: check_rows(found.steps, found.places))) == 3, "told before anything runs"
    one = found.places.task("mine")
    with pytest.raises(DataError, match="is not in the cache and the Hub cannot be reached"):
        loader.load(one, "train", "en")
    cached(
        offline,
        {
            "en/train-00000-of-00002.parquet": frame(("Fine", 1)),
            "en/test-00000-of-00001.parquet": frame(("Fine", 2)),
            "de/test-00000-of-00001.parquet": frame(("Gut", 1)).rename({"review": "text"}),
        },
    )
    wrong = errors(made.check)
    assert len(wrong) == 3
    assert "test-00000-of-00001.parquet: has no column 'review'; it has 'text', 'stars'." in wrong[0]
    assert "test-00000-of-00001.parquet: row 1: the label '2' is not one of 0, 1." in wrong[1]
    assert "of the 2 parts of en/train-*.parquet only 1 are in the cache" in wrong[2]


def test_revision_config_and_split_are_part_of_the_identity(tmp_path: Path) -> None:
    variants = [of_hub(), of_hub("other-{lang}"), of_hub(splits={"train": "train", "test": "validation"})]
    marks = [loader.identity(planned(tmp_path, one).places.task("mine"), "test", "de") for one in variants]
    assert len(set(marks)) == 3
    assert all(mark.startswith(f"hub:someone/reviews@{COMMIT}+read:") for mark in marks)
    marks = [loader.identity(planned(tmp_path, one).places.task("mine"), "train", "en") for one in variants]
    assert marks[0] == marks[2]
