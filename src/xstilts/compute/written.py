"""What a language model writes: the likelihood of given answers, and answers that it generates."""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.compute.batches import autocast, batches
from xstilts.compute.data import Batch, Encoded
from xstilts.compute.model import Model
from xstilts.families.span import MAX_ANSWER
from xstilts.families.text import Generated


@torch.inference_mode()
def likelihoods(model: Model, head: str, data: Encoded, precision: str) -> list[NDArray[np.float32]]:
    """For each item the log-likelihood of each of its gold tokens, [reads]."""
    found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(data)
    with autocast(model.device, precision):
        for part, batch in batches(model, data):
            scores = model(batch, head)
            logs = scores.float().log_softmax(dim=1)[torch.arange(len(scores)), batch.gold].cpu().numpy()
            for item, own in zip(part, np.split(logs, np.cumsum(batch.reads)[:-1]), strict=True):
                found[item] = own
    return found


@torch.inference_mode()
def generated(model: Model, head: str, data: Encoded, precision: str) -> list[Generated]:
    """For each item of one sequence what the model writes after it, greedily, and its log-likelihood.

    It ends where the model ends it, or after MAX_ANSWER tokens.
    """
    found: list[Generated] = [("", -np.inf)] * len(data)
    end = model.tokenizer.eos_token_id
    with autocast(model.device, precision):
        for part, batch in batches(model, data):
            written, values = _greedy(model, head, batch, end)
            for item, ids, value in zip(part, written.tolist(), values.tolist(), strict=True):
                kept = ids[: ids.index(end)] if end in ids else ids
                found[item] = (model.tokenizer.decode(kept, skip_special_tokens=True).strip(), value)
    return found


def _greedy(model: Model, head: str, batch: Batch, end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest token, one after the other: [S, T] and the sum of their log-likelihoods, [S].

    What has ended is filled up with the end token.
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
    ids, attention = _left(batch)
    while True:
        inputs = {"input_ids": ids, "attention_mask": attention}
        if model.takes_positions:
            inputs["position_ids"] = (attention.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        outputs = model.encoder(**inputs, past_key_values=cache, use_cache=True)
        cache = outputs.past_key_values
        token = yield outputs.last_hidden_state[:, -1]
        ids = token[:, None]
        attention = torch.cat([attention, attention.new_ones(len(ids), 1)], dim=1)


def _left(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention, padded on the left, so that all sequences end together."""
    lengths, width = batch.attention.sum(dim=1), batch.ids.shape[1]
    order = (torch.arange(width, device=batch.ids.device)[None] + lengths[:, None]) % width
    return batch.ids.gather(1, order), batch.attention.gather(1, order)
