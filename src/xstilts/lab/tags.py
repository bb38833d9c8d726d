"""Tagged sentences: parts of speech in context, and names in context."""

from xstilts.data.examples import Tagged
from xstilts.lab import world
from xstilts.lab.dice import Dice
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

PARTS_OF_SPEECH = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "VERB"),
)
ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

# Parts of speech. The same word has several: "before" a feast and "before" somebody slept, "the walk" and
# "they walk", "the old dog" and "the old", "that dog" and "that", "the fast horse" and "ran fast".


def ambiguous(dice: Dice, split: str, size: int) -> list[Meaning]:
    """Sentences full of words whose part of speech depends on their place, and of invented words."""
    return [_linked(dice, split) for _ in range(size)]


def _linked(dice: Dice, split: str) -> Meaning:
    first = _ambiguous_clause(dice, split)
    if dice.chance(0.45):
        link = dice.pick(("before", "after", "before", "after", "and", "because"))
        return Compound(first, link, _ambiguous_clause(dice, split), dice.chance(0.3))
    return first


def _ambiguous_clause(dice: Dice, split: str) -> Clause:
    subject, draw = _ambiguous_noun_phrase(dice, split), dice.unit()
    object_, quality = None, ""
    if draw < 0.2:
        verb, quality = "be", _adjective(dice, split, ADJECTIVES)
    elif draw < 0.5:
        verb = dice.pick(DEEDS)
        quality = dice.pick(MANNERS) if dice.chance(0.5) else ""
    else:
        verbs = world.ON_BEINGS_VERBS + world.ON_THINGS_VERBS
        verb = invented(dice, "verb", split) if dice.chance(0.2) else dice.pick(verbs)
        object_ = _ambiguous_noun_phrase(dice, split)
    time = the(dice.pick(TIMES)) if dice.chance(0.4) else None
    return Clause(
        subject,
        verb,
        object_,
        quality=quality,
        place=world.place(dice) if dice.chance(0.25) else None,
        time=time,
        when=dice.pick(("during", "before", "after")),
        negated=dice.chance(0.12) and subject.determiner != "no",
        present=dice.chance(0.5),
        moved=time is not None and dice.chance(0.4),
    )


def _adjective(dice: Dice, split: str, known: tuple[str, ...]) -> str:
    return invented(dice, "adjective", split) if dice.chance(0.15) else dice.pick(known)


def _ambiguous_noun_phrase(dice: Dice, split: str) -> NP:
    draw = dice.unit()
    determiner = dice.pick(("the", "the", "the", "some", "two", "three", "this", "that", "every"))
    if draw < 0.15:
        return NP("", dice.pick(("this", "that")))
    if draw < 0.3:
        return NP("", determiner, _adjective(dice, split, ADJECTIVES))
    if draw < 0.45:
        return NP(
            dice.pick(DEEDS), determiner, _adjective(dice, split, ADJECTIVES) if dice.chance(0.3) else ""
        )
    if draw < 0.6:
        return NP(invented(dice, "name", split)) if dice.chance(0.5) else world.person_name(dice)
    noun = invented(dice, "noun", split) if dice.chance(0.25) else dice.pick(BEINGS + THINGS)
    return NP(noun, determiner, _adjective(dice, split, ADJECTIVES) if dice.chance(0.5) else "")


def parts_of_speech(meaning: Meaning, grammar: Grammar, name: str) -> Tagged:
    words = grammar.words(meaning)
    return Tagged(tuple(word.form for word in words), tuple(word.tag for word in words), name)


# Names. What a name names shows in what is done with it, not in the name.


def naming(dice: Dice, split: str, size: int) -> list[Meaning]:
    """Sentences with names of people, places and firms: known ones, invented ones, and of two words."""
    result: list[Meaning] = []
    for _ in range(size):
        first = _naming_clause(dice, split)
        twice = dice.chance(0.35)
        result.append(
            Compound(first, dice.pick(("and", "before")), _naming_clause(dice, split)) if twice else first
        )
    return result


def _naming_clause(dice: Dice, split: str) -> Clause:
    draw = dice.unit()
    person = _person(dice, split) if dice.chance(0.7) else NP(dice.pick(BEINGS), "the")
    if draw < 0.2:
        event = Clause(_firm(dice, split), "hire", person)
    elif draw < 0.35:
        event = Clause(person, "join", _firm(dice, split))
    elif draw < 0.5:
        event = Clause(person, "work", recipient=_firm(dice, split))
    elif draw < 0.7:
        event = Clause(person, dice.pick(world.ON_BEINGS_VERBS), _somebody(dice, split))
    elif draw < 0.85:
        event = Clause(person, dice.pick(world.ON_THINGS_VERBS), NP(dice.pick(THINGS), "the"))
    elif draw < 0.92:
        verb, thing = dice.pick(world.GIVING_VERBS), NP(dice.pick(THINGS), "the")
        event = Clause(person, verb, thing, _somebody(dice, split))
    else:
        event = Clause(person, dice.pick(world.ALONE_VERBS))
    if dice.chance(0.65):
        where = _town(dice, split) if dice.chance(0.65) else the(dice.pick(PLACES))
        event = event._replace(place=where)
    return event._replace(time=the(dice.pick(TIMES)) if dice.chance(0.2) else None, negated=dice.chance(0.1))


def _somebody(dice: Dice, split: str) -> NP:
    return _person(dice, split) if dice.chance(0.6) else NP(dice.pick(BEINGS), "the")


def _name(dice: Dice, split: str, known: tuple[str, ...], seconds: tuple[str, ...]) -> NP:
    """A name: invented, or known; alone, or with a second word that is a common noun elsewhere."""
    noun = invented(dice, "name", split) if dice.chance(0.55) else dice.pick(known)
    return NP(noun, second=dice.pick(seconds) if dice.chance(0.35) else "")


def _person(dice: Dice, split: str) -> NP:
    return _name(dice, split, PEOPLE, BEINGS)


def _town(dice: Dice, split: str) -> NP:
    return _name(dice, split, CITIES, PLACES)


def _firm(dice: Dice, split: str) -> NP:
    return _name(dice, split, FIRMS + CITIES, PLACES + PERSONS)


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
