"""Attention with dropout on a processor that keeps little for its gradients.

Where attention is dropped out, torch has no fused kernel for processors. What it does instead keeps three
tables of the size heads x tokens x tokens for the gradients of each layer. Here the weights are computed
again for the gradients (as in FlashAttention, Dao et al. 2022, arXiv 2205.14135), and of the mask one byte
for each weight is kept.

Shapes: B sequences, A heads, L tokens, D numbers of a head.
"""

from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from xstilts.runner.dropout import dropped, kept, kept_scale

NAME, PLAIN = "xstilts", "sdpa"


class _Attention(torch.autograd.Function):
    """softmax(Q K' scale) with some weights dropped, times V."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 (what torch's functions take)
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        keep: torch.Tensor,
        scale: float,
        factor: float,
    ) -> torch.Tensor:
        ctx.save_for_backward(query, key, value, mask, keep)
        ctx.scale, ctx.factor = scale, factor
        return dropped(_weights(query, key, mask, scale), keep, factor) @ value

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, mask, keep = ctx.saved_tensors
        weights = _weights(query, key, mask, ctx.scale)
        of_value = dropped(weights, keep, ctx.factor).transpose(-2, -1) @ gradient
        of_weights = dropped(gradient @ value.transpose(-2, -1), keep, ctx.factor)
        of_scores = weights * (of_weights - (of_weights * weights).sum(dim=-1, keepdim=True)) * ctx.scale
        return of_scores @ key, of_scores.transpose(-2, -1) @ query, of_value, None, None, None, None


def _weights(query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, scale: float) -> torch.Tensor:
    scores = (query @ key.transpose(-2, -1)) * scale
    if mask is not None:
        scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    exact = torch.promote_types(scores.dtype, torch.float32)
    return torch.softmax(scores, dim=-1, dtype=exact).to(scores.dtype)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    scale: float,
) -> torch.Tensor:
    """Attention [B, A, L, D] with dropout; in `mask`, broadcast to [B, A, L, L], is true what may be seen."""
    places = (*query.shape[:-1], key.shape[-2])
    inputs = query, key, value, mask, kept(places, dropout), scale, kept_scale(dropout)
    found: torch.Tensor = _Attention.apply(*inputs)  # type: ignore[no-untyped-call]
    return found


def _forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers' layers call: `attend` where it applies, else torch's."""
    causal = attention_mask is None and bool(options.get("is_causal", getattr(module, "is_causal", True)))
    masked = attention_mask is None or attention_mask.dtype == torch.bool
    alike = query.device.type == "cpu" and query.shape[1] == key.shape[1] and query.dtype == value.dtype
    dropout = float(options.get("dropout") or 0.0)
    if dropout == 0 or causal or not masked or not alike or options.get("position_bias") is not None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return found
    scale = options.get("scaling") or query.shape[-1] ** -0.5
    return attend(query, key, value, attention_mask, dropout, scale).transpose(1, 2).contiguous(), None


def keep_little(model: PreTrainedModel) -> None:
    """Let the layers of a model that is trained attend in this way, if they attend as torch does."""
    if model.config._attn_implementation == PLAIN:
        AttentionInterface.register(NAME, _forward)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)


def keep_all(model: PreTrainedModel) -> None:
    """Let the layers attend as torch does again."""
    if model.config._attn_implementation == NAME:
        model.set_attn_implementation(PLAIN)
