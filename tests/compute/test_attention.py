"""Attention that keeps little has the values and gradients of attention with the same weights dropped."""

import pytest
import torch
from eight import Folder, placed
from toybox import Box, phase, use

from xstilts.compute import attention
from xstilts.compute.attention import attend, kept, kept_scale

MASKS = {
    "none": None,
    "padding": torch.tensor([[True] * 5, [True, True, True, False, False]])[:, None, None, :],
}


def plain(query, key, value, mask, dropout, scale):
    """By torch's own gradients; the masks are drawn as they are in `attend`."""
    keep = kept((*query.shape[:-1], key.shape[-2]), dropout)
    scores = query @ key.transpose(-2, -1) * scale
    weights = torch.softmax(scores if mask is None else scores.masked_fill(~mask, float("-inf")), dim=-1)
    return (weights * keep * kept_scale(dropout)) @ value


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_values_and_gradients_are_those_of_the_plain_formula(mask: torch.Tensor | None) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    upstream = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    found = []
    for way in (attend, plain):
        torch.manual_seed(7)
        values = way(*inputs, mask, 0.3, 0.5)
        found.append((values, *torch.autograd.grad(values, inputs, upstream)))
    for own, expected in zip(*found, strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12)


def test_in_bf16_gradients_are_those_of_more_exact_numbers_to_rounding() -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 9, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    torch.manual_seed(7)
    found = attend(*inputs, None, 0.3, 0.35)
    torch.manual_seed(7)
    expected = plain(*(one.detach().float().requires_grad_() for one in inputs), None, 0.3, 0.35)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.02)
    for gradient in torch.autograd.grad(found.sum(), inputs):
        assert gradient.dtype == torch.bfloat16


def test_models_attend_in_this_way_while_they_are_trained_and_no_longer(
    real_format: Folder, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(attention, "attend", lambda *inputs: calls.append(inputs) or attend(*inputs))
    backbone, places = placed(real_format("xlm-r"))
    trained = phase(use("pairs", examples=8), parent=backbone, updates=2, dropout=0.1)
    box.compute(trained, places=places)
    assert len(calls) >= 2 * 2, "in each layer of each update"
    assert "xstilts" not in (box.checkpoint(trained) / "config.json").read_text()
