"""Dual encoders (CLIP, SigLIP): one tower reads, the other sees, and a head joins what they found.

Shapes: S sequences, I images of a sequence, D numbers of a tower's answer, F numbers of what is joined.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from xstilts.compute.data import Batch
from xstilts.compute.head import Head
from xstilts.errors import BackboneError

MOST_IMAGES = 2
"""Of a sequence, that the head has places for."""

PADDED = ("siglip",)
"""Model types whose text tower was trained on texts padded to its whole length, padding being read."""


class Fusion(Head):
    """A head over a text t and each of its images v: t, v, t x v and |t - v|, [S, F] -> [S, K]."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__("visual", width, outputs, dropout=0.0, epsilon=1e-5)
        self.dense = nn.Linear(width * (1 + 3 * MOST_IMAGES), width)
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)


def reader(encoder: Any) -> Any:
    """The tower that reads; of a model without towers all of it."""
    return getattr(encoder, "text_model", encoder)


def width(encoder: PreTrainedModel) -> int:
    """The numbers of a tower's answer."""
    settings: Any = encoder.config
    text = settings.text_config
    stated = getattr(settings, "projection_dim", None) or getattr(text, "projection_size", None)
    return int(stated or text.hidden_size)


def states(encoder: PreTrainedModel, batch: Batch, pad: int, *, joined: bool) -> torch.Tensor:
    """The only state of each sequence, [S, 1, D]; where it is `joined` with its images, [S, 1, F].

    All answers are scaled to variance 1. An image that a sequence does not have is nothing.
    """
    text = _scaled(_read(encoder, batch, pad))
    if not joined:
        return text[:, None]
    parts = [text]
    images = _seen(encoder, batch, text)
    there = images.abs().amax(dim=2, keepdim=True) > 0
    for number in range(MOST_IMAGES):
        image, known = images[:, number], there[:, number]
        parts += [image, text * image, (text - image).abs() * known]
    return torch.cat(parts, dim=1)[:, None]


def _scaled(answer: torch.Tensor) -> torch.Tensor:
    return nn.functional.layer_norm(answer.float(), answer.shape[-1:])


def _read(encoder: Any, batch: Batch, pad: int) -> torch.Tensor:
    """What the text tower answers, [S, D]."""
    if encoder.config.model_type not in PADDED:
        found = encoder.get_text_features(input_ids=batch.ids, attention_mask=batch.attention)
        return _answer(found)
    room = encoder.config.text_config.max_position_embeddings
    ids = batch.ids.masked_fill(batch.attention == 0, pad)
    whole = nn.functional.pad(ids, (0, room - ids.shape[1]), value=pad)
    return _answer(encoder.get_text_features(input_ids=whole))


def _seen(encoder: Any, batch: Batch, text: torch.Tensor) -> torch.Tensor:
    """What the other tower answers to each image, [S, MOST_IMAGES, D], 0 where there is none."""
    images = text.new_zeros(len(text), MOST_IMAGES, text.shape[1])
    if batch.pixels is None:
        return images
    most = batch.pixels.shape[1]
    if most > MOST_IMAGES:
        what = f"can be shown {MOST_IMAGES} images at once, but a row has {most}."
        raise BackboneError(f"the {encoder.config.model_type} model", what, "Take another backbone.")
    found = _scaled(_answer(encoder.get_image_features(pixel_values=batch.pixels[batch.shown])))
    images[:, :most][batch.shown] = found
    return images


def _answer(found: Any) -> torch.Tensor:
    """The features, which transformers gives alone or with what they were made of."""
    answer: torch.Tensor = getattr(found, "pooler_output", found)
    return answer
