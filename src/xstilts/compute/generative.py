"""Vision-language models (PaliGemma, Qwen-VL): what stands in a text for an image, and what they are given.

Shapes: S sequences, L tokens, N images, H x W pixels.
"""

from pathlib import Path
from typing import Any

import torch

from xstilts.compute.data import Batch
from xstilts.compute.pixels import Cut, Preparation, squared, stated
from xstilts.errors import BackboneError


def preparation(settings: Any, folder: Path) -> Preparation:
    """How the model in a folder wants its images. Raises BackboneError if the folder does not say it."""
    if settings.model_type == "paligemma":
        return stated(folder, tokens=0)  # they stand among those of the text, and are counted there
    seen = settings.vision_config
    return squared(folder, seen.patch_size, seen.spatial_merge_size, seen.temporal_patch_size)


def prompts(settings: Any, tokenizer: Any, sight: Preparation | None) -> dict[str, Any]:
    """The tokens that stand for an image, and those after the question, by their names in a layout.

    PaliGemma ends its question with a new line (Beyer et al. 2024); Qwen-VL has a token before and after
    each image (Wang et al. 2024, section 2.1), and is asked as decoders are.
    """
    image = (settings.image_token_id,) * _count(settings, sight)
    if isinstance(sight, Cut):
        return {"image": (settings.vision_start_token_id, *image, settings.vision_end_token_id)}
    closing = tokenizer("\n", add_special_tokens=False)["input_ids"]
    return {"image": image, "closing": tuple(closing)}


def _count(settings: Any, sight: Preparation | None) -> int:
    """The states of an image."""
    if isinstance(sight, Cut):
        rows, columns = sight.grid
        return rows * columns // sight.merge**2
    seen = settings.vision_config
    return int((seen.image_size // seen.patch_size) ** 2)


def seen(settings: Any, batch: Batch, sight: Preparation | None) -> dict[str, Any]:
    """What the model is given beside ids and attention; it computes Qwen-VL's positions from it.

    Raises BackboneError if a text holds the token that stands for an image.
    """
    types = {} if isinstance(sight, Cut) else {"token_type_ids": batch.types}
    if batch.pixels is None:
        return types
    pixels = batch.pixels[batch.shown]
    places = batch.ids == settings.image_token_id
    if int(places.sum()) != len(pixels) * _count(settings, sight):
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
