"""What follows from a sentence of the lab: natural logic over the steps from a premise to a hypothesis.

The seven relations, their projection through quantifiers and negation, and their joins are those of
MacCartney and Manning (2009), "An extended model of natural logic", sections 2 to 5, with the assumption
that there is at least one of everything that a sentence speaks of.

What the labels take for granted: "the dog" is one dog, the same in both sentences, and "the big dog" says
besides that it is big. A being does the same to the same at most once, so at one place and time. Antonyms
exclude each other. Who walks, runs or swims moves.
"""

from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple

from xstilts.lab.inventory import ANTONYM, KIND_OF, MOVING
from xstilts.lab.meaning import NP, Clause, role_of

# Of the old sentence to the new one: the same; the new says less; the new says more; and four others.
EQUAL, FORWARD, REVERSE = "=", "<", ">"
NEGATION, ALTERNATION, COVER, INDEPENDENT = "^", "|", "u", "#"

_NEGATED = {FORWARD: REVERSE, REVERSE: FORWARD, ALTERNATION: COVER, COVER: ALTERNATION}

# What the relation of two verb phrases becomes below a determiner of their subject or object.
_BELOW: dict[str, dict[str, str]] = {
    "some": {NEGATION: COVER, ALTERNATION: INDEPENDENT},
    "every": {NEGATION: ALTERNATION, COVER: INDEPENDENT},
    "no": {
        **{FORWARD: REVERSE, REVERSE: FORWARD, NEGATION: ALTERNATION},
        **{ALTERNATION: INDEPENDENT, COVER: ALTERNATION},
    },
}

# What one determiner of a subject says of another, about the same beings.
_DETERMINERS: dict[tuple[str, str], str] = {
    ("every", "some"): FORWARD,
    ("every", "the"): FORWARD,
    ("the", "some"): FORWARD,
    ("some", "every"): REVERSE,
    ("some", "the"): REVERSE,
    ("the", "every"): REVERSE,
    ("some", "no"): NEGATION,
    ("no", "some"): NEGATION,
    ("every", "no"): ALTERNATION,
    ("no", "every"): ALTERNATION,
    ("the", "no"): ALTERNATION,
    ("no", "the"): ALTERNATION,
}

# Joins that are certain; all others leave the relation open.
_JOINS: dict[tuple[str, str], str] = {
    (FORWARD, FORWARD): FORWARD,
    (FORWARD, NEGATION): ALTERNATION,
    (FORWARD, ALTERNATION): ALTERNATION,
    (REVERSE, REVERSE): REVERSE,
    (REVERSE, NEGATION): COVER,
    (REVERSE, COVER): COVER,
    (NEGATION, FORWARD): COVER,
    (NEGATION, REVERSE): ALTERNATION,
    (NEGATION, NEGATION): EQUAL,
    (NEGATION, ALTERNATION): REVERSE,
    (NEGATION, COVER): FORWARD,
    (ALTERNATION, REVERSE): ALTERNATION,
    (ALTERNATION, NEGATION): FORWARD,
    (ALTERNATION, COVER): FORWARD,
    (COVER, FORWARD): COVER,
    (COVER, NEGATION): REVERSE,
    (COVER, ALTERNATION): REVERSE,
}


def label(premise: Clause, hypothesis: Clause) -> str:
    """Whether the hypothesis follows: "entailment", "contradiction" or "neutral".

    Both must use names or the determiners the, some, every and no: "every" and "no" for a subject without
    negation, "some" for any subject, but for an object only without negation. They must not differ in more
    than a few places, and say the time at the same side.
    """
    if _clash(premise, hypothesis):
        return "contradiction"
    if _unrelated(premise, hypothesis):
        return "neutral"
    steps = _steps(premise, hypothesis)
    for order in permutations(steps):
        relation, clause = EQUAL, premise
        for step in order:
            relation = _join(relation, step.relation(clause))
            clause = step.change(clause)
        if clause != hypothesis:
            continue  # a new adjective came before the old one went
        if relation in (EQUAL, FORWARD):
            return "entailment"
        if relation in (NEGATION, ALTERNATION):
            return "contradiction"
    return "neutral"


class _Step(NamedTuple):
    """One change on the way from premise to hypothesis, and the relation that it makes in a clause."""

    relation: Callable[[Clause], str]
    change: Callable[[Clause], Clause]


def _clash(premise: Clause, hypothesis: Clause) -> bool:
    """Whether the two describe the same being or thing by adjectives that exclude each other."""
    described = {np.noun: np.adjective for np in _definites(premise)}
    return any(ANTONYM.get(described.get(np.noun, "")) == np.adjective != "" for np in _definites(hypothesis))


def _unrelated(premise: Clause, hypothesis: Clause) -> bool:
    """Whether the two speak of different events or beings, so that no step follows from another."""
    nouns = [_nouns(old.noun, new.noun) for old, new in _noun_phrases(premise, hypothesis)]
    return INDEPENDENT in (_verbs(premise.verb, hypothesis.verb), *nouns)


def _noun_phrases(premise: Clause, hypothesis: Clause) -> list[tuple[NP, NP]]:
    pairs = [(premise.subject, hypothesis.subject)]
    if premise.object is not None and hypothesis.object is not None:
        pairs.append((premise.object, hypothesis.object))
    return pairs


def _definites(clause: Clause) -> list[NP]:
    return [np for np in (clause.subject, clause.object) if np is not None and np.determiner == "the"]


def _steps(premise: Clause, hypothesis: Clause) -> list[_Step]:
    steps = []
    for role, (old, new) in zip(("subject", "object"), _noun_phrases(premise, hypothesis), strict=False):
        steps += _noun_phrase_steps(role, old, new)
    verbs = _verbs(premise.verb, hypothesis.verb)
    if verbs != EQUAL:
        steps.append(_step("verb", hypothesis.verb, verbs))
    excluded = verbs == ALTERNATION
    for role in ("place", "time"):
        was, is_ = role_of(premise, role), role_of(hypothesis, role)
        if was == is_:
            continue
        if was is not None and is_ is not None and not excluded:
            steps.append(_step(role, is_, ALTERNATION))
            excluded = True
            continue
        # One exclusion is enough: beside it an old place or time goes, and then a new one comes.
        if was is not None:
            steps.append(_step(role, None, FORWARD))
        if is_ is not None:
            steps.append(_step(role, is_, REVERSE))
    if premise.negated != hypothesis.negated:
        change = _setter("negated", hypothesis.negated)
        steps.append(_Step(lambda clause: _below_subject(clause, NEGATION), change))
    return steps


def _setter(role: str, value: object) -> Callable[[Clause], Clause]:
    return lambda clause: clause._replace(**{role: value})  # type: ignore[arg-type]


def _step(role: str, value: object, event: str) -> _Step:
    """A change of what happens: verb, place, time."""
    return _Step(lambda clause: _below_object(clause, event), _setter(role, value))


def _verbs(old: str, new: str) -> str:
    if new == old:
        return EQUAL
    if new == "move" and old in MOVING:
        return FORWARD
    if old == "move" and new in MOVING:
        return REVERSE
    return ALTERNATION if ANTONYM.get(old) == new else INDEPENDENT


def _nouns(old: str, new: str) -> str:
    if new == old:
        return EQUAL
    if KIND_OF.get(old) == new:
        return FORWARD
    return REVERSE if KIND_OF.get(new) == old else INDEPENDENT


def _noun_phrase_steps(role: str, old: NP, new: NP) -> list[_Step]:
    def put(**parts: str) -> Callable[[Clause], Clause]:
        return lambda clause: clause._replace(**{role: getattr(clause, role)._replace(**parts)})

    steps = []
    if old.noun != new.noun:
        steps.append(_Step(_described(role, _nouns(old.noun, new.noun)), put(noun=new.noun)))
    if old.determiner != new.determiner:
        steps.append(_Step(_quantified(role, new.determiner), put(determiner=new.determiner)))
    if old.adjective != new.adjective:
        # One adjective for another: the old one goes, then the new one comes.
        if old.adjective:
            steps.append(_Step(_described(role, FORWARD), put(adjective="")))
        if new.adjective:
            steps.append(_Step(_described(role, REVERSE), put(adjective=new.adjective)))
    return steps


def _described(role: str, description: str) -> Callable[[Clause], str]:
    """The relation that a wider (FORWARD) or narrower (REVERSE) description of a noun phrase makes."""

    def relation(clause: Clause) -> str:
        determiner = getattr(clause, role).determiner
        if determiner == "the":
            return description  # said besides, whatever quantifiers and negation do
        if role == "object":
            return _below_negation(clause, description)
        return _NEGATED[description] if determiner in ("every", "no") else description

    return relation


def _quantified(role: str, determiner: str) -> Callable[[Clause], str]:
    """The relation that another determiner makes."""

    def relation(clause: Clause) -> str:
        old = getattr(clause, role)
        between = _DETERMINERS.get((old.determiner, determiner), INDEPENDENT)
        # "the big dog" says that the dog is big; "every big dog" does not.
        if old.adjective and {old.determiner, determiner} in ({"the", "every"}, {"the", "some"}):
            between = between if (old.determiner, determiner) == ("the", "some") else INDEPENDENT
        return _below_negation(clause, between) if role == "object" else between

    return relation


def _below_object(clause: Clause, relation: str) -> str:
    if clause.object is not None:
        relation = _BELOW.get(clause.object.determiner, {}).get(relation, relation)
    return _below_negation(clause, relation)


def _below_negation(clause: Clause, relation: str) -> str:
    return _below_subject(clause, _NEGATED.get(relation, relation) if clause.negated else relation)


def _below_subject(clause: Clause, relation: str) -> str:
    return _BELOW.get(clause.subject.determiner, {}).get(relation, relation)


def _join(first: str, second: str) -> str:
    """The relation of the first to the last of three sentences; INDEPENDENT where it is open."""
    if EQUAL in (first, second):
        return second if first == EQUAL else first
    return _JOINS.get((first, second), INDEPENDENT)
