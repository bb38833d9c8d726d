"""What a model predicts: scores of items in large batches, decoded by the family."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts import families
from xstilts.compute.batches import TOKENS, autocast, batches
from xstilts.compute.data import collate, generator, split
from xstilts.compute.model import Model
from xstilts.compute.objective import Objective
from xstilts.compute.rows import Prepared
from xstilts.compute.written import generated, likelihoods
from xstilts.families.retrieval import FAMILY as RETRIEVAL
from xstilts.families.text import TextReadout

IN_MEMORY = 2**31
"""Bytes of sentence vectors, of all layers together, that need no file."""


def predict(model: Model, head: str, prepared: Prepared, precision: str) -> list[Any]:
    """One prediction per example, in their order."""
    return decode(prepared, answers(model, head, prepared, precision))


def decode(prepared: Prepared, found: Sequence[Any]) -> list[Any]:
    """The predictions that a model's answers say."""
    family = families.read_out(prepared.family, prepared.layout)
    return family.decode(prepared.examples, prepared.items, found, prepared.layout)


@torch.inference_mode()
def answers(model: Model, head: str, prepared: Prepared, precision: str) -> Sequence[Any]:
    """What the model says of each item: scores, or what it wrote and how likely that is."""
    model.eval()
    family = families.read_out(prepared.family, prepared.layout)
    if isinstance(family, TextReadout):
        written = generated if family.generates else likelihoods
        return written(model, head, prepared.encoded, precision)
    scores: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(prepared.items)
    with autocast(model.device, precision):
        for part, batch in batches(model, prepared.encoded):
            found = model(batch, head).float().cpu().numpy()
            for item, score in zip(part, np.split(found, np.cumsum(batch.reads)[:-1]), strict=True):
                scores[item] = score
    return scores


@torch.inference_mode()
def embed(
    model: Model, prepared: Prepared, precision: str, scratch: Path | None = None
) -> NDArray[np.float32]:
    """Mean token states of every item, [layers + 1, items, hidden]; the embeddings are layer 0.

    With `scratch`, a folder, vectors of more than `IN_MEMORY` bytes lie in a nameless file there.
    """
    model.eval()
    vectors: NDArray[np.float32] | None = None
    with autocast(model.device, precision):
        for part, batch in batches(model, prepared.encoded):
            layers = model.hidden(batch, all_layers=True)
            weight = (batch.attention / batch.attention.sum(dim=1, keepdim=True)).unsqueeze(2)
            means = torch.stack([(states.float() * weight).sum(dim=1) for states in layers]).cpu().numpy()
            if vectors is None:
                vectors = _zeros((len(layers), len(prepared.items), means.shape[2]), scratch)
            vectors[:, part] = means
    assert vectors is not None
    return vectors


def _zeros(shape: tuple[int, int, int], scratch: Path | None) -> NDArray[np.float32]:
    if scratch is None or 4 * np.prod(shape, dtype=np.int64) <= IN_MEMORY:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile(dir=scratch) as file:  # the mapping keeps the file until it goes itself
        return np.memmap(file, np.float32, "w+", shape=shape)


def default_layer(layers: int) -> int:
    """Layer 14 of 24 for XLM-R Large, as XTREME and jiant read it; the same depth in other models."""
    return round(layers * 14 / 24)


def retrieve(model: Model, prepared: Prepared, precision: str) -> list[list[Any]]:
    """For every layer (embeddings first), the nearest source row of every target sentence."""
    return [
        RETRIEVAL.decode(prepared.examples, prepared.items, list(layer), prepared.layout)
        for layer in embed(model, prepared, precision)
    ]


def objective(model: Model) -> Objective:
    """How the model's own text is hidden from it."""
    return Objective.of(model.kind, model.tokenizer, model.start)


@torch.inference_mode()
def masked_accuracy(
    model: Model, head: str, prepared: Prepared, rate: float, precision: str
) -> tuple[float, float]:
    """Percent of hidden tokens guessed and, for chance, of the most frequent one; what is hidden is fixed."""
    model.eval()
    model.check_room(prepared.encoded)
    known = objective(model)
    order = np.arange(len(prepared.encoded))
    right, gold = 0, []
    for number, part in enumerate(split(prepared.encoded, order, TOKENS)):
        hidden = known.hide(prepared.encoded, part, rate, generator("development masks", number))
        batch = collate(hidden, np.arange(len(part)), model.pad).to(model.device)
        with autocast(model.device, precision):
            found = model(batch, head)
        right += int((found.argmax(dim=1) == batch.gold).sum())
        gold.append(batch.gold.cpu().numpy())
    counts = np.bincount(np.concatenate(gold))
    return float(100 * right / counts.sum()), float(100 * counts.max() / counts.sum())
