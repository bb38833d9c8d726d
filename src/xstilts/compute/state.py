"""The state of a running phase: what it takes to continue after a kill with bit-identical numbers."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from xstilts.compute.distributed import full, part_of
from xstilts.compute.model import Model
from xstilts.study.recipe import Recipe

STATE = "state.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of a parameter; `step` counts the updates that reached it."""


@dataclass
class PhaseProgress:
    """How far a phase is: what a killed run needs besides weights and optimizer."""

    update: int = 0
    tokens: int = 0
    padded: int = 0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    loss: float = math.nan
    best: float = -math.inf
    best_update: int = -1
    since_best: int = 0
    computed_on: list[dict[str, Any]] = field(default_factory=list)
    """The kinds of computers that have trained the phase, as `record.computes_on` tells them."""

    def count(self, loss: float, tokens: int, padded: int) -> None:
        """Take in an update: its loss, its tokens, and the places that its batches had for tokens."""
        self.update, self.loss = self.update + 1, loss
        self.tokens, self.padded = self.tokens + tokens, self.padded + padded

    def improves(self, score: float) -> bool:
        """Take in a score on the development data; whether it is the best until now."""
        better = score > self.best
        if better:
            self.best, self.best_update = score, self.update
        self.since_best = 0 if better else self.since_best + 1
        return better


class AdamW(torch.optim.AdamW):
    """torch's, which skips its steps while `found_inf`, a number on the device, is 1.

    torch's GradScaler asks for it in the same way.
    """

    found_inf: torch.Tensor | None = None


def adamw(model: Model, recipe: Recipe) -> AdamW:
    """AdamW; biases and norms are not decayed (as in jiant and the BERT scripts)."""
    parameters = [parameter for _, parameter in trained(model)]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, eps=recipe.epsilon, fused=True)


def trained(model: Model) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """The parameters that are trained, by their names."""
    return ((name, one) for name, one in model.named_parameters() if one.requires_grad)


def save(
    folder: Path,
    model: Model,
    optimizer: torch.optim.AdamW,
    progress: PhaseProgress,
    best: Mapping[str, torch.Tensor],
    *,
    writes: bool = True,
) -> None:
    """Everything a killed run needs, in one file that is whole or absent.

    A parameter that no update has reached yet (the head of a task that had no batch) has no moments; what is
    frozen is read from the parent again. Processes that divide the model all call this, and one writes.
    """
    tensors = {f"best.{name}": tensor for name, tensor in best.items()}
    for name, parameter in trained(model):
        for what, tensor in {"parameter": parameter, **optimizer.state.get(parameter, {})}.items():
            whole = full(tensor)
            if writes:
                tensors[f"{what}.{name}"] = whole.detach().cpu().contiguous()
    if not writes:
        return
    written = folder / f"{STATE}.{os.getpid()}"
    save_file(tensors, written, {"progress": json.dumps(vars(progress))})
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(folder / STATE)


def resume(
    folder: Path, model: Model, optimizer: torch.optim.AdamW
) -> tuple[PhaseProgress, dict[str, torch.Tensor]]:
    """Fill model and optimizer from the state of an interrupted run, if there is one.

    What else lies in the folder was being written when a run was killed, and goes; so does a state that is no
    longer whole, and the phase begins anew.
    """
    for unfinished in [path for path in folder.iterdir() if path.name != STATE]:
        unfinished.unlink()
    if not (folder / STATE).is_file():
        return PhaseProgress(), {}
    try:
        opened = safe_open(folder / STATE, framework="pt")
    except SafetensorError:
        (folder / STATE).unlink()
        return PhaseProgress(), {}
    with opened as file:
        progress = PhaseProgress(**json.loads(file.metadata()["progress"]))
        names = dict.fromkeys(file.keys())
        best = {
            name.removeprefix("best."): file.get_tensor(name) for name in names if name.startswith("best.")
        }
        for name, parameter in trained(model):
            with torch.no_grad():
                parameter.copy_(part_of(file.get_tensor(f"parameter.{name}"), parameter))
            moments = [moment for moment in MOMENTS if f"{moment}.{name}" in names]
            if moments:
                kept = {moment: file.get_tensor(f"{moment}.{name}") for moment in moments}
                optimizer.state[parameter] = {
                    moment: part_of(tensor, parameter) if tensor.ndim else tensor.to(parameter.device)
                    for moment, tensor in kept.items()
                }
    return progress, best
