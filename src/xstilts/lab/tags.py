"""Tagged sentences: parts of speech in context, and names in context."""

from xstilts.data.examples import Tagged
from xstilts.lab import world
from xstilts.lab.grammar import Grammar
from xstilts.lab.invented import invented
from xstilts.lab.inventory import (
    ADJECTIVES,
    BEINGS,
    CITIES,
    DEEDS,
    FIRMS,
    MANNERS,
    PEOPLE,
    PERSONS,
    PLACES,
    THINGS,
    TIMES,
)
from xstilts.lab.meaning import NP, Clause, Compound, Meaning, the
from xstilts.lab.rng import Rng

PARTS_OF_SPEECH = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "VERB"),
)
ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

# Parts of speech. The same word has several: "before" a feast and "before" somebody slept, "the walk" and
# "they walk", "the old dog" and "the old", "that dog" and "that", "the fast horse" and "ran fast".


def ambiguous(rng: Rng, split: str, size: int) -> list[Meaning]:
    """Sentences full of words whose part of speech depends on their place, and of invented words."""
    return [_linked(rng, split) for _ in range(size)]


def _linked(rng: Rng, split: str) -> Meaning:
    first = _ambiguous_clause(rng, split)
    if rng.chance(0.45):
        link = rng.pick(("before", "after", "before", "after", "and", "because"))
        return Compound(first, link, _ambiguous_clause(rng, split), rng.chance(0.3))
    return first


def _ambiguous_clause(rng: Rng, split: str) -> Clause:
    subject, draw = _ambiguous_noun_phrase(rng, split), rng.unit()
    object_, quality = None, ""
    if draw < 0.2:
        verb, quality = "be", _adjective(rng, split, ADJECTIVES)
    elif draw < 0.5:
        verb = rng.pick(DEEDS)
        quality = rng.pick(MANNERS) if rng.chance(0.5) else ""
    else:
        verbs = world.ON_BEINGS_VERBS + world.ON_THINGS_VERBS
        verb = invented(rng, "verb", split) if rng.chance(0.2) else rng.pick(verbs)
        object_ = _ambiguous_noun_phrase(rng, split)
    time = the(rng.pick(TIMES)) if rng.chance(0.4) else None
    return Clause(
        subject,
        verb,
        object_,
        quality=quality,
        place=world.place(rng) if rng.chance(0.25) else None,
        time=time,
        when=rng.pick(("during", "before", "after")),
        negated=rng.chance(0.12) and subject.determiner != "no",
        present=rng.chance(0.5),
        moved=time is not None and rng.chance(0.4),
    )


def _adjective(rng: Rng, split: str, known: tuple[str, ...]) -> str:
    return invented(rng, "adjective", split) if rng.chance(0.15) else rng.pick(known)


def _ambiguous_noun_phrase(rng: Rng, split: str) -> NP:
    draw = rng.unit()
    determiner = rng.pick(("the", "the", "the", "some", "two", "three", "this", "that", "every"))
    if draw < 0.15:
        return NP("", rng.pick(("this", "that")))
    if draw < 0.3:
        return NP("", determiner, _adjective(rng, split, ADJECTIVES))
    if draw < 0.45:
        return NP(rng.pick(DEEDS), determiner, _adjective(rng, split, ADJECTIVES) if rng.chance(0.3) else "")
    if draw < 0.6:
        return NP(invented(rng, "name", split)) if rng.chance(0.5) else world.person_name(rng)
    noun = invented(rng, "noun", split) if rng.chance(0.25) else rng.pick(BEINGS + THINGS)
    return NP(noun, determiner, _adjective(rng, split, ADJECTIVES) if rng.chance(0.5) else "")


def parts_of_speech(meaning: Meaning, grammar: Grammar, name: str) -> Tagged:
    words = grammar.words(meaning)
    return Tagged(tuple(word.form for word in words), tuple(word.tag for word in words), name)


# Names. What a name names shows in what is done with it, not in the name.


def naming(rng: Rng, split: str, size: int) -> list[Meaning]:
    """Sentences with names of people, places and firms: known ones, invented ones, and of two words."""
    result: list[Meaning] = []
    for _ in range(size):
        first = _naming_clause(rng, split)
        twice = rng.chance(0.35)
        result.append(
            Compound(first, rng.pick(("and", "before")), _naming_clause(rng, split)) if twice else first
        )
    return result


def _naming_clause(rng: Rng, split: str) -> Clause:
    draw = rng.unit()
    person = _person(rng, split) if rng.chance(0.7) else NP(rng.pick(BEINGS), "the")
    if draw < 0.2:
        event = Clause(_firm(rng, split), "hire", person)
    elif draw < 0.35:
        event = Clause(person, "join", _firm(rng, split))
    elif draw < 0.5:
        event = Clause(person, "work", recipient=_firm(rng, split))
    elif draw < 0.7:
        event = Clause(person, rng.pick(world.ON_BEINGS_VERBS), _somebody(rng, split))
    elif draw < 0.85:
        event = Clause(person, rng.pick(world.ON_THINGS_VERBS), NP(rng.pick(THINGS), "the"))
    elif draw < 0.92:
        verb, thing = rng.pick(world.GIVING_VERBS), NP(rng.pick(THINGS), "the")
        event = Clause(person, verb, thing, _somebody(rng, split))
    else:
        event = Clause(person, rng.pick(world.ALONE_VERBS))
    if rng.chance(0.65):
        where = _town(rng, split) if rng.chance(0.65) else the(rng.pick(PLACES))
        event = event._replace(place=where)
    return event._replace(time=the(rng.pick(TIMES)) if rng.chance(0.2) else None, negated=rng.chance(0.1))


def _somebody(rng: Rng, split: str) -> NP:
    return _person(rng, split) if rng.chance(0.6) else NP(rng.pick(BEINGS), "the")


def _name(rng: Rng, split: str, known: tuple[str, ...], seconds: tuple[str, ...]) -> NP:
    """A name: invented, or known; alone, or with a second word that is a common noun elsewhere."""
    noun = invented(rng, "name", split) if rng.chance(0.55) else rng.pick(known)
    return NP(noun, second=rng.pick(seconds) if rng.chance(0.35) else "")


def _person(rng: Rng, split: str) -> NP:
    return _name(rng, split, PEOPLE, BEINGS)


def _town(rng: Rng, split: str) -> NP:
    return _name(rng, split, CITIES, PLACES)


def _firm(rng: Rng, split: str) -> NP:
    return _name(rng, split, FIRMS + CITIES, PLACES + PERSONS)


def entities(meaning: Meaning, grammar: Grammar, name: str) -> Tagged:
    """The words of the sentence with IOB2 tags."""
    tokens: list[str] = []
    tags: list[str] = []
    for clause, phrases in grammar.parts(meaning):
        for role, words in phrases:
            for place, word in enumerate(words):
                tokens.append(word.form)
                if clause is not None and word.tag == "PROPN":
                    tags.append(f"{'I' if place else 'B'}-{_kind(clause, role)}")
                else:
                    tags.append("O")
    return Tagged(tuple(tokens), tuple(tags), name)


def _kind(clause: Clause, role: str) -> str:
    """What a name in that role names."""
    if role == "place":
        return "LOC"
    return "ORG" if (clause.verb, role) in _FIRM_ROLES else "PER"


_FIRM_ROLES = (("hire", "subject"), ("join", "object"), ("work", "recipient"))
