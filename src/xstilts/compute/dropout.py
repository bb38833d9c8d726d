"""Dropout on a processor, its random numbers drawn in bulk.

torch draws a random number for each value, one after the other, which takes longer than what a small layer
computes. Here one number of torch's generator seeds a fast generator (SFC64) that fills all values at once
with 16 bits each. So the masks are still a function of torch's seed alone, and layers that are computed again
to save memory drop the same values.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

LEVELS = 2**16


class Dropout(nn.Dropout):
    """As torch's, with other draws; the share is rounded to 16 bits. On a GPU it is torch's."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0 or values.device.type != "cpu":
            return super().forward(values)
        mask = kept(values.shape, self.p)
        left: torch.Tensor = _Dropped.apply(values, mask, kept_scale(self.p))  # type: ignore[no-untyped-call]
        return left


class _Dropped(torch.autograd.Function):
    """`dropped`, for whose gradient one byte of each value is kept."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, keep: torch.Tensor, scale: float) -> torch.Tensor:
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return dropped(values, keep, scale)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return dropped(gradient, keep, ctx.scale), None, None


def in_bulk(model: nn.Module) -> None:
    """Let all dropout layers of a model draw in bulk."""
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout


def kept(shape: Sequence[int], share: float) -> torch.Tensor:
    """Which values are kept: all but about that share."""
    count, seed = math.prod(shape), int(torch.empty((), dtype=torch.int64).random_())
    drawn = np.random.Generator(np.random.SFC64(seed)).integers(0, 2**64, -(-count // 4), dtype=np.uint64)
    levels = torch.from_numpy(drawn.view(np.int16)[:count]).view(*shape)
    fewest = round(share * LEVELS)
    return levels >= fewest - LEVELS // 2 if fewest < LEVELS else torch.zeros(*shape, dtype=torch.bool)


def dropped(values: torch.Tensor, keep: torch.Tensor, scale: float) -> torch.Tensor:
    """The values that are kept times the scale, and zero for the others."""
    if values.dtype == torch.float32:
        return values * (keep * scale)  # the same in one pass less
    return values * keep.to(values.dtype).mul_(scale)


def kept_scale(share: float) -> float:
    """What the values that are kept are multiplied by, so that the mean stays."""
    return LEVELS / max(1, LEVELS - round(share * LEVELS))
