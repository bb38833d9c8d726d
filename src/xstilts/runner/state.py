"""The state of a running phase: what it takes to continue after a kill with bit-identical numbers."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from xstilts.runner.model import Model
from xstilts.study.recipe import Recipe

STATE = "state.safetensors"


@dataclass
class Progress:
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


def adamw(model: Model, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; biases and norms are not decayed (as in jiant and the BERT scripts)."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, betas=recipe.betas, eps=recipe.epsilon, fused=True
    )


def save(
    folder: Path,
    model: Model,
    optimizer: torch.optim.AdamW,
    progress: Progress,
    best: Mapping[str, torch.Tensor],
) -> None:
    """Everything a killed run needs, in one file that is whole or absent."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"best.{name}": tensor for name, tensor in best.items()}
    for name, parameter in model.named_parameters():
        tensors[f"parameter.{name}"] = parameter.detach().cpu()
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors[f"{moment}.{name}"] = optimizer.state[parameter][moment].cpu()
    written = folder / f"{STATE}.{os.getpid()}"
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        written,
        {"progress": json.dumps(vars(progress))},
    )
    written.replace(folder / STATE)


def resume(
    folder: Path, model: Model, optimizer: torch.optim.AdamW
) -> tuple[Progress, dict[str, torch.Tensor]]:
    """Fill model and optimizer from the state of an interrupted run, if there is one."""
    if not (folder / STATE).is_file():
        return Progress(), {}
    with safe_open(folder / STATE, framework="pt") as file:
        progress = Progress(**json.loads(file.metadata()["progress"]))
        best = {key.removeprefix("best."): file.get_tensor(key) for key in file if key.startswith("best.")}
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(f"parameter.{name}"))
            optimizer.state[parameter] = {
                "step": torch.tensor(float(progress.update)),
                **{m: file.get_tensor(f"{m}.{name}").to(parameter.device) for m in ("exp_avg", "exp_avg_sq")},
            }
    return progress, best
