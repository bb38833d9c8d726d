"""Words, sub-tokens and tags, on odd words too; the official code's cases are tested in tests/golden."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.data.examples import Tagged
from xstilts.families.items import Layout
from xstilts.families.tagging import FAMILY, frame, word_pieces


def test_the_special_tokens_around_a_text(roberta: Any, bert: Any) -> None:
    assert frame(roberta) == ([roberta.cls_token_id], [roberta.sep_token_id])
    assert frame(bert) == ([bert.cls_token_id], [bert.sep_token_id])


def test_a_word_is_tokenized_as_if_it_followed_a_space(roberta: Any) -> None:
    (words,) = word_pieces([Tagged(("walks", "along"), ("", ""))], roberta)
    text = roberta("walks along", add_special_tokens=False)["input_ids"]
    assert [piece for word in words for piece in word] == text


WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SENTENCES = st.lists(st.lists(WORD, min_size=1, max_size=12), max_size=4)


@settings(max_examples=150, deadline=None)
@given(sentences=SENTENCES, longest=st.integers(8, 20))
def test_every_word_has_exactly_one_prediction(
    roberta: Any, sentences: list[list[str]], longest: int
) -> None:
    labels = tuple(f"T{number}" for number in range(12))
    rows = [Tagged(tuple(words), labels[: len(words)]) for words in sentences]
    layout = Layout(labels=labels, max_length=longest)
    items = FAMILY.encode(rows, roberta, layout)
    scores = [np.eye(12, dtype=np.float32)[item.gold] for item in items]
    assert FAMILY.decode(rows, items, scores, layout) == [row.tags for row in rows]
    assert all(len(item.sequences[0]) <= longest for item in items)


def test_the_majority_is_one_tag_for_every_word() -> None:
    training = [Tagged(("a", "b", "c"), ("N", "V", "V")), Tagged(("d",), ("N",)), Tagged(("e",), ("V",))]
    assert FAMILY.majority(training, [Tagged(("x", "y"), ("N", "N"))]) == [("V", "V")]
    assert FAMILY.majority(training[:2], [Tagged(("x",), ("N",))]) == [("N",)], "ties: the first by name"
