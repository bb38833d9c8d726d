"""Progress: what is told of a run, on a terminal and in a pipe."""

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from xstilts.run import progress
from xstilts.run.progress import Board, Progress, duration
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step

if TYPE_CHECKING:
    from conftest import World


@pytest.fixture
def found(world: "World") -> Plan:
    return plan(load(world.study()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test turns."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def first(found: Plan, kind: str, number: int = 0) -> Step:
    return [step for step in found.steps if step.kind == kind][number]


def compute(board: Board | Progress, step: Step, clock: list[float], seconds: float) -> None:
    hear = board.hear if isinstance(board, Board) else board
    hear(step, {"event": "started"})
    clock[0] += seconds
    hear(step, {"event": "finished", "outcome": "done"})


def test_cells_and_time_left(found: Plan, clock: list[float]) -> None:
    board = Board(found, set())
    assert board.summary() == "0 of 14 cells"
    assert board.seconds_left is None
    for kind, seconds in (("backbone", 1.0), ("phase", 10.0), ("evaluation", 2.0)):
        compute(board, first(found, kind), clock, seconds)
    kinds = [step.kind for step in found.steps]
    left = (
        (kinds.count("backbone") - 1) * 1
        + (kinds.count("phase") - 1) * 10
        + (kinds.count("evaluation") - 1) * 2
    )
    assert board.seconds_left == pytest.approx(left)
    assert board.cells[0] >= 1


def test_long_phases_count_for_more(world: "World", clock: list[float]) -> None:
    text = world.study().read_text().replace("updates = 2", "updates = 20", 1)  # the intermediate phase
    found = plan(load(world.study(text=text)))
    board = Board(found, {step.fingerprint for step in found.steps if step.kind != "phase"})
    phases = [step for step in found.steps if step.kind == "phase"]
    (long,) = (step for step in phases if step.spec["recipe"]["updates"] == 20)
    compute(board, long, clock, 10.0)
    assert board.seconds_left == pytest.approx((len(phases) - 1) * 1.0)


def test_what_is_found_says_nothing_about_time(found: Plan, clock: list[float]) -> None:
    board = Board(found, {step.fingerprint for step in found.steps if step.kind != "evaluation"})
    board.hear(first(found, "evaluation"), {"event": "started"})
    board.hear(first(found, "evaluation"), {"event": "finished", "outcome": "found"})
    assert board.seconds_left is None
    shown, text = plain(found)
    with shown:  # another run of the same store has computed it, so that nobody here began it
        shown(first(found, "phase"), {"event": "finished", "outcome": "found"})
    assert text.getvalue() == f"{first(found, 'phase').name}: found; 0 of 14 cells\n"


def test_speed_is_that_of_all_workers(found: Plan, clock: list[float]) -> None:
    board = Board(found, set())
    for number in (0, 1):
        board.hear(first(found, "phase", number), {"event": "started"})
        event = {"event": "progress", "update": 1, "updates": 9, "tokens_per_second": 1000.0}
        board.hear(first(found, "phase", number), event)
    assert board.tokens_per_second == 2000
    assert "2,000 tokens/s" in board.summary()
    board.hear(first(found, "phase"), {"event": "failed", "message": "x"})
    assert board.tokens_per_second == 1000
    assert "1 steps failed or blocked" in board.summary()


def plain(found: Plan) -> tuple[Progress, io.StringIO]:
    shown, text = Progress(found, set()), io.StringIO()
    shown.console = Console(file=text, width=40)
    return shown, text


def test_plain_lines(found: Plan, clock: list[float]) -> None:
    shown, text = plain(found)
    phase = first(found, "phase")
    with shown:
        shown(phase, {"event": "started"})
        event = {"event": "progress", "update": 5, "updates": 9, "loss": 0.5, "tokens_per_second": 100.0}
        shown(phase, event)
        assert text.getvalue() == "", "not at every sign of life"
        clock[0] += 31
        shown(phase, event)
        shown(phase, event)
        clock[0] += 1
        shown(phase, {"event": "finished", "outcome": "done"})
        shown(first(found, "phase", 1), {"event": "started"})
        shown(first(found, "phase", 1), {"event": "failed", "message": "the loss is nan. [Lower] it."})
        shown(first(found, "phase", 2), {"event": "blocked", "by": "x"})
    name, other = phase.name, first(found, "phase", 1)
    assert text.getvalue().splitlines() == [
        f"{name}: update 5 of 9, loss 0.500 (56%, about 25 s left); 0 of 14 cells, 100 tokens/s",
        f"{name}: done in 32 s; 0 of 14 cells",
        f"failed: {other.name} ({other.fingerprint}): the loss is nan. [Lower] it.",
    ]


def test_a_step_that_sends_nothing_is_told_of_every_half_minute(found: Plan, clock: list[float]) -> None:
    shown, text = plain(found)
    phase, evaluation = first(found, "phase"), first(found, "evaluation")
    shown(phase, {"event": "started"})
    shown(evaluation, {"event": "started"})
    shown(evaluation, {"event": "progress", "language": "sw", "update": 3, "updates": 4})
    for _ in range(2):
        clock[0] += 20
        shown.remind()
    shown.remind()
    assert text.getvalue().splitlines() == [
        f"{phase.name}: begun 40 s ago; 0 of 14 cells",
        f"{evaluation.name}: language 3 of 4 (75%, about 13 s left); 0 of 14 cells",
    ]


def test_how_a_gpu_computes_is_said_once(found: Plan, clock: list[float]) -> None:
    shown, text = Progress(found, set()), io.StringIO()
    shown.console = Console(file=text)
    phase = first(found, "phase")
    shown(phase, {"event": "started"})
    for execution in ("cpu: sequences padded", *["cuda: sequences packed"] * 2):
        shown(phase, {"event": "progress", "update": 5, "updates": 9, "execution": execution})
    assert text.getvalue().splitlines() == ["phases are trained on cuda: sequences packed"]


def test_the_picture_on_a_terminal(found: Plan, clock: list[float]) -> None:
    shown = Progress(found, set())
    text = io.StringIO()
    phase = first(found, "phase")
    shown(phase, {"event": "started"})
    shown(phase, {"event": "progress", "update": 5, "updates": 9, "loss": 0.5, "tokens_per_second": 100.0})
    Console(file=text, width=120, force_terminal=True, color_system=None).print(shown._picture())
    assert "0 of 14 cells, 100 tokens/s" in text.getvalue()
    assert phase.name in text.getvalue()
    assert "update 5 of 9, loss 0.500" in text.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (180, "3 min"), (5400, "90 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_nothing_is_written_before_something_happens(found: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(found, set()):
        pass
    assert capsys.readouterr() == ("", "")
