"""What happens in the world: draws of noun phrases, clauses and facts. Meanings only, no words."""

from functools import lru_cache

from xstilts.lab.dice import Dice
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

ON_BEINGS_VERBS, ON_THINGS_VERBS = tuple(ON_BEINGS), tuple(ON_THINGS)
GIVING_VERBS, ALONE_VERBS = tuple(GIVING), tuple(ALONE)
_DETERMINERS = (*["the"] * 11, *["a"] * 4, "some", "some", "every", "no", "two", "three", "this", "that")
_SURNAMES = (*ANIMALS, *PERSONS)


def noun_phrase(dice: Dice, nouns: tuple[str, ...]) -> NP:
    """One of these nouns with a determiner and often an adjective; sometimes the adjective alone."""
    determiner = dice.pick(_DETERMINERS)
    adjective = dice.pick(ADJECTIVES) if dice.chance(0.33) else ""
    alone = adjective and dice.chance(0.12) and determiner != "a"
    return NP("" if alone else dice.pick(nouns), determiner, adjective)


def person_name(dice: Dice) -> NP:
    """A person's name, sometimes with a family name that is a common noun elsewhere ("anna fox")."""
    return NP(dice.pick(PEOPLE), second=dice.pick(_SURNAMES) if dice.chance(0.12) else "")


def firm_name(dice: Dice) -> NP:
    """A firm, or an institution called after a town ("bristol school")."""
    if dice.chance(0.35):
        return NP(dice.pick(CITIES), second=dice.pick(PLACES))
    return NP(dice.pick(FIRMS))


def being(dice: Dice) -> NP:
    """Somebody: half of the time by name, or a noun phrase for a person or an animal."""
    draw = dice.unit()
    if draw < 0.45:
        return person_name(dice)
    if draw < 0.93:
        return noun_phrase(dice, BEINGS)
    if draw < 0.96:
        return NP(dice.pick(("person", "animal")), dice.pick(_DETERMINERS))
    return NP("", dice.pick(("this", "that")))


def thing(dice: Dice) -> NP:
    """Something: a noun phrase for a thing or a kind of things."""
    if dice.chance(0.06):
        return NP(dice.pick(("fruit", "tool", "furniture")), dice.pick(_DETERMINERS))
    return noun_phrase(dice, THINGS)


def place(dice: Dice) -> NP:
    """Where it happens: mostly a common noun, else a town or a place that is called after one."""
    if dice.chance(0.75):
        return the(dice.pick(PLACES))
    return NP(dice.pick(CITIES), second=dice.pick(PLACES) if dice.chance(0.3) else "")


def clause(dice: Dice, subject: NP | None = None, object: NP | None = None) -> Clause:  # noqa: A002
    """An event or a state; the subject and the object may be given (the object is then a being)."""
    who = subject or being(dice)
    draw = dice.unit()
    recipient, quality, what = None, "", object
    if draw < 0.1:
        return state(dice, who)
    if draw < 0.34 or object is not None:
        verb = dice.pick(ON_BEINGS_VERBS)
        deed = verb in ("watch", "praise", "blame") and dice.chance(0.25)
        what = object or (_deed(dice) if deed else being(dice))
    elif draw < 0.58:
        verb = dice.pick(ON_THINGS_VERBS)
        what = _deed(dice) if verb == "like" and dice.chance(0.6) else thing(dice)
    elif draw < 0.68:
        verb, what, recipient = dice.pick(GIVING_VERBS), thing(dice), being(dice)
    elif draw < 0.74:
        return with_adjuncts(dice, business(dice, who))
    else:
        verb = dice.pick(ALONE_VERBS)
        quality = dice.pick(MANNERS) if dice.chance(0.2) else ""
    bare = Clause(who, verb, what, recipient, quality=quality)
    if dice.chance(0.13):
        # One negation a clause: no "every" and no "no" beside it.
        bare = bare._replace(subject=_sober(who), object=what and _sober(what), negated=True)
        bare = bare._replace(recipient=recipient and _sober(recipient))
    return with_adjuncts(dice, bare)


def _sober(np: NP) -> NP:
    return np._replace(determiner="the") if np.determiner in ("every", "no") else np


def _deed(dice: Dice) -> NP:
    """A verb as a noun: the visit, this dance."""
    return NP(dice.pick(DEEDS), dice.pick(("the", "the", "every", "some", "no", "this")))


def with_adjuncts(dice: Dice, bare: Clause) -> Clause:
    """The clause at a place or a time, at both or at none; a few happen in the present."""
    where = place(dice) if dice.chance(0.42) else None
    time, when = None, "during"
    if dice.chance(0.36):
        time = the(dice.pick(TIMES))
        when = dice.pick(("during", "during", "during", "before", "after"))
    present, moved = dice.chance(0.1), time is not None and dice.chance(0.25)
    return bare._replace(place=where, time=time, when=when, present=present, moved=moved)


def business(dice: Dice, who: NP) -> Clause:
    """Somebody joins or works for a firm, or a firm hires somebody."""
    draw = dice.unit()
    if draw < 0.35:
        return Clause(who, "join", firm_name(dice), negated=dice.chance(0.1))
    if draw < 0.65:
        return Clause(who, "work", recipient=firm_name(dice), negated=dice.chance(0.1))
    return Clause(firm_name(dice), "hire", who, negated=dice.chance(0.1))


def state(dice: Dice, who: NP) -> Clause:
    """Somebody is big, happy, red, in the past or now."""
    quality = dice.pick(QUALITIES if dice.chance(0.8) else ADJECTIVES)
    who = _deed(dice) if dice.chance(0.08) else who
    return Clause(who, "be", quality=quality, negated=dice.chance(0.15), present=dice.chance(0.3))


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
