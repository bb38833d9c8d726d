"""Sentences and their translations: to be found among others (Tatoeba), and among near misses (BUCC)."""

from typing import NamedTuple

from xstilts.data.examples import Bitext
from xstilts.lab.corpus import sentence
from xstilts.lab.grammar import Grammar, grammar
from xstilts.lab.inventory import BEINGS, PEOPLE, PLACES, TIMES
from xstilts.lab.languages import BASE
from xstilts.lab.meaning import NP, Clause, Compound, Meaning, the
from xstilts.lab.rng import Rng


class Mixed(NamedTuple):
    """What the sentences of both sides mean, and which pairs mean the same."""

    source: tuple[Meaning, ...]
    target: tuple[Meaning, ...]
    gold: tuple[tuple[int, int], ...]


def say(mixed: Mixed, own: Grammar) -> Bitext:
    source = tuple(own.say(meaning) for meaning in mixed.source)
    target = tuple(grammar(BASE).say(meaning) for meaning in mixed.target)
    return Bitext(source, target, mixed.gold)


def translations(rng: Rng, split: str, size: int) -> Mixed:
    """So many different sentences; row i of one side translates row i of the other."""
    meanings = tuple(_different(rng, size))
    return Mixed(meanings, meanings, tuple((row, row) for row in range(size)))


def mining(rng: Rng, split: str, size: int) -> Mixed:
    """So many sentences on each side, of which two in five have a translation on the other.

    Half of the others are near misses of a sentence of the other side: one word says something else.
    """
    common = size * 2 // 5
    meanings = _different(rng, 2 * size - common)
    shared, own, theirs = meanings[:common], meanings[common:size], meanings[size:]
    for place in range(len(theirs) // 2):
        theirs[place] = _near_miss(rng, own[place])
    for place in range(len(own) // 2, len(own)):
        own[place] = _near_miss(rng, theirs[place])
    source, target = rng.shuffled(range(size)), rng.shuffled(range(size))
    left, right = [*shared, *own], [*shared, *theirs]
    rows = {number: row for row, number in enumerate(target)}
    gold = tuple((row, rows[number]) for row, number in enumerate(source) if number < common)
    return Mixed(tuple(left[number] for number in source), tuple(right[number] for number in target), gold)


def _different(rng: Rng, size: int) -> list[Meaning]:
    """Meanings that lab English tells apart."""
    known: dict[str, Meaning] = {}
    while len(known) < size:
        meaning = sentence(rng)
        known.setdefault(grammar(BASE).say(meaning), meaning)
    return list(known.values())


def _near_miss(rng: Rng, meaning: Meaning) -> Meaning:
    """The same but for one word: somebody else, another place, another time, or not."""
    clause = meaning.first if isinstance(meaning, Compound) else meaning
    changes = [clause._replace(subject=_somebody_else(rng, clause.subject))]
    if clause.place is not None:
        changes.append(clause._replace(place=the(rng.other(PLACES, clause.place.noun))))
    if clause.time is not None:
        changes.append(clause._replace(time=the(rng.other(TIMES, clause.time.noun))))
    changed: Clause = rng.pick(changes)
    return meaning._replace(first=changed) if isinstance(meaning, Compound) else changed


def _somebody_else(rng: Rng, np: NP) -> NP:
    if np.noun and np.determiner:
        return np._replace(noun=rng.other(BEINGS, np.noun))
    return NP(rng.other(PEOPLE, np.noun))
