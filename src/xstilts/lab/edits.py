"""The edits that turn a premise into a hypothesis; both inference tasks share them.

An edit takes a clause and returns the changed clause, or None where it does not fit.
"""

from collections.abc import Callable

from xstilts.lab.inventory import (
    ANTONYM,
    BEINGS,
    KIND_OF,
    KINDS,
    MOVING,
    ON_BEINGS,
    PEOPLE,
    PLACES,
    QUALITIES,
    THINGS,
    TIMES,
)
from xstilts.lab.meaning import NP, Clause, put, role_of, the
from xstilts.lab.rng import Rng
from xstilts.lab.world import ALONE_VERBS, ON_BEINGS_VERBS, ON_THINGS_VERBS

Edit = Callable[[Clause, Rng], Clause | None]


def premise(rng: Rng) -> Clause:
    """A clause that the logic can follow: "every" and "no" stand with subjects and never with a negation."""
    subject = NP(rng.pick(PEOPLE)) if rng.chance(0.45) else _described(rng, BEINGS, _DETERMINERS)
    negated = subject.determiner not in ("every", "no") and rng.chance(0.2)
    determiners = ("the",) if negated else ("the", "the", "some")
    object_, draw = None, rng.unit()
    if draw < 0.45:
        verb, object_ = rng.pick(ON_BEINGS_VERBS), _described(rng, BEINGS, determiners)
        if rng.chance(0.5) or object_.noun == subject.noun:
            object_ = NP(rng.other(PEOPLE, subject.noun))
    elif draw < 0.65:
        verb, object_ = rng.pick(ON_THINGS_VERBS), _described(rng, THINGS, determiners)
    else:
        verb = rng.pick((*MOVING, "move")) if rng.chance(0.3) else rng.pick(ALONE_VERBS)
    where = the(rng.pick(PLACES)) if rng.chance(0.5) else None
    time = the(rng.pick(TIMES)) if rng.chance(0.5) else None
    return Clause(subject, verb, object_, place=where, time=time, negated=negated)


_DETERMINERS = ("the", "the", "the", "some", "every", "no")


def _described(rng: Rng, nouns: tuple[str, ...], determiners: tuple[str, ...]) -> NP:
    determiner, noun = rng.pick(determiners), rng.pick(nouns)
    adjective = rng.pick(QUALITIES) if rng.chance(0.35) else ""
    return NP(KIND_OF[noun] if determiner != "the" and rng.chance(0.2) else noun, determiner, adjective)


def _gone(role: str) -> Edit:
    """The place or the time goes."""
    return lambda clause, rng: None if role_of(clause, role) is None else put(clause, role, None)


def _come(role: str, nouns: tuple[str, ...]) -> Edit:
    """A place or a time comes."""
    return lambda clause, rng: (
        put(clause, role, the(rng.pick(nouns))) if role_of(clause, role) is None else None
    )


def _other(role: str, nouns: tuple[str, ...]) -> Edit:
    """Another place or time."""

    def edit(clause: Clause, rng: Rng) -> Clause | None:
        old = role_of(clause, role)
        return None if old is None else put(clause, role, the(rng.other(nouns, old.noun)))

    return edit


def _antonym(clause: Clause, rng: Rng) -> Clause | None:
    """The opposite verb."""
    return clause._replace(verb=ANTONYM[clause.verb]) if clause.verb in ANTONYM else None


def _moving(clause: Clause, rng: Rng) -> Clause | None:
    """A verb of moving becomes "move", or the other way round."""
    if clause.verb == "move":
        return clause._replace(verb=rng.pick(MOVING))
    return clause._replace(verb="move") if clause.verb in MOVING else None


def _other_verb(clause: Clause, rng: Rng) -> Clause | None:
    """A verb that has nothing to do with the old one."""
    if clause.object is None:
        verbs = tuple(verb for verb in ALONE_VERBS if verb not in (*MOVING, "move"))
        if clause.verb not in verbs:
            return None
    else:
        verbs = ON_BEINGS_VERBS if clause.verb in ON_BEINGS else ON_THINGS_VERBS
    return clause._replace(verb=rng.other(verbs, clause.verb, ANTONYM.get(clause.verb, "")))


def _negation(clause: Clause, rng: Rng) -> Clause | None:
    """A negation comes or goes; quantified subjects would have two readings."""
    if clause.subject.determiner not in ("", "the"):
        return None
    if clause.object is not None and clause.object.determiner == "some":
        return None
    return clause._replace(negated=not clause.negated)


def _quantifier(clause: Clause, rng: Rng) -> Clause | None:
    """Another determiner of the subject."""
    np = clause.subject
    allowed = [
        determiner
        for determiner in ("the", "some", "every", "no")
        if determiner != np.determiner
        # "every" and "no" stand with no negation.
        and not (determiner in ("every", "no") and clause.negated)
        # "the animal" would be one animal of whatever kind, and "the big dog" would say that it is big.
        and not (determiner == "the" and (np.noun in KINDS or (np.adjective and np.determiner != "some")))
    ]
    if not np.determiner or not allowed:
        return None
    return clause._replace(subject=np._replace(determiner=rng.pick(allowed)))


def _plain(clause: Clause, rng: Rng) -> Clause | None:
    """An adjective goes."""
    role = rng.pick(("subject", "object"))
    np = role_of(clause, role)
    return put(clause, role, np._replace(adjective="")) if np is not None and np.adjective else None


def _opposite(clause: Clause, rng: Rng) -> Clause | None:
    """An adjective becomes its opposite."""
    role = rng.pick(("subject", "object"))
    np = role_of(clause, role)
    if np is None or not np.adjective:
        return None
    return put(clause, role, np._replace(adjective=ANTONYM[np.adjective]))


def _adjective(clause: Clause, rng: Rng) -> Clause | None:
    """An adjective comes, or another one that is not the opposite."""
    role = rng.pick(("subject", "object"))
    np = role_of(clause, role)
    if np is None or not np.determiner:
        return None
    adjective = rng.other(QUALITIES, np.adjective, ANTONYM.get(np.adjective, ""))
    return put(clause, role, np._replace(adjective=adjective))


def _kind(clause: Clause, rng: Rng) -> Clause | None:
    """A noun becomes its kind ("some dog", "some animal"), or a kind becomes one of its nouns."""
    role = rng.pick(("subject", "object"))
    np: NP | None = getattr(clause, role)
    if np is None or np.determiner in ("", "the"):
        return None
    noun = KIND_OF[np.noun] if np.noun in KIND_OF else rng.pick(KINDS[np.noun])
    return put(clause, role, np._replace(noun=noun))


def _swap(clause: Clause, rng: Rng) -> Clause | None:
    """Who did it and to whom it was done change places."""
    if clause.object is None or clause.verb not in ON_BEINGS:
        return None
    if not {clause.subject.determiner, clause.object.determiner} <= {"", "the"}:
        return None
    return clause._replace(subject=clause.object, object=clause.subject)


def _somebody_else(clause: Clause, rng: Rng) -> Clause | None:
    """Another subject of the same sort."""
    np = clause.subject
    taken = (np.noun, clause.object.noun if clause.object is not None else "")
    sort = BEINGS if np.determiner else PEOPLE
    return None if np.noun in KINDS else clause._replace(subject=np._replace(noun=rng.other(sort, *taken)))


# By what they usually do; "no" and "not" turn it round.
_LESS: dict[str, Edit] = {
    "no place": _gone("place"),
    "no time": _gone("time"),
    "no adjective": _plain,
    "kind": _kind,
    "moving": _moving,
    "quantifier": _quantifier,
}
_EXCLUDING: dict[str, Edit] = {
    "other place": _other("place", PLACES),
    "other time": _other("time", TIMES),
    "antonym": _antonym,
    "opposite": _opposite,
    "negation": _negation,
    "quantifier": _quantifier,
}
_OPEN: dict[str, Edit] = {
    "place": _come("place", PLACES),
    "time": _come("time", TIMES),
    "adjective": _adjective,
    "other verb": _other_verb,
    "swap": _swap,
    "somebody else": _somebody_else,
    "kind": _kind,
    "moving": _moving,
}
_GROUPS = (_LESS, _EXCLUDING, _OPEN)
# What natural logic cannot follow in a row ("every dog slept here", "no dog slept there"), or what undoes.
_EXCLUSIONS = ("antonym", "other place", "other time")
_APART = {frozenset((name, "quantifier")) for name in (*_EXCLUSIONS, "negation")}


def edited(clause: Clause, rng: Rng) -> Clause:
    """The clause after one edit, or after two different ones."""
    first, once = _edited(clause, rng, "")
    return once if rng.chance(0.65) else _edited(once, rng, first)[1]


def _edited(clause: Clause, rng: Rng, before: str) -> tuple[str, Clause]:
    """The first of a group's edits that fits, in a random order, and the clause after it."""
    group = rng.pick(_GROUPS)
    for name in rng.shuffled(tuple(group)):
        changed = None if frozenset((name, before)) in _APART or name == before else group[name](clause, rng)
        if changed is not None:
            return name, changed
    return "", clause
