"""All items of a task in large batches, to be asked and not trained on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.runner.data import Batch, Encoded, collate, split
from xstilts.runner.model import Model

TOKENS = 16_384
"""Padded tokens of one forward pass without gradients."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The arithmetic of a recipe: bfloat16 where autocast allows it, or float32 throughout."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def batches(model: Model, data: Encoded) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """All items, by falling length so that too large a batch shows at once, with their batches."""
    model.check_room(data)
    order = np.argsort(-data.cost, kind="stable")
    for part in split(data, order, TOKENS):
        yield part, collate(data, part, model.pad).to(model.device)
