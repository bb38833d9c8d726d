"""Labels of texts and pairs."""

from typing import Any

import numpy as np
import pytest

from xstilts.data.examples import Pair
from xstilts.families.classification import FAMILY
from xstilts.families.items import Layout

LAYOUT = Layout(labels=("no", "yes"), max_length=16)


def test_a_pair_is_laid_out_as_the_tokenizer_does_it(tokenizer: Any) -> None:
    (item,) = FAMILY.encode([Pair("the river", "walks", "yes")], tokenizer, LAYOUT)
    (ids,) = item.sequences
    assert ids == tokenizer("the river", "walks")["input_ids"]
    walks = tokenizer("walks", add_special_tokens=False)["input_ids"]
    assert ids[item.second[0] : item.second[0] + len(walks)] == walks
    assert item.gold == [1]


def test_a_single_text_has_no_second_segment(tokenizer: Any) -> None:
    (item,) = FAMILY.encode([Pair("the river", None, "no")], tokenizer, LAYOUT)
    assert item.second == (len(item.sequences[0]),)


def test_the_longer_text_of_a_pair_is_cut_first(roberta: Any) -> None:
    long, short = "the river walks along " * 10, "nobody"
    kept = roberta(short, add_special_tokens=False)["input_ids"]
    for pair in (Pair(long, short, "no"), Pair(short, long, "no")):
        (item,) = FAMILY.encode([pair], roberta, LAYOUT)
        (ids,) = item.sequences
        assert len(ids) == LAYOUT.max_length
        found = [at for at in range(len(ids)) if ids[at : at + len(kept)] == kept]
        assert found, "the short text is whole"


@pytest.mark.parametrize(("summary", "position"), [("first", 0), ("last", -1)])
def test_the_summary_is_the_first_or_the_last_token(summary: str, position: int, roberta: Any) -> None:
    layout = Layout(labels=LAYOUT.labels, max_length=16, summary=summary)
    (item,) = FAMILY.encode([Pair("the river", "walks", "yes")], roberta, layout)
    assert item.reads == ([range(len(item.sequences[0]))[position]],)


def test_ties_go_to_the_label_that_stands_first() -> None:
    rows = [Pair("a", None, "yes")]
    assert FAMILY.decode(rows, [], [np.zeros((1, 2), np.float32)], LAYOUT) == ["no"]


def test_the_majority_label_and_its_ties() -> None:
    rows = [Pair("", None, label) for label in ("yes", "no", "yes", "no", "maybe")]
    assert FAMILY.majority(rows, rows[:2]) == ["no", "no"]
    assert FAMILY.majority(rows[:3], rows) == ["yes"] * 5
