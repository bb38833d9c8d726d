"""How often training data repeat themselves: what chance alone would give an evaluation drawn from them."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from xstilts.audit.contained import Index
from xstilts.audit.match import Texts, candidates
from xstilts.audit.text import alike, weight

SAMPLE = 1_000
"""Rows of training data of which it is measured how many repeat another one."""

MOST = 0.1
"""No training data repeat themselves so much by chance that a larger share of evaluated rows would be excused
by it. Nor do so many of the longer half of its rows: those are copies, which excuse nothing."""


def usual(trained: Texts) -> tuple[float, float]:
    """The shares of training rows that repeat another one, and that nearly do or stand within it.

    From SAMPLE rows or a few more, evenly spread.
    """
    chosen = range(0, len(trained), max(1, len(trained) // SAMPLE))
    count = Counter(trained.contents)
    alone = [number for number in chosen if count[trained.contents[number]] == 1]
    place = {int(number): at for at, number in enumerate(trained.distinct)}
    sample = Texts([trained.examples[number] for number in alone])
    nearly = {alone[number] for number in Index({"": sample}).contained(trained, {""}).get("", {})}
    for ours, theirs in candidates(trained, trained, [place[number] for number in alone]):
        one, other = int(trained.distinct[ours]), int(trained.distinct[theirs])
        if one not in nearly and one != other and alike(trained.forms[one], trained.forms[other]):
            nearly.add(one)
    lengths = np.array([sum(map(weight, trained.forms[number])) for number in chosen])
    longer = lengths >= np.median(lengths)
    same = np.array([count[trained.contents[number]] > 1 for number in chosen])
    return _by_chance(same, longer), _by_chance(np.array([number in nearly for number in chosen]), longer)


def _by_chance(repeated: NDArray[np.bool_], longer: NDArray[np.bool_]) -> float:
    """The share of repeated rows, without copies."""
    share, copied = float(repeated.mean()), float(repeated[longer].mean())
    return min(max(0.0, share - copied) if copied > MOST else share, MOST)
