"""The order of steps, and what a failure takes with it."""

from collections.abc import Callable, Iterable

import pytest

from xstilts.run.rendezvous import Entry, Remaining, ordered
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.use import Use

USE = Use(
    task="a", task_version=1, family="choice", family_version=1, split="x", languages=("en",), data=("1",)
)
BACKBONE = Backbone(model="a/b", revision="1")


def phase(parent: Backbone | Phase, seed: int) -> Phase:
    return Phase(parent=parent, uses=(USE,), recipe=Recipe(), seed=seed)


def evaluation(model: Phase) -> Evaluation:
    return Evaluation(
        model=model, use=USE, trained_by=USE, metric="accuracy", metric_version=1, inference=None
    )


ALONE = phase(BACKBONE, 1)
FIRST = phase(BACKBONE, 2)
CHILDREN = [phase(FIRST, seed) for seed in (3, 4)]
EVALUATIONS = [evaluation(one) for one in (ALONE, *CHILDREN)]
STEPS = [Step(one) for one in (ALONE, FIRST, *CHILDREN, *EVALUATIONS)]


def drained(left: Remaining) -> list[str]:
    """The steps as one worker alone takes them."""
    order = []
    while left:
        name = next(left.ready()).fingerprint
        order.append(name)
        left.finish(name)
    return order


@pytest.fixture
def named() -> Callable[[Iterable[str]], list[str]]:
    names = dict(
        zip([step.fingerprint for step in STEPS], ["alone", "first", "c", "d", "A", "C", "D"], strict=True)
    )
    return lambda fingerprints: [names[one] for one in fingerprints]


def test_evaluations_then_the_longest_path(named: Callable[[Iterable[str]], list[str]]) -> None:
    assert named(drained(Remaining(ordered(STEPS)))) == ["first", "alone", "A", "c", "C", "d", "D"]


def test_what_is_done_is_not_taken(named: Callable[[Iterable[str]], list[str]]) -> None:
    done = [step.fingerprint for step in STEPS[:3]]
    assert named(drained(Remaining(ordered(STEPS, done)))) == ["A", "C", "d", "D"]
    assert ordered(STEPS, [step.fingerprint for step in STEPS]) == []


def test_a_parent_that_is_not_among_the_steps_is_not_waited_for() -> None:
    children = [Step(one) for one in CHILDREN]
    assert drained(Remaining(ordered(children))) == [one.fingerprint for one in children]


def test_the_others_wait_for_their_parents(named: Callable[[Iterable[str]], list[str]]) -> None:
    left = Remaining(ordered(STEPS))
    assert named(one.fingerprint for one in left.ready()) == ["first", "alone"]
    left.finish(STEPS[1].fingerprint)
    assert named(one.fingerprint for one in left.ready()) == ["alone", "c", "d"]


def test_what_needs_a_step_is_given_up_with_it(named: Callable[[Iterable[str]], list[str]]) -> None:
    left = Remaining(ordered(STEPS))
    assert sorted(named(left.give_up(STEPS[1].fingerprint))) == ["C", "D", "c", "d"]
    assert named(drained(left)) == ["alone", "A"]
    assert left.give_up(STEPS[-1].fingerprint) == []


def test_an_entry_is_all_that_a_worker_needs_to_make_its_step() -> None:
    entry: Entry = ordered(STEPS)[0]
    assert Step.from_spec(entry.spec) == next(step for step in STEPS if step.fingerprint == entry.fingerprint)
