"""The order of steps."""

from collections.abc import Callable

import pytest

from xstilts.runner.queue import Queue
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


def drain(queue: Queue) -> list[Step]:
    order = []
    while (step := queue.take()) is not None:
        order.append(step)
        queue.finish(step)
    return order


@pytest.fixture
def named() -> Callable[[list[Step]], list[str]]:
    names = dict(
        zip([step.fingerprint for step in STEPS], ["alone", "first", "c", "d", "A", "C", "D"], strict=True)
    )
    return lambda steps: [names[step.fingerprint] for step in steps]


def test_evaluations_then_the_longest_path(named: Callable[[list[Step]], list[str]]) -> None:
    assert named(drain(Queue(STEPS, []))) == ["first", "alone", "A", "c", "C", "d", "D"]


def test_what_is_done_is_not_taken(named: Callable[[list[Step]], list[str]]) -> None:
    done = [step.fingerprint for step in STEPS[:3]]
    assert named(drain(Queue(STEPS, done))) == ["A", "C", "d", "D"]
    assert drain(Queue(STEPS, [step.fingerprint for step in STEPS])) == []


def test_a_parent_that_is_not_among_the_steps_is_not_waited_for() -> None:
    children = [Step(one) for one in CHILDREN]
    assert drain(Queue(children, [])) == children


def test_a_step_put_back_is_taken_again(named: Callable[[list[Step]], list[str]]) -> None:
    queue = Queue(STEPS, [])
    first = queue.take()
    assert first is not None
    second = queue.take()
    assert named([first, second] if second else []) == ["first", "alone"]
    assert queue.take() is None, "the others wait for their parents"
    queue.put_back(first)
    assert queue.take() == first


def test_descendants(named: Callable[[list[Step]], list[str]]) -> None:
    queue = Queue(STEPS, [])
    assert sorted(named(queue.descendants(STEPS[1]))) == ["C", "D", "c", "d"]
    assert queue.descendants(STEPS[-1]) == []
