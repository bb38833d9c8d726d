"""What happens in the world: draws of noun phrases, clauses and facts. Meanings only, no words."""

from functools import lru_cache

from xstilts.lab.inventory import (
    ADJECTIVES,
    ALONE,
    ANIMALS,
    BEINGS,
    CITIES,
    COLOUR_OF,
    DEEDS,
    FIRMS,
    GIVING,
    KIND_OF,
    KINDS,
    LIKES,
    LIVES_IN,
    MANNERS,
    ON_BEINGS,
    ON_THINGS,
    PEOPLE,
    PERSONS,
    PLACES,
    QUALITIES,
    THINGS,
    TIMES,
    USES,
)
from xstilts.lab.meaning import NP, Clause, the
from xstilts.lab.rng import Rng

ON_BEINGS_VERBS, ON_THINGS_VERBS = tuple(ON_BEINGS), tuple(ON_THINGS)
GIVING_VERBS, ALONE_VERBS = tuple(GIVING), tuple(ALONE)
_DETERMINERS = (*["the"] * 11, *["a"] * 4, "some", "some", "every", "no", "two", "three", "this", "that")
_SURNAMES = (*ANIMALS, *PERSONS)


def noun_phrase(rng: Rng, nouns: tuple[str, ...]) -> NP:
    """One of these nouns with a determiner and often an adjective; sometimes the adjective alone."""
    determiner = rng.pick(_DETERMINERS)
    adjective = rng.pick(ADJECTIVES) if rng.chance(0.33) else ""
    alone = adjective and rng.chance(0.12) and determiner != "a"
    return NP("" if alone else rng.pick(nouns), determiner, adjective)


def person_name(rng: Rng) -> NP:
    """A person's name, sometimes with a family name that is a common noun elsewhere ("anna fox")."""
    return NP(rng.pick(PEOPLE), second=rng.pick(_SURNAMES) if rng.chance(0.12) else "")


def firm_name(rng: Rng) -> NP:
    """A firm, or an institution called after a town ("bristol school")."""
    if rng.chance(0.35):
        return NP(rng.pick(CITIES), second=rng.pick(PLACES))
    return NP(rng.pick(FIRMS))


def being(rng: Rng) -> NP:
    """Somebody: half of the time by name, or a noun phrase for a person or an animal."""
    draw = rng.unit()
    if draw < 0.45:
        return person_name(rng)
    if draw < 0.93:
        return noun_phrase(rng, BEINGS)
    if draw < 0.96:
        return NP(rng.pick(("person", "animal")), rng.pick(_DETERMINERS))
    return NP("", rng.pick(("this", "that")))


def thing(rng: Rng) -> NP:
    """Something: a noun phrase for a thing or a kind of things."""
    if rng.chance(0.06):
        return NP(rng.pick(("fruit", "tool", "furniture")), rng.pick(_DETERMINERS))
    return noun_phrase(rng, THINGS)


def place(rng: Rng) -> NP:
    """Where it happens: mostly a common noun, else a town or a place that is called after one."""
    if rng.chance(0.75):
        return the(rng.pick(PLACES))
    return NP(rng.pick(CITIES), second=rng.pick(PLACES) if rng.chance(0.3) else "")


def clause(rng: Rng, subject: NP | None = None, object: NP | None = None) -> Clause:  # noqa: A002
    """An event or a state; the subject and the object may be given (the object is then a being)."""
    who = subject or being(rng)
    draw = rng.unit()
    recipient, quality, what = None, "", object
    if draw < 0.1:
        return state(rng, who)
    if draw < 0.34 or object is not None:
        verb = rng.pick(ON_BEINGS_VERBS)
        deed = verb in ("watch", "praise", "blame") and rng.chance(0.25)
        what = object or (_deed(rng) if deed else being(rng))
    elif draw < 0.58:
        verb = rng.pick(ON_THINGS_VERBS)
        what = _deed(rng) if verb == "like" and rng.chance(0.6) else thing(rng)
    elif draw < 0.68:
        verb, what, recipient = rng.pick(GIVING_VERBS), thing(rng), being(rng)
    elif draw < 0.74:
        return with_adjuncts(rng, business(rng, who))
    else:
        verb = rng.pick(ALONE_VERBS)
        quality = rng.pick(MANNERS) if rng.chance(0.2) else ""
    bare = Clause(who, verb, what, recipient, quality=quality)
    if rng.chance(0.13):
        # One negation a clause: no "every" and no "no" beside it.
        bare = bare._replace(subject=_sober(who), object=what and _sober(what), negated=True)
        bare = bare._replace(recipient=recipient and _sober(recipient))
    return with_adjuncts(rng, bare)


def _sober(np: NP) -> NP:
    return np._replace(determiner="the") if np.determiner in ("every", "no") else np


def _deed(rng: Rng) -> NP:
    """A verb as a noun: the visit, this dance."""
    return NP(rng.pick(DEEDS), rng.pick(("the", "the", "every", "some", "no", "this")))


def with_adjuncts(rng: Rng, bare: Clause) -> Clause:
    """The clause at a place or a time, at both or at none; a few happen in the present."""
    where = place(rng) if rng.chance(0.42) else None
    time, when = None, "during"
    if rng.chance(0.36):
        time = the(rng.pick(TIMES))
        when = rng.pick(("during", "during", "during", "before", "after"))
    present, moved = rng.chance(0.1), time is not None and rng.chance(0.25)
    return bare._replace(place=where, time=time, when=when, present=present, moved=moved)


def business(rng: Rng, who: NP) -> Clause:
    """Somebody joins or works for a firm, or a firm hires somebody."""
    draw = rng.unit()
    if draw < 0.35:
        return Clause(who, "join", firm_name(rng), negated=rng.chance(0.1))
    if draw < 0.65:
        return Clause(who, "work", recipient=firm_name(rng), negated=rng.chance(0.1))
    return Clause(firm_name(rng), "hire", who, negated=rng.chance(0.1))


def state(rng: Rng, who: NP) -> Clause:
    """Somebody is big, happy, red, in the past or now."""
    quality = rng.pick(QUALITIES if rng.chance(0.8) else ADJECTIVES)
    who = _deed(rng) if rng.chance(0.08) else who
    return Clause(who, "be", quality=quality, negated=rng.chance(0.15), present=rng.chance(0.3))


@lru_cache(maxsize=1)
def facts() -> tuple[Clause, ...]:
    """Everything that is commonly known, as one clause each ("every wolf lives in the forest")."""
    result = [Clause(NP(n, "every"), "be", NP(kind, "a"), present=True) for n, kind in KIND_OF.items()]
    result += [Clause(NP(n, "every"), "live", place=the(p), present=True) for n, p in LIVES_IN.items()]
    result += [Clause(NP(n, "every"), "like", the(t), present=True) for n, t in LIKES.items()]
    result += [Clause(NP(n, "every"), "use", the(t), present=True) for n, t in USES.items()]
    result += [Clause(NP(n, "every"), "be", quality=c, present=True) for n, c in COLOUR_OF.items()]
    assert {fact.subject.noun for fact in result} == {noun for nouns in KINDS.values() for noun in nouns}
    return tuple(result)
