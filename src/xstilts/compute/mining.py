"""Mining translation pairs with a model: all sentences embedded once, every layer mined."""

from pathlib import Path

import torch
from torch import Tensor

from xstilts.compute.model import Model
from xstilts.compute.predict import embed
from xstilts.compute.rows import Prepared
from xstilts.metrics import mining

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
