"""A target phase from the folder of each real format: training and evaluation as a study runs them."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from eight import Folder, columns, opened, placed
from toybox import Box, evaluation, phase, use

from formats import FORMATS, TEXT_NAMES
from xstilts.compute import checkpoint
from xstilts.compute.data import collate
from xstilts.errors import BackboneError
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.recipe import Adapter
from xstilts.study.step import Places

TASKS = ("pairs", "tags", "questions", "choices")
RECIPE: dict[str, Any] = {"updates": 3, "learning_rate": 1e-3, "max_length": 48, "batch_tokens": 400}


def _run(box: Box, places: Places, trained: Phase, task: str) -> dict[str, Any]:
    """Train, evaluate in two languages; gives the scores."""
    box.compute(trained, places=places)
    recipe = trained.recipe
    asked = _asked(trained, task, recipe.readout, recipe.attention)
    box.compute(asked, places=places)
    found: dict[str, Any] = json.loads((box.folder(asked) / "scores.json").read_text())
    return found


def _asked(model: Backbone | Phase, task: str, readout: str, attention: str) -> Evaluation:
    inference = Inference.model_validate_json(
        json.dumps(
            {"max_length": 48, "stride": 16, "precision": "fp32", "readout": readout, "attention": attention}
        )
    )
    return evaluation(model, task, trained_by=use(task, examples=24), inference=inference)


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_one_target_phase(name: str, real_format: Folder, box: Box) -> None:
    backbone, places = placed(real_format(name))
    task = TASKS[TEXT_NAMES.index(name) % len(TASKS)]
    trained = phase(use(task, examples=24), parent=backbone, **RECIPE)
    scores = _run(box, places, trained, task)
    assert set(scores["languages"]) == {"en", "de"}
    assert all(0 <= one["value"] <= 100 and one["n"] == 80 for one in scores["languages"].values())
    record = box.compute(trained)
    assert set(record["source_score"]) == {task}
    curve = box.curve(trained)
    assert len(curve) == 3
    again = checkpoint.load(box.checkpoint(trained))
    assert list(again.heads) == [task]
    begin = opened(real_format(name), "tagging").encoder.state_dict()
    moved = [one for one, tensor in again.encoder.state_dict().items() if not torch.equal(tensor, begin[one])]
    assert len(moved) > 0.4 * len(begin), "tokens are read in the encoder"
    assert again.encoder.config.model_type == FORMATS[name].model_type


OTHER_WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "text of mT5": ("mt5", "pairs", {"readout": "text"}),
    "text of Llama": ("llama", "questions", {"readout": "text"}),
    "text of BLOOM with an adapter": ("bloom", "choices", {"readout": "text", "adapter": Adapter()}),
    "all in sight of Qwen": ("qwen2", "tags", {"attention": "bidirectional"}),
    "all in sight of BLOOM": ("bloom", "questions", {"attention": "bidirectional"}),
}


@pytest.mark.parametrize("case", OTHER_WAYS)
def test_a_target_phase_in_another_way(case: str, real_format: Folder, box: Box) -> None:
    name, task, recipe = OTHER_WAYS[case]
    backbone, places = placed(real_format(name))
    trained = phase(use(task, examples=24), parent=backbone, **(RECIPE | recipe))
    scores = _run(box, places, trained, task)
    assert set(scores["languages"]) == {"en", "de"}


@pytest.mark.parametrize("name", ["qwen2", "bloom"])
def test_what_a_decoder_sees_is_for_each_recipe_to_say(name: str, real_format: Folder, box: Box) -> None:
    """The folder tells transformers what the last one said."""
    backbone, places = placed(real_format(name))
    parent = phase(use("tags", examples=24), parent=backbone, attention="bidirectional", **RECIPE)
    child = phase(use("tags", examples=24), parent=parent, **RECIPE)
    for trained, causal in ((parent, False), (child, True)):
        box.compute(trained, places=places)
        assert json.loads((box.checkpoint(trained) / "config.json").read_text())["is_causal"] == causal
    known = checkpoint.load(box.checkpoint(parent)).eval()
    batch = collate(columns(known, "tagging"), np.arange(4), known.pad)
    with torch.inference_mode():
        before = known.hidden(batch)
        known.attend("bidirectional")
        assert torch.equal(known.hidden(batch), before)
        known.attend("causal")
        assert (known.hidden(batch) - before).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["xlm-r", "mt5", "xglm"])
def test_text_of_its_own_between(name: str, real_format: Folder, box: Box) -> None:
    """An intermediate phase on unlabelled text by the model's own objective, then a target phase."""
    backbone, places = placed(real_format(name))
    between = phase(use("texts", examples=24), parent=backbone, **RECIPE)
    record = box.compute(between, places=places)
    assert record["source_score"]["texts"]["metric"] == "masked_accuracy"
    assert list(checkpoint.load(box.checkpoint(between)).heads) == ["masked"]
    _run(box, places, phase(use("pairs", examples=24), parent=between, **RECIPE), "pairs")


@pytest.mark.parametrize(
    ("name", "task", "recipe", "why"),
    [
        ("xlm-r", "pairs", {"readout": "text"}, "an encoder writes no text"),
        ("mt5", "tags", {"readout": "text"}, "a sequence of tags is not read out as text"),
        ("llama", "texts", {"attention": "bidirectional"}, "cannot be trained to predict it"),
    ],
)
def test_what_a_model_cannot_do_is_told_when_it_is_loaded(
    name: str, task: str, recipe: dict[str, Any], why: str, real_format: Folder, box: Box
) -> None:
    """As it is for models of the Hub, of which a plan knows no more than the name."""
    backbone, places = placed(real_format(name))
    with pytest.raises(BackboneError, match=f"cannot do '{task}' in this way: .*{why}"):
        box.compute(phase(task, parent=backbone, **(RECIPE | recipe)), places=places)
    asked = _asked(backbone, "pairs", "head", "bidirectional")
    if name != "llama":
        with pytest.raises(BackboneError, match="`attention` says what the tokens of a decoder see"):
            box.compute(asked, places=places)
