"""Pictures of the lab and what follows from them: exact labels, balanced squares, the same pixels."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from xstilts import lab
from xstilts import tasks as registry
from xstilts.data.examples import Caption, Seen
from xstilts.errors import DataError
from xstilts.lab import drawing, scenes
from xstilts.lab.grammar import grammar
from xstilts.lab.inventory import COLOURS, KIND_OF
from xstilts.lab.meaning import NP, Clause, the
from xstilts.lab.rng import Rng
from xstilts.lab.scenes import NOUNS, PLACES, STATEMENTS, VERBS, Being, Scene

SEEN = Scene(
    (Being("dog", "red", "sleep"), None, Being("king", "shade", "wake"), Being("owl", "blue", "wake")), 7
)
SHOWN = "dog-red-sleep_fog_king-shade-wake_owl-blue-wake_7"
BOTH = Scene((Being("dog", "red", "sleep"), Being("dog", "blue", "sleep"), None, None), 0)

World = list[tuple[str, str, str, str]]  # noun, colour, verb, place


@cache
def rows(code: str = "x-en", split: str = "test", size: int = 90) -> tuple[Any, ...]:
    return tuple(lab.generate("vnli", code, split, size))


def said(scene: Scene, statement: Clause) -> int:
    return int(scenes.truth(scene)[STATEMENTS.index(statement)])


# What follows.


def worlds(scene: Scene, clause: Clause) -> Iterator[World]:
    """Every way in which the scene may be where nothing is seen."""
    anyone = list(product(NOUNS, COLOURS, VERBS))
    choices: list[list[Any]] = []
    for being in scene.places:
        if being is None:
            choices.append([None, *anyone])
        else:
            shaded = COLOURS if being.colour == "shade" else (being.colour,)
            choices.append([(being.noun, colour, being.verb) for colour in shaded])
    for chosen in product(*choices):
        world = [(*being, place) for being, place in zip(chosen, PLACES, strict=True) if being]
        count = sum(noun == clause.subject.noun for noun, *_ in world)
        if clause.subject.determiner != "the" or count == 1:
            yield world
        elif count == 0:  # it is elsewhere
            yield from ([*world, (clause.subject.noun, *rest, "sea")] for rest in product(COLOURS, VERBS))


def holds(world: World, clause: Clause) -> bool:
    """Whether the clause is true in a world without fog and shade."""
    determiner, noun, colour = clause.subject.determiner, clause.subject.noun, clause.subject.adjective
    named = [being for being in world if noun in (being[0], KIND_OF[being[0]])]
    meant = [being for being in named if colour in ("", being[1])]

    def does(being: tuple[str, str, str, str]) -> bool:
        where = clause.place is None or clause.place.noun == being[3]
        return (being[2] == clause.verb and where) != clause.negated

    match determiner:
        case "the":
            return bool(meant) and does(meant[0])
        case "some":
            return any(map(does, meant))
        case "no":
            return not any(map(does, meant))
    return all(map(does, meant))


def test_labels_are_what_holds_in_all_worlds_in_none_or_in_some() -> None:
    rng, checked = Rng("worlds"), Counter[tuple[str, int]]()
    while min(checked.values(), default=0) < 5 or len(checked) < 12:
        scene = scenes.drawn(rng)
        hidden = [being is None for being in scene.places]
        if sum(hidden) > 1 or sum(being.colour == "shade" for being in scene.places if being) > 1:
            continue  # too many worlds
        truth = scenes.truth(scene)
        for determiner, value in product(("the", "some", "every", "no"), (0, 1, 2)):
            found = [STATEMENTS[place] for place in np.flatnonzero(truth == value)]
            for clause in rng.sample([c for c in found if c.subject.determiner == determiner], 2):
                held = {holds(world, clause) for world in worlds(scene, clause)}
                assert held == [{False}, {False, True}, {True}][value], (scene.name, clause)
                checked[determiner, value] += 1


def test_what_takes_too_much_for_granted_is_not_said() -> None:
    assert said(BOTH, Clause(NP("dog", "the"), "sleep")) == scenes.UNSAID  # which one?
    assert said(BOTH, Clause(NP("dog", "every"), "sleep")) == scenes.OPEN
    assert said(SEEN, Clause(NP("cat", "every"), "sleep")) == scenes.UNSAID  # is there any?
    for scene in (BOTH, SEEN):
        unsaid = [STATEMENTS[place] for place in np.flatnonzero(scenes.truth(scene) == scenes.UNSAID)]
        assert {clause.subject.determiner for clause in unsaid} <= {"the", "every"}


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        (Clause(NP("dog", "the"), "sleep"), "entailment"),
        (Clause(NP("dog", "the", "red"), "sleep", place=the("garden")), "entailment"),
        (Clause(NP("dog", "the", "blue"), "sleep"), "contradiction"),
        (Clause(NP("dog", "the"), "sleep", negated=True), "contradiction"),
        (Clause(NP("dog", "the"), "wake", negated=True), "entailment"),
        (Clause(NP("king", "the", "red"), "wake"), "neutral"),  # it stands in the shade
        (Clause(NP("cat", "the"), "wake"), "neutral"),  # it is not seen
        (Clause(NP("cat", "the"), "wake", place=the("market")), "neutral"),  # there is fog
        (Clause(NP("cat", "the"), "wake", place=the("river")), "contradiction"),  # there is somebody else
        (Clause(NP("animal", "some"), "wake"), "entailment"),
        (Clause(NP("animal", "no"), "wake", place=the("forest")), "entailment"),
        (Clause(NP("person", "no"), "sleep"), "neutral"),
        (Clause(NP("animal", "every"), "sleep"), "contradiction"),
    ],
)
def test_examples(statement: Clause, value: str) -> None:
    assert scenes.LABELS[said(SEEN, statement)] == value


# Rows.


def test_neither_the_text_nor_the_picture_says_anything_of_the_label() -> None:
    """In each square of nine rows every text, and every picture, has each label once."""
    for start in range(0, 90, 9):
        square = rows()[start : start + 9]
        for thing in ("text", "images"):
            labels: dict[Any, Counter[str]] = {}
            for row in square:
                labels.setdefault(getattr(row, thing), Counter())[row.label] += 1
            assert len(labels) == 3
            assert all(counts == dict.fromkeys(scenes.LABELS, 1) for counts in labels.values())


def test_all_kinds_of_statements_are_made() -> None:
    looks = scenes.inferences(Rng("kinds"), "train", 900)
    counts = Counter(look.statement.subject.determiner for look in looks)
    assert min(counts[determiner] for determiner in ("the", "some", "every", "no")) > 30
    for negated in (False, True):
        assert sum(look.statement.negated == negated for look in looks) > 150


def test_rows_are_parallel_and_in_words_of_their_language() -> None:
    for code in lab.OTHERS:
        for one, other in zip(rows(), rows(code), strict=True):
            assert isinstance(other, Seen)
            assert (one.images, one.label, one.id) == (other.images, other.label, other.id)
            for english, foreign in ((one.text, other.text), (one.caption, other.caption)):
                assert english.count(".") == foreign.count(".")
                assert not (set(english.split()) & set(foreign.split())) - {"."}


def test_a_longer_split_begins_with_a_shorter_one_and_splits_differ() -> None:
    assert rows(size=40) == rows()[:40]
    train = {(row.images, row.text) for row in rows(split="train", size=900)}
    assert not train & {(row.images, row.text) for row in rows()}


def test_the_caption_tells_all_that_is_seen() -> None:
    """The scene can be drawn again from its caption: the places that it does not name lie in fog."""
    for look in scenes.inferences(Rng("told"), "train", 90):
        told = {
            clause.place.noun: Being(clause.subject.noun, clause.subject.adjective or "shade", clause.verb)
            for clause in scenes.caption(look.scene)
            if clause.place
        }
        assert tuple(told.get(place) for place in PLACES) == look.scene.places
    spoken = grammar("x-en").say(scenes.caption(SEEN)[1])
    assert spoken == "a king woke in the forest ."


def test_captions_are_true() -> None:
    for told in scenes.captions(Rng("captions"), "train", 60):
        assert 1 <= len(told.clauses) <= 2
        for clause in told.clauses:
            spoken = clause._replace(subject=clause.subject._replace(determiner="some"))
            assert said(told.scene, spoken) == scenes.TRUE
    row = lab.generate("captions", "x-ga", "train", 3)[2]
    assert isinstance(row, Caption)
    assert lab.render("captions", row.images[0]).shape == (32, 32, 3)


def test_who_does_not_look_is_right_in_exactly_one_row_of_three() -> None:
    """For splits are whole squares: whatever is guessed from the text, or from the picture, alone."""
    found = registry.find("lab_vnli")
    assert sorted(scenes.LABELS) == sorted(found.labels)
    assert all(size % 9 == 0 for size in found.sizes.values())
    for thing in ("text", "images"):
        guessed = [found.labels[hash(getattr(row, thing)) % 3] == row.label for row in rows()]
        assert sum(guessed) == len(guessed) / 3


# Pictures.


def test_a_name_says_all_of_a_scene() -> None:
    assert SEEN.name == SHOWN
    assert scenes.scene(SHOWN) == SEEN
    for look in scenes.inferences(Rng("names"), "dev", 27):
        assert scenes.scene(look.scene.name) == look.scene


@pytest.mark.parametrize(
    "name",
    [
        "",
        "dog-red-sleep",
        SHOWN.replace("_7", ""),
        SHOWN.replace("_7", "_x"),
        SHOWN.replace("red", "pink"),
        SHOWN.replace("dog", "sun"),
        SHOWN.replace("sleep", "run"),
        SHOWN.replace("fog", "dog"),
        f"fog_{SHOWN}",
    ],
)
def test_no_other_name_is_drawn(name: str) -> None:
    with pytest.raises(DataError, match="has no picture"):
        lab.render("vnli", name)


def test_only_some_data_have_pictures() -> None:
    with pytest.raises(DataError, match="draws no pictures"):
        lab.render("nli", SHOWN)


def test_pictures_are_the_same_on_every_machine() -> None:
    """Whole numbers from a seeded generator: the checksum is what checkpoints were trained on."""
    checksum = hashlib.sha256()
    for row in rows():
        checksum.update(lab.render("vnli", row.images[0]).tobytes())
    assert checksum.hexdigest()[:12] == "26e114f321fc"


def test_all_that_is_told_apart_looks_different() -> None:
    """Drawn the same way, scenes that differ in one thing differ in many pixels, and only in its place."""
    one = drawing.draw(SEEN)
    assert one.dtype == np.uint8
    for noun, colour, verb in product(NOUNS, (*COLOURS, "shade"), VERBS):
        being = Being(noun, colour, verb)
        other = drawing.draw(SEEN._replace(places=(being, *SEEN.places[1:])))
        changed = (one != other).any(axis=2)
        assert changed.sum() >= (0 if being == SEEN.places[0] else 12)
        assert not changed[16:].any() and not changed[:, 16:].any()
    fog = drawing.draw(SEEN._replace(places=(None, *SEEN.places[1:])))
    assert (one != fog).any(axis=2)[:16, :16].all()


def test_the_drawing_moves_and_shades_a_little() -> None:
    one, other = (drawing.draw(SEEN._replace(drawing=number)).astype(int) for number in (1, 2))
    assert 0 < np.abs(one - other).mean() < 45
