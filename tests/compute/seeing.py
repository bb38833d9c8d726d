"""Eight examples that need both their picture and their text, and what a model makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from xstilts.compute.data import Batch, collate
from xstilts.compute.model import Model, loss_sum
from xstilts.compute.pixels import Album
from xstilts.compute.rows import Prepared, prepare
from xstilts.data.examples import Seen
from xstilts.families.items import Layout
from xstilts.families.visual import FAMILY
from xstilts.tasks import find

TASK = find("lab_vnli")
LABELS = ("no", "yes")
LAYOUT = Layout(LABELS, max_length=40, stride=16)
LAYOUT_TEXT = replace(LAYOUT, max_length=48)
"""For answers in text."""
PICTURES = (
    "dog-red-sleep_fog_fog_fog_1",
    "cat-blue-wake_fog_king-shade-wake_fog_2",
    "fog_owl-white-wake_fog_baker-green-sleep_3",
    "horse-black-sleep_dog-yellow-wake_cat-red-sleep_king-blue-wake_4",
)
EIGHT = [
    Seen((picture,), text, LABELS[(row + column) % 2], id=f"{row}{column}")
    for row, picture in enumerate(PICTURES)
    for column, text in enumerate(("a tree", "the red house and an old book"))
]
WITHOUT = [replace(row, images=()) for row in EIGHT]
TURNED = [replace(row, images=EIGHT[(number + 2) % 8].images) for number, row in enumerate(EIGHT)]
"""The same with the next picture, so that every label is the other one."""
PAIRS = [replace(row, images=(row.images[0], PICTURES[number // 4])) for number, row in enumerate(EIGHT)]
EXCHANGED = [replace(row, images=row.images[::-1]) for row in PAIRS]


def prepared(model: Model, rows: Sequence[Seen], folder: Path | None = None) -> Prepared:
    album = None if model.preparation is None else Album(TASK, folder, model.preparation)
    return prepare(rows, "visual", model.tokenizer, model.layout(LAYOUT), album=album)


def batch(model: Model, rows: Sequence[Seen]) -> Batch:
    data = prepared(model, rows).encoded
    return collate(data, np.arange(len(data)), model.pad)


@torch.inference_mode()
def scores(model: Model, rows: Sequence[Seen]) -> torch.Tensor:
    """All at once, [rows, 2]."""
    found: torch.Tensor = model.eval()(batch(model, rows), "look")
    return found


@torch.inference_mode()
def alone(model: Model, rows: Sequence[Seen]) -> torch.Tensor:
    """One by one, [rows, 2]."""
    return torch.cat([model.eval()(batch(model, [row]), "look") for row in rows])


def chosen(found: torch.Tensor) -> list[str]:
    return [LABELS[number] for number in found.argmax(dim=1).tolist()]


def learn(model: Model, updates: int, rate: float) -> None:
    """All parameters, without dropout, until the loss is small."""
    model.eval()
    placed, optimizer = batch(model, EIGHT), torch.optim.AdamW(model.parameters(), rate)
    for _ in range(updates):
        loss = loss_sum(model(placed, "look"), placed) / len(EIGHT)
        if float(loss.detach()) < 0.05:
            return
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def gold(rows: Sequence[Seen]) -> list[str]:
    return [FAMILY.gold(row) for row in rows]
