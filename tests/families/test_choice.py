"""Options that compete, with and without a context."""

from typing import Any

import numpy as np
import pytest

from xstilts.data.examples import Choice
from xstilts.families.choice import FAMILY
from xstilts.families.items import Layout

LAYOUT = Layout(max_length=16)


def test_options_stand_after_their_context(tokenizer: Any) -> None:
    example = Choice("The keeper", ("walks", "follows him", "river"), 1)
    (item,) = FAMILY.encode([example], tokenizer, LAYOUT)
    assert list(item.sequences) == [tokenizer("The keeper", o)["input_ids"] for o in example.options]
    assert item.reads == ([0], [0], [0])
    assert item.gold == [1]
    for ids, second in zip(item.sequences, item.second, strict=True):
        assert 0 < second < len(ids)


def test_options_without_a_context_stand_alone(tokenizer: Any) -> None:
    example = Choice("", ("walks along the river", "walks"), 0)
    (item,) = FAMILY.encode([example], tokenizer, LAYOUT)
    assert list(item.sequences) == [tokenizer(option)["input_ids"] for option in example.options]
    assert item.second == tuple(len(ids) for ids in item.sequences)


def test_examples_of_both_kinds_and_of_different_sizes_keep_their_order(tokenizer: Any) -> None:
    rows = [
        Choice("The keeper", ("walks", "him"), 1),
        Choice("", ("river", "old", "day", "the"), 3),
        Choice("Who", ("follows", "there", "every"), 2),
    ]
    items = FAMILY.encode(rows, tokenizer, LAYOUT)
    assert [len(item.sequences) for item in items] == [2, 4, 3]
    assert [item.example for item in items] == [0, 1, 2]
    assert items[1].sequences[1] == tokenizer("old")["input_ids"]
    assert items[2].sequences[2] == tokenizer("Who", "every")["input_ids"]


def test_ties_go_to_the_first_option() -> None:
    rows = [Choice("", ("a", "b"), 1)]
    assert FAMILY.decode(rows, [], [np.zeros((2, 1), np.float32)], LAYOUT) == [0]


def test_the_majority_is_the_most_frequent_place_that_there_is() -> None:
    three = [Choice("", ("a", "b", "c"), label) for label in (2, 2, 0)]
    assert FAMILY.majority(three, [three[0], Choice("", ("a", "b"), 0)]) == [2, 1]


@pytest.mark.parametrize(("options", "place"), [(2, 0), (4, 0), (3, 2)])
def test_where_the_right_option_always_stands_at_one_place_chance_is_one_of_so_many(
    options: int, place: int
) -> None:
    rows = [Choice("", tuple("abcd"[:options]), place)] * 120
    right = [answer == place for answer in FAMILY.majority(rows, rows)]
    assert np.mean(right) == pytest.approx(1 / options)


def test_shuffled_answers_are_options_drawn_evenly() -> None:
    rows = [Choice("", ("a", "b", "c"), 0)] * 600 + [Choice("", ("a", "b"), 0)] * 400
    labels = [row.label for row in FAMILY.shuffled(rows, np.random.Generator(np.random.PCG64(0)))]
    assert all(abs(count - 200) < 50 for count in np.bincount(labels[:600], minlength=3))
    assert all(abs(count - 200) < 50 for count in np.bincount(labels[600:], minlength=2))
    assert max(labels[600:]) == 1
