"""Which evaluated rows stand in training data: the same, nearly the same, a part of them, within longer rows,
or in translation.

All evaluated texts share one index of fingerprints, so that each training file is read through once for rows
that stand within others: behind a prompt, or joined.

Rows of two languages belong together by their ids, or by their places where a release has none. That is
believed only if the texts bear it out: translations are long where the original is long (Gale and Church
1993, A program for aligning sentences in bilingual corpora), and have the same label.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from xstilts.audit.text import (
    Numbers,
    Parts,
    Signatures,
    alike,
    bands,
    covers,
    fingerprints,
    forms,
    holds,
    normal,
    parts,
    pieces,
    sentences,
    signatures,
    telling,
    weight,
)
from xstilts.data.examples import Bitext, Choice, Example, Pair, Question, Seen
from xstilts.plain import by_key

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
        return {content: numbers[0] for content, numbers in self.repeated.items()}

    @cached_property
    def repeated(self) -> dict[Parts, list[int]]:
        """All rows of each content."""
        return by_key((content, number) for number, content in enumerate(self.contents))

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
    `texts` are rows whose parts all stand somewhere. `told`: whether the labels of the training rows tell
    those of the evaluated ones, None if that cannot be known; `written`: whether their other words do.
    """

    same: set[int] = field(default_factory=set)
    near: dict[int, int] = field(default_factory=dict)
    texts: set[int] = field(default_factory=set)
    part: set[int] = field(default_factory=set)
    told: bool | None = None
    written: bool = False

    @property
    def whole(self) -> set[int]:
        """The rows that are in the training data, or nearly."""
        return self.same | self.near.keys()

    def add(self, contained: Mapping[int, int]) -> None:
        """Add rows that stand within training rows, or these within them."""
        self.near = {row: other for row, other in contained.items() if row not in self.same} | self.near
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
        same, near = found.same | evaluated.wordless, dict[Parts, int]()
        for ours, theirs in candidates(evaluated, trained):
            number, other = int(evaluated.distinct[ours]), int(trained.distinct[theirs])
            content = evaluated.contents[number]
            new = number not in same and content not in near
            if new and alike(evaluated.forms[number], trained.forms[other]):
                near[content] = other
        found.add({number: near[one] for number, one in enumerate(evaluated.contents) if one in near})
    return found


def candidates(ours: Texts, theirs: Texts, some: Sequence[int] | None = None) -> Iterator[tuple[int, int]]:
    """Places in `distinct` of both, sorted, where the signatures promise similarity; of ours only `some`."""
    width = len(theirs.distinct)
    chosen = np.arange(len(ours.distinct)) if some is None else np.asarray(some, np.int64)
    both = zip(ours.bands, theirs.sorted_bands, strict=True)
    pairs = [(*_equal(one[chosen], ordered), order) for one, (order, ordered) in both]
    codes = [chosen[ours] * width + order[theirs] for ours, theirs, order in pairs]
    found = np.unique(np.concatenate(codes))
    for start in range(0, len(found), 100_000):
        first, second = np.divmod(found[start : start + 100_000], width)
        kept = (ours.signatures[first] == theirs.signatures[second]).mean(axis=1) >= LIKELY
        yield from zip(first[kept].tolist(), second[kept].tolist(), strict=True)


def _equal(ours: Numbers, theirs: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of all pairs of equal numbers, in ours and in theirs, which are sorted."""
    low = np.searchsorted(theirs, ours, "left")
    counts = np.searchsorted(theirs, ours, "right") - low
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(ours)), counts), np.repeat(low, counts) + inside


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
            evaluated, other = self.sets[key], int(trained.distinct[place])
            if key not in rows:
                numbered = enumerate(evaluated.pieces)
                rows[key] = by_key((one, number) for number, row in numbered for one in dict.fromkeys(row))
            known = found.setdefault(key, {})
            for number in rows[key][text]:
                new = number not in known and evaluated.contents[number] != trained.contents[other]
                choice = isinstance(evaluated.examples[number], Choice)
                one, two = evaluated.pieces[number], trained.pieces[other]
                examples = evaluated.examples[number], trained.examples[other]
                both = all(isinstance(example, Question) for example in examples)
                if new and (
                    within(one, two) or (both and asks_of_a_part(one, two)) or (choice and offers(one, two))
                ):
                    known[number] = other
        return found

    def _candidates(self, trained: Texts) -> Iterator[tuple[int, int]]:
        """Owners, and places in `distinct`, that have fingerprints in common."""
        values, places = fingerprints(["".join(trained.pieces[number]) for number in trained.distinct])
        total = np.bincount(places, minlength=len(trained.distinct))
        theirs, ours = _equal(values, self.values)
        owners, width = self.texts[ours].astype(np.int64), len(trained.distinct)
        pairs, shared = np.unique(owners * width + places[theirs], return_counts=True)
        first, second = np.divmod(pairs, width)
        kept: NDArray[np.bool_] = shared >= HALF * np.minimum(self.counts[first], total[second])
        yield from zip(first[kept].tolist(), second[kept].tolist(), strict=True)


def within(one: Parts, other: Parts) -> bool:
    """Whether one row stands in the other: ours in theirs, or theirs in ours as the most of it."""
    return holds(one, other) or covers(other, one)


def asks_of_a_part(one: Parts, other: Parts) -> bool:
    """Whether the other asks the same question of a part of the context."""
    return one[1] == other[1] and telling(one[1]) and telling(other[0]) and other[0] in one[0]


def offers(one: Parts, other: Parts) -> bool:
    """Whether the other has the context of a choice, and one of its options with little else."""
    return (
        telling(one[0])
        and any(one[0] in text for text in other)
        and any(covers((one[0], option), other) for option in one[1:])
    )


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
    """The share of repeated rows, without copies: where there are some, what exceeds theirs beyond doubt."""
    share, copied = float(repeated.mean()), float(repeated[longer].mean())
    if copied > MOST:
        share -= copied + 2 * float(repeated.std()) / math.sqrt(len(repeated))
    return min(max(0.0, share), MOST)


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
    pairs: dict[int, int] = {}
    if all(one.ids) and all(other.ids):
        if len(set(one.ids)) == len(one) and len(set(other.ids)) == len(other):
            place = {name: number for number, name in enumerate(other.ids)}
            pairs = {number: place[name] for number, name in enumerate(one.ids) if name in place}
    elif len(one) == len(other):
        pairs = {number: number for number in range(len(one))}
    if len(pairs) < ENOUGH:
        return None
    labels = [(_label(one.examples[ours]), _label(other.examples[theirs])) for ours, theirs in pairs.items()]
    if sum(ours == theirs for ours, theirs in labels) < AGREEMENT * len(labels):
        return None
    return pairs if max(_correlations(one, other, pairs)) >= CORRELATION else None


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
