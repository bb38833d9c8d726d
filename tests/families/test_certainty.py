"""What is kept of probabilities: one doubt and one Brier score for each decision of each family."""

import numpy as np
import pytest

from xstilts import families
from xstilts.data.examples import Choice, Pair, Seen, Tagged
from xstilts.families.certainty import LEAST, certainties
from xstilts.families.items import Item, Layout
from xstilts.families.text import TextReadout
from xstilts.families.visual import UNLABELLED

LABELS = Layout(labels=("no", "yes", "maybe"))
PRECISION = 2**-7  # of each number that is kept


def logits(*probabilities):
    return np.log(np.array(probabilities, dtype=np.float32))


def kept(name, examples, scores, rows=None, layout=LABELS, readout="head"):
    """What is kept of one item for each example, or for these rows."""
    family = families.find(name) if readout == "head" else TextReadout(families.find(name))
    items = [Item((), (), (), [], row) for row in rows or range(len(examples))]
    return certainties(family, examples, items, scores, layout)


def close(found, expected):
    assert [len(row) for row in found] == [len(row) for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=PRECISION)


def test_a_label_has_the_probability_that_its_scores_say():
    examples = [Pair("a", None, "yes"), Pair("b", None, "maybe")]
    doubts, briers = kept("classification", examples, [logits([0.2, 0.7, 0.1]), logits([0.6, 0.3, 0.1])])
    close(doubts, [[0.3], [0.4]])
    close(briers, [[0.04 + 0.09 + 0.01], [0.36 + 0.09 + 0.81]])


def test_options_compete_with_each_other():
    doubts, briers = kept("choice", [Choice("a", ("x", "y"), 1)], [logits([0.25], [0.75])])
    close(doubts, [[0.25]])
    close(briers, [[2 * 0.25**2]])


def test_words_of_a_sentence_in_two_parts_have_one_each_and_an_empty_sentence_none():
    examples = [Tagged(("a", "b"), ("no", "yes")), Tagged((), ())]
    scores = [logits([0.8, 0.1, 0.1]), logits([0.1, 0.8, 0.1])]
    doubts, briers = kept("tagging", examples, scores, rows=[0, 0])
    close(doubts, [[0.2, 0.2], []])
    close(briers, [[0.06, 0.06], []])


def test_a_row_without_a_label_is_never_right():
    _, briers = kept("visual", [Seen(("i",), "a", UNLABELLED)], [logits([0.5, 0.5, 1e-9])])
    close(briers, [[0.5 + 1]])


def test_answers_in_text_have_the_likelihoods_of_all_their_tokens():
    """Options of one and of two tokens: probabilities of 0.2 and of 0.5 x 0.6, that is 2 to 3."""
    score = np.array([np.log(0.2), np.log(0.5), np.log(0.6)], dtype=np.float32)
    family = TextReadout(families.find("classification"))
    layout = Layout(labels=("no", "yes"), readout="text")
    item = Item((), (), ([0], [0, 1]), [], 0)
    doubts, briers = certainties(family, [Pair("a", None, "no")], [item], [score], layout)
    close(doubts, [[0.4]])
    close(briers, [[2 * 0.36]])


def test_families_without_options_keep_nothing():
    assert certainties(families.find("span"), ["q"], [], [], LABELS) == ([[]], [[]])


def test_numbers_keep_their_order_near_certainty_and_are_never_zero():
    sure = [logits([1 - doubt, doubt, 1e-30]) for doubt in (1e-3, 2e-4, 1e-5)]
    doubts, _ = kept("classification", [Pair("a", None, "no")] * 3, sure)
    close(doubts, [[1e-3], [2e-4], [1e-5]])
    (certain,), _ = kept("classification", [Pair("a", None, "no")], [np.array([[90.0, 0, 0]], np.float32)])
    assert certain == [LEAST]


def test_a_model_whose_scores_are_no_numbers_knows_nothing():
    scores = [np.array([score], dtype=np.float32) for score in ([np.nan, 1, 0], [np.inf, 1, np.inf])]
    examples = [Pair("a", None, "yes"), Pair("b", None, "maybe")]
    doubts, briers = kept("classification", examples, scores)
    close(doubts, [[2 / 3], [2 / 3]])
    close(briers, [[2 / 3], [2 / 3]])
