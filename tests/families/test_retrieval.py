"""Nearest neighbours of sentences."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xstilts.data.examples import Bitext
from xstilts.families.items import Layout
from xstilts.families.retrieval import FAMILY, nearest

BITEXT = Bitext(("der Fluss", "niemand", "die Brücke"), ("nobody", "the river"), ((1, 0), (0, 1)))
LAYOUT = Layout(max_length=16)
VECTORS = st.integers(1, 6).flatmap(
    lambda width: st.tuples(
        *[
            hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.just(width)), elements=st.integers(-3, 3))
            for _ in range(2)
        ]
    )
)


def test_sentences_of_both_sides_are_items(tokenizer: Any) -> None:
    items = FAMILY.encode([BITEXT], tokenizer, LAYOUT)
    wanted = [tokenizer(text)["input_ids"] for text in (*BITEXT.source, *BITEXT.target)]
    assert [item.sequences for item in items] == [(ids,) for ids in wanted]


def test_gold_is_the_row_of_each_english_sentence_in_the_other_language() -> None:
    assert FAMILY.gold(BITEXT) == [1, 0]
    assert FAMILY.majority([], [BITEXT]) == [0, 0]


def test_the_english_sentences_are_the_queries(tokenizer: Any) -> None:
    items = FAMILY.encode([BITEXT], tokenizer, LAYOUT)
    vectors = [np.asarray(row, np.float32) for row in ([1, 0], [0, 2], [-1, 0], [0, 1], [3, 1])]
    assert FAMILY.decode([BITEXT], items, vectors, LAYOUT) == FAMILY.gold(BITEXT)


@settings(max_examples=300, deadline=None)
@given(pair=VECTORS, block=st.integers(1, 5))
def test_the_nearest_is_that_of_brute_force(pair: Any, block: int) -> None:
    """By squared distance of unit vectors; vectors that are equal up to rounding may stand for each other."""
    queries, candidates = pair

    def unit(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        length = np.linalg.norm(row.astype(np.float64))
        return row / length if length else row * 0.0

    found = nearest(queries, candidates, block)
    assert len(found) == len(queries)
    for query, row in zip(queries, found, strict=True):
        distances = [float(((unit(query) - unit(other)) ** 2).sum()) for other in candidates]
        assert distances[row] <= min(distances) + 1e-6
        assert all(other > distances[row] + 1e-6 or (candidates[at] != candidates[row]).any()
                   for at, other in enumerate(distances[:row]))  # fmt: skip


@pytest.mark.parametrize("width", [3, 16, 33, 192])
def test_of_equal_candidates_the_first_is_found(width: int) -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    distinct = rng.normal(size=(97, width)).astype(np.float32)
    candidates = np.concatenate([distinct, distinct[::-1], distinct[5:50]])
    assert nearest(distinct * 3, candidates) == list(range(97))


def test_a_zero_vector_beats_every_cosine_below_a_half() -> None:
    candidates = np.asarray([[1, 0], [0, 0], [-1, 2]], np.float32)
    queries = np.asarray([[1, 0.1], [0.4, -1], [0, 0]], np.float32)
    assert nearest(queries, candidates) == [0, 1, 1]


def test_the_block_size_changes_nothing() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    queries = rng.normal(size=(50, 8)).astype(np.float32)
    candidates = rng.normal(size=(70, 8)).astype(np.float32)
    assert nearest(queries, candidates, 7) == nearest(queries, candidates)
