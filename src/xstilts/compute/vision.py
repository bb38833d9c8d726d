"""How models see: eyes for a text encoder, dual encoders, and vision-language models.

Eyes give images as vectors that a text encoder reads beside its tokens, in a single stream. The images are
cut into patches, each of which becomes a vector (as in ViT; Dosovitskiy et al. 2020, section 3.1), or a
pretrained vision encoder's states are projected to the width of the token embeddings. Text and images then go
through the text encoder together (VisualBERT; Li et al. 2019, section 3.2). Of a dual encoder (CLIP, SigLIP)
one tower reads, the other sees, and a head joins their answers. In a vision-language model (PaliGemma,
Qwen-VL) tokens of the text stand for an image.

Shapes: N images, S sequences, L tokens, I images of a sequence, P vectors of an image, D numbers of each, or
of a tower's answer, F numbers of joined answers, H x W pixels.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from xstilts.compute.data import Batch
from xstilts.compute.head import Head
from xstilts.compute.pixels import Cut, Preparation, squared, stated
from xstilts.compute.pretrained import blank, check_whole, read, refused, save_tensors
from xstilts.errors import BackboneError
from xstilts.study.architecture import facts_of
from xstilts.study.backbone import EYES, EYES_WEIGHTS, MOST_IMAGES, Vision


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


def joined(encoder: PreTrainedModel, eyes: Eyes, batch: Batch, first: int | None) -> dict[str, torch.Tensor]:
    """What a text encoder is given instead of token ids: each text, its images behind it, then padding.

    Positions are stated where they are learned, `first` being the number of a text's first one: images have
    none (XLM-R's of padding, which is nothing) or the first; elsewhere they follow the text.
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
    with refused(folder, "holds no vision encoder that transformers can load", "Name a ViT, or SigLIP's."):
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        settings = getattr(settings, "vision_config", settings)
        if random:
            return blank(settings)
        tower, report = read(folder, settings)
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
    save_tensors(eyes.state_dict(), folder / EYES_WEIGHTS)


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


DUAL_IMAGES = 2
"""Of a sequence, that the head has places for."""


class Fusion(Head):
    """A head over a text t and each of its images v: t, v, t x v and |t - v|, [S, F] -> [S, K]."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__("visual", width, outputs, dropout=0.0, epsilon=1e-5)
        self.dense = nn.Linear(width * (1 + 3 * DUAL_IMAGES), width)
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)


def text_tower(encoder: Any) -> Any:
    """The tower that reads; of a model without towers all of it."""
    return getattr(encoder, "text_model", encoder)


def tower_width(encoder: PreTrainedModel) -> int:
    """The numbers of a tower's answer."""
    settings: Any = encoder.config
    text = settings.text_config
    stated = getattr(settings, "projection_dim", None) or getattr(text, "projection_size", None)
    return int(stated or text.hidden_size)


def dual_states(encoder: PreTrainedModel, batch: Batch, pad: int, *, joined: bool) -> torch.Tensor:
    """The only state of each sequence, [S, 1, D]; where it is `joined` with its images, [S, 1, F].

    All answers are scaled to variance 1. An image that a sequence does not have is nothing.
    """
    text = _scaled(_read(encoder, batch, pad))
    if not joined:
        return text[:, None]
    parts = [text]
    images = _seen(encoder, batch, text)
    there = images.abs().amax(dim=2, keepdim=True) > 0
    for number in range(DUAL_IMAGES):
        image, known = images[:, number], there[:, number]
        parts += [image, text * image, (text - image).abs() * known]
    return torch.cat(parts, dim=1)[:, None]


def _scaled(answer: torch.Tensor) -> torch.Tensor:
    return nn.functional.layer_norm(answer.float(), answer.shape[-1:])


def _read(encoder: Any, batch: Batch, pad: int) -> torch.Tensor:
    """What the text tower answers, [S, D]."""
    if not facts_of(encoder.config.model_type).padded:
        found = encoder.get_text_features(input_ids=batch.ids, attention_mask=batch.attention)
        return _answer(found)
    room = encoder.config.text_config.max_position_embeddings
    ids = batch.ids.masked_fill(batch.attention == 0, pad)
    whole = nn.functional.pad(ids, (0, room - ids.shape[1]), value=pad)
    return _answer(encoder.get_text_features(input_ids=whole))


def _seen(encoder: Any, batch: Batch, text: torch.Tensor) -> torch.Tensor:
    """What the other tower answers to each image, [S, DUAL_IMAGES, D], 0 where there is none."""
    images = text.new_zeros(len(text), DUAL_IMAGES, text.shape[1])
    if batch.pixels is None:
        return images
    most = batch.pixels.shape[1]
    if most > DUAL_IMAGES:
        what = f"can be shown {DUAL_IMAGES} images at once, but a row has {most}."
        raise BackboneError(f"the {encoder.config.model_type} model", what, "Take another backbone.")
    found = _scaled(_answer(encoder.get_image_features(pixel_values=batch.pixels[batch.shown])))
    images[:, :most][batch.shown] = found
    return images


def _answer(found: Any) -> torch.Tensor:
    """The features, which transformers gives alone or with what they were made of."""
    answer: torch.Tensor = getattr(found, "pooler_output", found)
    return answer


def image_preparation(settings: Any, folder: Path) -> Preparation:
    """How the model in a folder wants its images. Raises BackboneError if the folder does not say it."""
    if settings.model_type == "paligemma":
        return stated(folder, tokens=0)  # they stand among those of the text, and are counted there
    seen = settings.vision_config
    return squared(folder, seen.patch_size, seen.spatial_merge_size, seen.temporal_patch_size)


def image_prompts(settings: Any, tokenizer: Any, sight: Preparation | None) -> dict[str, Any]:
    """The tokens that stand for an image, and those after the question, by their names in a layout.

    PaliGemma ends its question with a new line (Beyer et al. 2024); Qwen-VL has a token before and after
    each image (Wang et al. 2024, section 2.1), and is asked as decoders are.
    """
    image = (settings.image_token_id,) * _image_states(settings, sight)
    if isinstance(sight, Cut):
        return {"image": (settings.vision_start_token_id, *image, settings.vision_end_token_id)}
    closing = tokenizer("\n", add_special_tokens=False)["input_ids"]
    return {"image": image, "closing": tuple(closing)}


def _image_states(settings: Any, sight: Preparation | None) -> int:
    """The states of an image."""
    if isinstance(sight, Cut):
        rows, columns = sight.grid
        return rows * columns // sight.merge**2
    seen = settings.vision_config
    return int((seen.image_size // seen.patch_size) ** 2)


def image_inputs(settings: Any, batch: Batch, sight: Preparation | None) -> dict[str, Any]:
    """What the model is given beside ids and attention; it computes Qwen-VL's positions from it.

    Raises BackboneError if a text holds the token that stands for an image.
    """
    types = {} if isinstance(sight, Cut) else {"token_type_ids": batch.types}
    if batch.pixels is None:
        return types
    pixels = batch.pixels[batch.shown]
    places = batch.ids == settings.image_token_id
    if int(places.sum()) != len(pixels) * _image_states(settings, sight):
        what = "is given a text that holds the token that stands for an image."
        raise BackboneError(f"the {settings.model_type} model", what, "Take it out of the rows.")
    if not isinstance(sight, Cut):
        return types | {"pixel_values": pixels}
    grid = torch.tensor([1, *sight.grid], device=pixels.device).expand(len(pixels), 3)
    return {
        "pixel_values": patches(pixels, sight),
        "image_grid_thw": grid,
        "mm_token_type_ids": places.int(),
    }


def patches(pixels: torch.Tensor, sight: Cut) -> torch.Tensor:
    """Images [N, 3, H, W] as patches, a row each, [N x patches, 3 x frames x patch x patch].

    Those that become one token stand together; their tokens stand row by row.
    """
    rows, columns = (count // sight.merge for count in sight.grid)
    parts = pixels.reshape(len(pixels), 3, rows, sight.merge, sight.patch, columns, sight.merge, sight.patch)
    parts = parts.permute(0, 2, 5, 3, 6, 1, 4, 7)[..., None, :, :]
    return parts.expand(*parts.shape[:6], sight.frames, *parts.shape[7:]).flatten(5).flatten(0, 4)
