"""Scenes: who is seen asleep or awake in which place, and what of a sentence follows from what is seen.

A picture shows the four places. In each there is one being, or the place lies in fog. Of a being in the
shade no colour is seen. What is not seen leaves a sentence open, so that a picture entails it, excludes it,
or does neither. Meanings only; `drawing` draws them.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Caption, Seen
from xstilts.lab.grammar import Grammar
from xstilts.lab.inventory import COLOURS, KIND_OF
from xstilts.lab.meaning import NP, Clause, the
from xstilts.lab.rng import Rng

NOUNS = ("dog", "cat", "horse", "owl", "baker", "doctor", "king", "sailor")
KINDS = ("animal", "person")
PLACES = ("garden", "market", "forest", "river")
VERBS = ("sleep", "wake")
SHADE, FOG = "shade", "fog"
"""In the name of a scene: a colour that is not seen, a place that is not seen."""

DRAWINGS = 1_000  # ways to draw a scene


class Being(NamedTuple):
    """Who, of what colour (SHADE if it is not seen), and whether asleep or awake."""

    noun: str
    colour: str
    verb: str


class Scene(NamedTuple):
    """Who is in each of the places, None where there is fog; `drawing` numbers the way it is drawn."""

    places: tuple[Being | None, ...]
    drawing: int

    @property
    def name(self) -> str:
        """The scene in writing: "dog-red-sleep_fog_king-shade-wake_owl-blue-wake_17"."""
        return "_".join(["-".join(being) if being else FOG for being in self.places] + [str(self.drawing)])


def scene(name: str) -> Scene:
    """The scene of that name; ValueError if it is none's."""
    *places, drawing = name.split("_")
    beings = tuple(None if place == FOG else _being(place) for place in places)
    if len(beings) != len(PLACES) or not drawing.isdecimal():
        raise ValueError(name)
    return Scene(beings, int(drawing))


def _being(text: str) -> Being:
    noun, colour, verb = text.split("-")
    if noun not in NOUNS or colour not in (*COLOURS, SHADE) or verb not in VERBS:
        raise ValueError(text)
    return Being(noun, colour, verb)


def _statements() -> Iterator[Clause]:
    """What may be said of scenes: as in the lab's inference, but for objects and times."""
    for determiner in ("the", "some", "every", "no"):
        nouns = NOUNS if determiner == "the" else NOUNS + KINDS
        negations = (False, True) if determiner in ("the", "some") else (False,)
        parts = product(nouns, ("", *COLOURS), VERBS, ("", *PLACES), negations)
        for noun, colour, verb, place, negated in parts:
            subject = NP(noun, determiner, colour)
            yield Clause(subject, verb, place=the(place) if place else None, negated=negated)


STATEMENTS = tuple(_statements())
Truth = NDArray[np.int8]

FALSE, OPEN, TRUE = 0, 1, 2
"""The values of Kleene's strong logic: "and" is the least of its parts, "or" the greatest, "not" counts down
from the top."""
LABELS = ("contradiction", "neutral", "entailment")  # by these values
UNSAID = -1
"""Of a statement that takes for granted what is not so."""


def _filled(value: int) -> Truth:
    return np.full(len(STATEMENTS), value, np.int8)


_DETERMINER = np.array([clause.subject.determiner for clause in STATEMENTS])
_NOUN = np.array([clause.subject.noun for clause in STATEMENTS])
_COLOUR = np.array([clause.subject.adjective for clause in STATEMENTS])
_VERB = np.array([clause.verb for clause in STATEMENTS])
_PLACE = np.array([clause.place.noun if clause.place else "" for clause in STATEMENTS])
_NEGATED = np.array([clause.negated for clause in STATEMENTS])
_PLAIN, _ANYWHERE = _COLOUR == "", _PLACE == ""
_NAMED = {noun: (noun == _NOUN) | (KIND_OF[noun] == _NOUN) for noun in NOUNS}
_PLACED = {place: place == _PLACE for place in PLACES}
_THE, _SOME, _NO, _EVERY = (determiner == _DETERMINER for determiner in ("the", "some", "no", "every"))


def truth(scene: Scene) -> Truth:
    """What a scene is to each of STATEMENTS: TRUE, FALSE, OPEN, or UNSAID.

    "the dog" is the only dog there is, in the picture or elsewhere, and "the red dog" says besides that it is
    red. "every red dog" takes for granted that one is seen. All other sentences are about the four places.
    """
    sorts = np.stack([_sort(being) for being in scene.places])
    done = np.stack([_done(being, place) for being, place in zip(scene.places, PLACES, strict=True)])
    some = np.minimum(sorts, done).max(axis=0)
    every = np.maximum(TRUE - sorts, done).min(axis=0)
    every[sorts.max(axis=0) < TRUE] = UNSAID
    only = _of_the_only(scene, sorts, done)
    return np.select([_SOME, _NO, _EVERY], [some, TRUE - some, every], only)


@lru_cache(maxsize=256)
def _sort(being: Being | None) -> Truth:
    """Whether who is there is what the subject says."""
    if being is None:
        return _filled(OPEN)
    colour = np.where(_PLAIN | (being.colour == _COLOUR), TRUE, OPEN if being.colour == SHADE else FALSE)
    return np.where(_NAMED[being.noun], colour, FALSE).astype(np.int8)


@lru_cache(maxsize=1024)
def _done(being: Being | None, place: str) -> Truth:
    """Whether who is in that place does what is said, where it is said."""
    verb = _filled(OPEN) if being is None else np.where(being.verb == _VERB, TRUE, FALSE)
    done = np.where(_ANYWHERE | _PLACED[place], verb, FALSE)
    return np.where(_NEGATED, TRUE - done, done).astype(np.int8)


def _of_the_only(scene: Scene, sorts: Truth, done: Truth) -> Truth:
    # Who is not seen is in a fog or elsewhere: only that it is in no place that is seen is known.
    result = _filled(OPEN)
    elsewhere = np.minimum(np.where(_PLAIN, TRUE, OPEN), np.where(_NEGATED, TRUE, FALSE))
    for place, being in zip(PLACES, scene.places, strict=True):
        if being is not None:
            result[_PLACED[place]] = elsewhere[_PLACED[place]]
    nouns = [being.noun if being else "" for being in scene.places]
    for number, noun in enumerate(nouns):
        if noun:
            known = np.minimum(sorts[number], done[number]) if nouns.count(noun) == 1 else _filled(UNSAID)
            about = _THE & _NAMED[noun]
            result[about] = known[about]
    return result


# Draws.


def drawn(rng: Rng, fogs: tuple[int, ...] = (0, 0, 1, 1, 1, 2)) -> Scene:
    """A scene with one of these numbers of places in fog."""
    hidden = rng.sample(range(len(PLACES)), rng.pick(fogs))
    nouns = [rng.pick(NOUNS) for _ in PLACES] if rng.chance(0.3) else rng.sample(NOUNS, len(PLACES))
    places = tuple(
        None if place in hidden else Being(noun, _colour(rng), rng.pick(VERBS))
        for place, noun in enumerate(nouns)
    )
    return Scene(places, rng.below(DRAWINGS))


def _colour(rng: Rng) -> str:
    return SHADE if rng.chance(0.2) else rng.pick(COLOURS)


class Look(NamedTuple):
    """A scene, a sentence about it, and what the scene is to the sentence."""

    scene: Scene
    statement: Clause
    label: str


# Three scenes and three statements: each scene, and each statement, once with each label.
_SQUARE = np.array([[TRUE, OPEN, FALSE], [OPEN, FALSE, TRUE], [FALSE, TRUE, OPEN]])


def inferences(rng: Rng, split: str, size: int) -> list[Look]:
    """Scenes and statements in squares of three by three: neither alone says anything of the label."""
    looks: list[Look] = []
    while len(looks) < size:
        looks += _square(rng)
    return looks[:size]


def _square(rng: Rng) -> list[Look]:
    while True:
        scenes = [drawn(rng) for _ in _SQUARE]
        facts = np.stack([truth(scene) for scene in scenes])
        rows = [np.flatnonzero((facts == row[:, None]).all(axis=0)).tolist() for row in _SQUARE]
        if all(rows):
            break
    said = [_picked(rng, row) for row in rows]
    looks = [
        Look(scene, statement, LABELS[value])
        for statement, values in zip(said, _SQUARE, strict=True)
        for scene, value in zip(scenes, values, strict=True)
    ]
    return rng.shuffled(looks)


def _picked(rng: Rng, statements: list[int]) -> Clause:
    """One of the statements: first its determiner, then whether it is long or short, then its words."""
    determiners = sorted({STATEMENTS[number].subject.determiner for number in statements})
    # "every" is seldom possible.
    determiner = "every" if "every" in determiners and rng.chance(0.5) else rng.pick(determiners)
    shapes: dict[tuple[bool, bool, bool], list[Clause]] = {}
    for clause in (STATEMENTS[number] for number in statements):
        if clause.subject.determiner == determiner:
            shape = (not clause.subject.adjective, clause.place is None, clause.negated)
            shapes.setdefault(shape, []).append(clause)
    return rng.pick(shapes[rng.pick(sorted(shapes))])


def say(look: Look, grammar: Grammar, name: str) -> Seen:
    return Seen(
        (look.scene.name,), grammar.say(look.statement), look.label, _told(caption(look.scene), grammar), name
    )


def _told(clauses: Sequence[Clause], grammar: Grammar) -> str:
    return " ".join(grammar.say(clause) for clause in clauses)


def caption(scene: Scene) -> list[Clause]:
    """All that is seen, in the order of the places: one clause a being ("a red dog slept in the garden")."""
    return [
        Clause(
            NP(being.noun, "a", "" if being.colour == SHADE else being.colour), being.verb, place=the(place)
        )
        for place, being in zip(PLACES, scene.places, strict=True)
        if being is not None
    ]


class Told(NamedTuple):
    """A scene, and some of what is seen."""

    scene: Scene
    clauses: tuple[Clause, ...]


def captions(rng: Rng, split: str, size: int) -> list[Told]:
    """Scenes with one or two of their beings, in any order; half show one being alone, to learn words."""
    scenes = [drawn(rng, (3, 3, 3, 2, 1, 0)) for _ in range(size)]
    return [Told(scene, tuple(rng.sample(caption(scene), 1 + rng.below(2)))) for scene in scenes]


def say_caption(told: Told, grammar: Grammar, name: str) -> Caption:
    return Caption(_told(told.clauses, grammar), images=(told.scene.name,))
