"""The text that backbones are pretrained on: documents, sentence pairs, and phrases with translations.

Unlike the rows of labelled tasks, documents and pairs have meanings of their own in each language, as
corpora do.
"""

from collections.abc import Callable

from xstilts.data.examples import Text
from xstilts.lab import world
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
from xstilts.lab.rng import Rng

SWITCHED_DOCUMENTS, SWITCHED_WORDS = 0.5, 0.4  # round 2 of the feasibility study


def documents(language: str, rng: Rng, size: int) -> list[Text]:
    """Stories and pieces of knowledge of two to four sentences.

    Those of the base language are in that language alone. In the others, every second document has 40 %
    of its words in a second language: mostly the base language, which is then the first as often.
    """
    return [Text(_document(language, rng)) for _ in range(size)]


def _document(language: str, rng: Rng) -> str:
    meanings = _knowledge(rng) if rng.chance(0.15) else _story(rng)
    first, second = language, ""
    if language != BASE and rng.chance(SWITCHED_DOCUMENTS):
        second = BASE if rng.chance(0.75) else rng.other(OTHERS, language)
        if second == BASE and rng.chance(0.5):
            first, second = second, first
    words = [word for meaning in meanings for word in grammar(first).words(meaning)]
    return text(switched(words, grammar(second), rng) if second else words)


def switched(words: list[Word], other: Grammar, rng: Rng) -> list[Word]:
    """The words with 40 % of them in another language, each in the same inflection."""
    form = other.lexicon.form
    return [
        Word(form(word.concept, word.feature) or word.form, word.tag)
        if word.concept and rng.chance(SWITCHED_WORDS)
        else word
        for word in words
    ]


def _story(rng: Rng) -> list[Meaning]:
    """Events of one or two beings in a row. Who is named twice running becomes a pronoun."""
    heroes = [world.being(rng), world.being(rng)]
    hero, previous, pronoun = rng.pick(heroes), None, ""
    result: list[Meaning] = []
    for _ in range(2 + rng.below(3)):
        again = previous is not None and rng.chance(0.6)
        if not again:
            hero = rng.pick(heroes)
            pronoun = "they" if hero.plural else PRONOUN_OF.get(hero.noun, "it")
        subject = NP(pronoun) if again and rng.chance(0.75) else hero
        if again and previous is not None and previous.verb in NEXT and rng.chance(0.7):
            event = _continued(rng, previous, subject)
        else:
            others = [known for known in heroes if known != hero]
            event = world.clause(rng, subject, others[0] if others and rng.chance(0.15) else None)
        # A being is introduced with "a" and known from then on.
        heroes = [known._replace(determiner="the") if known.determiner == "a" else known for known in heroes]
        hero = hero._replace(determiner="the") if hero.determiner == "a" else hero
        previous = event if event.subject in (hero, subject) else None
        result.append(event)
        if event.verb == "be" and event.quality in ANTONYM and not event.negated and rng.chance(0.4):
            it = event.subject if event.subject.noun in PRONOUNS else NP(pronoun)
            result.append(event._replace(subject=it, quality=ANTONYM[event.quality], negated=True))
        if event.place is None and rng.chance(0.12):
            result[-1] = Compound(event._replace(then=False), rng.pick(LINKS), world.clause(rng))
            previous = None
    return result


def _continued(rng: Rng, event: Clause, subject: NP) -> Clause:
    """What the same being usually does next, to the same being or thing."""
    object_ = event.object
    if object_ is not None and object_.determiner == "a":
        object_ = object_._replace(determiner="the")
    bare = Clause(subject, NEXT[event.verb], object_, then=rng.chance(0.6))
    return world.with_adjuncts(rng, bare)._replace(present=event.present, moved=False)


def _knowledge(rng: Rng) -> list[Meaning]:
    """Two or three facts, in general or about one of the kind ("anna watched a wolf . it lives in ...")."""
    fact = rng.pick(world.facts())
    noun = fact.subject.noun
    same = [other for other in world.facts() if other.subject.noun == noun]
    if noun in PRONOUN_OF and rng.chance(0.4):
        seen = Clause(world.person_name(rng), rng.pick(("watch", "call", "visit")), NP(noun, "a"))
        told = rng.sample(same, 1 + rng.below(2))
        return [seen, *(other._replace(subject=NP(PRONOUN_OF[noun])) for other in told)]
    if noun in THINGS and rng.chance(0.4):
        seen = Clause(world.person_name(rng), rng.pick(world.ON_THINGS_VERBS), NP(noun, "a"))
        return [seen, *(other._replace(subject=NP("it")) for other in rng.sample(same, 1 + rng.below(2)))]
    told = rng.sample(same, 2) if rng.chance(0.5) else [fact, rng.pick(world.facts())]
    determiner = rng.pick(("every", "every", "the", "a", "two", "three"))
    return [_told_of(other, determiner) for other in told]


def _told_of(fact: Clause, determiner: str) -> Clause:
    """A fact about some of the kind; "two dogs are an animal" is said of each one."""
    if fact.object is not None and fact.verb == "be" and determiner in ("two", "three"):
        determiner = "every"
    return fact._replace(subject=fact.subject._replace(determiner=determiner))


def pairs(language: str, rng: Rng, size: int) -> list[Text]:
    """Sentence pairs: translations from the base language, and the same said again or asked and answered.

    The base language has no translation to give: all its pairs are of the second sort.
    """
    base, own = grammar(BASE), grammar(language)
    result = []
    for _ in range(size):
        meaning = sentence(rng)
        if language != BASE and rng.chance(0.52):
            one, other = base.say(meaning), own.say(meaning)
            result.append(Text(one, other) if rng.chance(0.5) else Text(other, one))
        elif rng.chance(0.5):
            one, other = own.say(meaning), own.say(restated(meaning, rng))
            result.append(Text(one, other))
        else:
            result.append(_asked(own, rng))
    return result


def sentence(rng: Rng) -> Meaning:
    """One clause, or two linked ones."""
    first = world.clause(rng)
    if rng.chance(0.2):
        return Compound(first, rng.pick(LINKS), world.clause(rng), rng.chance(0.2))
    return first if rng.chance(0.96) else rng.pick(world.facts())


_FLIPPED = {"and": "and", "before": "after", "after": "before"}


def restated(meaning: Meaning, rng: Rng) -> Meaning:
    """The same in other words, or a part of it that it implies."""
    if isinstance(meaning, Compound):
        if rng.chance(0.3):
            return rng.pick((meaning.first, meaning.second))
        if meaning.link not in _FLIPPED:
            return meaning._replace(link_first=not meaning.link_first)
        flipped = Compound(meaning.second, _FLIPPED[meaning.link], meaning.first)
        return flipped._replace(link_first=meaning.link != "and" and rng.chance(0.3))
    moved = meaning._replace(moved=meaning.time is not None and not meaning.moved)
    said_of = (meaning.subject, meaning.object, meaning.recipient)
    if meaning.negated or any(np is not None and np.determiner == "no" for np in said_of):
        return moved
    opposite = ANTONYM.get(meaning.quality if meaning.verb == "be" else meaning.verb)
    if opposite and meaning.subject.determiner in _DEFINITE and rng.chance(0.3):
        bare = moved._replace(negated=True, place=None, time=None, moved=False)
        return bare._replace(quality=opposite) if meaning.verb == "be" else bare._replace(verb=opposite)
    draw = rng.unit()
    if draw < 0.3:
        moved = moved._replace(place=None)
    elif draw < 0.5:
        moved = moved._replace(time=None, moved=False)
    if meaning.verb in MOVING and rng.chance(0.3):
        moved = moved._replace(verb="move")
    object_ = moved.object and (_vaguer(moved.object, rng) if rng.chance(0.5) else moved.object)
    return moved._replace(subject=_vaguer(moved.subject, rng), object=object_)


_DEFINITE = ("", "the", "this", "that")


def _vaguer(np: NP, rng: Rng) -> NP:
    """The same being or thing with less said about it: no adjective, or its kind instead of its noun."""
    if np.determiner not in (*_DEFINITE[1:], "some", "a") or not np.noun:
        return np
    if np.adjective and rng.chance(0.5):
        np = np._replace(adjective="")
    if np.noun in KIND_OF and rng.chance(0.2):
        np = np._replace(noun=KIND_OF[np.noun])
    return np


def _asked(own: Grammar, rng: Rng) -> Text:
    """One or two statements, and a question about one of them with its answer."""
    told = world.clause(rng)
    while told.verb == "be" or told.negated:
        told = world.clause(rng)
    statements = [told, world.clause(rng)] if rng.chance(0.5) else [told]
    role = rng.pick(askable(told))
    asked = told._replace(asked=role)
    if role != "place" and rng.chance(0.5):
        asked = asked._replace(place=None)
    if role != "time" and rng.chance(0.5):
        asked = asked._replace(time=None, moved=False)
    answer = next(words for name, words in own.clause(told) if name == role)
    context = " ".join(own.say(statement) for statement in rng.shuffled(statements))
    return Text(context, f"{own.say(asked)} {text(answer)} .")


def askable(clause: Clause) -> list[str]:
    """The roles of a clause that a question can ask for."""
    return [role for role in ROLES if role_of(clause, role) is not None]


def phrases(language: str, rng: Rng, size: int) -> list[Text]:
    """Words, noun phrases and short clauses with their translation from the base language."""
    base, own = grammar(BASE), grammar(language)
    words = (*CONTENT_WORDS, *NAMES, *FUNCTION_WORDS)
    draws: tuple[Callable[[Rng], Text], ...] = (
        lambda rng: _word(base, own, rng.pick(words), rng),
        lambda rng: _noun_phrase(base, own, rng),
        lambda rng: _short_clause(base, own, rng),
    )
    result = []
    for _ in range(size):
        draw = rng.unit()
        result.append(draws[0 if draw < 0.4 else 1 if draw < 0.75 else 2](rng))
    return result


def _word(base: Grammar, own: Grammar, word: str, rng: Rng) -> Text:
    feature = rng.pick(features(word))
    one, other = base.lexicon.form(word, feature), own.lexicon.form(word, feature)
    return _pair(one, other or one, rng)  # an article that the language lacks stays as it is


def _noun_phrase(base: Grammar, own: Grammar, rng: Rng) -> Text:
    draw = rng.unit()
    if draw < 0.5:
        np = world.being(rng) if rng.chance(0.5) else world.thing(rng)
        case = rng.pick(("nom", "acc"))
        return _pair(text(base.noun_phrase(np, case)), text(own.noun_phrase(np, case)), rng)
    # With an adposition: as the end of a clause that has nothing else to say.
    if draw < 0.75:
        where = the(rng.pick(PLACES)) if rng.chance(0.6) else world.place(rng)
        event = Clause(NP("it"), "be", place=where)
    else:
        event = Clause(
            NP("it"), "be", time=the(rng.pick(TIMES)), when=rng.pick(("during", "before", "after"))
        )
    return _pair(_adjunct(base, event), _adjunct(own, event), rng)


def _adjunct(own: Grammar, event: Clause) -> str:
    kept = ("adposition", "place", "time")
    return text([word for role, words in own.clause(event) if role in kept for word in words])


def _short_clause(base: Grammar, own: Grammar, rng: Rng) -> Text:
    event = world.clause(rng, NP(rng.pick(BEINGS), "the") if rng.chance(0.5) else None)
    event = event._replace(place=None, time=None, moved=False)
    one, other = (text([word for _, words in one.clause(event) for word in words]) for one in (base, own))
    return _pair(one, other, rng)


def _pair(one: str, other: str, rng: Rng) -> Text:
    return Text(one, other) if rng.chance(0.5) else Text(other, one)
