"""Phases and a whole study about images: real formats train and answer, a study goes from plan to report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from eight import placed
from toybox import FAST, Box, evaluation, phase, use

from shell import Shell
from xstilts.compute import checkpoint
from xstilts.errors import InputErrors
from xstilts.study.architecture import check_kinds
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.plan import plan
from xstilts.study.sources import unseeing
from xstilts.study.step import Step
from xstilts.study.use import Development, Use, View

if TYPE_CHECKING:
    from conftest import World

Folder = Callable[[str], Path]
RECIPE: dict[str, Any] = {"updates": 3, "learning_rate": 1e-3, "max_length": 48, "batch_size": 8}
RECIPE |= {"batch_tokens": None}
READOUT = {"siglip2": "head", "paligemma": "text", "qwen2-vl": "text"}
TOWERS = {"siglip2": "vision_model", "paligemma": "vision_tower", "qwen2-vl": "visual"}


def look(split: str = "train", view: View = "all") -> Use:
    shown = Development(split="dev", language="x-en", data="x") if split == "train" else None
    return use("looks", split, ("x-en",), view=view, development=shown)


def asked(model: Phase, view: View = "all") -> Evaluation:
    recipe = model.recipe
    inference = Inference(
        max_length=recipe.max_length, stride=FAST["stride"], precision="fp32", readout=recipe.readout
    )
    return evaluation(
        model, "looks", ("x-en",), use=look("test", view), trained_by=look(), inference=inference
    )


@pytest.mark.parametrize("name", READOUT)
def test_a_target_phase_after_one_on_text(name: str, real_format: Folder, box: Box) -> None:
    backbone, places = placed(real_format(name))
    text = phase(use("pairs", examples=16), parent=backbone, readout=READOUT[name], **RECIPE)
    target = phase(look(), parent=text, readout=READOUT[name], **RECIPE)
    box.compute(text, places=places)
    record = box.compute(target, places=places)
    assert record["source_score"]["looks"]["n"] == 9
    for view in ("all", "shuffled"):
        box.compute(asked(target, view), places=places)
        scores = json.loads((box.folder(asked(target, view)) / "scores.json").read_text())
        assert scores["languages"]["x-en"]["n"] == 18
    folders = (real_format(name), box.checkpoint(text), box.checkpoint(target))
    first, second, third = map(checkpoint.load, folders)
    assert first.preparation == second.preparation == third.preparation
    start, before, after = (
        torch.cat([p.flatten() for p in getattr(model.encoder, TOWERS[name]).parameters()])
        for model in (first, second, third)
    )
    assert torch.equal(start, before), "text trains the tower that reads"
    assert not torch.equal(before, after)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("siglip2", {"tags": "gives one state", "texts": "gives one state"}),
        ("paligemma", {"tags": 'with `readout = "text"`', "looks": 'with `readout = "text"`'}),
        ("siglip2-naflex", {"looks": "a size of its own"}),
        ("qwen2-vl", {"tags": 'with `readout = "text"`', "looks": 'with `readout = "text"`'}),
    ],
)
def test_what_cannot_be_done_is_told_at_check(name: str, wanted: dict[str, str], real_format: Folder) -> None:
    backbone, places = placed(real_format(name))
    for task, words in wanted.items():
        step = Step(phase(look() if task == "looks" else task, parent=backbone, **RECIPE))
        (error,) = check_kinds("x.toml", [step], places)
        assert words in str(error)
    able = phase(look(), parent=backbone, readout=READOUT.get(name, "head"), **RECIPE)
    assert (unseeing(Step(able), places) is None) == (name in READOUT)


LOOKS = """
from xstilts.lab.pairs import INFERENCE
from xstilts.data.task import Task
from xstilts.lab import Lab

TASK = Task(
    family="visual", languages=("x-en", "x-ia"), source_language="x-en", labels=INFERENCE, metric="accuracy",
    captions=True, description="A test", citation="Nobody", licence="None",
    made=Lab(name="vnli", sizes={"train": 18, "dev": 9, "test": 18}),
)
"""
SHOWN = """
from xstilts.data.task import Task
from xstilts.lab import Lab

TASK = Task(
    family="masked", languages=("x-en", "x-ia"), source_language="x-en", metric="", evaluation_split="dev",
    description="A test", citation="Nobody", licence="None",
    made=Lab(name="captions", sizes={"train": 20, "dev": 6}),
)
"""
STUDY = """
name = "small"
question = "Does it see?"
references = ["majority", "shuffled-images", "text-only", "translate-test"]

[backbones.eyes]
model = "lab"
vision = { size = 32, patch = 16 }

[intermediate.recipe]
updates = 2
batch_size = 4
max_length = 64
stride = 16
precision = "fp32"
[intermediate.arms]
none = []
shown = ["./shown.py"]

[target]
tasks = ["./looks.py"]
[target.recipe]
updates = 2
batch_size = 4
max_length = 96
stride = 16
precision = "fp32"

[[claims]]
says = "It sees"
arms = ["shown"]
against = ["text-only", "shuffled-images"]
"""


def test_a_study_about_pictures_from_plan_to_report(
    world: "World", capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "looks.py").write_text(LOOKS)
    (world.folder / "shown.py").write_text(SHOWN)
    path = world.study(text=STUDY)
    found = plan(load(path))
    made = [step for step in found.steps if step.kind == "backbone"]
    assert [step.name for step in made] == ["local-seeing"]
    shell = Shell(capsys, monkeypatch)
    store, out = world.folder / "store", world.folder / "report"
    status, _, complaint = shell("run", path, "--store", store, "--workers", "1", "--out", out)
    assert status == 0, complaint
    page = "".join(one.read_text() for one in out.glob("*.html"))
    for control in ("images shuffled", "text only", "text translated"):
        assert control in page
    assert "It sees" in page


def test_eyes_that_are_stated_wrongly_are_told(world: "World") -> None:
    right = "vision = { size = 32, patch = 16 }"
    wrong = {
        "vision = { size = 32 }": "needs `size` and `patch`, or a `model`",
        "vision = { size = 32, patch = 5 }": "32 is no multiple of 5",
        'vision = { model = "google/vit" }': "is missing for 'google/vit'",
        'vision = { model = "./eyes", revision = "x" }': "belongs to a model of the Hub only",
        'vision = { model = "google/vit", revision = "x", size = 32 }': "which has its own",
    }
    (world.folder / "looks.py").write_text(LOOKS)
    (world.folder / "shown.py").write_text(SHOWN)
    for stated, words in wrong.items():
        with pytest.raises(InputErrors) as raised:
            load(world.study((right, stated), text=STUDY))
        assert words in str(raised.value)
