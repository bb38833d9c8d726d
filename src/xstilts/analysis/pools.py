"""Which rows of a target are resampled together: translations of an example, and rows about one text.

An example that several languages share is drawn for all of them or for none, wherever it stands in each. It
is known by its id; `de-17` is `en-17` if rows that are so named have the same gold labels. Rows without ids
are the same example if they have the same number and their sets the same size; if a set lacks some rows of
the largest, their gold labels tell which. Rows about one text (the questions of a paragraph, the hypotheses
of a premise) are no independent witnesses: they are drawn together as well. What is drawn is called a unit:
all rows, in all languages, that are linked by either.

Languages that share a unit form a pool, of which each resample draws as many units as there are, with
replacement. A language that has only some of the units has more rows in one resample than in another. Metrics
are ratios of sums, for which that is as it should be (Field and Welsh 2007, "Bootstrapping clustered data").
"""

import hashlib
import operator
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xstilts.analysis import statistics

Numbers = NDArray[np.int64]

LACKING = 0.05
"""The share of its rows that a set may lack, and of gold labels that may differ, to be a part of another."""
LARGEST = 10**8
"""Rows times rows that are lacking, beyond which nobody looks which these are."""


class LanguageRows(NamedTuple):
    """The rows of a language: their ids, the first row about the same text [N], and their gold values."""

    ids: Sequence[str]
    firsts: Numbers
    gold: Sequence[str] = ()


class Pool(NamedTuple):
    """What the rows of a language are drawn from: its name, the number of units, and the unit of each row."""

    name: str
    size: int
    units: Numbers

    def half(self, number: int) -> tuple[NDArray[np.bool_], "Pool"]:
        """About half of the units, or the others (1): which rows that leaves [N], and their pool."""
        chosen = (statistics.generator("halves").random(self.size) < 0.5) == (number == 0)
        kept = chosen[self.units]
        renumbered = (np.cumsum(chosen) - 1)[self.units[kept]]
        return kept, Pool(f"{self.name} half {number}", int(chosen.sum()), renumbered)


def pools(languages: Mapping[str, LanguageRows]) -> dict[str, Pool]:
    """The pool of each language of a target; where every row is a unit, it is named by their number alone."""
    keys = _keys(languages)
    count = max((int(own.max(initial=-1)) for own in keys.values()), default=-1) + 1
    rows = np.concatenate(list(keys.values()))
    firsts = np.concatenate([own[languages[name].firsts] for name, own in keys.items()])
    units = _components(rows, firsts, count)
    places = np.repeat(np.arange(len(keys)), [len(own) for own in keys.values()])
    together = _components(units[rows], places + count, count + len(keys))[count:]
    found: dict[str, Pool] = {}
    for group in np.unique(together):
        members = [name for name, own in zip(keys, together, strict=True) if own == group]
        held = np.unique(np.concatenate([units[keys[name]] for name in members]))
        of_rows = {name: np.searchsorted(held, units[keys[name]]) for name in members}
        every = np.arange(len(held))
        plain = all(np.array_equal(own, every) for own in of_rows.values())
        pool = digest(every) if plain else members[0]
        found |= {name: Pool(pool, len(held), own) for name, own in of_rows.items()}
    return found


def digest(rows: Numbers) -> str:
    """A name for rows that are drawn each for itself."""
    return hashlib.sha256(rows.astype(np.float64).tobytes()).hexdigest()


def by_pool(pools: Mapping[str, Pool], languages: Sequence[str]) -> list[str]:
    """The languages in an order in which those of one pool stand together."""
    return sorted(languages, key=lambda code: pools[code].name if code in pools else "")


def translations(languages: Mapping[str, LanguageRows], of: str) -> frozenset[str]:
    """The languages whose rows are translations of all rows of one: the same ids, or without ids as many
    rows with the same gold labels."""
    languages = _without_codes(languages)
    whole = languages[of]

    def are_same(rows: LanguageRows) -> bool:
        if _has_ids(rows.ids) or _has_ids(whole.ids):
            return set(rows.ids) == set(whole.ids)
        differing = sum(own != other for own, other in zip(rows.gold, whole.gold, strict=True))
        return differing <= LACKING * len(whole.ids)

    alike = {name: rows for name, rows in languages.items() if len(rows.ids) == len(whole.ids)}
    return frozenset(name for name, rows in alike.items() if are_same(rows))


def _components(one: Numbers, other: Numbers, count: int) -> Numbers:
    """What is linked has the same number; numbers in the order in which they first occur."""
    links = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    labels = connected_components(links, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.int64)


def _keys(languages: Mapping[str, LanguageRows]) -> dict[str, Numbers]:
    """A number for each example: equal ones in different languages are translations of each other."""
    known: dict[object, int] = {}
    languages = _without_codes(languages)
    numbered = {name: rows.gold for name, rows in languages.items() if not _has_ids(rows.ids)}
    whole = max(numbered.values(), key=len, default=())
    aligned = cache(lambda gold: _places(gold, whole))
    alike: dict[int, list[Sequence[str]]] = {}  # by size gold values of sets that are no translations
    found = {}
    for name, rows in languages.items():
        times = Counter[str]()
        examples: list[object] = []
        if name not in numbered:
            for one in rows.ids:  # an id that comes twice is known with its number
                examples.append((one, times[one]))
                times[one] += 1
        else:
            gold, size = tuple(rows.gold), len(rows.ids)
            if (places := aligned(gold)) is not None:
                examples = [(len(whole), 0, place) for place in places.tolist()]
            else:
                known_sets = alike.setdefault(size, [])
                same = (number for number, other in enumerate(known_sets) if not _differ(gold, other))
                if (number := next(same, len(known_sets))) == len(known_sets):
                    known_sets.append(gold)
                examples = [(size, number, row) for row in range(size)]
        found[name] = np.array([known.setdefault(one, len(known)) for one in examples], dtype=np.int64)
    return found


def _without_codes(languages: Mapping[str, LanguageRows]) -> dict[str, LanguageRows]:
    """The rows, with 17 for the id `de-17` or `17_de` where all ids of a language are so made and the gold
    labels say that they translate the first such language."""
    found, first = dict(languages), dict[str, str]()
    for name, rows in languages.items():
        code = re.escape(name)
        for mark in (rf"{code}[-_.:/|](.+)", rf"(.+)[-_.:/|]{code}"):
            own = re.compile(mark, re.IGNORECASE | re.DOTALL)
            if not rows.gold or not all(own.fullmatch(one) for one in rows.ids):
                continue
            ids = [own.sub(r"\1", one) for one in rows.ids]
            labels = dict(zip(ids, rows.gold, strict=True))
            first = first or labels
            both = [one for one in labels if one in first]
            if sum(labels[one] != first[one] for one in both) <= LACKING * len(both):
                found[name] = rows._replace(ids=ids)
            break
    return found


def _differ(gold: Sequence[str], other: Sequence[str]) -> bool:
    """Whether rows with these numbers have other labels, of the same ones; answers and tags differ in
    translations too."""
    if set(gold) != set(other):
        return False
    differing: int = sum(map(operator.ne, gold, other))
    return differing > LACKING * len(gold)


def _has_ids(ids: Sequence[str]) -> bool:
    """Whether rows have ids of their own: neither their numbers, nor names of which many come twice."""
    again = len(ids) - len(set(ids))
    return again <= LACKING * len(ids) and any(one != str(row) for row, one in enumerate(ids))


def _places(gold: Sequence[str], whole: Sequence[str]) -> Numbers | None:
    """The places [N] of the rows in a larger set of which some are left out; None if it is not one."""
    n, lacking = len(gold), len(whole) - len(gold)
    if not 0 < lacking <= LACKING * len(whole) or n * lacking > LARGEST:
        return None
    codes = {value: code for code, value in enumerate(dict.fromkeys((*whole, *gold)))}
    own, all_of = (np.array([codes[value] for value in values]) for values in (gold, whole))
    wrong = np.lib.stride_tricks.sliding_window_view(all_of, lacking + 1) != own[:, None]  # [N, lacking + 1]
    table = wrong.astype(np.int32)  # [n, k]: the fewest errors if k rows are left out before row n
    for row in range(1, n):
        table[row] += np.minimum.accumulate(table[row - 1])
    if table[-1].min() > LACKING * n:
        return None
    left_out = np.empty(n, dtype=np.int64)
    left_out[-1] = table[-1].argmin()
    for row in range(n - 2, -1, -1):
        left_out[row] = table[row, : left_out[row + 1] + 1].argmin()
    return np.arange(n) + left_out
