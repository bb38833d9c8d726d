"""Twenty planted collapses are found, a hundred weak models are let alone; and the edges of the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import guesses
from xstilts import metrics
from xstilts.report import exchange
from xstilts.report.exchange import examine, fitted

ACCURACY = metrics.find("accuracy")
TAGS = metrics.find("span_f1")


@pytest.mark.parametrize("name", guesses.COLLAPSES)
def test_planted_collapses_are_found(name):
    place = list(guesses.COLLAPSES).index(name)
    assert guesses.COLLAPSES[name](np.random.default_rng([1, place])).examined.why


def test_there_are_twenty_collapses():
    assert len(guesses.COLLAPSES) == 20


@pytest.mark.parametrize("name", guesses.HEALTHY)
def test_a_hundred_healthy_runs_are_let_alone(name):
    """Ten kinds, ten of each, of 100 to 300 examples."""
    place = list(guesses.HEALTHY).index(name)
    sizes = np.linspace(100, 300, 10).astype(int)
    found = [guesses.HEALTHY[name](np.random.default_rng([2, place, n]), int(n)).examined for n in sizes]
    assert [one.why for one in found] == [""] * 10
    assert all(one.score > one.baseline for one in found)


def test_one_answer_for_all_is_a_collapse_whatever_its_score():
    gold = ["a"] * 99 + ["b"]
    found = examine(gold, ["a"] * 100, ACCURACY, "en")
    assert (found.score, found.baseline, found.why) == (99, 99, exchange.CONSTANT)


def test_gold_values_that_are_all_alike_cannot_tell():
    assert examine(["a"] * 50, ["a"] * 50, ACCURACY, "en") is None


def test_perfect_predictions_have_learned():
    gold = ["a", "b"] * 50
    found = examine(gold, gold, ACCURACY, "en")
    assert found.why == ""
    assert found.baseline == pytest.approx(50, abs=5)


def test_worse_than_guessing_is_a_collapse():
    gold = ["a", "b"] * 50
    assert examine(gold, ["b", "a"] * 50, ACCURACY, "en").why == exchange.GUESSED


def test_a_guess_within_the_context_needs_its_own_bound():
    """Exchanging the answers alone takes words of the right context for knowledge."""
    found = guesses.answered(np.random.default_rng(3), 1000, lambda words: " ".join(words[:30]))
    without = guesses.Predictions(found.metric, found.gold, found.predicted)
    assert without.examined.why == ""
    assert found.examined.why == exchange.IN_CONTEXT
    assert found.examined.baseline == 2 * found.first_words


def test_a_habit_of_position_is_no_knowledge():
    """A full stop at the end of every sentence: exchanged between sentences of any length it would be."""
    made = guesses.parts(np.random.default_rng(4), 300, lambda length: ["NOUN"] * (length - 1) + ["PUNCT"])
    found = made.examined
    assert found.why == exchange.GUESSED
    assert found.score == pytest.approx(found.baseline, abs=0.1)


def test_more_examples_than_enough_are_not_looked_at(monkeypatch):
    """Knowledge that only ten thousand examples would show is none; the score is that of all."""
    rng = np.random.default_rng(5)
    made = guesses.classified(rng, 10_000, (0.5, 0.5), 0.03)
    found = made.examined
    assert found.why == exchange.GUESSED
    assert found.score == 100 * np.mean([a == b for a, b in zip(made.gold, made.predicted, strict=True)])
    monkeypatch.setattr(exchange, "ENOUGH", 10_000)
    assert made.examined.why == "", "all ten thousand would have shown it"


def test_the_same_predictions_give_the_same():
    made = guesses.classified(np.random.default_rng(6), 200, (0.5, 0.5), 0.1)
    assert made.examined == made.examined


@given(some.lists(some.sampled_from("ABC"), min_size=1, max_size=12), some.integers(1, 30))
def test_fitted_tags_keep_both_ends(tags, length):
    found = fitted(tags, length)
    assert len(found) == length
    assert found[0] == tags[0]
    assert length == 1 or found[-1] == tags[-1]
    assert length != len(tags) or list(found) == tags


def test_a_sentence_without_tags_gives_none():
    assert fitted((), 2) == ("O", "O")


def test_an_empty_sentence_among_others():
    gold = [("A", "B"), (), ("B",), ("A",)] * 30
    assert examine(gold, gold, TAGS, "en").why == ""
