"""Which evaluated rows stand in training data: the same, nearly the same, or a part of them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xstilts.audit.text import (
    Numbers,
    Parts,
    Signatures,
    alike,
    bands,
    forms,
    normal,
    parts,
    pieces,
    sentences,
    signatures,
    telling,
)
from xstilts.data.examples import Bitext, Choice, Example

LIKELY = 0.5
"""Share of agreeing places of two signatures below which a candidate is not compared: four standard errors
below ALIKE."""


class Texts:
    """Rows of one split and language, with their normal forms. `ids` are those of the release, or empty."""

    def __init__(self, examples: Sequence[Example]) -> None:
        pieces = [(example, piece) for example in examples for piece in parts(example)]
        self.texts: list[Parts] = [piece for _, piece in pieces]
        self.forms: list[Parts] = [forms(example, piece) for example, piece in pieces]
        self.ids = [getattr(example, "id", "") for example, _ in pieces]
        self.examples = [example for example, _ in pieces]
        self.sentences = {normal(one) for example in examples for one in sentences(example)}
        self.bitext = any(isinstance(example, Bitext) for example in examples)

    def __len__(self) -> int:
        return len(self.forms)

    @cached_property
    def contents(self) -> list[Parts]:
        """The normal forms of each row, whatever the order of its parts."""
        return [tuple(sorted(form)) for form in self.forms]

    @cached_property
    def wordless(self) -> set[int]:
        """The rows without a letter or a number (`_ _ _`, `...`): there is nothing to compare."""
        return {number for number, form in enumerate(self.forms) if not any(map(str.isalnum, "".join(form)))}

    @cached_property
    def pieces(self) -> list[Parts]:
        """The texts of each row that another row may hold in other places."""
        if not any(isinstance(example, Choice) for example in self.examples):
            return self.forms
        return [pieces(example, form) for example, form in zip(self.examples, self.forms, strict=True)]

    @cached_property
    def widths(self) -> set[int]:
        """How many parts rows have."""
        return {len(form) for form in self.forms}

    @cached_property
    def first(self) -> dict[Parts, int]:
        """The first row of each content."""
        found: dict[Parts, int] = {}
        for number, content in enumerate(self.contents):
            found.setdefault(content, number)
        return found

    @cached_property
    def distinct(self) -> NDArray[np.int64]:
        """The numbers of the rows in `first`."""
        return np.fromiter(self.first.values(), np.int64)

    @cached_property
    def telling(self) -> set[str]:
        """The parts, and the sentences of texts, that are long enough to hardly recur by chance."""
        return {part for found in self.long for part in found} | set(filter(telling, self.sentences))

    @cached_property
    def long(self) -> list[Parts]:
        """The parts of each row that are telling."""
        return [tuple(filter(telling, form)) for form in self.forms]

    @cached_property
    def signatures(self) -> Signatures:
        """The signatures of the distinct rows."""
        return signatures([self.forms[number] for number in self.distinct])

    @cached_property
    def bands(self) -> list[Numbers]:
        """For each band of the signatures a number for every distinct row."""
        return list(bands(self.signatures))

    @cached_property
    def sorted_bands(self) -> list[tuple[NDArray[np.int64], Numbers]]:
        """The order of the numbers of each band, and the numbers in it."""
        orders = [np.argsort(numbers, kind="stable") for numbers in self.bands]
        return [(order, numbers[order]) for order, numbers in zip(orders, self.bands, strict=True)]


@dataclass
class Match:
    """Numbers of evaluated rows: with the same row in the training data, a near one, or a part only.

    `near` leads to the training row, which is nearly the same or holds the same texts in other places;
    `texts` are rows whose parts all stand somewhere.
    """

    same: set[int] = field(default_factory=set)
    near: dict[int, int] = field(default_factory=dict)
    texts: set[int] = field(default_factory=set)
    part: set[int] = field(default_factory=set)

    @property
    def whole(self) -> set[int]:
        """The rows that are in the training data, or nearly."""
        return self.same | self.near.keys()

    def add(self, contained: Mapping[int, int]) -> None:
        """Add rows that stand within training rows, or these within them."""
        self.near = {
            number: other for number, other in contained.items() if number not in self.same
        } | self.near
        self.part -= self.near.keys()
        self.texts -= self.near.keys()

    def pairs(self, evaluated: Texts, trained: Texts) -> list[tuple[int, int]]:
        """The rows that are in the training data, each with a training row; those of one content once."""
        found = {
            evaluated.contents[number]: (number, trained.first[evaluated.contents[number]])
            for number in sorted(self.same, reverse=True)
        }
        for number, other in sorted(self.near.items(), reverse=True):
            found[evaluated.contents[number]] = number, other
        return list(found.values())


def match(evaluated: Texts, trained: Texts) -> Match:
    """What of the evaluated rows stands in the training data."""
    found = Match()
    for number, content in enumerate(evaluated.contents):
        if number in evaluated.wordless:
            continue
        if content in trained.first:
            found.same.add(number)
            continue
        seen = [part in trained.telling for part in evaluated.long[number]]
        if seen and all(seen):
            found.texts.add(number)
        elif any(seen):
            found.part.add(number)
    if evaluated.widths & trained.widths:
        found.add(_near(evaluated, trained, found.same | evaluated.wordless))
    return found


def _near(evaluated: Texts, trained: Texts, same: Set[int]) -> dict[int, int]:
    """Evaluated rows that are nearly a training row, and that row."""
    found: dict[Parts, int] = {}
    for ours, theirs in candidates(evaluated, trained):
        number, other = int(evaluated.distinct[ours]), int(trained.distinct[theirs])
        content = evaluated.contents[number]
        new = number not in same and content not in found
        if new and alike(evaluated.forms[number], trained.forms[other]):
            found[content] = other
    return {number: found[one] for number, one in enumerate(evaluated.contents) if one in found}


def candidates(ours: Texts, theirs: Texts, some: Sequence[int] | None = None) -> Iterator[tuple[int, int]]:
    """Places in `distinct` of both, sorted, where the signatures promise similarity; of ours only `some`."""
    width = len(theirs.distinct)
    chosen = np.arange(len(ours.distinct)) if some is None else np.asarray(some, np.int64)
    both = zip(ours.bands, theirs.sorted_bands, strict=True)
    codes = [_equal(chosen, one[chosen], order, ordered) for one, (order, ordered) in both]
    found = np.unique(np.concatenate(codes))
    for start in range(0, len(found), 100_000):
        first, second = np.divmod(found[start : start + 100_000], width)
        kept = (ours.signatures[first] == theirs.signatures[second]).mean(axis=1) >= LIKELY
        yield from zip(first[kept].tolist(), second[kept].tolist(), strict=True)


def _equal(
    places: NDArray[np.int64], ours: Numbers, order: NDArray[np.int64], theirs: Numbers
) -> NDArray[np.int64]:
    """The pairs of equal numbers, each as `our place * len(theirs) + their place`; theirs are sorted."""
    low = np.searchsorted(theirs, ours, "left")
    counts = np.searchsorted(theirs, ours, "right") - low
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(
        np.repeat(places, counts) * len(theirs) + order[np.repeat(low, counts) + inside], np.int64
    )
