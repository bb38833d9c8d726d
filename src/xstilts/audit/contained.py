"""Which evaluated rows stand within training rows, or training rows within them: behind a prompt, or joined.

All evaluated texts share one index of fingerprints, so that each training file is read through once.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from xstilts.audit.match import Texts
from xstilts.audit.text import Parts, covers, fingerprints, holds

Key = TypeVar("Key")

COMMON = 100
"""Texts that share a fingerprint, from which it tells nothing: a formula."""

HALF = 0.5
"""The share of common fingerprints, of the text with fewer, below which texts are not compared."""


class Index(Generic[Key]):
    """The fingerprints of the texts of several sets of rows."""

    def __init__(self, sets: Mapping[Key, Texts]) -> None:
        self.sets = sets
        self.owners: list[tuple[Key, str]] = [
            (key, text)
            for key, rows in sets.items()
            for text in dict.fromkeys(text for row in rows.pieces for text in row)
        ]
        values, owners = fingerprints([text for _, text in self.owners])
        order = np.argsort(values, kind="stable")
        values, owners = values[order], owners[order]
        counts = np.diff(np.append(np.flatnonzero(np.diff(values, prepend=values[:1] - 1)), len(values)))
        rare = np.repeat(counts <= COMMON, counts)
        self.values, self.texts = values[rare], owners[rare].astype(np.int32)
        self.counts = np.bincount(self.texts, minlength=len(self.owners))

    def contained(self, trained: Texts, chosen: Set[Key]) -> dict[Key, dict[int, int]]:
        """For each chosen set the numbers of its rows that stand in a training row or hold one, and which."""
        found: dict[Key, dict[int, int]] = {}
        rows: dict[Key, dict[str, list[int]]] = {}
        for owner, place in self._candidates(trained):
            key, text = self.owners[owner]
            if key not in chosen:
                continue
            if key not in rows:
                rows[key] = _by_piece(self.sets[key])
            other = int(trained.distinct[place])
            known = found.setdefault(key, {})
            for number in rows[key][text]:
                evaluated = self.sets[key]
                new = number not in known and evaluated.contents[number] != trained.contents[other]
                if new and within(evaluated.pieces[number], trained.pieces[other]):
                    known[number] = other
        return found

    def _candidates(self, trained: Texts) -> Iterator[tuple[int, int]]:
        """Owners, and places in `distinct`, that have fingerprints in common."""
        values, places = fingerprints(["".join(trained.pieces[number]) for number in trained.distinct])
        total = np.bincount(places, minlength=len(trained.distinct))
        low = np.searchsorted(self.values, values, "left")
        counts = np.searchsorted(self.values, values, "right") - low
        hit = counts > 0
        low, counts, places = low[hit], counts[hit], places[hit]
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        owners = self.texts[np.repeat(low, counts) + inside].astype(np.int64)
        pairs, shared = np.unique(
            owners * len(trained.distinct) + np.repeat(places, counts), return_counts=True
        )
        first, second = np.divmod(pairs, len(trained.distinct))
        kept: NDArray[np.bool_] = shared >= HALF * np.minimum(self.counts[first], total[second])
        yield from zip(first[kept].tolist(), second[kept].tolist(), strict=True)


def within(one: Parts, other: Parts) -> bool:
    """Whether one row stands in the other: ours in theirs, or theirs in ours as the most of it."""
    return holds(one, other) or covers(other, one)


def _by_piece(rows: Texts) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows.pieces):
        for text in dict.fromkeys(row):
            found.setdefault(text, []).append(number)
    return found
