"""How large a model is, and what a forward pass costs: what architectures are matched by."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from xstilts.compute.data import Encoded, collate
from xstilts.compute.model import Model


def sizes(model: Model) -> dict[str, int]:
    """Parameters of the pretrained model, heads left out: all, and all but the tables of tokens."""
    tables = {
        id(part.weight)
        for name, part in model.encoder.named_modules()
        if isinstance(part, torch.nn.Embedding)
        and part.num_embeddings >= model.vocabulary
        and "position" not in name
    }
    every = list(model.encoder.parameters())
    bare = [one for one in every if id(one) not in tables]
    return {
        "parameters": sum(one.numel() for one in every),
        "parameters_without_embeddings": sum(one.numel() for one in bare),
    }


def forward_flops(model: Model, data: Encoded, items: NDArray[np.int64], head: str) -> dict[str, float]:
    """Floating-point operations of a forward pass for each token of some items, head included.

    Counted by torch; a training step costs about three times as much. Nothing is hidden of masked text.
    """
    batch = collate(data, items, model.pad).to(model.device)
    training = model.training
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(batch, head)
    model.train(training)
    return {"forward_flops_per_token": counter.get_total_flops() / batch.real_tokens}
