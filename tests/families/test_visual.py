"""Images by name beside a text, and what controls take away."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xstilts.data.examples import Seen
from xstilts.families.items import IGNORED, Layout
from xstilts.families.visual import FAMILY, UNLABELLED, viewed

LAYOUT = Layout(labels=("no", "yes"), max_length=32)
ROWS = [
    Seen((f"{row // 3}.jpg",), f"text {row}", ("no", "yes")[row % 2], f"caption {row}", str(row))
    for row in range(30)
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def encoded(row: Seen, tokenizer: Any) -> Any:
    (item,) = FAMILY.encode([row], tokenizer, LAYOUT)
    return item


def test_the_text_is_tokenized_and_the_images_are_named(tokenizer: Any) -> None:
    item = encoded(Seen(("a.jpg", "b/c.jpg"), "the river walks", "yes", "a caption"), tokenizer)
    assert item.sequences == (tokenizer("the river walks")["input_ids"],)
    assert item.second == (len(item.sequences[0]),)
    assert item.images == (("a.jpg", "b/c.jpg"),)
    assert item.gold == [1]


def test_without_images_the_caption_is_read_before_the_text(tokenizer: Any) -> None:
    item = encoded(Seen((), "the river walks", "yes", "nobody follows"), tokenizer)
    assert item.sequences == (tokenizer("nobody follows", "the river walks")["input_ids"],)
    assert 0 < item.second[0] < len(item.sequences[0])
    assert item.images == ((),)
    alone = encoded(Seen((), "the river walks", "yes"), tokenizer)
    assert alone.sequences == (tokenizer("the river walks")["input_ids"],)


def test_a_row_without_label_is_not_learned_and_never_right(tokenizer: Any) -> None:
    row = Seen(("a.jpg",), "the river", UNLABELLED)
    assert encoded(row, tokenizer).gold == [IGNORED]
    assert FAMILY.gold(row) not in LAYOUT.labels
    assert FAMILY.majority([row, row, Seen((), "", "yes")], [row]) == ["yes"]


@pytest.mark.parametrize("view", ["all", "translated"])
def test_some_views_leave_rows_as_they_are(view: str) -> None:
    assert viewed(ROWS, view, rng()) == ROWS


def test_views_take_away_what_they_say() -> None:
    row = Seen(("1.jpg",), "text", "yes", "caption", "7")
    assert viewed([row], "text", rng()) == [Seen((), "text", "yes", "", "7")]
    assert viewed([row], "caption", rng()) == [Seen((), "text", "yes", "caption", "7")]
    assert viewed([row], "image", rng()) == [Seen(("1.jpg",), "", "yes", "caption", "7")]


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_images_are_all_there_and_none_stays(seed: int) -> None:
    shown = viewed(ROWS, "shuffled", rng(seed))
    for row, other in zip(ROWS, shown, strict=True):
        assert other.images != row.images
        assert replace(other, images=row.images) == row
    assert {row.images for row in shown} == {row.images for row in ROWS}
    for start in range(0, len(ROWS), 3):
        assert len({row.images for row in shown[start : start + 3]}) == 1, "rows of an image stay together"


def test_shuffling_depends_on_the_generator_alone() -> None:
    assert viewed(ROWS, "shuffled", rng(1)) == viewed(ROWS, "shuffled", rng(1))
    assert viewed(ROWS, "shuffled", rng(1)) != viewed(ROWS, "shuffled", rng(2))
    assert viewed(ROWS[:1], "shuffled", rng()) == ROWS[:1], "a single image has no other"
    assert viewed([], "shuffled", rng()) == []
