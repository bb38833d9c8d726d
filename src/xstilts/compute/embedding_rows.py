"""Training of only those embedding rows that the tokens of a phase read.

The table of a multilingual model has a row for each of some 250,000 tokens, most of which a phase never
reads: their gradients are zero, so that AdamW moves them by their decay alone, the product of (1 - rate x
decay) over all updates. So the phase trains a small table of the rows that are read, with gradients, moments
and states as small, and the others get their decay at the end. All weights are those of dense training, to
rounding.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from xstilts.compute import vision
from xstilts.compute.data import Encoded
from xstilts.compute.model import Model

WORTH = 0.5
"""The share of a table's rows above which it is trained whole."""


class _Reduced(nn.Embedding):
    """An embedding that has some rows of its table and finds them by token; others raise IndexError."""

    place: torch.Tensor
    kept: tuple[type[nn.Embedding], nn.Parameter, int | None, torch.Tensor]
    """Its class, its whole table and padding before it was reduced, and the tokens that it has rows of."""

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return super().forward(self.place[tokens])


def reduce(model: Model, data: Iterable[Encoded]) -> int | None:
    """Let the model have only the rows that the data read, if that is worth it; gives their number.

    None, and nothing happens, where a table is shared with what writes tokens, which reaches every row in
    every update; where it is frozen; where most rows are read; and where images stand among the tokens.
    """
    tables = list(_tables(model))
    if not tables:
        return None
    # The tokens that occur in the data, and all that the tokenizer or the model put in by themselves.
    vocabulary = max(len(table[0].weight) for table in tables)
    occurs = np.zeros(vocabulary, dtype=bool)
    special = [token for token in model.tokenizer.all_special_ids if token < vocabulary]
    occurs[[*special, model.pad, *([] if model.start is None else [model.start])]] = True
    for encoded in data:
        occurs[encoded.tokens] = True
        occurs[encoded.targets] = True
    read = torch.from_numpy(np.flatnonzero(occurs))
    worthy = [modules for modules in tables if len(read) <= WORTH * len(modules[0].weight)]
    for modules in worthy:
        whole, padding = modules[0].weight, modules[0].padding_idx
        place = torch.full((len(whole),), -len(read) - 1)  # out of range from either end
        place[read] = torch.arange(len(read))
        trained = nn.Parameter(whole.detach()[read])
        for module in modules:
            own = type(module)
            module.__class__ = type(own.__name__, (_Reduced, own), {})
            module.kept = (own, whole, padding, read)  # type: ignore[assignment]
            module.register_buffer("place", place, persistent=False)
            module.weight, module.num_embeddings = trained, len(read)
            module.padding_idx = None if padding is None else int(place[padding])
    return len(read) if worthy else None


def restore(model: Model, decay: float) -> int | None:
    """Let the model have its whole tables again: rows as they were trained, and all others times `decay`.

    Gives what `reduce` gave: how many rows were trained.
    """
    done: set[int] = set()
    trained: int | None = None
    for module in model.modules():
        if not isinstance(module, _Reduced):
            continue
        own, whole, padding, read = module.kept
        trained = len(read)
        if id(whole) not in done:
            with torch.no_grad():
                whole.mul_(decay)
                whole[read] = module.weight.to(whole.device)
            done.add(id(whole))
        del module.place, module.kept
        module.__class__ = own  # type: ignore[assignment]
        module.weight, module.num_embeddings, module.padding_idx = whole, len(whole), padding
    return trained


def _tables(model: Model) -> Iterator[list[nn.Embedding]]:
    """Each trained table that is read by tokens alone: the modules that hold it."""
    if model.kind == "vision-language" or any(head.family == "masked" for head in model.heads.values()):
        return
    owners: dict[int, list[nn.Module]] = {}
    for module in model.modules():
        for weight in module.parameters(recurse=False):
            owners.setdefault(id(weight), []).append(module)
    encoder: Any = model.encoder
    sides = (
        [encoder, encoder.get_decoder()] if model.kind == "encoder-decoder" else [vision.text_tower(encoder)]
    )
    for weight in dict.fromkeys(side.get_input_embeddings().weight for side in sides):
        modules = [module for module in owners[id(weight)] if isinstance(module, nn.Embedding)]
        if weight.requires_grad and len(modules) == len(owners[id(weight)]):
            yield modules
