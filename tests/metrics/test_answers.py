"""Answers: what the golden cases do not say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts import metrics
from xstilts.data.examples import Answer
from xstilts.errors import PredictionError
from xstilts.metrics.answers import normalise_mlqa, normalise_squad


@settings(deadline=None)
@given(st.text())
def test_normalising_once_more_may_only_remove_articles(text: str) -> None:
    once = normalise_squad(text)
    assert once == " ".join(once.split())
    assert set(normalise_squad(once).split()) <= set(once.split())


@settings(deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_exact_match_implies_full_f1_unless_nothing_is_left(gold: str, predicted: str) -> None:
    answers, texts = [(Answer(gold, 0),)], [predicted]
    exact = metrics.find("squad_em").statistics(answers, texts, "en")[0, 0]
    overlap = metrics.find("squad_f1").statistics(answers, texts, "en")[0, 0]
    assert 0 <= overlap <= 1
    if exact and normalise_squad(gold):
        assert overlap == 1


def test_the_best_gold_answer_counts() -> None:
    gold = [(Answer("harbour", 0), Answer("old stone bridge", 3))]
    assert metrics.find("squad_f1").statistics(gold, ["stone bridge"], "en")[0, 0] == pytest.approx(0.8)


def test_a_question_left_out_counts_zero_and_stays_in_the_denominator() -> None:
    rows = metrics.find("squad_em").statistics([(Answer("the", 0),), ()], [None, None], "en")
    assert rows.tolist() == [[0, 1], [0, 1]]


def test_a_question_without_gold_answer_is_refused_where_all_have_one() -> None:
    with pytest.raises(PredictionError, match=r"question 0 has no gold answer.*squad2_f1"):
        metrics.find("squad_f1").statistics([()], ["x"], "en")


def test_mlqa_separates_han_characters_in_chinese_only() -> None:
    assert normalise_mlqa("北京 2008年", "zh") == "北 京 2008 年"
    assert normalise_mlqa("北京", "en") == "北京"


def test_mlqa_knows_seven_languages() -> None:
    with pytest.raises(PredictionError, match="no rules for language 'fr'"):
        normalise_mlqa("la", "fr")
