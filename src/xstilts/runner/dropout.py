"""Dropout on a processor, its random numbers drawn in bulk.

torch draws a random number for each value, one after the other, which takes longer than what a small layer
computes. Here one number of torch's generator seeds a fast generator (SFC64) that fills all values at once
with 16 bits each. So the masks are still a function of torch's seed alone, and layers that are computed again
to save memory drop the same values.
"""

import numpy as np
import torch
from torch import nn

BITS = 16


class Dropout(nn.Dropout):
    """As torch's, with other draws; the share is rounded to 16 bits. On a GPU it is torch's."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0 or values.device.type != "cpu":
            return super().forward(values)
        return values * _mask(values, self.p)


def in_bulk(model: nn.Module) -> None:
    """Let all dropout layers of a model draw in bulk."""
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout


def _mask(values: torch.Tensor, share: float) -> torch.Tensor:
    """Zero for about that share of the values, and for the others what keeps their mean."""
    dropped = round(share * 2**BITS)
    if dropped == 2**BITS:
        return torch.zeros_like(values)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = -(-values.numel() * BITS // 64)
    drawn = np.random.Generator(np.random.SFC64(seed)).integers(0, 2**64, words, dtype=np.uint64)
    bits = torch.from_numpy(drawn.view(np.int16)[: values.numel()]).view(values.shape)
    kept: torch.Tensor = (bits >= dropped - 2 ** (BITS - 1)).to(values.dtype)
    return kept.mul_(2**BITS / (2**BITS - dropped))
