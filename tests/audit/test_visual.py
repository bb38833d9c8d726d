"""Rows about images: the same text about another image is another row, however alike the names are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pictures import laid, study
from xstilts.audit.audit import audit
from xstilts.audit.finding import Finding
from xstilts.audit.match import Match, Texts, match
from xstilts.data.examples import Pair, Seen
from xstilts.study.load import load
from xstilts.study.plan import plan

if TYPE_CHECKING:
    from conftest import World

TEXT = "The keeper of the lighthouse walks along the river every day."
NEARLY = "The keeper of the lighthouse walks along the river every night."
ONE = ("train/65/train-10171-2-img0", "train/65/train-10171-2-img1")
OTHER = ("train/65/train-10171-3-img0", "train/65/train-10171-3-img1")


def matched(evaluated: Any, trained: Any) -> Match:
    return match(Texts([evaluated]), Texts([trained]))


def test_the_same_text_about_the_same_images_is_the_same_row() -> None:
    assert matched(Seen(ONE, TEXT, "yes"), Seen(ONE, TEXT.upper(), "no")).same == {0}
    assert matched(Seen(ONE, TEXT, "yes"), Seen(ONE, NEARLY, "no")).near == {0: 0}


@pytest.mark.parametrize("text", [TEXT, NEARLY])
@pytest.mark.parametrize("images", [OTHER, ONE[::-1], ONE[:1], ()])
def test_another_image_makes_another_row(text: str, images: tuple[str, ...]) -> None:
    found = matched(Seen(ONE, TEXT, "yes"), Seen(images, text, "yes"))
    assert not found.whole
    assert (found.part == {0}) is (text == TEXT), "that the text was seen is noted"


def test_an_image_that_was_seen_with_another_text_is_noted() -> None:
    found = matched(Seen(ONE, TEXT, "yes"), Seen(ONE, "Nobody follows him.", "yes"))
    assert (found.whole, found.part) == (set(), {0})


def test_punctuation_in_names_counts() -> None:
    assert not matched(Seen(("dev-85-00-img0",), TEXT, "yes"), Seen(("dev-850-0-img0",), TEXT, "yes")).whole


def test_a_pair_of_texts_is_no_row_about_an_image() -> None:
    assert not matched(Seen(ONE, TEXT, "yes", NEARLY), Pair(NEARLY, TEXT, "yes")).whole


def findings(world: "World", data: Path, *references: str) -> list[Finding]:
    return list(audit(plan(load(study(world, *references)), data)).findings)


def planted(data: Path, image: str) -> None:
    """All English test rows into the training rows, about their own images or about another one."""
    train = data / "intermediate/snli_ve/train.jsonl"
    for line in (data / "target/xvnli/en/test.jsonl").read_text().splitlines():
        row = json.loads(line)
        name = image or row["Flikr30kID"]
        train.write_text(train.read_text() + json.dumps(row | {"Flikr30kID": name}) + "\n")


def test_a_study_about_images_is_audited(world: "World") -> None:
    data = laid(world.folder / "data")
    assert not [one for one in findings(world, data) if one.severity == "leak"]


def test_evaluated_rows_in_the_training_data_are_a_leak(world: "World") -> None:
    data = laid(world.folder / "data")
    planted(data, "")
    found = [one for one in findings(world, data, "text-only", "translate-test") if one.severity == "leak"]
    assert {(one.kind, one.split, one.language, one.rows) for one in found} >= {("rows", "test", "en", 12)}
    assert {"snli_ve train en"} == {where for one in found for where in one.where}


def test_the_same_hypotheses_about_other_images_are_no_leak(world: "World") -> None:
    data = laid(world.folder / "data")
    planted(data, "9")
    assert not [one for one in findings(world, data) if one.severity == "leak"]
