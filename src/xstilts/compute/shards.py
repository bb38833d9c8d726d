"""A phase whose model is divided among its processes: each keeps a part of weights, gradients and moments.

torch's FSDP (`fully_shard`; Zhao et al. 2023, arXiv 2304.11277) gathers the weights of one layer at a time.
It averages gradients over the processes, whose losses are therefore taken `size` times. The first process
keeps the model whole as well, in the computer's memory, and fills it where something is asked of it.
"""

import copy
import warnings
from collections import Counter
from collections.abc import Iterator

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from xstilts.compute.model import Model
from xstilts.compute.ranks import Ranks


def placed(model: Model, ranks: Ranks, device: torch.device) -> Model:
    """Put the model where it is trained, divided if the processes divide it.

    Returns the model to be asked and saved: the same, or in the first of those that divide it, a whole one.
    """
    if not ranks.divides:
        model.to(device)
        return model
    whole = copy.deepcopy(model) if ranks.writes else model
    # T5's layers hand on a view, the table of positions. No layer writes into it.
    warnings.filterwarnings("ignore", r"FSDP2-wrapped module .* returned a view")
    mesh = init_device_mesh(device.type, (ranks.size,))
    for layer in _layers(model):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model.to(device)
    return whole


def fill(whole: Model, model: Model) -> None:
    """Give the whole model the weights as they are now, and a place beside the divided one.

    All processes must call it. In one that has no other model than the one that it trains, nothing happens.
    """
    whole.to(model.device)
    for (_, trained), (_, kept) in zip(model.named_parameters(), whole.named_parameters(), strict=True):
        tensor = full(trained)
        if kept is not trained:
            with torch.no_grad():
                kept.copy_(tensor)


def put_away(whole: Model, model: Model) -> None:
    """Take the whole model from the GPU, for training to have its memory."""
    if whole is not model:
        whole.to("cpu")


def full(tensor: torch.Tensor) -> torch.Tensor:
    """The whole of a tensor; of a divided one all processes must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part_of(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A whole tensor, or that part of it which this process has of `like`, on its device."""
    tensor = tensor.to(like.device)
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)


def _layers(model: nn.Module) -> Iterator[nn.Module]:
    """The layers of each stack, but for those that share weights with anything beside them."""
    owners = _owners(model)
    for layer in _stacked(model):
        if all(owners[weight] == count for weight, count in _owners(layer).items()):
            yield layer


def _stacked(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList):
            yield child
        else:
            yield from _stacked(child)


def _owners(module: nn.Module) -> Counter[int]:
    """How many modules hold each weight."""
    return Counter(id(weight) for part in module.modules() for weight in part.parameters(recurse=False))
