"""Heads: from the states that a batch reads to scores.

Shapes: R states read, H hidden, K outputs of a head, V tokens of the vocabulary.
"""

import torch
from torch import nn

from xstilts.families.text import SUMMARIZED


class Head(nn.Module):
    """Scores from states: [R, H] -> [R, K].

    Linear; for families that summarise a sequence, behind a dense layer and tanh (as transformers' heads for
    classification); for masked language modelling behind dense, gelu and a norm, with the token embeddings
    as the last layer's weights (as in RoBERTa), where `epsilon` is that of the norm; without `biased` the
    layers before the last have no bias (ModernBERT).
    """

    def __init__(
        self, family: str, hidden: int, outputs: int, dropout: float, epsilon: float, *, biased: bool = True
    ) -> None:
        super().__init__()
        self.family = family
        self.dropout = nn.Dropout(dropout)
        biased = biased or family != "masked"
        self.dense = nn.Linear(hidden, hidden, bias=biased) if family in (*SUMMARIZED, "masked") else None
        self.norm = nn.LayerNorm(hidden, eps=epsilon, bias=biased) if family == "masked" else None
        self.out = nn.Linear(hidden, outputs)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        if self.family != "masked":
            states = self.dropout(states)
        if self.dense is not None:
            states = self.dense(states)
            states = torch.tanh(states) if self.norm is None else nn.functional.gelu(states)
        if self.norm is not None:
            states = self.norm(states)
        elif self.dense is not None:
            states = self.dropout(states)
        scores: torch.Tensor = self.out(states)
        return scores


class LanguageHead(nn.Module):
    """The next token's scores, [R, H] -> [R, V], as the pretrained model's own class computes them.

    `scale` multiplies the states (T5 with tied embeddings) and `cap` bounds the scores (Gemma 2); the bias
    is a constant (mBART's `final_logits_bias`), or none.
    """

    family = "masked"

    def __init__(
        self, weight: nn.Parameter, bias: torch.Tensor | None = None, scale: float = 1.0, cap: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = weight
        self.scale, self.cap = scale, cap
        self.bias: torch.Tensor | None
        self.register_buffer("bias", bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        scores = nn.functional.linear(states * self.scale if self.scale != 1 else states, self.weight)
        if self.bias is not None:
            scores = scores + self.bias
        return self.cap * torch.tanh(scores / self.cap) if self.cap else scores
