"""Multiple choice: what is usually done next, and what is commonly known."""

from typing import NamedTuple

from xstilts.data.examples import Choice
from xstilts.lab import world
from xstilts.lab.grammar import Grammar
from xstilts.lab.inventory import (
    COLOURS,
    KIND_OF,
    KINDS,
    LIVES_IN,
    NEXT,
    PEOPLE,
    PLACES,
    PRONOUN_OF,
    THINGS,
)
from xstilts.lab.meaning import NP, Clause, the
from xstilts.lab.rng import Rng


class Chosen(NamedTuple):
    """What is told, how it may go on, and which continuation is right."""

    told: tuple[Clause, ...]
    options: tuple[Clause, ...]
    right: int


def say(chosen: Chosen, grammar: Grammar, name: str) -> Choice:
    context = " ".join(grammar.say(clause) for clause in chosen.told)
    return Choice(context, tuple(grammar.say(option) for option in chosen.options), chosen.right, name)


def _chosen(rng: Rng, told: tuple[Clause, ...], right: Clause, wrong: list[Clause]) -> Chosen:
    options = rng.shuffled([right, *wrong])
    return Chosen(told, tuple(options), options.index(right))


def next_events(rng: Rng, split: str, size: int) -> list[Chosen]:
    """Two people each do something. The right one does what is usually done next, to the same.

    One wrong option has the other person do it, one a habit of other events. Four in ten items have a
    habit to know only, so that there is something to begin with.
    """
    return [_next_event(rng) for _ in range(size)]


def _next_event(rng: Rng) -> Chosen:
    one, other, *others = (NP(name) for name in rng.sample(PEOPLE, 4))
    things = [the(noun) for noun in rng.sample(THINGS, 2)]
    sorts = {"alone": world.ALONE_VERBS, "beings": world.ON_BEINGS_VERBS, "things": world.ON_THINGS_VERBS}
    names = rng.sample(tuple(sorts), 2)
    events = []
    for person, name, place in ((one, names[0], 0), (other, names[1], 1)):
        objects = {"alone": None, "beings": others[place], "things": things[place]}
        verb = rng.pick([verb for verb in sorts[name] if verb in NEXT])
        events.append(Clause(person, verb, objects[name]))
    first = events[0]
    right = first._replace(verb=NEXT[first.verb], then=True)
    verbs = [verb for verb in sorts[names[0]] if verb not in (first.verb, right.verb)]
    habits = rng.sample(verbs, 2)
    wrong = [right._replace(verb=habits[0])]
    wrong.append(right._replace(verb=habits[1]) if rng.chance(0.4) else right._replace(subject=other))
    return _chosen(rng, tuple(rng.shuffled(events)), right, wrong)


def common_knowledge(rng: Rng, split: str, size: int) -> list[Chosen]:
    """Somebody meets one of a kind; the right option is what is true of all of that kind."""
    return [_known(rng) for _ in range(size)]


def _known(rng: Rng) -> Chosen:
    fact = rng.pick(world.facts())
    noun = fact.subject.noun
    verbs = ("watch", "call", "visit", "follow") if noun in LIVES_IN else world.ON_THINGS_VERBS
    told = Clause(NP(rng.pick(PEOPLE)), rng.pick(verbs), NP(noun, "a"))
    event = told._replace(place=world.place(rng) if rng.chance(0.2) else None)
    right = fact._replace(subject=NP(PRONOUN_OF.get(noun, "it")))
    return _chosen(rng, (event,), right, _untrue(rng, right, noun))


def _untrue(rng: Rng, fact: Clause, noun: str) -> list[Clause]:
    """Three statements like the fact that are true of others only."""
    if fact.place is not None:
        places = [place for place in PLACES if place != fact.place.noun]
        return [fact._replace(place=the(place)) for place in rng.sample(places, 3)]
    if fact.quality:
        colours = [colour for colour in COLOURS if colour != fact.quality]
        return [fact._replace(quality=colour) for colour in rng.sample(colours, 3)]
    assert fact.object is not None
    old = fact.object
    nouns = [kind for kind in KINDS if kind != KIND_OF[noun]] if fact.verb == "be" else list(THINGS)
    return [fact._replace(object=NP(new, old.determiner)) for new in rng.sample(nouns, 4) if new != old.noun][
        :3
    ]
