"""XTREME's layouts of prediction files."""

import json

import pytest

from xstilts.errors import PredictionError
from xstilts.xtreme import layouts

REFERENCES = {
    "data": [{"paragraphs": [{"qas": [{"id": "q", "answers": [{"text": "a b", "answer_start": 3}]}]}]}]
}


def test_lines_end_at_line_feeds_and_carriage_returns_only() -> None:
    assert layouts.lines(" a\r\nb\u2028c\r\n\nd") == ["a", "b\u2028c", "", "d"]
    assert layouts.lines("") == []


def test_one_final_blank_line_makes_no_sentence() -> None:
    assert layouts.sentences("A\nB\n\nC\n\n") == layouts.sentences("A\nB\n\nC") == [("A", "B"), ("C",)]
    assert layouts.sentences("A\n\n\n") == [("A",), ()]


def test_pairs_are_distinct() -> None:
    assert layouts.pairs("x\ty\nx\ty\n") == [("x", "y")]


def test_answers_join_by_question() -> None:
    gold, predicted = layouts.answers(REFERENCES, {"q": "b"})
    assert [answer.text for answer in gold[0]] == ["a b"]
    assert predicted == ["b"]
    assert layouts.answers(REFERENCES, {})[1] == [None]


def test_ids_that_are_numbers_are_known_by_their_digits() -> None:
    """The keys of JSON are texts: no predictions could name them otherwise."""
    text = json.dumps(REFERENCES).replace('"q"', "7")
    assert layouts.answers(json.loads(text), {"7": "b"})[1] == ["b"]


@pytest.mark.parametrize(
    ("predictions", "unanswerable", "message"),
    [
        ({"q": None}, False, "question 'q': has no answer that is text"),
        ({}, True, "question 'q': has no prediction"),
        ({"data": "x"}, False, "'data' holds no object"),
    ],
)
def test_answers_that_cannot_be_scored(
    predictions: dict[str, object], unanswerable: bool, message: str
) -> None:
    with pytest.raises(PredictionError, match=message):
        layouts.answers(REFERENCES, predictions, unanswerable)
