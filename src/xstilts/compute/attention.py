"""Attention and dropout of models that are trained: on a processor, and of packed sequences.

Where attention is dropped out, torch has no fused kernel for processors. What it does instead keeps three
tables of the size heads x tokens x tokens for the gradients of each layer. Here the weights are computed
again for the gradients (as in FlashAttention, Dao et al. 2022, arXiv 2205.14135), and of the mask one byte
for each weight is kept.

Packed sequences stand one after the other in a row, without padding, and each sees itself alone: on a GPU by
FlashAttention's kernel for sequences of unlike lengths, on a processor by a mask, which only tests use.

Dropout itself has its random numbers drawn in bulk on a processor. torch draws one for each value, one after
the other, which takes longer than what a small layer computes. Here one number of torch's generator seeds a
fast generator (SFC64) that fills all values at once with 16 bits each. So the masks are still a function of
torch's seed alone, and layers that are computed again to save memory drop the same values.

Shapes: B sequences, A heads, L tokens, D numbers of a head, T tokens of all sequences.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from xstilts.study.architecture import facts_of

NAME, PLAIN = "xstilts", "sdpa"

FLASH_SIZES = range(8, 257, 8)
"""The sizes of a head that FlashAttention has kernels for."""


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


@dataclass(frozen=True)
class Packed:
    """How packed sequences are attended to: they begin and end at `cuts` [S + 1], and each token sees as many
    on either side as `sides` says, -1 being all of its sequence."""

    cuts: torch.Tensor
    longest: int
    sides: tuple[int, int]
    dropout: float
    scale: float | None


def blocks(cuts: torch.Tensor, window: int | None, *, causal: bool) -> torch.Tensor:
    """Which tokens of packed sequences see which, [1, 1, T, T]: those of their own sequence, less than
    `window` tokens away."""
    lengths = cuts.diff().long()
    sequence = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    places = torch.arange(len(sequence))
    away = places[:, None] - places
    seen = sequence[:, None] == sequence
    if causal:
        seen &= away >= 0
    if window is not None:
        seen &= away.abs() < window
    return seen[None, None]


def flash(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, packed: Packed) -> torch.Tensor:
    """Attention of packed sequences [1, A, T, D] by FlashAttention, in bf16, [1, T, A, D]."""
    states: list[Any] = [one[0].transpose(0, 1).to(torch.bfloat16) for one in (query, key, value)]
    states += [packed.cuts, packed.cuts, packed.longest, packed.longest]
    sides, scale = packed.sides, packed.scale
    found: Any
    if packed.dropout == 0:
        shared = query.shape[1] != key.shape[1]
        found = varlen_attn(*states, scale=scale, window_size=sides, enable_gqa=shared)
    else:  # what varlen_attn calls, which has no dropout
        window = {"window_size_left": sides[0], "window_size_right": sides[1]}
        states += [packed.dropout, sides == (-1, 0), False]
        found = torch.ops.aten._flash_attention_forward(*states, scale=scale, **window)[0]
    output: torch.Tensor = found[None]
    return output


def _forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers' layers call: `flash` and `attend` where they apply, else torch's.

    Packed sequences have `cu_seq_lens_q`, and their mask says nothing.
    """
    stated, cuts = options.get("is_causal"), options.get("cu_seq_lens_q")
    causal = bool(getattr(module, "is_causal", True) if stated is None else stated)
    dropout, scale = float(options.get("dropout") or 0.0), options.get("scaling")
    if cuts is not None:
        window = options.get("sliding_window")
        if query.device.type != "cpu":
            side = -1 if window is None else window - 1
            sides = side, 0 if causal else side
            packed = Packed(cuts, options["max_length_q"], sides, dropout, scale)
            return flash(query, key, value, packed), None
        attention_mask = blocks(cuts, window, causal=causal)
    masked = attention_mask.dtype == torch.bool if attention_mask is not None else not causal
    alike = query.device.type == "cpu" and query.shape[1] == key.shape[1] and query.dtype == value.dtype
    if dropout == 0 or not masked or not alike or options.get("position_bias") is not None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return found
    scale = scale or query.shape[-1] ** -0.5
    return attend(query, key, value, attention_mask, dropout, scale).transpose(1, 2).contiguous(), None


def _mask(*inputs: Any, **options: Any) -> torch.Tensor | None:
    """torch's mask. On a GPU it is made without asking whether there is padding: the host would wait."""
    padding = options.get("attention_mask")
    if padding is not None and padding.device.type != "cpu":
        options |= {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    mask: torch.Tensor | None = sdpa_mask(*inputs, **options)
    return mask


def unpackable(model: PreTrainedModel) -> str:
    """Why a model cannot be given packed sequences; empty if it can."""
    settings: Any = model.config
    heads = getattr(settings, "num_attention_heads", 0)
    size = getattr(settings, "head_dim", None) or (settings.hidden_size // heads if heads else 0)
    if not facts_of(settings.model_type).packed or settings._attn_implementation != NAME:
        return f"{settings.model_type} models are given padded ones"
    return "" if size in FLASH_SIZES else f"FlashAttention has no heads of size {size}"


def keep_little(model: PreTrainedModel) -> None:
    """Let the layers of a model that is trained attend in this way, if they attend as torch does."""
    if model.config._attn_implementation == PLAIN:
        AttentionInterface.register(NAME, _forward)
        AttentionMaskInterface.register(NAME, _mask)
        model.set_attn_implementation(NAME)


def keep_all(model: PreTrainedModel) -> None:
    """Let the layers attend as torch does again."""
    if model.config._attn_implementation == NAME:
        model.set_attn_implementation(PLAIN)


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
