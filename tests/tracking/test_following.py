"""What trackers are told, whatever happens to the run or to them."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import xstilts
from analysis import example
from xstilts.errors import InputError
from xstilts.run import launch
from xstilts.store import Store
from xstilts.study.phase import Phase
from xstilts.study.plan import Plan
from xstilts.study.step import Step
from xstilts.tracking import following
from xstilts.tracking.following import Following
from xstilts.tracking.tracker import News, find

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell


DOCUMENT = Path(__file__).parents[2] / "docs" / "trackers.md"


class Heard:
    """A tracker that keeps what it is told, or fails, or hangs."""

    place = "a list"

    def __init__(self, fails_at: int = 0, hangs: bool = False) -> None:
        self.news: list[News] = []
        self.closed, self._fails_at, self._hangs = False, fails_at, hangs

    def tell(self, news: News) -> None:
        if self._hangs:
            time.sleep(60)
        if len(self.news) + 1 == self._fails_at:
            raise ConnectionError("no answer\nand more of it")
        self.news.append(news)

    def close(self) -> None:
        self.closed = True

    def of(self, run: str) -> list[News]:
        return [news for news in self.news if news.id == run]


class Play:
    """The example study, whose steps are done one by one."""

    def __init__(self, folder: Path, whole: example.World) -> None:
        self.plan: Plan = whole.plan
        self._from = whole.store
        self.store = Store(folder / "store")
        self.store.prepare()
        self.said: list[str] = []
        self.phase = next(
            step
            for step in self.plan.steps
            if step.kind == "phase" and step.name == "lab_nli-then-lab_ner-seed1"
        )

    def follow(self, *trackers: Any) -> Following:
        return Following(self.plan, self.store, trackers, lambda *_: None, self.said.append)

    def do(self, step: Step, told: Following) -> None:
        """A step begins and is finished, as in the whole store."""
        told(step, {"event": "started"})
        self._copy(step)
        told(step, {"event": "finished", "outcome": "done"})

    def _copy(self, step: Step) -> None:
        done = self._from.folder(step.fingerprint)
        if done is None:  # a backbone
            return
        with self.store.writing(step) as folder:
            for path in done.iterdir():
                (folder / path.name).write_bytes(path.read_bytes())

    def curve(self, updates: int) -> list[dict[str, float]]:
        lines = self._from.file(self.phase.fingerprint, "curve.jsonl").read_text().splitlines()
        return [point for line in lines if (point := json.loads(line))["update"] <= updates]

    def save(self, updates: int) -> None:
        """The state of the phase after so many updates."""
        progress = {"update": updates, "curve": self.curve(updates)}
        folder = self.store.running(self.phase.fingerprint)
        save_file({"x": np.zeros(3)}, folder / "state.safetensors", {"progress": json.dumps(progress)})

    @property
    def run(self) -> str:
        return f"example-{self.phase.fingerprint}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> example.World:
    return example.make(tmp_path_factory.mktemp("whole"), seeds=(1, 2))


@pytest.fixture
def play(tmp_path: Path, whole: example.World) -> Play:
    return Play(tmp_path, whole)


def wait_for(what: Any) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def points(news: Iterable[News]) -> list[int]:
    return [update for one in news for update, _ in one.points]


def test_a_study_has_a_run_for_each_phase_with_all_that_is_known(play: Play) -> None:
    heard = Heard()
    with play.follow(heard) as told:
        for step in play.plan.steps:
            play.do(step, told)
    assert heard.closed and not play.said
    phases = [step for step in play.plan.steps if step.kind == "phase"]
    of_phases = {f"example-{step.fingerprint}" for step in phases}
    runs = {news.id for news in heard.news}
    assert of_phases < runs
    assert {news.study for news in heard.news} == {"example"}
    news = heard.of(play.run)
    facts = news[0].facts
    assert news[-1].name == play.plan.names[play.phase.fingerprint]
    known = {name: facts[name] for name in ("backbone", "arm", "target", "phase", "seed", "tasks")}
    assert known == {
        "backbone": "lab-mini",
        "arm": "nli",
        "target": "lab_ner",
        "phase": "target",
        "seed": 1,
        "tasks": "lab_ner",
    }
    assert facts["recipe.learning_rate"] == 7e-4 and facts["fingerprint"] == play.phase.fingerprint
    assert points(news) == [point["update"] for point in play.curve(60)]
    values = {name: value for one in news for name, value in one.values.items()}
    assert values["development/lab_ner/accuracy"] == 83.0
    assert (values["cost/seconds"], values["cost/tokens"]) == (21.5, 54_000)
    (evaluation,) = [
        step
        for step in play.plan.steps
        if step.kind == "evaluation" and play.phase.fingerprint in step.parents
    ]
    scores = play.store.scores(evaluation.fingerprint)["languages"]
    assert values["evaluation/lab_ner/x-en"] == scores["x-en"]["value"]
    transfer = [score["value"] for code, score in scores.items() if code != "x-en"]
    assert values["evaluation/lab_ner/transfer"] == pytest.approx(np.mean(transfer))
    assert {one.state for one in news[-2:]} == {"finished"}
    arms = {
        one.facts.get("arm"): one.facts["phase"] for one in heard.news if one.facts.get("tasks") == "lab_ccg"
    }
    assert arms == {"tags": "intermediate"}
    majority = heard.of("example-majority")
    assert "evaluation/lab_nli/x-en" in {name for one in majority for name in one.values}


def test_a_running_phase_is_told_from_its_state_and_a_resumed_one_continues(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.0)
    first, second = Heard(), Heard()
    lease = play.store.lease(play.phase.fingerprint)
    assert lease is not None
    with lease, play.follow(first) as told:
        told(play.phase, {"event": "started"})
        wait_for(lambda: first.of(play.run))
        play.save(20)
        told(play.phase, {"event": "progress", "update": 25})
        wait_for(lambda: points(first.of(play.run)))
        told(play.phase, {"event": "progress", "update": 26})  # nothing new was saved
    assert points(first.of(play.run)) == [point["update"] for point in play.curve(20)]
    assert [news.state for news in first.of(play.run)] == ["running", "running"]
    assert [news.is_first for news in first.of(play.run)] == [True, False]
    with play.follow(second) as told:
        play.do(play.phase, told)
    news = second.of(play.run)
    assert not any(one.is_first for one in news)
    assert points([*first.of(play.run), *news]) == [point["update"] for point in play.curve(60)]
    assert news[-1].state == "finished"
    third = Heard()
    with play.follow(third):
        pass
    assert third.news == [], "nothing is told twice"


def test_what_was_computed_before_is_told_too(play: Play) -> None:
    with play.follow() as told:
        for step in play.plan.steps:
            play.do(step, told)
    heard = Heard()
    with play.follow(heard):
        pass
    assert points(heard.of(play.run)) == [point["update"] for point in play.curve(60)]


def test_a_failed_phase_says_why_and_may_be_tried_again(play: Play) -> None:
    play.store.fail(play.phase, "the loss is nan.", "Traceback")
    heard = Heard()
    with play.follow(heard) as told:
        told(play.phase, {"event": "failed", "message": "the loss is nan."})
    (news,) = heard.of(play.run)
    assert (news.state, news.message) == ("failed", "the loss is nan.")
    with play.follow(heard) as told:
        play.do(play.phase, told)
    assert heard.of(play.run)[-1].state == "finished"


def test_one_that_fails_is_told_in_a_line_and_by_the_next_run_what_it_missed(play: Play) -> None:
    broken, other = Heard(fails_at=3), Heard()
    other.place = "another list"
    with play.follow(broken, other) as told:
        for step in play.plan.steps:
            play.do(step, told)
    (line,) = play.said
    assert line == (
        "Heard: ConnectionError: no answer. "
        "The study goes on without it; the next run tells it what it missed."
    )
    assert len(other.news) > len(broken.news) == 2
    again = Heard()
    with play.follow(again):
        pass
    told_of = {news.id for news in (*broken.news, *again.news)}
    assert told_of == {news.id for news in other.news}


def test_one_that_hangs_is_left_alone(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.2)
    with play.follow(Heard(hangs=True)) as told:
        play.do(play.phase, told)
    assert play.said[0].startswith("Heard: has not answered for 0.2 s.")


def _example() -> str:
    """The class in docs/trackers.md."""
    return DOCUMENT.read_text().split("```python\n")[1].split("```")[0]


def test_other_packages_offer_trackers_by_name(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site"
    (package / "lines-1.dist-info").mkdir(parents=True)
    (package / "lines.py").write_text(_example())
    (package / "lines-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: lines\nVersion: 1\n"
    )
    (package / "lines-1.dist-info" / "entry_points.txt").write_text(
        "[xstilts.trackers]\nlines = lines:Lines\n"
    )
    monkeypatch.syspath_prepend(package)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
    monkeypatch.setattr(launch, "COMPUTE", "tracked:compute")
    status, _, err = shell("run", world.study(), "--track", "lines")
    assert status == 0, err
    lines = Path("store/tracking/small.txt").read_text().splitlines()
    plan, _ = xstilts.Study.load(world.study()).planned("store")
    phases = [step for step in plan.steps if isinstance(step.specification, Phase)]
    for step in phases:
        own = [line for line in lines if line.startswith(f"{plan.names[step.fingerprint]}: ")]
        assert any("finished" in line for line in own), step.name
    assert any("evaluation/mood/de" in line for line in lines)


def test_what_a_command_cannot_track_with_is_told_before_anything_runs(
    world: "World", shell: "Shell"
) -> None:
    status, _, err = shell("run", world.study(), "--track", "tensorbord")
    assert status == 2
    assert "Did you mean 'tensorboard'?" in err and "docs/trackers.md" in err
    assert not Path("store/log.txt").exists()


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.delitem(sys.modules, "xstilts.tracking.wandb", raising=False)
    with pytest.raises(InputError, match=r"--track wandb: needs wandb, .* pip install 'xstilts\[wandb\]'"):
        find("wandb", "study", tmp_path)


def test_python_takes_trackers_and_refuses_what_is_none(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
    monkeypatch.setattr(launch, "COMPUTE", "tracked:compute")
    heard = Heard()
    study = xstilts.Study.load(world.study())
    for no_tracker in ([object()], Heard, [Heard], 3, None):
        with pytest.raises(InputError, match="is no tracker"):
            study.run("store", workers=1, track=no_tracker)  # type: ignore[arg-type]
    assert study.run("store", workers=1, track=heard).complete
    assert heard.closed and {news.study for news in heard.news} == {"small"}
