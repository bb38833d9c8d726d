"""Eyes for a text encoder: images as vectors that it reads beside its tokens, in a single stream.

The images are cut into patches, each of which becomes a vector (as in ViT; Dosovitskiy et al. 2020, section
3.1), or a pretrained vision encoder's states are projected to the width of the token embeddings. Text and
images then go through the text encoder together (VisualBERT; Li et al. 2019, section 3.2).

Shapes: N images, S sequences, L tokens, I images of a sequence, P vectors of an image, D numbers of each.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from xstilts.compute.bare import blank, check_whole, read, reason
from xstilts.compute.data import Batch
from xstilts.compute.pixels import Preparation, stated
from xstilts.errors import BackboneError
from xstilts.study.vision import EYES, EYES_WEIGHTS, MOST_IMAGES, Vision


class Eyes(nn.Module):
    """Vectors of images, [N, 3, H, W] -> [N, P, D], to stand beside the embeddings of tokens.

    Without a `tower` (a pretrained vision encoder) patches of `patch` x `patch` pixels go through two layers,
    and each place has a vector of its own. `numbers` says of a vector whether it is of a sequence's first
    image, its second, and so on. What is seen is normalised to the spread of the token embeddings before
    places and numbers are added: else training lets it outgrow them, and where something is cannot be told.
    """

    def __init__(
        self, preparation: Preparation, width: int, patch: int = 0, tower: PreTrainedModel | None = None
    ) -> None:
        super().__init__()
        self.preparation, self.width, self.patch = preparation, width, patch
        self.tower = tower
        if tower is None:
            self.stem: nn.Module = nn.Sequential(
                nn.Linear(3 * patch**2, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
            )
        else:
            self.stem = nn.Linear(tower.config.hidden_size, width)
        self.norm = nn.LayerNorm(width)
        self.places = nn.Parameter(torch.zeros(preparation.tokens, width)) if tower is None else None
        self.numbers = nn.Parameter(torch.zeros(MOST_IMAGES, width))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.tower is None:
            cut = nn.functional.unfold(pixels, self.patch, stride=self.patch).transpose(1, 2)
            vectors: torch.Tensor = self.norm(self.stem(cut)) + self.places
        else:
            vectors = self.norm(self.stem(self.tower(pixel_values=pixels).last_hidden_state))
        return vectors

    def beside(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The vectors of each sequence's images, [S, I x P, D], and which there are, [S, I x P]."""
        assert batch.pixels is not None
        rows, most = batch.pixels.shape[:2]
        if most > MOST_IMAGES:
            what = f"can be shown {MOST_IMAGES} images at once, but a row has {most}."
            raise BackboneError("the model", what, "Leave such rows out, or put the images side by side.")
        there = batch.shown
        found = self(batch.pixels[there])
        vectors = found.new_zeros(rows, most, *found.shape[1:])
        vectors[there] = found
        vectors = vectors + self.numbers[:most, None]
        filled = there.repeat_interleave(found.shape[1], dim=1).to(batch.attention.dtype)
        return vectors.flatten(1, 2), filled


def joined(encoder: PreTrainedModel, eyes: Eyes, batch: Batch) -> dict[str, torch.Tensor]:
    """What a text encoder is given instead of token ids: each text, its images behind it, then padding.

    Positions are stated where they are learned: images have none (XLM-R's of padding, which is nothing) or
    the first; elsewhere they follow the text.
    """
    images, filled = eyes.beside(batch)
    words = encoder.get_input_embeddings()(batch.ids)
    vectors = torch.cat([words, images.to(words.dtype)], dim=1)
    mask = torch.cat([batch.attention, filled], dim=1)
    order = torch.argsort(1 - mask, dim=1, stable=True)
    inputs = {
        "inputs_embeds": vectors.gather(1, order[:, :, None].expand_as(vectors)),
        "attention_mask": mask.gather(1, order),
    }
    first = _first_position(encoder)
    if first is not None:
        at = batch.attention.cumsum(dim=1) - 1 + first
        nowhere = first - 1 if first else 0
        places = torch.where(batch.attention.bool(), at, nowhere)
        places = torch.cat([places, places.new_full(filled.shape, nowhere)], dim=1)
        inputs["position_ids"] = places.gather(1, order)
    if "token_type_ids" in inspect.signature(encoder.forward).parameters:
        types = torch.cat([batch.types, torch.zeros_like(filled)], dim=1).gather(1, order)
        known = int(getattr(encoder.config, "type_vocab_size", 0) or 0)
        inputs["token_type_ids"] = types if known > 1 else torch.zeros_like(types)
    return inputs


def _first_position(encoder: PreTrainedModel) -> int | None:
    """The number of a text's first position where positions are learned, which XLM-R counts from padding."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if not isinstance(table, nn.Embedding):
        return None
    return 0 if table.padding_idx is None else table.padding_idx + 1


def create(encoder: PreTrainedModel, wanted: Vision, folder: Path | None, seed: int, *, random: bool) -> Eyes:
    """Eyes for an encoder: fresh patches, or the vision encoder in `folder`; new parts come from `seed`.

    With `random` the vision encoder's weights do too.
    Raises BackboneError if the folder holds no vision encoder that transformers can load.
    """
    tokens: Any = encoder.get_input_embeddings()
    width = tokens.weight.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if folder is None:
            assert wanted.size is not None and wanted.patch is not None
            count = (wanted.size // wanted.patch) ** 2
            eyes = Eyes(Preparation(wanted.size, wanted.size, count), width, wanted.patch)
        else:
            tower = _tower(folder, random=random)
            eyes = Eyes(stated(folder, tokens=0), width, tower=tower)
            eyes.preparation = stated(folder, _states(tower, eyes.preparation))
        _spread(eyes, encoder)
    return eyes


def redraw(eyes: Eyes, encoder: PreTrainedModel, seed: int) -> None:
    """Give eyes random weights, as `create` does with `random`, whatever they had learned."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if eyes.tower is not None:
            eyes.tower = blank(eyes.tower.config)
        for part in eyes.stem.modules():
            if isinstance(part, nn.Linear):
                part.reset_parameters()
        eyes.norm.reset_parameters()
        _spread(eyes, encoder)


def _spread(eyes: Eyes, encoder: PreTrainedModel) -> None:
    """Vectors are spread as those of the tokens are."""
    tokens: Any = encoder.get_input_embeddings()
    spread = float(tokens.weight.detach().std())
    for vectors in (eyes.places, eyes.numbers):
        if vectors is not None:
            nn.init.normal_(vectors, std=spread)
    nn.init.constant_(eyes.norm.weight, spread)


def _tower(folder: Path, *, random: bool) -> PreTrainedModel:
    """The vision encoder in a folder: alone, or the part of a larger model that sees."""
    try:
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        settings = getattr(settings, "vision_config", settings)
        if random:
            return blank(settings)
        tower, report = read(folder, settings)
    except Exception as error:  # transformers raises errors of many kinds; all say that the files are wrong
        what = f"holds no vision encoder that transformers can load ({reason(error)})."
        raise BackboneError(str(folder), what, "Name a ViT, or SigLIP's.") from error
    check_whole(folder, settings, report)
    return tower


@torch.inference_mode()
def _states(tower: PreTrainedModel, preparation: Preparation) -> int:
    """The number of states that it gives for an image."""
    blank = torch.zeros(1, 3, preparation.height, preparation.width)
    return int(tower(pixel_values=blank).last_hidden_state.shape[1])


def save(eyes: Eyes, folder: Path) -> None:
    """Write the eyes beside the text encoder."""
    facts: dict[str, Any] = {"preparation": eyes.preparation.plain, "patch": eyes.patch}
    if eyes.tower is not None:
        settings = eyes.tower.config
        facts["tower"] = settings.to_diff_dict() | {"model_type": settings.model_type}
    (folder / EYES).write_text(json.dumps(facts, indent=1, sort_keys=True))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in eyes.state_dict().items()}
    save_file(tensors, folder / EYES_WEIGHTS, metadata={"format": "pt"})


def load(folder: Path, width: int) -> Eyes | None:
    """The eyes that were saved in a folder, if there are any.

    Raises BackboneError if they do not fit a text encoder whose embeddings are that wide.
    """
    if not (folder / EYES).is_file():
        return None
    try:
        facts = json.loads((folder / EYES).read_text(encoding="utf-8"))
        tower = None
        if "tower" in facts:
            fields = dict(facts["tower"])
            tower = blank(AutoConfig.for_model(fields.pop("model_type"), **fields))
        eyes = Eyes(Preparation.of(facts["preparation"]), width, int(facts["patch"]), tower)
        eyes.load_state_dict(load_file(folder / EYES_WEIGHTS))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        what = f"its {EYES} and {EYES_WEIGHTS} do not fit its text encoder ({type(error).__name__}: {error})."
        raise BackboneError(str(folder), " ".join(what.split())[:400], "Make the backbone again.") from error
    return eyes
