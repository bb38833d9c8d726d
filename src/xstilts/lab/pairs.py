"""Sentence pairs with a label: inference with three and two labels, and paraphrase against word order."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from xstilts.data.examples import Pair
from xstilts.lab import edits, logic
from xstilts.lab.grammar import Grammar
from xstilts.lab.inventory import KINDS, ON_BEINGS, PEOPLE, PLACES, TIMES
from xstilts.lab.meaning import NP, Clause, Compound, Meaning, put, role_of, the
from xstilts.lab.rng import Rng

INFERENCE = ("contradiction", "entailment", "neutral")
ENTAILMENT = ("entailment", "not_entailment")
PARAPHRASE = ("different", "same")


class Judged(NamedTuple):
    """Two meanings and what the second is to the first."""

    first: Meaning
    second: Meaning
    label: str


def say(judged: Judged, grammar: Grammar, name: str) -> Pair:
    return Pair(grammar.say(judged.first), grammar.say(judged.second), judged.label, name)


def inferences(rng: Rng, split: str, size: int) -> list[Judged]:
    """Premise and hypothesis; what is left open is neutral."""
    return _balanced(_edited(rng), INFERENCE, _shape, size)


def entailments(rng: Rng, split: str, size: int) -> list[Judged]:
    """The edits of `inferences` under two labels, with the time at the other side of the hypothesis."""

    def draws() -> Iterator[Judged]:
        for first, second, label in _edited(rng):
            moved = rng.chance(0.5)
            two = label if label == "entailment" else "not_entailment"
            yield Judged(first._replace(moved=moved), second._replace(moved=not moved), two)

    return _balanced(draws(), ENTAILMENT, _shape, size)


def _edited(rng: Rng) -> Iterator[tuple[Clause, Clause, str]]:
    while True:
        first = edits.premise(rng)
        second = edits.edited(first, rng)
        if second != first:
            yield first, second, logic.label(first, second)


def _shape(judged: Judged) -> Hashable:
    """What the hypothesis alone shows: within each shape, labels are equally frequent."""
    clause = judged.second
    assert isinstance(clause, Clause)
    nps = [np for np in (clause.subject, clause.object) if np is not None]
    vague = clause.verb == "move" or any(np.noun in KINDS for np in nps)
    described = any(np.adjective for np in nps)
    adjuncts = (clause.place is None, clause.time is None)
    return (clause.subject.determiner, clause.negated, *adjuncts, vague, described)


def _balanced(
    draws: Iterator[Judged] | Iterator[tuple[Clause, Clause, str]],
    labels: tuple[str, ...],
    shape: Callable[[Judged], Hashable],
    size: int,
) -> list[Judged]:
    """The first draws that keep labels equally frequent overall and, where possible, within each shape.

    A label is taken only while it is no more frequent than any other, so a longer list begins with a
    shorter one.
    """
    overall: Counter[str] = Counter(dict.fromkeys(labels, 0))
    within: dict[Hashable, Counter[str]] = {}
    result: list[Judged] = []
    for draw in draws:
        judged = Judged(*draw)
        here = within.setdefault(shape(judged), Counter(dict.fromkeys(labels, 0)))
        if here[judged.label] <= min(here.values()) and overall[judged.label] <= min(overall.values()) + 4:
            here[judged.label] += 1
            overall[judged.label] += 1
            result.append(judged)
            if len(result) == size:
                break
    return result


# Paraphrases: the same words in another order, with the same meaning or with another one.

_FLIPPED = {"and": "and", "before": "after", "after": "before"}


def paraphrases(rng: Rng, split: str, size: int) -> list[Judged]:
    """Two clauses and the same words again; who did what when has changed, or only how it is told."""
    return _balanced(_told_again(rng), PARAPHRASE, _told_shape, size)


def _told_again(rng: Rng) -> Iterator[Judged]:
    while True:
        link = rng.pick(("and", "and", "before", "after"))
        first = Compound(_event(rng), link, _event(rng))
        if first.first.verb == first.second.verb:
            continue
        second = first
        if rng.chance(0.6):
            second = Compound(first.second, _FLIPPED[link], first.first)
        if link != "and" and rng.chance(0.4):
            second = second._replace(link_first=True)
        second = second._replace(first=_moved(second.first), second=_moved(second.second))
        if rng.chance(0.5):
            second = rng.pick(_CONFUSIONS)(second)
        if second != first:
            yield Judged(first, second, "same" if _meant(first) == _meant(second) else "different")


def _meant(told: Compound) -> tuple[str, Clause, Clause]:
    """What is told, whichever way: equal for paraphrases."""
    first, second = told.first._replace(moved=False), told.second._replace(moved=False)
    if told.link == "after" or (told.link == "and" and repr(second) < repr(first)):
        first, second = second, first
    return ("and" if told.link == "and" else "before", first, second)


def _told_shape(judged: Judged) -> Hashable:
    assert isinstance(judged.second, Compound)
    return (judged.second.link, judged.second.link_first)


def _event(rng: Rng) -> Clause:
    """Somebody does something to somebody, now and then at a time or a place."""
    one, other = rng.sample(PEOPLE, 2)
    draw = rng.unit()
    time = the(rng.pick(TIMES)) if draw < 0.25 else None
    where = the(rng.pick(PLACES)) if 0.25 <= draw < 0.5 else None
    return Clause(NP(one), rng.pick(tuple(ON_BEINGS)), NP(other), place=where, time=time)


def _moved(clause: Clause) -> Clause:
    return clause._replace(moved=clause.time is not None and not clause.moved)


def _subjects(told: Compound) -> Compound:
    """Each one does what the other did."""
    return _exchange(told, "subject")


def _objects(told: Compound) -> Compound:
    """It is done to the other one."""
    return _exchange(told, "object")


def _exchange(told: Compound, role: str) -> Compound:
    one, other = role_of(told.first, role), role_of(told.second, role)
    return told._replace(first=put(told.first, role, other), second=put(told.second, role, one))


def _roles(told: Compound) -> Compound:
    """In one clause, the doer and the one it is done to are exchanged."""
    return told._replace(first=_turned(told.first))


def _other_roles(told: Compound) -> Compound:
    """The same in the other clause."""
    return told._replace(second=_turned(told.second))


def _turned(clause: Clause) -> Clause:
    assert clause.object is not None
    return clause._replace(subject=clause.object, object=clause.subject)


def _order(told: Compound) -> Compound:
    """What came first now comes last; with "and" there is no first and last."""
    if told.link == "and":
        return _roles(told)
    return told._replace(first=told.second, second=told.first)


_CONFUSIONS = (_subjects, _objects, _roles, _other_roles, _order)
