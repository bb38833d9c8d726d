"""Made-up predictions of models that learned nothing, and of models that learned little.

Both are what the collapse guard (`xstilts.analysis.permutation`) must tell apart. No training, no data: gold
values and predictions are drawn, and judged by the metrics of the tasks. A model that "knows a share" of the
examples gives the right answer to these and guesses by its own habits elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xstilts import metrics
from xstilts.analysis.collapse import is_at_chance
from xstilts.analysis.permutation import Examined, examine
from xstilts.data.examples import Answer

Rng = np.random.Generator

ENTITIES = ("LOC", "ORG", "PER")
PARTS = ("NOUN", "VERB", "ADP", "DET", "ADJ")
RATES = (0.35, 0.2, 0.2, 0.15, 0.1)
VOCABULARY = np.array([f"w{number}" for number in range(2000)])


@dataclass(frozen=True)
class Predictions:
    """Gold and predicted values; the score of the first words of the contexts, where answers are spans."""

    metric: str
    gold: Sequence[Any]
    predicted: Sequence[Any]
    first_words: float = 0.0

    @property
    def examined(self) -> Examined | None:
        """What the guard finds."""
        metric = metrics.find(self.metric)
        return examine(self.gold, self.predicted, metric, "en", self.first_words)


def labels(rng: Rng, n: int, rates: Sequence[float]) -> list[str]:
    """Labels with these rates: A, B, ..."""
    return [chr(65 + int(each)) for each in rng.choice(len(rates), n, p=rates)]


def known(rng: Rng, gold: Sequence[Any], guess: Sequence[Any], share: float) -> list[Any]:
    """The gold value with that probability, else the guess."""
    return [
        right if knows else other
        for right, other, knows in zip(gold, guess, rng.random(len(gold)) < share, strict=True)
    ]


def classified(rng: Rng, n: int, rates: Sequence[float], share: float = 0.0) -> Predictions:
    """Classification: knows a share, guesses with the rates of the gold labels."""
    gold = labels(rng, n, rates)
    return Predictions("accuracy", gold, known(rng, gold, labels(rng, n, rates), share))


def habitual(rng: Rng, n: int, rates: Sequence[float], habits: Sequence[float]) -> Predictions:
    """Classification by other rates than those of the gold labels: (1, 0) is one label for all."""
    return Predictions("accuracy", labels(rng, n, rates), labels(rng, n, habits))


def chosen(rng: Rng, n: int, options: int, share: float = 0.0) -> Predictions:
    """Multiple choice: knows a share, else any option."""
    gold = rng.integers(0, options, n).tolist()
    return Predictions("accuracy", gold, known(rng, gold, rng.integers(0, options, n).tolist(), share))


def parts(rng: Rng, n: int, guess: Callable[[int], Sequence[str]], share: float = 0.0) -> Predictions:
    """Part-of-speech tags: sentences of 4 to 24 words with a full stop; knows a share of the words."""
    gold = [(*rng.choice(PARTS, length, p=RATES).tolist(), "PUNCT") for length in rng.integers(3, 24, n)]
    predicted = [tuple(known(rng, tags, guess(len(tags)), share)) for tags in gold]
    return Predictions("span_f1", gold, predicted)


def entities(rng: Rng, length: int) -> list[str]:
    """Tags of a sentence with about one name in eight words, of one to three words."""
    tags = ["O"] * length
    place = int(rng.geometric(0.12)) - 1
    while place < length:
        kind, words = str(rng.choice(ENTITIES)), int(rng.integers(1, 4))
        for word in range(place, min(length, place + words)):
            tags[word] = ("B-" if word == place else "I-") + kind
        place += words + int(rng.geometric(0.12))
    return tags


def named(rng: Rng, n: int, guess: Callable[[int], Sequence[str]], share: float = 0.0) -> Predictions:
    """Names in sentences of 4 to 24 words; knows a share of the sentences."""
    gold = [tuple(entities(rng, int(length))) for length in rng.integers(4, 25, n)]
    return Predictions("span_f1", gold, known(rng, gold, [tuple(guess(len(tags))) for tags in gold], share))


def answered(
    rng: Rng,
    n: int,
    guess: Callable[[list[str]], str],
    share: float = 0.0,
    words_of_context: tuple[int, int] = (60, 160),
) -> Predictions:
    """Questions about contexts of 60 to 160 words; knows a share of the answers, of one to five words."""
    low, high = words_of_context
    weights = 1 / np.arange(1, len(VOCABULARY) + 1)
    gold, guesses, first = [], [], []
    for length in rng.integers(low, high + 1, n):
        words = rng.choice(VOCABULARY, length, p=weights / weights.sum()).tolist()
        gold.append((Answer(passage(rng, words), 0),))
        guesses.append(guess(words))
        first.append(" ".join(words[:3]))
    predicted = [
        one[0].text if knows else other
        for one, other, knows in zip(gold, guesses, rng.random(n) < share, strict=True)
    ]
    metric = metrics.find("squad_f1")
    chance = metric.score(gold, first, "en")
    return Predictions("squad_f1", gold, predicted, chance)


def passage(rng: Rng, words: list[str]) -> str:
    """One to five words at a random place."""
    start = int(rng.integers(len(words) - 5))
    return " ".join(words[start : start + int(rng.integers(1, 6))])


def mined(rng: Rng, n: int, share: float) -> Predictions:
    """Mining: one sentence in four has a translation; knows a share of them, and pairs others at random."""
    gold = [(row,) if rng.random() < 0.25 else () for row in range(n)]
    wrong = [(int(rng.integers(n)),) if rng.random() < 0.25 else () for _ in range(n)]
    return Predictions("mining_f1", gold, known(rng, gold, wrong, share))


def at_chance(rng: Rng, n: int, shares: Sequence[float]) -> list[bool]:
    """Which languages of a run are called at chance: three classes, of which it knows these shares.

    Of the source language it knows 70 %.
    """
    source, *others = (classified(rng, n, THIRDS, share).examined for share in (0.7, *shares))
    assert source is not None
    return [one is not None and is_at_chance(one, source, len(shares)) for one in others]


def weak(n: int, errors: float = 5.0) -> float:
    """The share that puts a two-class accuracy so many standard errors above chance: 75 % of 100 for 5."""
    return errors / float(np.sqrt(n))


def little(n: int, errors: float, rng: Rng) -> Predictions:
    """Two even classes, known so many standard errors better than by chance."""
    return classified(rng, n, BALANCED, weak(n, errors))


def by_rates(rng: Rng) -> Callable[[int], Sequence[str]]:
    """Guesses tags, each word for itself."""
    return lambda length: rng.choice((*PARTS, "PUNCT"), length, p=(*(0.92 * np.array(RATES)), 0.08)).tolist()


BALANCED, SKEWED, RARE, UNEVEN = (0.5, 0.5), (0.8, 0.2), (0.9, 0.1), (0.6, 0.3, 0.1)
THIRDS = (1 / 3, 1 / 3, 1 / 3)

HABITS: dict[str, Callable[[Rng], Callable[[list[str]], str]]] = {
    "any words": lambda rng: lambda words: passage(rng, words),
    "three words": lambda rng: (
        lambda words: " ".join(words[(at := int(rng.integers(len(words) - 3))) : at + 3])
    ),
    "nothing": lambda rng: lambda words: "",
    "the first words": lambda rng: lambda words: " ".join(words[:3]),
    "the first sentence": lambda rng: lambda words: " ".join(words[:10]),
}
"""What span models answer who do not know."""

COLLAPSES: dict[str, Callable[[Rng], Predictions]] = {
    "one class of three": lambda rng: habitual(rng, 300, THIRDS, (0, 1)),
    "the frequent class of two": lambda rng: habitual(rng, 1000, RARE, (1, 0)),
    "nearly one class of three": lambda rng: habitual(rng, 300, THIRDS, (0.98, 0.01, 0.01)),
    "nearly always the frequent class": lambda rng: habitual(rng, 300, RARE, (0.97, 0.03)),
    "nearly one class of two": lambda rng: habitual(rng, 2000, BALANCED, (0.995, 0.005)),
    "classes by their rates": lambda rng: classified(rng, 300, UNEVEN),
    "two classes at random": lambda rng: classified(rng, 100, BALANCED),
    "two classes by their rates": lambda rng: classified(rng, 200, SKEWED),
    "shuffled labels, other rates": lambda rng: habitual(rng, 500, THIRDS, (0.6, 0.25, 0.15)),
    "stuck loss, two of three classes": lambda rng: habitual(rng, 1500, THIRDS, (0, 0.5, 0.5)),
    "always the first option": lambda rng: Predictions(
        "accuracy", rng.integers(0, 2, 100).tolist(), [0] * 100
    ),
    "any of four options": lambda rng: chosen(rng, 300, 4),
    "no names": lambda rng: named(rng, 300, lambda length: ["O"] * length),
    "names anywhere": lambda rng: named(rng, 200, lambda length: entities(rng, length)),
    "one part of speech": lambda rng: parts(rng, 300, lambda length: ["NOUN"] * length),
    "one part of speech and a full stop": lambda rng: parts(
        rng, 300, lambda length: ["NOUN"] * (length - 1) + ["PUNCT"]
    ),
    "parts of speech by their rates": lambda rng: parts(rng, 200, by_rates(rng)),
    "empty answers": lambda rng: answered(rng, 300, lambda words: ""),
    "any words of the context": lambda rng: answered(rng, 300, lambda words: passage(rng, words)),
    "the first words of the context": lambda rng: answered(rng, 200, lambda words: " ".join(words[:3])),
}
"""Twenty ways to learn nothing."""


def blind_to(rng: Rng, n: int, lost: str) -> Predictions:
    """Three classes, of which one is taken for any of the two others."""
    gold = labels(rng, n, THIRDS)
    others = [each for each in "ABC" if each != lost]
    return Predictions("accuracy", gold, [str(rng.choice(others)) if one == lost else one for one in gold])


def favourite(rng: Rng, n: int, rates: Sequence[float], share: float) -> Predictions:
    """Always the first class, but for the share that is known."""
    gold = labels(rng, n, rates)
    return Predictions("accuracy", gold, known(rng, gold, ["A"] * n, share))


def punctuated(rng: Rng, n: int) -> Predictions:
    """Part-of-speech tags, all right, of sentences with commas."""
    guess = by_rates(rng)
    gold = [(*guess(int(length)), "PUNCT") for length in rng.integers(3, 24, n)]
    return Predictions("span_f1", gold, gold)


def replaced(made: Predictions, change: Callable[[str], str]) -> Predictions:
    """Tags that are right, but for those that are always taken for others."""
    return Predictions(made.metric, made.gold, [tuple(map(change, tags)) for tags in made.gold])


IN_PART: dict[str, tuple[Callable[[Rng], Predictions], str]] = {
    "never one of three classes": (lambda rng: blind_to(rng, 300, "C"), "never predicts C"),
    "one class of two but for 15 %": (lambda rng: favourite(rng, 300, BALANCED, 0.15), "predicts A for"),
    "one class of three but for 15 %": (lambda rng: favourite(rng, 300, THIRDS, 0.15), "predicts A for"),
    "the frequent class but for 15 %": (lambda rng: favourite(rng, 500, SKEWED, 0.15), "predicts A for"),
    "NOUN but for punctuation": (
        lambda rng: replaced(punctuated(rng, 300), lambda tag: tag if tag == "PUNCT" else "NOUN"),
        "predicts NOUN for",
    ),
    "never names of one kind": (
        lambda rng: replaced(
            named(rng, 300, lambda length: entities(rng, length)), lambda tag: "O" if "ORG" in tag else tag
        ),
        "never predicts ORG",
    ),
    "no names but for 15 %": (
        lambda rng: named(rng, 300, lambda length: ["O"] * length, 0.15),
        "predicts O for",
    ),
    "one option but for 15 %": (
        lambda rng: Predictions(
            "accuracy", gold := rng.integers(0, 4, 300).tolist(), known(rng, gold, [2] * 300, 0.15)
        ),
        "predicts number 3 for",
    ),
    "no answer but for 30 %": (lambda rng: answered(rng, 300, lambda words: "", 0.3), "predicts nothing for"),
    "first sentences but for 30 %": (
        lambda rng: answered(rng, 300, lambda words: " ".join(words[:15]), 0.3),
        "answers have",
    ),
    "one sentence found for most": (
        lambda rng: Predictions(
            "retrieval_accuracy", list(range(300)), known(rng, range(300), [16] * 300, 0.4)
        ),
        "predicts number 17 for",
    ),
}
"""Ways to learn in part, with how the note on each begins."""

HEALTHY: dict[str, Callable[[Rng, int], Predictions]] = {
    "two classes": lambda rng, n: classified(rng, n, BALANCED, weak(n)),
    "two uneven classes": lambda rng, n: classified(rng, n, SKEWED, weak(n)),
    "three classes": lambda rng, n: classified(rng, n, THIRDS, weak(n)),
    "three uneven classes": lambda rng, n: classified(rng, n, UNEVEN, weak(n)),
    "four options": lambda rng, n: chosen(rng, n, 4, weak(n)),
    "parts of speech": lambda rng, n: parts(rng, n, by_rates(rng), 0.15),
    "parts of speech after a habit": lambda rng, n: parts(
        rng, n, lambda length: ["NOUN"] * (length - 1) + ["PUNCT"], 0.15
    ),
    "names": lambda rng, n: named(rng, n, lambda length: entities(rng, length), weak(n, 3)),
    "answers": lambda rng, n: answered(rng, n, lambda words: passage(rng, words), weak(n, 4)),
    "pairs": lambda rng, n: mined(rng, n, 0.25),
}
"""Ten ways to have learned little, for any number of examples."""


def short_answers(share: float, habit: str, rng: Rng) -> Predictions:
    """300 questions about contexts of 12 to 40 words, of which a share is known."""
    return answered(rng, 300, HABITS[habit](rng), share, (12, 40))


SHORT: dict[str, Callable[[Rng], Predictions]] = {
    f"{100 * share:.0f} % of 300 answers in short contexts, else {habit}": partial(
        short_answers, share, habit
    )
    for share in (0.0, 0.1, 0.15)
    for habit in ("any words", "three words", "nothing", "the first words", "the first sentence")
}
"""Span models in contexts so short that any words of them share some with the answer."""
