"""Dropout whose random numbers are drawn in bulk is dropout."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from xstilts.compute.attention import Dropout, in_bulk


def dropout(share: float) -> Dropout:
    model = nn.Sequential(nn.Dropout(share))
    in_bulk(model)
    layer = model[0]
    assert isinstance(layer, Dropout)
    return layer


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_share_is_dropped_and_the_mean_kept(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    values = torch.ones(333, 301, dtype=dtype)
    found = dropout(share)(values)
    assert found.dtype == dtype
    dropped, count = int((found == 0).sum()), values.numel()
    low, high = stats.binom.ppf([0.0005, 0.9995], count, share)
    assert low <= dropped <= high
    assert found.max().item() == pytest.approx(1 / (1 - share), rel=4e-3 if dtype == torch.bfloat16 else 2e-4)


def test_values_are_dropped_independently_of_their_neighbours() -> None:
    torch.manual_seed(1)
    zero = (dropout(0.3)(torch.ones(100_000)) == 0).numpy().astype(float)
    for distance in (1, 2, 3, 4, 64):
        assert abs(np.corrcoef(zero[:-distance], zero[distance:])[0, 1]) < 0.015


def test_gradients_are_dropped_where_values_are() -> None:
    values = torch.ones(1000, requires_grad=True)
    found = dropout(0.4)(values)
    found.sum().backward()
    assert torch.equal(values.grad, found.detach())


def test_masks_are_a_function_of_the_seed() -> None:
    layer, values = dropout(0.5), torch.ones(50, 7)
    torch.manual_seed(3)
    first, second = layer(values), layer(values)
    torch.manual_seed(3)
    assert torch.equal(layer(values), first)
    assert not torch.equal(first, second)


def test_nothing_is_dropped_where_nothing_should_be() -> None:
    values = torch.randn(9, 9)
    assert torch.equal(dropout(0.5).eval()(values), values)
    assert torch.equal(dropout(0.0)(values), values)
    assert not dropout(1.0)(values).any()


def test_a_byte_of_each_value_is_kept_for_the_gradients() -> None:
    kept: list[torch.dtype] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.dtype)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        dropout(0.4)(torch.ones(1000, requires_grad=True))
    assert kept == [torch.bool]
