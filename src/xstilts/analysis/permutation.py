"""Whether predictions know anything of what is asked: a permutation test against their own guessing.

A model that learned nothing may still beat a constant answer's score by luck or by the metric's making, so
its baseline are its own predictions, exchanged among the examples at random: what remains then is what its
favourite answers earn without looking. It has learned something if its score in the source language exceeds
the exchanged ones at the level .01 (a permutation test; Good 2005, "Permutation, Parametric and Bootstrap
Tests of Hypotheses"). One answer for all examples is a collapse whatever its score. Two families need care:

- Tags are exchanged between sentences of similar length, fitted from both ends inwards, so that the habit of
  ending with a full stop is no knowledge.
- An answer taken from another question's context shares few words with the right one, while any span of the
  right context shares some. A guess within the context is worth up to 1.9 times the first words of the
  context (docs/statistics.md), so a span model must exceed twice their score too; or give exactly the right
  words more often than a guess of places would: a span of k words whose place is drawn evenly is the right
  one, of k words too, in one of the 2k - 1 places in which the two touch (a conditional binomial test).

What a model knows in part (a class that it never predicts, say) is noted by `analysis.habits`.
"""

import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import bdtrc, ndtr

from xstilts.analysis.habits import habits
from xstilts.analysis.statistics import generator
from xstilts.metrics import Metric
from xstilts.metrics.answers import normalise_squad

RISK = 0.01  # of taking a guess for knowledge
EXCHANGES = 199  # (EXCHANGES + 1) * RISK is whole, so that the test is exact
FIRST = 30  # exchanges after which a clear case needs no more; also as many above the score settle it
FAR = 6.0  # standard deviations above the exchanged scores: a clear case
ENOUGH = 1000  # examples looked at: what more are needed to see is as good as not learned
ALIKE = 20  # sentences of similar length that exchange their tags
WITHIN = 2.0  # a guess within the context, in scores of the context's first words
PLACED = 1e-4  # of taking guessed places for right ones: phrases, and so answers, do not begin just anywhere
EXACT = 0.05  # of the answers: guessing among names and numbers of XQuAD's contexts gives fewer right ones
TOLD = 0.025  # share of right options that must stand elsewhere than the commonest place, to tell anything
NOTABLE_ERRORS = 2.0  # standard errors above chance from which a development score counts as learned

CONSTANT = "one answer for all"
GUESSED = "no better than its own answers exchanged"
IN_CONTEXT = "no better than any words of the context"


@dataclass(frozen=True)
class Examined:
    """A score, what guessing is worth (both in percent), and why it is a collapse ("" if it is none).

    `spread` is the standard deviation of what guessing is worth. `notes` say what is known in part only.
    """

    score: float
    baseline: float
    why: str
    spread: float = 0.0
    notes: tuple[str, ...] = ()


def above_chance(value: float, chance: float, n: int) -> bool:
    """Tell whether a percentage exceeds chance by more than two standard errors of a share of n examples.

    Of so few examples that no score would, all of them must be right, and chance worth less.

    >>> above_chance(100.0, 50.0, 3), above_chance(67.0, 50.0, 3)
    (True, False)
    """
    share = min(max(chance / 100, 0.01), 0.99)
    bound = chance + NOTABLE_ERRORS * 100 * math.sqrt(share * (1 - share) / max(1, n))
    return value > bound or value >= 100 > chance


def examine(
    gold: Sequence[Any], predicted: Sequence[Any], metric: Metric, language: str, first_words: float = 0.0
) -> Examined | None:
    """Whether predictions [N] know anything of the gold values [N]; None if these cannot tell: all alike, or
    so few that right answers for all of them, exchanged, are right again too often.

    `first_words` is the score of the context's first words, in percent, where answers are spans of a context.
    """
    if len({repr(each) for each in gold}) < 2:
        return None
    is_place = isinstance(gold[0], int) and not is_constant(predicted)
    if is_place and len(gold) - max(Counter(gold).values()) < TOLD * len(gold):
        return None  # places of right options, of which nearly all are the same
    rng = generator("exchange", hashlib.sha256(repr((list(gold), list(predicted))).encode()).hexdigest())
    numbers = metric.statistics(gold, predicted, language)
    score = float(metric.value(numbers.sum(axis=0)))
    if len(gold) > ENOUGH:
        rows = np.sort(rng.choice(len(gold), ENOUGH, replace=False))
        gold, predicted = [gold[row] for row in rows], [predicted[row] for row in rows]
        numbers = numbers[rows]
    observed = float(metric.value(numbers.sum(axis=0)))

    def guess(answers: Sequence[Any], known: float) -> tuple[bool, list[float]]:
        mixed = (metric.score(gold, each, language) for each in _exchanged(gold, answers, rng))
        return _is_guess(known, mixed, 100 / len(gold))

    def cannot_tell() -> bool:
        """Whether right answers to all are a guess too."""
        right = _right_answers(gold)
        return guess(right, metric.score(gold, right, language))[0]

    constant = is_constant(predicted)
    if first_words and not constant:
        bound = WITHIN * first_words
        error = 100 * float(np.std(numbers[:, 0], ddof=1)) / math.sqrt(len(numbers))
        chance = float(ndtr((bound - observed) / error)) if error else float(observed <= bound)
        if chance > RISK and not _are_placed(gold, predicted):
            return None if cannot_tell() else Examined(score, bound, IN_CONTEXT, error)
    guessed, scores = guess(predicted, observed)
    if guessed and not constant and cannot_tell():
        return None
    why = CONSTANT if constant else GUESSED if guessed else ""
    notes = () if why else habits(gold, predicted)
    return Examined(score, float(np.mean(scores)), why, float(np.std(scores)), notes)


def _is_guess(observed: float, exchanged: Iterator[float], least: float) -> tuple[bool, list[float]]:
    """Whether the score is among the exchanged ones, and these. `least` is one example's worth.

    Stops early at what is clear: `FIRST` scores at least as high (Besag and Clifford 1991, "Sequential Monte
    Carlo p-values"), or a score far above the first of them.
    """
    scores = list[float]()
    higher = 0
    for score in itertools.islice(exchanged, EXCHANGES):
        scores.append(score)
        higher += score >= observed - 1e-9
        if higher == FIRST:
            return True, scores
        if len(scores) == FIRST and observed > np.mean(scores) + FAR * max(float(np.std(scores)), least):
            return False, scores
    return (higher + 1) / (EXCHANGES + 1) > RISK, scores


def _right_answers(gold: Sequence[Any]) -> Sequence[Any]:
    """Predictions that are right: of answers to a question the first, "" if there is none."""
    if any(hasattr(part, "text") for each in gold if isinstance(each, tuple) for part in each):
        return [answers[0].text if answers else "" for answers in gold]
    return gold


def _are_placed(gold: Sequence[Sequence[Any]], predicted: Sequence[Any]) -> bool:
    """Whether answers are exactly right too often for places drawn evenly in the right contexts.

    Counted are answers that are right, and those that only touch the right one: end where it begins, say. Of
    all places in which two spans touch, at most one makes them the same.
    """
    right, touching, rooms, more_rooms = 0, 0, 0, 0
    for answers, answer in zip(gold, predicted, strict=True):
        own, other = _words(answers[0].text if answers else ""), _words(answer or "")
        if own and other:
            right += own == other
            touching += own != other and _touch(own, other)
            rooms += len(own) == len(other)
            more_rooms += len(own) + len(other) - 1 - (len(own) == len(other))
    if right < EXACT * len(gold) or not more_rooms:
        return False
    return bool(bdtrc(right - 1, right + touching, rooms / (rooms + more_rooms)) <= PLACED)


def _words(text: str) -> list[str]:
    """Words; letters where words are not parted by spaces."""
    return re.findall(rf"[{UNSPACED}]|[^\s{UNSPACED}]+", normalise_squad(text))


UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def _touch(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one holds the other, or ends as the other begins: where they overlap they agree."""
    return any(
        one[max(0, at) : at + len(other)] == other[max(0, -at) : len(one) - at]
        for at in range(1 - len(other), len(one))
    )


def is_constant(predicted: Sequence[Any]) -> bool:
    """One label, one answer, or one tag for every word of every sentence."""
    if all(isinstance(each, tuple) for each in predicted):
        return len({part for each in predicted for part in each}) < 2
    return len(set(predicted)) < 2


def _exchanged(
    gold: Sequence[Any], predicted: Sequence[Any], rng: np.random.Generator
) -> Iterator[Sequence[Any]]:
    """The predictions, exchanged again and again; tags are those whose gold values are sequences of text."""
    if not any(isinstance(each, tuple) and each and isinstance(each[0], str) for each in gold):
        while True:
            yield [predicted[row] for row in rng.permutation(len(predicted))]
    lengths = np.array([len(each) for each in gold])
    while True:
        order = np.lexsort((rng.random(len(lengths)), lengths))
        mixed: list[Any] = [()] * len(predicted)
        for block in np.array_split(order, max(1, len(order) // ALIKE)):
            for row, other in zip(block, rng.permutation(block), strict=True):
                mixed[row] = fitted(predicted[other], int(lengths[row]))
        yield mixed


@lru_cache(maxsize=2**15)
def fitted(tags: tuple[str, ...], length: int) -> tuple[str, ...]:
    """Tags of another sentence for one of this length, from both ends inwards: the middle gives or grows.

    >>> fitted(("A", "B", "C", "D"), 2)
    ('A', 'D')
    >>> fitted(("A", "B", "C"), 5)
    ('A', 'B', 'B', 'B', 'C')
    """
    if not tags:
        return ("O",) * length
    last, middle = len(tags) - 1, len(tags) // 2
    front = [tags[min(place, last - middle)] for place in range((length + 1) // 2)]
    back = [tags[max(middle, last - place)] for place in range(length // 2)]
    return (*front, *reversed(back))
