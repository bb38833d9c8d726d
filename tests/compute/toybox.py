"""A store with a tiny backbone and toy tasks of every family, in which phases run in well under a second.

`compute_in` is what processes that are to be killed run; they find it by module and name.
"""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from xstilts import families, metrics
from xstilts.compute import backbone, evaluate, state, train
from xstilts.compute import model as models
from xstilts.compute.context import Context
from xstilts.compute.data import Batch, Encoded, collate, generator
from xstilts.compute.predict import objective
from xstilts.data.loader import load as load_rows
from xstilts.families.items import Item, Layout
from xstilts.store import Store
from xstilts.study.backbone import Backbone, Tokenizer
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Development, Use

TOYS = Path(__file__).parent / "toys"
PLACES = Places(tasks={path.stem: path for path in sorted(TOYS.glob("*.py"))})
SHAPE: dict[str, int | float | str | bool] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 50,
    "type_vocab_size": 1,
}
FAST: dict[str, Any] = {
    "learning_rate": 1e-2,
    "updates": 24,
    "batch_tokens": 256,
    "precision": "fp32",
    "max_length": 40,
    "stride": 16,
    "dropout": 0.0,
}


def use(task: str, split: str = "train", languages: tuple[str, ...] = ("en",), **changes: Any) -> Use:
    """Rows of a toy task; training rows come with the English development rows."""
    found = PLACES.task(task)
    fields: dict[str, Any] = {
        "task": task,
        "task_version": found.version,
        "family": found.family,
        "family_version": families.find(found.family).version,
        "label_set": found.labels,
        "split": split,
        "languages": languages,
        "data": ("x",) * len(languages),
    }
    if split == "train":
        fields["development"] = Development(split="dev", language="en", data="x")
    return Use(**(fields | changes))


BACKBONE = Backbone(
    architecture="xlm-roberta",
    shape=SHAPE,
    tokenizer=Tokenizer(uses=(use("texts"), use("tags")), vocabulary=64),
    weights="random",
)


def phase(*tasks: str | Use, parent: Backbone | Phase = BACKBONE, seed: int = 1, **recipe: Any) -> Phase:
    """A phase over toy tasks with a fast recipe; a field that is None leaves the recipe's default."""
    fields = {name: value for name, value in (FAST | recipe).items() if value is not None}
    uses = tuple(use(task) if isinstance(task, str) else task for task in tasks)
    return Phase(parent=parent, uses=uses, recipe=Recipe(**fields), seed=seed)


def evaluation(
    model: Backbone | Phase | None, task: str, languages: tuple[str, ...] = ("en", "de"), **changes: Any
) -> Evaluation:
    """A model on the test rows of a toy task; without a model, the majority reference."""
    found = PLACES.task(task)
    inference = Inference(max_length=FAST["max_length"], stride=FAST["stride"], precision="fp32")
    fields: dict[str, Any] = {
        "model": model,
        "use": use(task, "test", languages),
        "trained_by": None if found.family == "retrieval" else use(task),
        "metric": found.metric,
        "metric_version": metrics.find(changes.get("metric", found.metric)).version,
        "inference": None if model is None else inference,
    }
    return Evaluation(**(fields | changes))


@dataclass(frozen=True)
class Box:
    """A store that computes what it is asked for."""

    store: Store

    def compute(self, specification: Backbone | Phase | Evaluation, **settings: Any) -> dict[str, Any]:
        """Compute a step and its missing parents; gives the record of the step."""
        step = Step(specification)
        if step.parent is not None and not self.store.done(step.parent):
            self.compute(step.parent.specification)
        if not self.store.done(step):
            work: dict[str, Callable[..., dict[str, Any]]]
            work = {"backbone": backbone.create, "phase": train.train, "evaluation": evaluate.evaluate}
            with self.store.writing(step) as folder:
                running = self.store.running(step.fingerprint)
                fields = {"places": PLACES, "report": lambda event: None} | settings
                context = Context(store=self.store, step=step, folder=folder, running=running, **fields)
                record = work[step.kind](specification, context)
                (folder / "record.json").write_text(json.dumps(record))
        return dict(self.store.record(step.fingerprint) or {})

    def folder(self, specification: Backbone | Phase | Evaluation) -> Path:
        """The folder of a computed step."""
        folder = self.store.folder(specification.fingerprint)
        assert folder is not None
        return folder

    def checkpoint(self, specification: Backbone | Phase) -> Path:
        """The folder with the weights of a phase, which is trained if need be."""
        self.compute(specification)
        return self.store.checkpoint(specification.fingerprint)

    def curve(self, specification: Phase) -> list[dict[str, float]]:
        """The curve of a phase, which is trained if need be."""
        self.compute(specification)
        lines = (self.folder(specification) / "curve.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def weights(self, specification: Phase) -> dict[str, bytes]:
        """What must be bit-identical: the files with weights, and the curve."""
        self.compute(specification)
        names = ("checkpoint/model.safetensors", "checkpoint/heads.safetensors", "curve.jsonl")
        return {name: (self.folder(specification) / name).read_bytes() for name in names}


OF_FAMILY = {
    "classification": "pairs",
    "choice": "choices",
    "tagging": "tags",
    "span": "questions",
    "masked": "texts",
}


def layout_of(family: str) -> Layout:
    return Layout(labels=PLACES.task(OF_FAMILY[family]).labels, max_length=40, stride=16)


def encoded(model: models.Model, family: str, count: int = 9) -> tuple[list[Item], Encoded]:
    """The first rows of a family's toy task; for masked ones with tokens hidden."""
    rows = load_rows(PLACES.task(OF_FAMILY[family]), "train", "en")[:count]
    items = families.find(family).encode(rows, model.tokenizer, layout_of(family))
    data = Encoded.of(items, families.find(family).axis)
    if family == "masked":
        data = objective(model).hide(data, np.arange(len(items)), 0.3, generator("test"))
    return items, data


def whole(model: models.Model, data: Encoded) -> Batch:
    return collate(data, np.arange(len(data)), model.tokenizer.pad_token_id)


def spread(module: nn.Module) -> None:
    """Weights that are as large as after training, so that no two things are equal by being nothing."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.3)
        else:
            parameter.data += 0.1 * torch.randn_like(parameter)


def compute_in(root: Path, spec: dict[str, Any], die_at_write: int | None) -> None:
    """Train a phase in a store; kill this process in the middle of writing its n-th state, if asked to."""
    torch.set_num_threads(1)
    box = Box(Store(root))
    if die_at_write is not None:
        writes = iter(range(1, die_at_write))

        def half(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
            content = save(tensors, metadata)
            if next(writes, None) is None:
                path.write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            path.write_bytes(content)

        state.save_file = half
    specification = Step.from_spec(spec).specification
    box.compute(specification, save_seconds=0)
