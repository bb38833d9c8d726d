"""A dropped checkpoint comes back with the same bytes, and only for who needs it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from toybox import BACKBONE, PLACES, Box, evaluation, phase

from xstilts.compute import work
from xstilts.compute.context import MICRO_TOKENS, Context, Event
from xstilts.errors import DamageError, LossError
from xstilts.store import Store, leases
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.step import Step

TRAINED = phase("pairs", updates=3, dropout=0.1)
ASKED = evaluation(TRAINED, "pairs")


def compute(store: Store, specification: Backbone | Phase | Evaluation) -> str:
    """As a worker does it."""
    return work.compute(Step(specification), store, PLACES, lambda event: None)


def test_a_dropped_checkpoint_is_computed_again_with_the_same_bytes(box: Box) -> None:
    assert compute(box.store, TRAINED) == "done"
    assert compute(box.store, ASKED) == "done"
    wanted, scores = box.weights(TRAINED), (box.folder(ASKED) / "scores.json").read_bytes()
    predictions = (box.folder(ASKED) / "predictions.parquet").read_bytes()
    before = box.store.record(TRAINED.fingerprint)
    box.store.drop(Step(TRAINED))
    assert compute(box.store, TRAINED) == "found", "nothing needs the checkpoint"
    shutil.rmtree(box.folder(ASKED))
    assert compute(box.store, ASKED) == "done"
    assert box.weights(TRAINED) == wanted
    assert (box.folder(ASKED) / "scores.json").read_bytes() == scores
    assert (box.folder(ASKED) / "predictions.parquet").read_bytes() == predictions
    assert box.store.record(TRAINED.fingerprint) == before
    assert not list((box.store.root / "temporary").iterdir())


@pytest.fixture
def fake(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Work that costs nothing; gives the kinds of steps in the order in which they are begun."""
    begun: list[str] = []

    def result(step: Step, context: Context) -> dict[str, Any]:
        begun.append(step.kind)
        for parent in step.parents:
            context.store.checkpoint(parent)
        (context.folder / "checkpoint").mkdir()
        (context.folder / "checkpoint" / "weights").write_text(step.fingerprint)
        return {}

    monkeypatch.setattr(work, "_result", result)
    return begun


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def test_all_that_is_needed_is_computed_and_no_more(store: Store, fake: list[str]) -> None:
    second = phase("tags", parent=TRAINED)
    compute(store, evaluation(second, "tags"))
    assert fake == ["backbone", "phase", "phase", "evaluation"]
    store.drop(Step(TRAINED))
    compute(store, evaluation(second, "tags", languages=("en",)))
    assert fake[4:] == ["evaluation"]
    store.drop(Step(second))
    compute(store, evaluation(second, "tags", languages=("de",)))
    assert fake[5:] == ["phase", "phase", "evaluation"]


def test_a_parent_that_another_computes_is_waited_for(store: Store, fake: list[str]) -> None:
    compute(store, TRAINED)
    store.drop(Step(TRAINED))
    with store.lease(TRAINED.fingerprint) or pytest.fail("nobody has it"):
        assert compute(store, ASKED) == "busy"
    with store.lease(ASKED.fingerprint) or pytest.fail("it is left to others meanwhile"):
        pass


def test_a_checkpoint_that_is_dropped_while_it_is_read(
    store: Store, fake: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute(store, TRAINED)
    result = work._result

    def interrupted(step: Step, context: Context) -> dict[str, Any]:
        monkeypatch.setattr(work, "_result", result)
        store.drop(Step(TRAINED))
        raise FileNotFoundError(context.folder / "model.safetensors")

    monkeypatch.setattr(work, "_result", interrupted)
    assert compute(store, ASKED) == "busy", "that is no failure"
    assert store.failure(ASKED.fingerprint) is None
    assert compute(store, ASKED) == "done"


@pytest.mark.parametrize("outcome", ["busy", "found"])
def test_what_breaks_because_another_took_the_step_over_is_no_failure(
    store: Store, fake: list[str], monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    result = work._result

    def overtaken(step: Step, context: Context) -> dict[str, Any]:
        monkeypatch.setattr(work, "_result", result)
        store.free(step.fingerprint, leases.owner())  # as if this process were dead
        if outcome == "found":
            assert compute(store, TRAINED) == "done"
        else:
            taken.append(store.lease(step.fingerprint) or pytest.fail("it is free"))
        raise FileNotFoundError(context.running / "state.safetensors.7")

    taken: list[leases.Lease] = []
    compute(store, BACKBONE)
    monkeypatch.setattr(work, "_result", overtaken)
    assert compute(store, TRAINED) == outcome
    assert store.failure(TRAINED.fingerprint) is None
    assert all(claim.is_held for claim in taken)
    for claim in taken:
        claim.release()
    assert [*(store.root / "leases").iterdir()] == []


def test_a_parent_that_fails_now_is_the_failure_of_both(
    store: Store, fake: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compute(store, TRAINED)
    store.drop(Step(TRAINED))

    def failing(step: Step, context: Context) -> dict[str, Any]:
        raise LossError(step.name, "the loss is nan.")

    monkeypatch.setattr(work, "_result", failing)
    with pytest.raises(LossError):
        compute(store, ASKED)
    for one in (TRAINED, ASKED):
        failure = store.failure(one.fingerprint)
        assert failure is not None
        assert failure.message == "pairs-seed1: the loss is nan."


def test_a_damaged_parent_is_the_failure_of_its_child(store: Store, fake: list[str]) -> None:
    compute(store, TRAINED)
    (store.checkpoint(TRAINED.fingerprint) / "weights").write_text("x")
    with pytest.raises(DamageError):
        compute(store, ASKED)
    failure = store.failure(ASKED.fingerprint)
    assert failure is not None
    assert "weights: is damaged" in failure.message


class OutOfMemoryError(RuntimeError):
    """Named as torch's error for a GPU that is full."""


@pytest.mark.parametrize(
    "error", [MemoryError(), OutOfMemoryError("GPU"), RuntimeError("[enforce fail] can't allocate memory")]
)
def test_want_of_memory_halves_the_micro_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tried: list[int] = []

    def result(step: Step, context: Context) -> dict[str, Any]:
        tried.append(context.micro_tokens)
        if context.micro_tokens > MICRO_TOKENS // 4:
            raise error
        return {}

    monkeypatch.setattr(work, "_result", result)
    backbone = TRAINED.parent
    with pytest.raises(type(error)):
        compute(store, backbone)
    assert compute(store, backbone) == "done"
    assert tried == [MICRO_TOKENS, MICRO_TOKENS // 2, MICRO_TOKENS // 4]
    assert (store.record(backbone.fingerprint) or {})["micro_tokens"] == MICRO_TOKENS // 4
    assert store.failure(backbone.fingerprint) is None


def test_other_errors_are_not_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []

    def result(step: Step, context: Context) -> dict[str, Any]:
        events.append({})
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(work, "_result", result)
    with pytest.raises(RuntimeError):
        compute(store, TRAINED.parent)
    assert len(events) == 1
