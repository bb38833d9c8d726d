"""Which rows of an evaluation in one language translate which rows in another: read from the rows themselves.

Rows belong together by their ids, or by their places where a release has none. That is believed only if the
texts bear it out: translations are long where the original is long (Gale and Church 1993, A program for
aligning sentences in bilingual corpora), and have the same label.
"""

from collections.abc import Iterator

import numpy as np

from xstilts.audit.match import Texts
from xstilts.audit.text import weight
from xstilts.data.examples import Choice, Example, Pair, Seen

ENOUGH = 20
"""Rows below which nothing can be borne out."""

CORRELATION = 0.6
"""Of the logarithms of lengths, from which texts count as translations of each other."""

AGREEMENT = 0.95
"""The share of equal labels, from which they do."""


def translations(one: Texts, other: Texts) -> dict[int, int] | None:
    """Row of `one` -> row of `other` that translates it; None if they are not translations of each other."""
    if one.bitext or other.bitext:
        return None
    pairs = _by_id(one, other) if all(one.ids) and all(other.ids) else _by_place(one, other)
    if len(pairs) < ENOUGH:
        return None
    labels = [(_label(one.examples[ours]), _label(other.examples[theirs])) for ours, theirs in pairs.items()]
    if sum(ours == theirs for ours, theirs in labels) < AGREEMENT * len(labels):
        return None
    return pairs if max(_correlations(one, other, pairs)) >= CORRELATION else None


def _by_id(one: Texts, other: Texts) -> dict[int, int]:
    if len(set(one.ids)) < len(one) or len(set(other.ids)) < len(other):
        return {}
    place = {name: number for number, name in enumerate(other.ids)}
    return {number: place[name] for number, name in enumerate(one.ids) if name in place}


def _by_place(one: Texts, other: Texts) -> dict[int, int]:
    return {number: number for number in range(len(one))} if len(one) == len(other) else {}


def _correlations(one: Texts, other: Texts, pairs: dict[int, int]) -> Iterator[float]:
    """For each part; one is enough, for the questions of MLQA are translations, but not their contexts."""
    for place in range(min(*one.widths, *other.widths)):
        lengths = [
            (weight(one.forms[ours][place]), weight(other.forms[theirs][place]))
            for ours, theirs in pairs.items()
        ]
        logs = np.log1p(np.array(lengths, np.float64))
        yield float(np.corrcoef(logs.T)[0, 1]) if (logs.std(axis=0) > 0).all() else 0.0


def _label(example: Example) -> object:
    """What translation leaves as it is: a class, or the index of the right option."""
    return example.label if isinstance(example, Pair | Choice | Seen) else None
