"""A training in less memory computes states twice and ends with the same bits."""

from typing import Any

import pytest
import torch
from eight import Folder, placed
from toybox import Box, phase, use
from transformers.modeling_layers import GradientCheckpointingLayer

from xstilts.compute import work
from xstilts.compute.context import Means
from xstilts.compute.model import Model
from xstilts.study.recipe import Adapter
from xstilts.study.step import Step

WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an encoder": ("xlm-r", "tags", {}),
    "an encoder-decoder": ("mt5", "pairs", {}),
    "a decoder with an adapter": ("llama", "pairs", {"adapter": Adapter()}),
}


@pytest.mark.parametrize("case", WAYS)
def test_states_are_computed_twice_with_the_same_numbers(
    case: str, real_format: Folder, first: Box, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, task, fields = WAYS[case]
    backbone, places = placed(real_format(name))
    fields = fields | {"batch_tokens": None, "batch_size": 1}  # one pass for each update
    trained = phase(use(task, examples=12), parent=backbone, updates=2, dropout=0.1, evaluations=1, **fields)
    first.compute(trained, places=places)
    save_memory, calls = Model.save_memory, []

    def counted(model: Model) -> None:
        save_memory(model)
        layer = next(one for one in model.encoder.modules() if isinstance(one, GradientCheckpointingLayer))
        linear = next(one for one in layer.modules() if isinstance(one, torch.nn.Linear))
        linear.register_forward_hook(lambda *_: calls.append(layer.training))

    monkeypatch.setattr(Model, "save_memory", counted)
    assert (
        work.compute(Step(trained), box.store, places, lambda event: None, Means(save_memory=True)) == "done"
    )
    assert box.weights(trained) == first.weights(trained)
    assert calls.count(True) == 2 * 2, "in each of two updates again for the gradients"
    assert calls.count(False) > 0, "and once where it is only asked"
