"""Probes: forward passes of frozen models over a few rows, and what is computed of their states."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts import families
from xstilts.compute import checkpoint
from xstilts.compute.context import Context
from xstilts.compute.data import Encoded, generator
from xstilts.compute.model import Model
from xstilts.compute.predict import batches
from xstilts.compute.rows import examples, has_nulls
from xstilts.data.examples import Bitext
from xstilts.families.items import Item, Layout, tokenize
from xstilts.metrics import transferability
from xstilts.store import Store, probes
from xstilts.store.probes import Probed
from xstilts.study.phase import Probe
from xstilts.study.step import Places, Step

SEQUENCES = ("classification", "choice")
"""Families whose labels are of whole sequences; those of the others with labels are of tokens."""

MOST = 5_000
"""Labelled tokens of a probe; of more, so many are drawn."""


def measure(
    wanted: Sequence[Probe], store: Store, places: Places, report: Callable[[str], None]
) -> dict[str, Probed]:
    """What the probes read, by fingerprint: from the store, or computed and kept there.

    Models are loaded and rows read once. `report` is told how far it is before a model is loaded.
    """
    found: dict[str, Probed] = {}
    drawn: dict[str, tuple[list[Any], int]] = {}
    missing: dict[str, list[Probe]] = {}
    for probe in {one.fingerprint: one for one in wanted}.values():
        if (known := probes.read(store, probe)) is not None:
            found[probe.fingerprint] = known
        else:
            missing.setdefault(f"{probe.model.fingerprint} {probe.attention}", []).append(probe)
    total, threads = len(found) + sum(map(len, missing.values())), torch.get_num_threads()
    try:
        for group in missing.values():
            report(f"{len(found)} of {total} estimates; reading with {group[0].model.name}")
            step = Step(group[0].model)
            context = Context(store, step, store.root, store.root, places, lambda event: None)
            model = checkpoint.load(context.checkpoint(group[0].model))
            model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
            model.attend(group[0].attention)
            model.eval()
            for probe in group:
                torch.set_num_threads(probe.threads)
                began = time.monotonic()
                rows = f"{probe.rows} {probe.seed} {probe.use.canonical}"
                if rows not in drawn:
                    drawn[rows] = _drawn(probe, context)
                probed = replace(_probe(probe, drawn[rows], context, model), seconds=time.monotonic() - began)
                found[probe.fingerprint] = probed
                probes.write(store, probe, probed)
    finally:
        torch.set_num_threads(threads)
    return found


@dataclass(frozen=True)
class _States:
    """What a model makes of items: a mean for each sequence [S, H], for each read [R] its state and label."""

    means: NDArray[np.float32]
    reads: NDArray[np.float32]
    labels: NDArray[np.int64]
    tokens: int


def _probe(probe: Probe, drawn: tuple[list[Any], int], context: Context, model: Model) -> Probed:
    rows, size = drawn
    items = _items(probe, rows, context, model)
    states = _states(model, Encoded.of(items, "outputs"))
    told = Probed(len(rows), size, states.tokens, 0.0)
    whole = probe.use.family in SEQUENCES
    if probe.asks == "labels":
        read = {"": states.means, "_first": states.reads} if whole else {"": states.reads}
        scores = {
            f"{name}{suffix}": value
            for suffix, features in read.items()
            for name, score in (("logme", transferability.logme), ("h_score", transferability.h_score))
            if (value := score(features.astype(np.float64), states.labels)) is not None
        }
        return replace(told, scores=scores)
    features = (states.means if whole else states.reads).astype(np.float64)
    fisher = transferability.fisher(features, states.labels) if len(states.labels) else None
    special = set(model.tokenizer.all_special_ids)
    tokens = Counter(
        str(token)
        for item in items
        for sequence in item.sequences
        for token in sequence
        if token not in special
    )
    return replace(
        told,
        text=states.means.mean(axis=0, dtype=np.float64).tolist(),
        fisher=[] if fisher is None else fisher.tolist(),
        vocabulary=dict(sorted(tokens.items())),
    )


def _drawn(probe: Probe, context: Context) -> tuple[list[Any], int]:
    """The rows of a probe in the order of the source, and how many there are to draw from.

    Those of retrieval are sentences of the source language, without their translations.
    """
    if probe.use.family == "retrieval":
        language = probe.use.languages[0]
        bitexts = [row for row in context.examples(probe.use, language) if isinstance(row, Bitext)]
        rows: list[Any] = [text for bitext in bitexts for text in bitext.target]
        size = len(rows)
    elif context.places.task(probe.use.task).made is not None:  # slow to make, and all in memory anyway
        rows = list(examples(probe.use, context, probe.seed))
        size = len(rows)
    else:
        rows, size = [], sum(1 for _ in examples(probe.use, context, probe.seed))
    kept = np.zeros(size, bool)
    kept[generator("probe", probe.seed, probe.use.task).permutation(size)[: probe.rows]] = True
    return list(compress(rows or examples(probe.use, context, probe.seed), kept)), size


def _items(probe: Probe, rows: Sequence[Any], context: Context, model: Model) -> list[Item]:
    """The rows as items in which every read has a label: of a whole sequence, or of a token."""
    use = probe.use
    if use.family == "retrieval":
        sequences = tokenize(model.tokenizer, rows, [None] * len(rows), probe.max_length)
        return [Item((ids,), (second,), ([],), [], row) for row, (ids, second) in enumerate(sequences)]
    layout = Layout(
        labels=use.label_set,
        max_length=probe.max_length,
        stride=probe.stride,
        nulls=has_nulls(context.places.task(use.task).metric),
    )
    items = families.find(use.family).encode(rows, model.tokenizer, model.layout(layout))
    if use.family == "choice":  # whether each option is the right one
        return [
            replace(item, gold=[int(option == item.gold[0]) for option in range(len(item.sequences))])
            for item in items
        ]
    if use.family == "span":  # whether each token of the context is one of the answer's
        items = [
            replace(
                item,
                reads=(item.reads[0][1:],),
                gold=[
                    int(0 < item.gold[0] <= place <= item.gold[1]) for place in range(1, len(item.reads[0]))
                ],
                note=None,
            )
            for item in items
        ]
    return items if use.family in SEQUENCES else list(_fewer(items, probe))


def _fewer(items: Sequence[Item], probe: Probe) -> Iterator[Item]:
    """The same items with `MOST` of their labelled tokens, each of one sequence."""
    count = sum(len(item.gold) for item in items)
    kept = np.zeros(count, bool)
    kept[generator("probe tokens", probe.seed, probe.use.task).permutation(count)[:MOST]] = True
    at = 0
    for item in items:
        own = kept[at : at + len(item.gold)]
        at += len(item.gold)
        yield replace(item, reads=(list(compress(item.reads[0], own)),), gold=list(compress(item.gold, own)))


@torch.inference_mode()
def _states(model: Model, encoded: Encoded) -> _States:
    means, reads, labels, tokens = [], [], [], 0
    for _, batch in batches(model, encoded):
        states = model.states(batch, "tagging").float()
        mask = batch.attention[:, : states.shape[1]]  # a dual encoder has one state for a text
        weight = (mask / mask.sum(dim=1, keepdim=True)).unsqueeze(2)
        means.append((states * weight).sum(dim=1).cpu().numpy())
        reads.append(states[batch.row, batch.column].cpu().numpy())
        labels.append(batch.gold.cpu().numpy())
        tokens += batch.real_tokens
    return _States(np.concatenate(means), np.concatenate(reads), np.concatenate(labels), tokens)
