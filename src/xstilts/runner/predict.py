"""What a model predicts: scores of items in large batches, decoded by the family."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts import families
from xstilts.families.items import Layout
from xstilts.families.masked import Vocabulary
from xstilts.families.retrieval import FAMILY as RETRIEVAL
from xstilts.runner.data import Batch, Encoded, collate, generator, hide, split
from xstilts.runner.model import Model
from xstilts.runner.rows import Prepared, prepare

TOKENS = 16_384
"""Padded tokens of one forward pass without gradients."""

IN_MEMORY = 2**31
"""Bytes of sentence vectors, of all layers together, that need no file."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The arithmetic of a recipe: bfloat16 where autocast allows it, or float32 throughout."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def batches(model: Model, data: Encoded) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """All items, by falling length so that too large a batch shows at once, with their batches."""
    model.check_room(data)
    order = np.argsort(-data.cost, kind="stable")
    for part in split(data, order, TOKENS):
        yield part, collate(data, part, model.tokenizer.pad_token_id).to(model.device)


@torch.inference_mode()
def predict(model: Model, head: str, prepared: Prepared, precision: str) -> list[Any]:
    """One prediction per example, in their order."""
    model.eval()
    scores: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(prepared.items)
    for part, batch in batches(model, prepared.encoded):
        with autocast(model.device, precision):
            found = model(batch, head)
        cuts = np.cumsum(batch.reads)[:-1]
        for item, score in zip(part, np.split(found.float().cpu().numpy(), cuts), strict=True):
            scores[item] = score
    family = families.find(prepared.family)
    return family.decode(prepared.examples, prepared.items, scores, prepared.layout)


@torch.inference_mode()
def embed(
    model: Model, prepared: Prepared, precision: str, scratch: Path | None = None
) -> NDArray[np.float32]:
    """Mean token states of every item, [layers + 1, items, hidden]; the embeddings are layer 0.

    With `scratch`, a folder, vectors of more than `IN_MEMORY` bytes lie in a nameless file there.
    """
    model.eval()
    vectors: NDArray[np.float32] | None = None
    for part, batch in batches(model, prepared.encoded):
        with autocast(model.device, precision):
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


def retrieve(model: Model, bitext: Any, layout: Layout, precision: str) -> list[list[Any]]:
    """For every layer (embeddings first), the nearest source row of every target sentence."""
    prepared = prepare([bitext], "retrieval", model.tokenizer, layout)
    return [
        RETRIEVAL.decode([bitext], prepared.items, list(layer), layout)
        for layer in embed(model, prepared, precision)
    ]


def vocabulary(model: Model) -> Vocabulary:
    """What masking needs of the model's tokenizer."""
    tokenizer = model.tokenizer
    return Vocabulary(len(tokenizer), tokenizer.mask_token_id, tuple(sorted(set(tokenizer.all_special_ids))))


@torch.inference_mode()
def masked_accuracy(
    model: Model, head: str, prepared: Prepared, rate: float, precision: str
) -> tuple[float, float]:
    """Percent of masked tokens guessed and, for chance, of the most frequent one; the masks are fixed."""
    model.eval()
    model.check_room(prepared.encoded)
    known = vocabulary(model)
    order = np.arange(len(prepared.encoded))
    right, gold = 0, []
    for number, part in enumerate(split(prepared.encoded, order, TOKENS)):
        hidden = hide(prepared.encoded, part, known, rate, generator("development masks", number))
        batch = collate(hidden, np.arange(len(part)), model.tokenizer.pad_token_id).to(model.device)
        with autocast(model.device, precision):
            found = model(batch, head)
        right += int((found.argmax(dim=1) == batch.gold).sum())
        gold.append(batch.gold.cpu().numpy())
    counts = np.bincount(np.concatenate(gold))
    return float(100 * right / counts.sum()), float(100 * counts.max() / counts.sum())
