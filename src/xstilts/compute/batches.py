"""All items of a task in large batches, to be asked and not trained on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.compute.data import Batch, Encoded, collate, passes, split
from xstilts.compute.model import Model

TOKENS = 16_384
"""Padded tokens of one forward pass without gradients on a GPU."""

CPU_TOKENS, CPU_PADDING = 2_048, 0.05
"""The same on a processor, and the most padding. There small passes are as fast as large ones, padding costs
as much as text, and what a layer of 3,072 units hands on takes less than the 32 MiB from which on glibc has
the system's memory anew at every call."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The arithmetic of a recipe: bfloat16 where autocast allows it, or float32 throughout.

    Weights are cast once until it ends.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def batches(model: Model, data: Encoded) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """All items, by falling length so that too large a batch shows at once, with their batches."""
    model.check_room(data)
    for part in parts(data, model.device):
        yield part, collate(data, part, model.pad).to(model.device)


def parts(data: Encoded, device: torch.device) -> list[NDArray[np.int64]]:
    """The items of each pass on that device, by falling length."""
    if not len(data):
        return []
    if device.type == "cpu":
        return list(passes(data, np.arange(len(data)), CPU_TOKENS, CPU_PADDING))[::-1]
    return list(split(data, np.argsort(-data.cost, kind="stable"), TOKENS))
