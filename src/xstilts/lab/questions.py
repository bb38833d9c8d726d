"""Questions about a passage, each answered by a span of it, or by none."""

from typing import NamedTuple

from xstilts.data.examples import Answer, Question
from xstilts.lab import world
from xstilts.lab.corpus import askable
from xstilts.lab.grammar import Grammar, text
from xstilts.lab.inventory import ADJECTIVES, ANTONYM, BEINGS, PEOPLE, PLACES, THINGS, TIMES
from xstilts.lab.meaning import NP, Clause, put, role_of, the
from xstilts.lab.rng import Rng

# Verbs by what they take. Without "move", for who walked moved too.
_VERBS = {
    "alone": tuple(verb for verb in world.ALONE_VERBS if verb != "move"),
    "beings": world.ON_BEINGS_VERBS,
    "things": world.ON_THINGS_VERBS,
    "giving": world.GIVING_VERBS,
}


class Asked(NamedTuple):
    """A passage, a question, and which statement holds its answer (-1: none)."""

    statements: tuple[Clause, ...]
    question: Clause
    answer: int


def answerable(rng: Rng, split: str, size: int) -> list[Asked]:
    """Two or three statements: the one that answers, and others with its verb, its subject or neither."""
    return [_asked(rng) for _ in range(size)]


def answerable_or_not(rng: Rng, split: str, size: int) -> list[Asked]:
    """The same, but what every third question asks for the passage does not say."""
    return [_unanswerable(rng) if place % 3 == 2 else _asked(rng) for place in range(size)]


def say(asked: Asked, grammar: Grammar, name: str) -> Question:
    """The passage, the question, and the answer as the words of the role that is asked for."""
    context = " ".join(grammar.say(statement) for statement in asked.statements)
    question = grammar.say(asked.question)
    if asked.answer < 0:
        return Question(context, question, (), name)
    start = sum(len(grammar.say(statement)) + 1 for statement in asked.statements[: asked.answer])
    for role, words in grammar.clause(asked.statements[asked.answer]):
        if role == asked.question.asked:
            return Question(context, question, (Answer(text(words), start),), name)
        start += sum(len(word.form) + 1 for word in words)
    raise AssertionError("the statement lacks what the question asks for")


def _asked(rng: Rng) -> Asked:
    told, *others = _statements(rng)
    role = rng.pick(askable(told))
    statements = rng.shuffled((told, *others))
    return Asked(tuple(statements), _question(rng, told, role), statements.index(told))


def _question(rng: Rng, told: Clause, role: str) -> Clause:
    """A question about the statement. What else it says may be left out while the question stays clear."""
    asked = told._replace(asked=role, moved=False)
    others = [other for other in ("place", "time") if other != role and role_of(told, other) is not None]
    # Who did it, of the two who did? Something must tell.
    must_stay = role == "subject" and told.object is None
    for other in rng.shuffled(others)[1 if must_stay else 0 :]:
        if rng.chance(0.5):
            asked = put(asked, other, None)
    return asked


def _unanswerable(rng: Rng) -> Asked:
    """A question that would be clear, about something that the passage does not say."""
    told, *others = statements = _statements(rng)
    role = rng.pick(askable(told))
    question = _question(rng, told, role)
    taken = [*(clause.verb for clause in statements), ANTONYM.get(told.verb, "")]
    verbs = [verb for verb in _verbs_like(told.verb) if verb not in taken]
    draw = rng.unit()
    if verbs and (draw < 0.4 or (role in ("place", "time") and draw < 0.7)):
        # Of the one who did it, but not that.
        question = question._replace(verb=rng.pick(verbs))
    elif role in ("place", "time"):
        # It is not said where or when it was.
        told = put(told, role, None)._replace(moved=False)
    elif role == "subject" and told.object is None:
        # Somebody did it, but at another place.
        where = the(rng.other(PLACES, *(_noun(clause.place) for clause in statements)))
        question = question._replace(place=where)
    elif role == "subject":
        # It was done to others.
        things = [_noun(clause.object) for clause in statements]
        another = the(rng.other(THINGS, *things)) if things[0] in THINGS else _other(rng, statements)
        question = question._replace(object=another)
    else:
        # Somebody else did it.
        question = question._replace(subject=_other(rng, statements))
    return Asked(tuple(rng.shuffled((told, *others))), question, -1)


def _noun(np: NP | None) -> str:
    return np.noun if np is not None else ""


def _verbs_like(verb: str) -> tuple[str, ...]:
    """The verbs with the same arguments."""
    return next(verbs for verbs in _VERBS.values() if verb in verbs)


def _other(rng: Rng, statements: list[Clause]) -> NP:
    """A name that occurs in none of the statements."""
    nps = [np for told in statements for np in (told.subject, told.object, told.recipient)]
    return NP(rng.other(PEOPLE, *(_noun(np) for np in nps)))


# Whether another statement has the verb and the subject of the first one.
_SHARED = ((True, False), (False, True), (False, False))


def _statements(rng: Rng) -> list[Clause]:
    """What is asked about, and one or two other statements.

    No noun, name, place or time occurs twice but the shared subject and verb.
    """
    beings = [_being(rng, noun) for noun in rng.sample((*PEOPLE, *BEINGS), 9)]
    things = [_described(rng, noun) for noun in rng.sample(THINGS, 3)]
    places = [the(noun) for noun in rng.sample(PLACES, 3)]
    times = [the(noun) for noun in rng.sample(TIMES, 3)]
    sort = rng.pick(("alone", "beings", "beings", "things", "things", "giving"))
    verbs = rng.sample(_VERBS[sort], 3)
    shared = [(True, True), *rng.sample(_SHARED, 2 if rng.chance(0.3) else 1)]
    result = []
    for place, (same_verb, same_subject) in enumerate(shared):
        event = Clause(beings[0 if same_subject else place], verbs[0 if same_verb else place])
        if sort == "beings":
            event = event._replace(object=beings[3 + place])
        elif sort != "alone":
            event = event._replace(object=things[place])
        if sort == "giving":
            event = event._replace(recipient=beings[6 + place])
        where = places[place] if rng.chance(0.55) else None
        time = times[place] if rng.chance(0.8 if where is None else 0.4) else None
        if sort == "alone" and where is None and time is None:
            where = places[place]
        moved = time is not None and rng.chance(0.3)
        result.append(event._replace(place=where, time=time, moved=moved))
    return result


def _being(rng: Rng, noun: str) -> NP:
    return NP(noun) if noun in PEOPLE else _described(rng, noun)


def _described(rng: Rng, noun: str) -> NP:
    return NP(noun, "the", rng.pick(ADJECTIVES) if rng.chance(0.25) else "")
