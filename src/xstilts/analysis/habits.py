"""What a model's answers say too often, hardly ever or never: habits that a score above chance hides.

The answers are counted beside the right ones: rows by class or option, words by tag, questions by answer,
sentences by what is found for them. A habit is noted where

- one answer is given so often that the others are given less than half as often as they are right;
- a class that is right for one in twenty or more (of the words within names, for tags of names) is never
  predicted, or for a tenth of these only;
- one answer serves a fifth of all where nearly every right one is different (a hub of retrieval, say);
- answers in words are three times as long as the right ones, or as short.
"""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from xstilts.plain import first_of

LEAST = 10  # examples of a class below which nothing is said of it
FREQUENT = 0.05  # share of the right answers from which a class is missed
HARDLY = 0.1  # of a class's share
HALF = 0.5  # of the share of all other answers
HUB = 0.2  # of the answers, where nearly every right one is different
SINGULAR = 5  # times its share of the right answers
LONGER = 3  # times the right answers' median length
PREFIX, OUTSIDE = re.compile("^[BIES]-"), "O"  # of the tags of names


def habits(gold: Sequence[Any], predicted: Sequence[Any]) -> tuple[str, ...]:
    """Notes on predictions [N] beside the gold values [N]; none if there is nothing to note."""
    if not gold:
        return ()
    if all(isinstance(each, tuple) and all(hasattr(one, "text") for one in each) for each in gold):
        texts = [each[0].text if each else "" for each in gold]
        answers = [each or "" for each in predicted]
        return (*_counted(texts, answers, "questions"), *_lengths(texts, answers))
    if any(isinstance(each, tuple) and each and isinstance(each[0], str) for each in gold):
        right, given = ([tag for tags in each for tag in tags] for each in (gold, predicted))
        kinds, given_kinds = ([PREFIX.sub("", tag) for tag in each] for each in (right, given))
        if not any(map(PREFIX.match, right)):
            return _counted(kinds, given_kinds, "words")
        # Most words are outside of names: of the others a part is missed from a twentieth on.
        marks, given_marks = (
            [tag[:2] if PREFIX.match(tag) else tag for tag in each] for each in (right, given)
        )
        missed = _missed(*_shares(marks, given_marks), len(right), OUTSIDE)
        return (*_counted(kinds, given_kinds, "words", OUTSIDE), *missed)
    return _counted(gold, predicted, "rows")


def _counted(
    gold: Sequence[Hashable], predicted: Sequence[Hashable], unit: str, outside: str | None = None
) -> tuple[str, ...]:
    """Notes on an answer that is given too often, and on those that are missing."""
    right, given = _shares(gold, predicted)
    if len(right) < 2 or not given:
        return ()
    notes = []
    favourite = max(given, key=lambda key: given[key])
    often, due = given[favourite], right.get(favourite, 0.0)
    crowds_out = 1 - often < HALF * (1 - due) and (1 - due) * len(gold) >= LEAST
    is_hub = often >= max(HUB, SINGULAR * due) and often * len(predicted) >= LEAST
    if crowds_out or is_hub:
        notes.append(f"predicts {_name(favourite)} for {_share(often)} of {unit} (right for {_share(due)})")
    return (*notes, *_missed(right, given, len(gold), outside))


Shares = Mapping[Hashable, float]


def _shares(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> tuple[Shares, Shares]:
    """How often each answer is right, and is given."""
    right, given = ({key: n / len(each) for key, n in Counter(each).items()} for each in (gold, predicted))
    return right, given


def _missed(right: Shares, given: Shares, count: int, outside: str | None = None) -> tuple[str, ...]:
    """Notes on answers that are missing, of `count` right ones; `outside` is none that can be missed."""
    least = max(FREQUENT * (1 - right.get(outside, 0.0)), LEAST / count)
    frequent = [key for key in right if right[key] >= least and key != outside]
    missed = {key: given.get(key, 0.0) for key in sorted(frequent, key=lambda key: -right[key])}
    notes = []
    for words, keys in (
        ("never", [key for key, share in missed.items() if not share]),
        ("hardly ever", [key for key, share in missed.items() if 0 < share <= HARDLY * right[key]]),
    ):
        if keys:
            listed = [f"{_name(key)} (right for {_share(right[key])})" for key in keys]
            notes.append(f"{words} predicts {first_of(listed)}")
    return tuple(notes)


def _lengths(gold: Sequence[str], predicted: Sequence[str]) -> tuple[str, ...]:
    """A note on answers that are much longer or shorter than the right ones."""
    right, given = (
        float(np.median([len(text) for text in each if text] or [0])) for each in (gold, predicted)
    )
    if not right or not given or 1 / LONGER < given / right < LONGER:
        return ()
    return (f"answers have {given:.0f} letters, the right ones {right:.0f}",)


def _share(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _name(answer: Hashable) -> str:
    """A class by its name, an option or a row by its number from 1, an answer in quotes."""
    match answer:
        case "":
            return "nothing"
        case ():
            return "no pair"
        case int():
            return f"number {answer + 1}"
        case str() if not re.fullmatch(r"[\w+-]+", answer):
            return f"“{answer:.40}”"
    return str(answer)
