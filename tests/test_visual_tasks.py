"""The tasks about images: their layouts, made up in miniature, and what they refuse."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from xstilts import metrics
from xstilts import tasks as registry
from xstilts.data import loader
from xstilts.data.examples import Example, Seen
from xstilts.data.task import TEST_TRANSLATED
from xstilts.errors import DataError
from xstilts.families.visual import FAMILY, UNLABELLED


def _folder(root: Path, files: Mapping[str, list[Any] | dict[str, Any]]) -> Path:
    """Files of JSON lines (a list of rows) or of one JSON object."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = content if isinstance(content, list) else [content]
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return root


def _load(name: str, split: str, language: str, data: Path) -> list[Example]:
    return loader.load(registry.find(name), split, language, data)


ENTAILMENT = {
    "gold_label": "neutral",
    "sentence1": "A man holds a newspaper.",
    "sentence2": "He reads.",
    "captionID": "75.jpg#2",
    "pairID": "75.jpg#2r1e",
    "Flikr30kID": "75",
}
SEEN = Seen(("75",), "He reads.", "neutral", "A man holds a newspaper.", "75.jpg#2r1e")


# SNLI-VE and XVNLI


def test_xvnli_keeps_pairs_without_gold_label_and_every_answer_to_them_is_wrong(tmp_path: Path) -> None:
    rows = [ENTAILMENT, ENTAILMENT | {"gold_label": "-"}]
    data = _folder(tmp_path, {"target/xvnli/fr/test.jsonl": rows})
    found = _load("xvnli", "test", "fr", data)
    assert [row.label for row in found if isinstance(row, Seen)] == ["neutral", UNLABELLED]
    metric = metrics.find("accuracy")
    for label in registry.find("xvnli").labels:
        statistics = metric.statistics([FAMILY.gold(row) for row in found], [label] * 2, "fr")
        assert statistics[1].tolist() == [0, 1]


@pytest.mark.parametrize("labelled", [0, 9, 10])
def test_rows_that_mostly_lack_labels_are_refused(tmp_path: Path, labelled: int) -> None:
    """No model could be right on them: labels are withheld, or answers in another language than English."""
    asked = {"imageId": "1", "question": "Ist er rot?"}
    rows = [ENTAILMENT] * labelled + [ENTAILMENT | {"gold_label": "-"}] * (20 - labelled)
    files: dict[str, Any] = {
        "target/xvnli/fr/test.jsonl": rows,
        "target/xgqa/testdev_balanced_questions_de.json": {
            str(row): asked | {"answer": "yes" if row < labelled else "ja"} for row in range(20)
        },
    }
    data = _folder(tmp_path, files)
    for name, language in (("xvnli", "fr"), ("xgqa", "de")):
        if labelled == 10:
            assert len(_load(name, "test", language, data)) == 20
            continue
        with pytest.raises(DataError, match=rf"{20 - labelled} of 20 rows have no right answer"):
            _load(name, "test", language, data)


@pytest.mark.parametrize(
    "name", ["intermediate/snli_ve/train.jsonl", "datasets/XVNLI/annotations/en/train.jsonl"]
)
def test_snli_ve_skips_them_and_knows_both_names_of_the_image(tmp_path: Path, name: str) -> None:
    other = {key: value for key, value in ENTAILMENT.items() if key != "Flikr30kID"}
    rows = [ENTAILMENT, ENTAILMENT | {"gold_label": "-"}, other | {"Flickr30K_ID": "75.jpg"}]
    assert _load("snli_ve", "train", "en", _folder(tmp_path, {name: rows})) == [SEEN, SEEN]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Flikr30kID": ""}, r"train.jsonl:1: has no field 'Flikr30kID'"),
        ({"gold_label": "netural"}, r"train.jsonl:1: the label 'netural' .* Did you mean 'neutral'"),
        ({"sentence2": None}, r"train.jsonl:1: the field 'sentence2' is null"),
    ],
)
def test_broken_rows_are_told_with_their_place(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    data = _folder(tmp_path, {"intermediate/snli_ve/train.jsonl": [ENTAILMENT | changed]})
    with pytest.raises(DataError, match=message):
        _load("snli_ve", "train", "en", data)


def test_iglues_own_training_rows_go_before_those_of_snli_ve(tmp_path: Path) -> None:
    files = {
        "datasets/XVNLI/annotations/en/train.jsonl": [ENTAILMENT],
        "intermediate/snli_ve/train.jsonl": [ENTAILMENT] * 2,
    }
    assert _load("snli_ve", "train", "en", _folder(tmp_path, files)) == [SEEN]


def test_rows_that_were_translated_are_a_split_of_their_own(tmp_path: Path) -> None:
    files = {
        "datasets/XVNLI/annotations/en/test.jsonl": [ENTAILMENT],
        "datasets/XVNLI/annotations/fr/test.jsonl": [ENTAILMENT | {"sentence2": "Il lit."}],
        "datasets/XVNLI/annotations_machine-translate/fr/test.jsonl": [
            ENTAILMENT | {"sentence2": "He's reading."}
        ],
    }
    xvnli, data = registry.find("xvnli"), _folder(tmp_path, files)
    (found,) = _load("xvnli", TEST_TRANSLATED, "fr", data)
    assert isinstance(found, Seen) and found.text == "He's reading."
    assert _load("xvnli", TEST_TRANSLATED, "en", data) == [SEEN], "English needs no translation"
    assert loader.identity(xvnli, TEST_TRANSLATED, "en", data) == loader.identity(xvnli, "test", "en", data)
    with pytest.raises(DataError, match=r"no test-translated data of task 'xvnli' in 'ru': looked for"):
        _load("xvnli", TEST_TRANSLATED, "ru", data)


# NLVR2 and MaRVL


def test_nlvr2_names_two_images_after_the_identifier(tmp_path: Path) -> None:
    row = {"sentence": "There are two dogs.", "label": "False", "identifier": "dev-850-0-1"}
    train = row | {"identifier": "train-10-2-0", "label": "True", "directory": 65}
    data = _folder(tmp_path, {"intermediate/nlvr2/dev.json": [row], "intermediate/nlvr2/train.json": [train]})
    images = ("dev/dev-850-0-img0", "dev/dev-850-0-img1")
    assert _load("nlvr2", "dev", "en", data) == [
        Seen(images, "There are two dogs.", "False", id="dev-850-0-1")
    ]
    (found,) = _load("nlvr2", "train", "en", data)
    assert isinstance(found, Seen)
    assert found.images == ("train/65/train-10-2-img0", "train/65/train-10-2-img1")


def test_marvl_has_images_of_each_language_and_nlvr2_in_english(tmp_path: Path) -> None:
    row = {
        "concept": "39-Panci",
        "language": "id",
        "caption": "Panci itu kosong.",
        "left_img": "39-0.jpg",
        "right_img": "x/39-11.jpg",
        "chapter": "Basic actions",
        "id": "id-0",
        "label": True,
    }
    english = {"sentence": "Two dogs.", "label": "False", "identifier": "test1-0-1-0"}
    files = {
        "target/marvl/marvl-id.jsonl": [row],
        "target/marvl/marvl-en.jsonl": [english],
        "datasets/marvl/zero_shot/annotations_machine-translate/marvl-id_gmt.jsonl": [
            row | {"caption": "Empty."}
        ],
    }
    marvl, data = registry.find("marvl"), _folder(tmp_path, files)
    images = ("id/images/39-Panci/39-0.jpg", "id/images/39-Panci/39-11.jpg")
    assert _load("marvl", "test", "id", data) == [Seen(images, "Panci itu kosong.", "True", id="id-0")]
    assert _load("marvl", TEST_TRANSLATED, "id", data) == [Seen(images, "Empty.", "True", id="id-0")]
    assert loader.available(marvl, "test", data) == ("en", "id")
    (found,) = _load("marvl", "test", "en", data)
    assert isinstance(found, Seen) and found.images == ("test1/test1-0-1-img0", "test1/test1-0-1-img1")


# GQA and xGQA


QUESTION = {"question": "Is the fence white?", "imageId": "n161313", "answer": "yes", "isBalanced": True}


def test_gqa_has_its_answers_as_labels() -> None:
    labels = registry.find("gqa").labels
    assert len(labels) == len(set(labels)) == 1_842
    assert {"yes", "no", "left", "t-shirt", "dry-erase board", "taking a photograph"} <= set(labels)
    assert list(labels) == sorted(labels)
    assert all(label == " ".join(label.split()) for label in labels)
    assert labels == registry.find("xgqa").labels


def test_an_answer_that_is_no_label_counts_and_is_never_right(tmp_path: Path) -> None:
    rows = {"1": QUESTION, "2": QUESTION | {"answer": "aquamarine unicorn"}}
    data = _folder(tmp_path, {"intermediate/gqa/testdev_balanced_questions.json": rows})
    found = _load("gqa", "test", "en", data)
    assert found[0] == Seen(("n161313",), "Is the fence white?", "yes", id="1")
    assert [row.label for row in found if isinstance(row, Seen)] == ["yes", UNLABELLED]


def test_xgqa_asks_in_other_languages(tmp_path: Path) -> None:
    rows = {"1": QUESTION | {"question": "Ist der Zaun weiß?"}}
    data = _folder(tmp_path, {"target/xgqa/testdev_balanced_questions_de.json": rows})
    assert _load("xgqa", "test", "de", data) == [Seen(("n161313",), "Ist der Zaun weiß?", "yes", id="1")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "is no JSON object"),
        ('{"1": {"question": "x", "answer": "yes"}}', "'1': has no field 'imageId'"),
        ('{"1": 7}', "'1': is no JSON object"),
        ('{"1": ', "is no JSON"),
    ],
)
def test_a_broken_file_of_questions(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "target/xgqa/testdev_balanced_questions_de.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(DataError, match=f"testdev_balanced_questions_de.json.*{message}"):
        _load("xgqa", "test", "de", tmp_path)


@pytest.mark.parametrize("name", ["gqa", "marvl", "nlvr2", "snli_ve", "xgqa", "xvnli"])
def test_rows_are_in_no_hub_and_the_message_says_so(name: str) -> None:
    one = registry.find(name)
    with pytest.raises(DataError, match=r"rows and images come from the sites of their authors.*--data DIR"):
        loader.load(one, one.evaluation_split, one.languages[0])


def test_the_lab_translates_without_fault() -> None:
    one = registry.find("lab_nli")
    assert loader.load(one, TEST_TRANSLATED, "x-ia") == loader.load(one, "test", "x-en")
    assert loader.identity(one, TEST_TRANSLATED, "x-ia") == loader.identity(one, "test", "x-en")
