"""Twenty planted collapses are found, a hundred weak models are let alone; and the edges of the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import guesses
from xstilts import metrics
from xstilts.analysis import permutation
from xstilts.analysis.habits import habits
from xstilts.analysis.permutation import examine, fitted
from xstilts.data.examples import Answer

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


@pytest.mark.parametrize("name", guesses.SHORT)
def test_a_tenth_of_the_answers_is_knowledge_in_short_contexts_too(name):
    """Any words of a short context share some with the answer; exactly the right words are another thing."""
    rngs = [np.random.default_rng([7, seed]) for seed in range(8)]
    found = [guesses.SHORT[name](rng).examined.why for rng in rngs]
    assert [why != "" for why in found] == [name.startswith("0")] * 8


def test_words_without_spaces_between_them_are_counted_by_letters():
    """Exactly right: 45 of 300 answers of three letters, the others one letter too far. In Chinese."""
    letters = [chr(0x4E00 + number) for number in range(900)]
    words = ["".join(letters[at : at + 3]) for at in range(0, 900, 3)]
    beside = ["".join(letters[at + 1 : at + 4]) for at in range(0, 900, 3)]
    gold = [(Answer(word, 0),) for word in words]
    metric = metrics.find("mlqa_f1")
    assert examine(gold, words[:45] + beside[45:], metric, "zh", 60.0).why == permutation.IN_CONTEXT
    assert examine(gold, words[:240] + beside[240:], metric, "zh", 60.0).why == ""


FEW = {
    "two labels": (["a", "b"], "accuracy"),
    "labels": (["a", "b"] * 2, "accuracy"),
    "three labels": (["a", "b", "c", "a"], "accuracy"),
    "one rare label": (["a"] * 19 + ["b"], "accuracy"),
    "options": ([0, 1, 0], "accuracy"),
    "more options": ([0, 1, 0, 1, 1], "accuracy"),
    "answers": ([(Answer("red", 0),), (Answer("blue", 0),), ()], "squad2_f1"),
    "spans of a context": ([(Answer("red", 0),), (Answer("blue", 0),), (Answer("red hat", 0),)], "squad_f1"),
    "tags": ([("B-x", "O"), ("O", "B-x")], "span_f1"),
}


@pytest.mark.parametrize("name", FEW)
def test_a_few_examples_cannot_tell_a_guess_from_knowledge(name):
    """Right answers to all of them are no collapse, and wrong ones prove none; but one answer is one."""
    gold, metric = FEW[name][0], metrics.find(FEW[name][1])
    first_words = 60.0 if name == "spans of a context" else 0.0
    right = permutation._right_answers(gold)
    assert examine(gold, right, metric, "en", first_words) is None
    assert examine(gold, right[::-1], metric, "en", first_words) is None
    constant = [("O",) * len(each) for each in gold] if name == "tags" else [right[0]] * len(gold)
    assert examine(gold, constant, metric, "en", first_words).why == permutation.CONSTANT
    assert name == "one rare label" or examine(gold * 10, right * 10, metric, "en", first_words).why == ""


@pytest.mark.parametrize("name", guesses.IN_PART)
def test_what_is_learned_in_part_is_noted(name):
    make, note = guesses.IN_PART[name]
    found = make(np.random.default_rng(8)).examined
    assert found.why == ""
    assert any(one.startswith(note) for one in found.notes), found.notes


def test_the_notes_have_both_shares():
    gold = ["neutral"] * 100 + ["entailment"] * 100 + ["contradiction"] * 100
    predicted = ["entailment"] * 150 + ["contradiction"] * 145 + ["neutral"] * 5
    assert habits(gold, predicted) == ("hardly ever predicts neutral (right for 33 %)",)
    assert habits(gold, ["neutral"] * 255 + ["entailment"] * 45) == (
        "predicts neutral for 85 % of rows (right for 33 %)",
        "never predicts contradiction (right for 33 %)",
    )
    assert habits(gold, gold) == ()


def test_a_kind_of_name_is_missed_though_most_words_are_in_none():
    gold = [("O",) * 20 + (f"B-{kind}", f"I-{kind}") for kind in ("PER", "LOC", "ORG")] * 40
    assert habits(gold, [tuple("O" if "LOC" in tag else tag for tag in tags) for tags in gold]) == (
        "never predicts LOC (right for 3 %)",
    )
    assert habits(gold, [tuple(tag.replace("I-", "B-") for tag in tags) for tags in gold]) == (
        "never predicts I- (right for 5 %)",
    )
    begun = [tuple("O" if "LOC" in tag else tag.replace("I-", "B-") for tag in tags) for tags in gold]
    assert habits(gold, begun) == (
        "never predicts LOC (right for 3 %)",
        "never predicts I- (right for 5 %)",
    )
    assert habits(gold, gold) == ()


def test_a_percentage_in_an_answer_stays_as_it_is():
    assert habits(["50%", "60%"] * 50, ["50%"] * 95 + ["60%"] * 5)[0].startswith("predicts “50%” for 95 %")


def test_rare_classes_and_few_examples_are_not_noted():
    assert habits(["a"] * 195 + ["b"] * 5, ["a"] * 199 + ["b"]) == ()
    assert habits(["a", "b"] * 5, ["a"] * 9 + ["b"]) == ()


@pytest.mark.parametrize("name", sorted(set(guesses.HEALTHY) - {"parts of speech after a habit"}))
def test_who_knows_a_little_of_all_is_not_noted(name):
    place = list(guesses.HEALTHY).index(name)
    for seed in range(5):
        made = guesses.HEALTHY[name](np.random.default_rng([9, place, seed]), 300)
        assert made.examined.notes == ()


def test_one_answer_for_all_is_a_collapse_whatever_its_score():
    gold = ["a"] * 99 + ["b"]
    found = examine(gold, ["a"] * 100, ACCURACY, "en")
    assert (found.score, found.baseline, found.why) == (99, 99, permutation.CONSTANT)


def test_gold_values_that_are_all_alike_cannot_tell():
    assert examine(["a"] * 50, ["a"] * 50, ACCURACY, "en") is None


def test_right_options_that_nearly_always_stand_first_cannot_tell():
    """Exchanged, answers that are right for seven in ten are so for nearly as many."""
    gold, predicted = [0] * 399 + [1], [0] * 280 + [1, 2, 3] * 40
    assert examine(gold, predicted, ACCURACY, "en") is None
    assert examine(gold, [0] * 400, ACCURACY, "en").why == permutation.CONSTANT


def test_perfect_predictions_have_learned():
    gold = ["a", "b"] * 50
    found = examine(gold, gold, ACCURACY, "en")
    assert found.why == ""
    assert found.baseline == pytest.approx(50, abs=5)


def test_worse_than_guessing_is_a_collapse():
    gold = ["a", "b"] * 50
    assert examine(gold, ["b", "a"] * 50, ACCURACY, "en").why == permutation.GUESSED


def test_a_guess_within_the_context_needs_its_own_bound():
    """Exchanging the answers alone takes words of the right context for knowledge."""
    found = guesses.answered(np.random.default_rng(3), 1000, lambda words: " ".join(words[:30]))
    without = guesses.Predictions(found.metric, found.gold, found.predicted)
    assert without.examined.why == ""
    assert found.examined.why == permutation.IN_CONTEXT
    assert found.examined.baseline == 2 * found.first_words


def test_a_habit_of_position_is_no_knowledge():
    """A full stop at the end of every sentence: exchanged between sentences of any length it would be."""
    made = guesses.parts(np.random.default_rng(4), 300, lambda length: ["NOUN"] * (length - 1) + ["PUNCT"])
    found = made.examined
    assert found.why == permutation.GUESSED
    assert found.score == pytest.approx(found.baseline, abs=0.1)


def test_more_examples_than_enough_are_not_looked_at(monkeypatch):
    """Knowledge that only ten thousand examples would show is none; the score is that of all."""
    rng = np.random.default_rng(5)
    made = guesses.classified(rng, 10_000, (0.5, 0.5), 0.03)
    found = made.examined
    assert found.why == permutation.GUESSED
    assert found.score == 100 * np.mean([a == b for a, b in zip(made.gold, made.predicted, strict=True)])
    monkeypatch.setattr(permutation, "ENOUGH", 10_000)
    assert made.examined.why == "", "all ten thousand would have shown it"


def test_the_same_predictions_give_the_same():
    made = guesses.classified(np.random.default_rng(6), 200, (0.5, 0.5), 0.1)
    assert made.examined == made.examined


@given(some.lists(some.sampled_from("ABC"), min_size=1, max_size=12), some.integers(1, 30))
def test_fitted_tags_keep_both_ends(tags, length):
    found = fitted(tuple(tags), length)
    assert len(found) == length
    assert found[0] == tags[0]
    assert length == 1 or found[-1] == tags[-1]
    assert length != len(tags) or list(found) == tags


def test_a_sentence_without_tags_gives_none():
    assert fitted((), 2) == ("O", "O")


def test_an_empty_sentence_among_others():
    gold = [("A", "B"), (), ("B",), ("A",)] * 30
    assert examine(gold, gold, TAGS, "en").why == ""
