"""The span F1 against the official rule, spelled out one tag at a time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts import metrics
from xstilts.errors import PredictionError

Span = tuple[str, int, int]


def _official_spans(sentences: list[list[str]]) -> set[Span]:
    """seqeval 0.0.12: all sentences joined, an `O` after each and one at the end."""
    flat = [tag for sentence in sentences for tag in [*sentence, "O"]]
    spans: set[Span] = set()
    before, kind_before, begin = "O", "", 0
    for i, tag in enumerate([*flat, "O"]):
        prefix, kind = tag[0], tag.split("-")[-1]
        ends = before in "ES" or (before in "BI" and prefix in "BSO")
        if ends or (before not in "O." and kind_before != kind):
            spans.add((kind_before, begin, i - 1))
        starts = prefix in "BS" or (before in "ESO" and prefix in "EI")
        if starts or (prefix not in "O." and kind_before != kind):
            begin = i
        before, kind_before = prefix, kind
    return spans


PREFIXED = ["B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "B-X-PER"]
UNIVERSAL = ["NOUN", "VERB", "SYM", "SCONJ", "CCONJ", "INTJ", "X", "_"]
ODD = ["O", ".", "X-O", "O-PER", ".-PER", "B-", "-X-"]
TAGS = st.sampled_from([*PREFIXED, *UNIVERSAL, *ODD])
FILES = st.lists(st.lists(st.tuples(TAGS, TAGS), max_size=6), max_size=5)


@settings(max_examples=400, deadline=None)
@given(FILES)
def test_counts_are_those_of_the_official_rule(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [[tag for tag, _ in sentence] for sentence in pairs]
    predicted = [[tag for _, tag in sentence] for sentence in pairs]
    right, found = _official_spans(gold), _official_spans(predicted)
    sums = metrics.find("span_f1").statistics(gold, predicted, "en").sum(axis=0)
    assert sums.tolist() == [len(right & found), len(found), len(right)]


def test_statistics_stand_in_the_row_of_their_sentence() -> None:
    gold = [("NOUN",), (), ("DET", "NOUN", "NOUN")]
    predicted = [("VERB",), (), ("DET", "NOUN", "VERB")]
    rows = metrics.find("span_f1").statistics(gold, predicted, "en")
    assert rows.tolist() == [[0, 1, 1], [0, 0, 0], [1, 3, 2]]


def test_runs_of_equal_tags_are_one_span_and_conjunctions_stay_apart() -> None:
    metric = metrics.find("span_f1")
    rows = metric.statistics([("CCONJ", "SCONJ", "NOUN", "NOUN")], [("CCONJ", "SCONJ", "NOUN", "NOUN")], "en")
    assert rows.tolist() == [[3, 3, 3]]


def test_an_empty_tag_is_refused() -> None:
    with pytest.raises(PredictionError, match="a tag is empty"):
        metrics.find("span_f1").statistics([("A",)], [("",)], "en")


def test_token_accuracy_needs_a_tag_for_each_token() -> None:
    with pytest.raises(PredictionError, match="sentence 1 has 2 tokens and 1 predicted tags"):
        metrics.find("token_accuracy").statistics([("A",), ("A", "B")], [("A",), ("A",)], "en")


def test_a_large_file_takes_a_second_or_two() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["ADJ", "ADP", "NOUN", "VERB", "PUNCT", "SCONJ"])
    sentences = [tuple(row) for row in names[rng.integers(6, size=(10_000, 20))].tolist()]
    began = time.perf_counter()
    metrics.find("span_f1").statistics(sentences, sentences[::-1], "en")
    assert time.perf_counter() - began < 5
