"""Which tokens are hidden, and what becomes of them."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.data.examples import Text
from xstilts.families.items import Layout
from xstilts.families.masked import FAMILY, Vocabulary, mask

VOCABULARY = Vocabulary(size=1000, mask=4, special=(0, 1, 2, 3, 4))
LAYOUT = Layout(max_length=32)


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_texts_and_translations_keep_their_order(tokenizer: Any) -> None:
    rows = [Text("the river"), Text("老灯塔", "the old lighthouse"), Text("him"), Text("", "river")]
    items = FAMILY.encode(rows, tokenizer, LAYOUT)
    wanted = [tokenizer(*([row.text] if row.text2 is None else [row.text, row.text2])) for row in rows]
    assert [item.sequences[0] for item in items] == [encoding["input_ids"] for encoding in wanted]
    assert [item.example for item in items] == [0, 1, 2, 3]
    assert all(item.reads == ([],) and item.gold == [] for item in items), "nothing is masked yet"


def test_shares_are_those_of_bert() -> None:
    tokens = np.full(200_000, 500, np.int32)
    hidden, drawn = mask(tokens, VOCABULARY, 0.15, _rng(0))
    assert abs(len(drawn) / len(tokens) - 0.15) < 0.003
    became = hidden[drawn]
    assert abs((became == VOCABULARY.mask).mean() - 0.8) < 0.008
    assert abs((became == 500).mean() - 0.1) < 0.006
    swapped = became[(became != VOCABULARY.mask) & (became != 500)]
    assert abs(len(swapped) / len(drawn) - 0.1) < 0.006
    assert swapped.min() >= 0
    assert 990 < swapped.max() < VOCABULARY.size
    untouched = np.setdiff1d(np.arange(len(tokens)), drawn)
    assert (hidden[untouched] == 500).all()


@settings(max_examples=200, deadline=None)
@given(
    tokens=st.lists(st.integers(0, 20), max_size=40),
    rate=st.floats(0.01, 0.99),
    seed=st.integers(0, 1000),
)
def test_special_tokens_are_never_drawn_and_one_token_is_if_any_can_be(
    tokens: list[int], rate: float, seed: int
) -> None:
    given_tokens = np.asarray(tokens, np.int32)
    hidden, drawn = mask(given_tokens, VOCABULARY, rate, _rng(seed))
    again, drawn_again = mask(given_tokens, VOCABULARY, rate, _rng(seed))
    assert hidden.tolist() == again.tolist()
    assert drawn.tolist() == drawn_again.tolist()
    assert given_tokens.tolist() == tokens, "the tokens that are handed in stay"
    allowed = [place for place, token in enumerate(tokens) if token not in VOCABULARY.special]
    assert set(drawn.tolist()) <= set(allowed)
    assert bool(allowed) == bool(len(drawn))
    assert hidden.dtype == np.int32


def test_the_most_likely_tokens_are_the_prediction() -> None:
    scores = [np.eye(5, dtype=np.float32)[[3, 1]], np.eye(5, dtype=np.float32)[[4]]]
    assert FAMILY.decode([Text("a"), Text("b")], [], scores, LAYOUT) == [(3, 1), (4,)]
