"""Gold labels of inference, held against models of the world by an evaluator that knows no natural logic."""

import random
from collections import Counter

import pytest

from xstilts.lab import edits, logic
from xstilts.lab.inventory import ANTONYM, KIND_OF, KINDS, MOVING
from xstilts.lab.meaning import NP, Clause, the
from xstilts.lab.rng import Rng

Being = int
ELSEWHERE = "elsewhere"


class Model:
    """A small world: beings with a noun and adjectives, and who did what to whom, where and when."""

    def __init__(self, clauses: tuple[Clause, Clause], rng: random.Random) -> None:
        self.rng = rng
        nps = [np for clause in clauses for np in (clause.subject, clause.object) if np is not None]
        # Named and definite beings are one each; of all nouns there are one or two more.
        self.the = {
            np.noun: being for being, np in enumerate({np.noun: np for np in nps if _is_one(np)}.values())
        }
        self.nouns = list(self.the)
        for np in nps:
            if np.determiner:
                kinds = KINDS.get(np.noun, (np.noun,))
                self.nouns += [rng.choice(kinds) for _ in range(rng.choice((1, 2)))]
        adjectives = sorted({np.adjective for np in nps if np.adjective})
        self.adjectives = [self._some(adjectives) for _ in self.nouns]
        self.events: dict[tuple[str, Being, Being | None], tuple[str, str]] = {}
        self.places = [*sorted({c.place.noun for c in clauses if c.place is not None}), ELSEWHERE]
        self.times = [*sorted({c.time.noun for c in clauses if c.time is not None}), ELSEWHERE]
        # Sometimes all happens at once; of two antonyms the later one stays.
        share, together = rng.choice((0.1, 0.5, 0.9, 1.0)), rng.random() < 0.4
        place, time = rng.choice(self.places), rng.choice(self.times)
        verbs = sorted({clause.verb for clause in clauses})
        for verb in rng.sample(verbs, len(verbs)):
            for being in range(len(self.nouns)):
                for other in (None, *range(len(self.nouns))):
                    if rng.random() < share:
                        where = place if together else rng.choice(self.places)
                        self.happens(verb, being, other, where, time if together else rng.choice(self.times))
        self.possible = all(any(self.fits(b, np) for b in range(len(self.nouns))) for np in nps)

    def _some(self, adjectives: list[str]) -> set[str]:
        chosen: set[str] = set()
        for adjective in self.rng.sample(adjectives, len(adjectives)):
            if self.rng.random() < 0.6 and ANTONYM[adjective] not in chosen:
                chosen.add(adjective)
        return chosen

    def happens(self, verb: str, being: Being, other: Being | None, place: str, time: str) -> None:
        """Antonyms exclude each other; to walk is to move, there and then."""
        self.events.pop((ANTONYM.get(verb, ""), being, other), None)
        self.events[verb, being, other] = (place, time)
        if verb in (*MOVING, "move"):
            for also in (*MOVING, "move"):
                if also == "move" or (also, being, other) in self.events:
                    self.events[also, being, other] = (place, time)

    def ends(self, verb: str, being: Being, other: Being | None) -> None:
        for also in (*MOVING, "move") if verb == "move" else (verb,):
            self.events.pop((also, being, other), None)

    def fits(self, being: Being, np: NP) -> bool:
        """Whether the noun phrase describes the being; a name and a definite being stand for one."""
        if not np.determiner:
            return self.the.get(np.noun) == being
        noun = self.nouns[being]
        of_kind = np.noun in (noun, KIND_OF.get(noun))
        return of_kind and (not np.adjective or np.adjective in self.adjectives[being])

    def force(self, clause: Clause) -> None:
        """Bring the world nearer to what the clause says."""
        subject, object_ = clause.subject, clause.object
        subjects = [self.the[subject.noun]] if _is_one(subject) else self.fitting(subject)
        if subject.determiner == "some" and subjects:
            subjects = [self.rng.choice(subjects)]
        objects: list[Being | None] = [None]
        if object_ is not None:
            objects = [self.the[object_.noun]] if _is_one(object_) else list(self.fitting(object_))
        for being in subjects:
            if clause.negated or subject.determiner == "no":
                for other in objects:
                    self.ends(clause.verb, being, other)
            elif objects:
                place = clause.place.noun if clause.place is not None else self.rng.choice(self.places)
                time = clause.time.noun if clause.time is not None else self.rng.choice(self.times)
                self.happens(clause.verb, being, self.rng.choice(objects), place, time)

    def fitting(self, np: NP) -> list[Being]:
        return [being for being in range(len(self.nouns)) if self.fits(being, np)]

    def holds(self, clause: Clause) -> bool:
        """Whether the clause is true."""
        for np in (clause.subject, clause.object):
            if np is not None and np.determiner == "the" and not self.fits(self.the[np.noun], np):
                return False
        if _is_one(clause.subject):
            return self.does(self.the[clause.subject.noun], clause)
        done = [self.does(being, clause) for being in self.fitting(clause.subject)]
        return {"some": any(done), "every": all(done), "no": not any(done)}[clause.subject.determiner]

    def does(self, being: Being, clause: Clause) -> bool:
        """Whether the verb phrase is true of the being."""
        if clause.object is None:
            done = self.done(clause, being, None)
        elif _is_one(clause.object):
            done = self.done(clause, being, self.the[clause.object.noun])
        else:
            done = any(self.done(clause, being, other) for other in self.fitting(clause.object))
        return done != clause.negated

    def done(self, clause: Clause, being: Being, other: Being | None) -> bool:
        event = self.events.get((clause.verb, being, other))
        if event is None:
            return False
        said = (clause.place, clause.time)
        return all(np is None or np.noun == where for np, where in zip(said, event, strict=True))


def _is_one(np: NP) -> bool:
    return np.determiner in ("", "the")


def witnesses(premise: Clause, hypothesis: Clause, rng: random.Random, enough: int) -> Counter[bool]:
    """Of so many random models of the premise, in how many the hypothesis holds."""
    seen: Counter[bool] = Counter()
    for _ in range(60 * enough):
        model = Model((premise, hypothesis), rng)
        if not model.possible:
            continue
        if rng.random() < 0.5:
            model.force(hypothesis)
        if rng.random() < 0.9:
            model.force(premise)
        if model.holds(premise):
            seen[model.holds(hypothesis)] += 1
            if seen.total() == enough:
                break
    return seen


def test_labels_agree_with_models_of_the_world() -> None:
    rng, draws = random.Random(0), Rng("tests", "logic")
    for _ in range(150):
        premise = edits.premise(draws)
        hypothesis = edits.edited(premise, draws)
        label = logic.label(premise, hypothesis)
        seen = witnesses(premise, hypothesis, rng, 25 if label != "neutral" else 12)
        if label == "neutral" and 0 in (seen[True], seen[False]):
            seen = witnesses(premise, hypothesis, rng, 2_000)
        assert seen, (premise, hypothesis)
        if label == "entailment":
            assert not seen[False], (premise, hypothesis)
        elif label == "contradiction":
            assert not seen[True], (premise, hypothesis)
        else:
            assert seen[True] and seen[False], (premise, hypothesis)


ANNA = NP("anna")


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        (Clause(ANNA, "walk", place=the("garden")), Clause(ANNA, "walk"), "entailment"),
        (Clause(ANNA, "walk"), Clause(ANNA, "walk", place=the("garden")), "neutral"),
        (Clause(ANNA, "walk"), Clause(ANNA, "move"), "entailment"),
        (Clause(ANNA, "move", negated=True), Clause(ANNA, "walk", negated=True), "entailment"),
        (
            Clause(ANNA, "walk", negated=True),
            Clause(ANNA, "walk", place=the("garden"), negated=True),
            "entailment",
        ),
        (Clause(ANNA, "sleep"), Clause(ANNA, "wake"), "contradiction"),
        (Clause(ANNA, "sleep"), Clause(ANNA, "wake", negated=True), "entailment"),
        (Clause(ANNA, "sleep", negated=True), Clause(ANNA, "wake", negated=True), "neutral"),
        (Clause(NP("dog", "every"), "sleep"), Clause(NP("dog", "every", "big"), "sleep"), "entailment"),
        (Clause(NP("dog", "some"), "sleep"), Clause(NP("animal", "some"), "sleep"), "entailment"),
        (Clause(NP("dog", "no"), "sleep"), Clause(NP("animal", "no"), "sleep"), "neutral"),
        (Clause(NP("dog", "no"), "sleep"), Clause(NP("dog", "some", "big"), "sleep"), "contradiction"),
        (
            Clause(NP("dog", "the", "big"), "sleep"),
            Clause(NP("dog", "the", "small"), "wake"),
            "contradiction",
        ),
        (Clause(ANNA, "push", the("dog")), Clause(the("dog"), "push", ANNA), "neutral"),
        (Clause(ANNA, "push", the("dog")), Clause(ANNA, "push", NP("dog", "some")), "entailment"),
    ],
)
def test_textbook_cases(premise: Clause, hypothesis: Clause, label: str) -> None:
    assert logic.label(premise, hypothesis) == label
