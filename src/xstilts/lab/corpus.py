"""The text that backbones are pretrained on: documents, sentence pairs, and phrases with translations.

Unlike the rows of labelled tasks, documents and pairs have meanings of their own in each language, as
corpora do.
"""

from collections.abc import Callable

from xstilts.data.examples import Text
from xstilts.lab import world
from xstilts.lab.dice import Dice
from xstilts.lab.grammar import Grammar, Word, grammar, text
from xstilts.lab.inventory import (
    ANTONYM,
    BEINGS,
    CONTENT_WORDS,
    FUNCTION_WORDS,
    KIND_OF,
    LINKS,
    MOVING,
    NAMES,
    NEXT,
    PLACES,
    PRONOUN_OF,
    PRONOUNS,
    THINGS,
    TIMES,
)
from xstilts.lab.languages import BASE, OTHERS
from xstilts.lab.lexicon import features
from xstilts.lab.meaning import NP, ROLES, Clause, Compound, Meaning, role_of, the

SWITCHED_DOCUMENTS, SWITCHED_WORDS = 0.5, 0.4  # round 2 of the feasibility study


def documents(language: str, dice: Dice, size: int) -> list[Text]:
    """Stories and pieces of knowledge of two to four sentences.

    Those of the base language are in that language alone. In the others, every second document has 40 %
    of its words in a second language: mostly the base language, which is then the first as often.
    """
    return [Text(_document(language, dice)) for _ in range(size)]


def _document(language: str, dice: Dice) -> str:
    meanings = _knowledge(dice) if dice.chance(0.15) else _story(dice)
    first, second = language, ""
    if language != BASE and dice.chance(SWITCHED_DOCUMENTS):
        second = BASE if dice.chance(0.75) else dice.other(OTHERS, language)
        if second == BASE and dice.chance(0.5):
            first, second = second, first
    words = [word for meaning in meanings for word in grammar(first).words(meaning)]
    return text(switched(words, grammar(second), dice) if second else words)


def switched(words: list[Word], other: Grammar, dice: Dice) -> list[Word]:
    """The words with 40 % of them in another language, each in the same inflection."""
    form = other.lexicon.form
    return [
        Word(form(word.concept, word.feature) or word.form, word.tag)
        if word.concept and dice.chance(SWITCHED_WORDS)
        else word
        for word in words
    ]


def _story(dice: Dice) -> list[Meaning]:
    """Events of one or two beings in a row. Who is named twice running becomes a pronoun."""
    heroes = [world.being(dice), world.being(dice)]
    hero, previous, pronoun = dice.pick(heroes), None, ""
    result: list[Meaning] = []
    for _ in range(2 + dice.below(3)):
        again = previous is not None and dice.chance(0.6)
        if not again:
            hero = dice.pick(heroes)
            pronoun = "they" if hero.plural else PRONOUN_OF.get(hero.noun, "it")
        subject = NP(pronoun) if again and dice.chance(0.75) else hero
        if again and previous is not None and previous.verb in NEXT and dice.chance(0.7):
            event = _continued(dice, previous, subject)
        else:
            others = [known for known in heroes if known != hero]
            event = world.clause(dice, subject, others[0] if others and dice.chance(0.15) else None)
        # A being is introduced with "a" and known from then on.
        heroes = [known._replace(determiner="the") if known.determiner == "a" else known for known in heroes]
        hero = hero._replace(determiner="the") if hero.determiner == "a" else hero
        previous = event if event.subject in (hero, subject) else None
        result.append(event)
        if event.verb == "be" and event.quality in ANTONYM and not event.negated and dice.chance(0.4):
            it = event.subject if event.subject.noun in PRONOUNS else NP(pronoun)
            result.append(event._replace(subject=it, quality=ANTONYM[event.quality], negated=True))
        if event.place is None and dice.chance(0.12):
            result[-1] = Compound(event._replace(then=False), dice.pick(LINKS), world.clause(dice))
            previous = None
    return result


def _continued(dice: Dice, event: Clause, subject: NP) -> Clause:
    """What the same being usually does next, to the same being or thing."""
    object_ = event.object
    if object_ is not None and object_.determiner == "a":
        object_ = object_._replace(determiner="the")
    bare = Clause(subject, NEXT[event.verb], object_, then=dice.chance(0.6))
    return world.with_adjuncts(dice, bare)._replace(present=event.present, moved=False)


def _knowledge(dice: Dice) -> list[Meaning]:
    """Two or three facts, in general or about one of the kind ("anna watched a wolf . it lives in ...")."""
    fact = dice.pick(world.facts())
    noun = fact.subject.noun
    same = [other for other in world.facts() if other.subject.noun == noun]
    if noun in PRONOUN_OF and dice.chance(0.4):
        seen = Clause(world.person_name(dice), dice.pick(("watch", "call", "visit")), NP(noun, "a"))
        told = dice.sample(same, 1 + dice.below(2))
        return [seen, *(other._replace(subject=NP(PRONOUN_OF[noun])) for other in told)]
    if noun in THINGS and dice.chance(0.4):
        seen = Clause(world.person_name(dice), dice.pick(world.ON_THINGS_VERBS), NP(noun, "a"))
        return [seen, *(other._replace(subject=NP("it")) for other in dice.sample(same, 1 + dice.below(2)))]
    told = dice.sample(same, 2) if dice.chance(0.5) else [fact, dice.pick(world.facts())]
    determiner = dice.pick(("every", "every", "the", "a", "two", "three"))
    return [_told_of(other, determiner) for other in told]


def _told_of(fact: Clause, determiner: str) -> Clause:
    """A fact about some of the kind; "two dogs are an animal" is said of each one."""
    if fact.object is not None and fact.verb == "be" and determiner in ("two", "three"):
        determiner = "every"
    return fact._replace(subject=fact.subject._replace(determiner=determiner))


def pairs(language: str, dice: Dice, size: int) -> list[Text]:
    """Sentence pairs: translations from the base language, and the same said again or asked and answered.

    The base language has no translation to give: all its pairs are of the second sort.
    """
    base, own = grammar(BASE), grammar(language)
    result = []
    for _ in range(size):
        meaning = sentence(dice)
        if language != BASE and dice.chance(0.52):
            one, other = base.say(meaning), own.say(meaning)
            result.append(Text(one, other) if dice.chance(0.5) else Text(other, one))
        elif dice.chance(0.5):
            one, other = own.say(meaning), own.say(restated(meaning, dice))
            result.append(Text(one, other))
        else:
            result.append(_asked(own, dice))
    return result


def sentence(dice: Dice) -> Meaning:
    """One clause, or two linked ones."""
    first = world.clause(dice)
    if dice.chance(0.2):
        return Compound(first, dice.pick(LINKS), world.clause(dice), dice.chance(0.2))
    return first if dice.chance(0.96) else dice.pick(world.facts())


_FLIPPED = {"and": "and", "before": "after", "after": "before"}


def restated(meaning: Meaning, dice: Dice) -> Meaning:
    """The same in other words, or a part of it that it implies."""
    if isinstance(meaning, Compound):
        if dice.chance(0.3):
            return dice.pick((meaning.first, meaning.second))
        if meaning.link not in _FLIPPED:
            return meaning._replace(link_first=not meaning.link_first)
        flipped = Compound(meaning.second, _FLIPPED[meaning.link], meaning.first)
        return flipped._replace(link_first=meaning.link != "and" and dice.chance(0.3))
    moved = meaning._replace(moved=meaning.time is not None and not meaning.moved)
    said_of = (meaning.subject, meaning.object, meaning.recipient)
    if meaning.negated or any(np is not None and np.determiner == "no" for np in said_of):
        return moved
    opposite = ANTONYM.get(meaning.quality if meaning.verb == "be" else meaning.verb)
    if opposite and meaning.subject.determiner in _DEFINITE and dice.chance(0.3):
        bare = moved._replace(negated=True, place=None, time=None, moved=False)
        return bare._replace(quality=opposite) if meaning.verb == "be" else bare._replace(verb=opposite)
    draw = dice.unit()
    if draw < 0.3:
        moved = moved._replace(place=None)
    elif draw < 0.5:
        moved = moved._replace(time=None, moved=False)
    if meaning.verb in MOVING and dice.chance(0.3):
        moved = moved._replace(verb="move")
    object_ = moved.object and (_vaguer(moved.object, dice) if dice.chance(0.5) else moved.object)
    return moved._replace(subject=_vaguer(moved.subject, dice), object=object_)


_DEFINITE = ("", "the", "this", "that")


def _vaguer(np: NP, dice: Dice) -> NP:
    """The same being or thing with less said about it: no adjective, or its kind instead of its noun."""
    if np.determiner not in (*_DEFINITE[1:], "some", "a") or not np.noun:
        return np
    if np.adjective and dice.chance(0.5):
        np = np._replace(adjective="")
    if np.noun in KIND_OF and dice.chance(0.2):
        np = np._replace(noun=KIND_OF[np.noun])
    return np


def _asked(own: Grammar, dice: Dice) -> Text:
    """One or two statements, and a question about one of them with its answer."""
    told = world.clause(dice)
    while told.verb == "be" or told.negated:
        told = world.clause(dice)
    statements = [told, world.clause(dice)] if dice.chance(0.5) else [told]
    role = dice.pick(askable(told))
    asked = told._replace(asked=role)
    if role != "place" and dice.chance(0.5):
        asked = asked._replace(place=None)
    if role != "time" and dice.chance(0.5):
        asked = asked._replace(time=None, moved=False)
    answer = next(words for name, words in own.clause(told) if name == role)
    context = " ".join(own.say(statement) for statement in dice.shuffled(statements))
    return Text(context, f"{own.say(asked)} {text(answer)} .")


def askable(clause: Clause) -> list[str]:
    """The roles of a clause that a question can ask for."""
    return [role for role in ROLES if role_of(clause, role) is not None]


def phrases(language: str, dice: Dice, size: int) -> list[Text]:
    """Words, noun phrases and short clauses with their translation from the base language."""
    base, own = grammar(BASE), grammar(language)
    words = (*CONTENT_WORDS, *NAMES, *FUNCTION_WORDS)
    draws: tuple[Callable[[Dice], Text], ...] = (
        lambda dice: _word(base, own, dice.pick(words), dice),
        lambda dice: _noun_phrase(base, own, dice),
        lambda dice: _short_clause(base, own, dice),
    )
    result = []
    for _ in range(size):
        draw = dice.unit()
        result.append(draws[0 if draw < 0.4 else 1 if draw < 0.75 else 2](dice))
    return result


def _word(base: Grammar, own: Grammar, word: str, dice: Dice) -> Text:
    feature = dice.pick(features(word))
    one, other = base.lexicon.form(word, feature), own.lexicon.form(word, feature)
    return _pair(one, other or one, dice)  # an article that the language lacks stays as it is


def _noun_phrase(base: Grammar, own: Grammar, dice: Dice) -> Text:
    draw = dice.unit()
    if draw < 0.5:
        np = world.being(dice) if dice.chance(0.5) else world.thing(dice)
        case = dice.pick(("nom", "acc"))
        return _pair(text(base.noun_phrase(np, case)), text(own.noun_phrase(np, case)), dice)
    # With an adposition: as the end of a clause that has nothing else to say.
    if draw < 0.75:
        where = the(dice.pick(PLACES)) if dice.chance(0.6) else world.place(dice)
        event = Clause(NP("it"), "be", place=where)
    else:
        event = Clause(
            NP("it"), "be", time=the(dice.pick(TIMES)), when=dice.pick(("during", "before", "after"))
        )
    return _pair(_adjunct(base, event), _adjunct(own, event), dice)


def _adjunct(own: Grammar, event: Clause) -> str:
    kept = ("adposition", "place", "time")
    return text([word for role, words in own.clause(event) if role in kept for word in words])


def _short_clause(base: Grammar, own: Grammar, dice: Dice) -> Text:
    event = world.clause(dice, NP(dice.pick(BEINGS), "the") if dice.chance(0.5) else None)
    event = event._replace(place=None, time=None, moved=False)
    one, other = (text([word for _, words in one.clause(event) for word in words]) for one in (base, own))
    return _pair(one, other, dice)


def _pair(one: str, other: str, dice: Dice) -> Text:
    return Text(one, other) if dice.chance(0.5) else Text(other, one)
