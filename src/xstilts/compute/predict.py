"""What a model predicts: scores of items in large batches, decoded by the family; what a language model
writes; translation pairs that are mined.
"""

import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xstilts import families
from xstilts.compute.data import Batch, Encoded, collate, generator, passes, split
from xstilts.compute.model import Model
from xstilts.compute.objective import Objective
from xstilts.compute.rows import Prepared
from xstilts.families.retrieval import FAMILY as RETRIEVAL
from xstilts.families.span import MAX_ANSWER
from xstilts.families.text import Generated, TextReadout
from xstilts.metrics import mining

IN_MEMORY = 2**31
"""Bytes of sentence vectors, of all layers together, that need no file."""


TOKENS = 16_384
"""Padded tokens of one forward pass without gradients on a GPU."""

CPU_TOKENS, CPU_OVERHEAD = 2_048, 16
"""The same on a processor, and what a pass costs there besides, in tokens. There small passes are nearly as
fast as large ones, padding costs as much as text, and what a layer of 3,072 units hands on takes less than
the 32 MiB from which on glibc has the system's memory anew at every call."""


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The arithmetic of a recipe: bfloat16 where autocast allows it, or float32 throughout.

    Weights are cast once until it ends.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def batches(model: Model, data: Encoded) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """All items, by falling length so that too large a batch shows at once, with their batches."""
    model.check_room(data)
    for part in parts(data, model.device):
        yield part, collate(data, part, model.pad).to(model.device)


def parts(data: Encoded, device: torch.device) -> list[NDArray[np.int64]]:
    """The items of each pass on that device, by falling length."""
    if not len(data):
        return []
    if device.type == "cpu":
        return list(passes(data, np.arange(len(data)), CPU_TOKENS, CPU_OVERHEAD))[::-1]
    return list(split(data, np.argsort(-data.cost, kind="stable"), TOKENS))


def predict(model: Model, head: str, prepared: Prepared, precision: str) -> list[Any]:
    """One prediction per example, in their order."""
    return decode(prepared, answers(model, head, prepared, precision))


def decode(prepared: Prepared, found: Sequence[Any]) -> list[Any]:
    """The predictions that a model's answers say."""
    family = families.read_out(prepared.family, prepared.layout)
    return family.decode(prepared.examples, prepared.items, found, prepared.layout)


@torch.inference_mode()
def answers(
    model: Model, head: str, prepared: Prepared, precision: str, *, one_line: bool = False
) -> Sequence[Any]:
    """What the model says of each item: scores, or what it wrote (as `one_line`) and how likely that is."""
    model.eval()
    family = families.read_out(prepared.family, prepared.layout)
    if isinstance(family, TextReadout):
        if family.generates:
            return generated(model, head, prepared.encoded, precision, one_line=one_line)
        return likelihoods(model, head, prepared.encoded, precision)
    return _by_item(model, head, prepared.encoded, precision, lambda scores, batch: scores)


def _by_item(
    model: Model,
    head: str,
    data: Encoded,
    precision: str,
    read: Callable[[torch.Tensor, Batch], torch.Tensor],
) -> list[NDArray[np.float32]]:
    """For each item what is `read` of the scores of its batch, for each of its reads."""
    found: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(data)
    with autocast(model.device, precision):
        for part, batch in batches(model, data):
            values = read(model(batch, head).float(), batch).cpu().numpy()
            for item, own in zip(part, np.split(values, np.cumsum(batch.reads)[:-1]), strict=True):
                found[item] = own
    return found


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
                shape = len(layers), len(prepared.items), means.shape[2]
                if scratch is None or 4 * np.prod(shape, dtype=np.int64) <= IN_MEMORY:
                    vectors = np.zeros(shape, np.float32)
                else:
                    with tempfile.TemporaryFile(dir=scratch) as file:  # which the mapping keeps
                        vectors = np.memmap(file, np.float32, "w+", shape=shape)
            vectors[:, part] = means
    assert vectors is not None
    return vectors


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


@torch.inference_mode()
def likelihoods(model: Model, head: str, data: Encoded, precision: str) -> list[NDArray[np.float32]]:
    """For each item the log-likelihood of each of its gold tokens, [reads]."""

    def of_gold(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
        return scores.log_softmax(dim=1)[torch.arange(len(scores)), batch.gold]

    return _by_item(model, head, data, precision, of_gold)


@torch.inference_mode()
def generated(
    model: Model, head: str, data: Encoded, precision: str, *, one_line: bool = False
) -> list[Generated]:
    """For each item of one sequence what the model writes after it, greedily, and its log-likelihood.

    It ends where the model ends it, or after MAX_ANSWER tokens; `one_line` also where its first line ends.
    """
    found: list[Generated] = [("", -np.inf)] * len(data)
    end = model.tokenizer.eos_token_id
    with autocast(model.device, precision):
        for part, batch in batches(model, data):
            written, values = _greedy(model, head, batch, end, one_line=one_line)
            for item, ids, value in zip(part, written.tolist(), values.tolist(), strict=True):
                kept = ids[: ids.index(end)] if end in ids else ids
                text = model.tokenizer.decode(kept, skip_special_tokens=True).strip()
                found[item] = (text.partition("\n")[0].strip() if one_line else text, value)
    return found


def _greedy(
    model: Model, head: str, batch: Batch, end: int, *, one_line: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest token, one after the other: [S, T] and the sum of their log-likelihoods, [S].

    What has ended, with the end token or its first line that is not empty, is filled up with the end token.
    """
    rows = len(batch.ids)
    done = torch.zeros(rows, dtype=torch.bool, device=batch.ids.device)
    values = torch.zeros(rows, device=batch.ids.device)
    written: list[torch.Tensor] = []
    steps = _steps(model, batch)
    states = next(steps)
    for _ in range(MAX_ANSWER):
        logs = model.heads[head](states).float().log_softmax(dim=1)
        best, token = logs.max(dim=1)
        token = token.masked_fill(done, end)
        values += best.masked_fill(done, 0.0)
        written.append(token)
        done = done | (token == end)
        if one_line:
            texts = model.tokenizer.batch_decode(torch.stack(written, dim=1), skip_special_tokens=True)
            done = done | torch.tensor(["\n" in text.lstrip() for text in texts], device=done.device)
        if bool(done.all()):
            break
        states = steps.send(token)
    return torch.stack(written, dim=1), values


def _steps(model: Model, batch: Batch) -> Generator[torch.Tensor, torch.Tensor, None]:
    """The state from which the next token is guessed, [S, H]; each token sent gives the state after it."""
    cache: Any = None
    if model.kind == "encoder-decoder":
        read = model.encoder.get_encoder()(input_ids=batch.ids, attention_mask=batch.attention)
        token = batch.ids.new_full((len(batch.ids),), model.start or 0)
        while True:
            outputs = model.encoder(
                encoder_outputs=read,
                attention_mask=batch.attention,
                decoder_input_ids=token[:, None],
                past_key_values=cache,
                use_cache=True,
            )
            cache = outputs.past_key_values
            token = yield outputs.last_hidden_state[:, -1]
    # Token ids and attention, padded on the left, so that all sequences end together.
    lengths, width = batch.attention.sum(dim=1), batch.ids.shape[1]
    order = (torch.arange(width, device=batch.ids.device)[None] + lengths[:, None]) % width
    ids, attention = batch.ids.gather(1, order), batch.attention.gather(1, order)
    while True:
        inputs = {"input_ids": ids, "attention_mask": attention}
        if model.takes_positions:
            inputs["position_ids"] = (attention.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        outputs = model.encoder(**inputs, past_key_values=cache, use_cache=True)
        cache = outputs.past_key_values
        token = yield outputs.last_hidden_state[:, -1]
        ids = token[:, None]
        attention = torch.cat([attention, attention.new_ones(len(ids), 1)], dim=1)


MINING = mining.MINING_F1.name
"""The metric by which an evaluation of retrieval is one of mining."""


def mine(
    model: Model, asked: Prepared, development: Prepared, precision: str, scratch: Path
) -> tuple[list[list[tuple[int, ...]]], list[float]]:
    """For every layer (embeddings first) the target rows of each source sentence, and the threshold.

    Each layer has the threshold that is best for it on `development`, which may be what is `asked` itself.
    """
    known = _candidates(model, development, precision, scratch)
    found = known if development is asked else _candidates(model, asked, precision, scratch)
    thresholds = [mining.threshold(layer, development.examples[0]) for layer in known]
    pairs = [
        mining.extract(layer, lowest, len(asked.examples[0].source))
        for layer, lowest in zip(found, thresholds, strict=True)
    ]
    return pairs, thresholds


def _candidates(model: Model, prepared: Prepared, precision: str, scratch: Path) -> list[mining.Candidates]:
    (bitext,) = prepared.examples
    nearest = search_on_gpu if model.device.type == "cuda" else mining.search
    return [mining.mine(bitext, layer, nearest) for layer in embed(model, prepared, precision, scratch)]


def search_on_gpu(
    source: mining.Vectors, target: mining.Vectors, k: int, device: str = "cuda"
) -> mining.Neighbours:
    """What `metrics.mining.search` does, on a device of torch."""
    left, right = (torch.from_numpy(side).to(device) for side in (source, target))
    return mining.Neighbours(*_nearest(left, right, k), *_nearest(right, left, k))


def _nearest(queries: Tensor, base: Tensor, k: int) -> tuple[mining.Vectors, mining.Rows]:
    parts = torch.split(queries, max(1, mining.BLOCK // len(base)))
    found = [(part @ base.T).topk(min(k, len(base)), dim=1) for part in parts]
    similarity = torch.cat([values for values, _ in found]).cpu().numpy()
    return similarity, torch.cat([rows for _, rows in found]).cpu().numpy()
