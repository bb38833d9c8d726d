"""Qwen-VL: images as one square, cut into patches, as transformers' own processors and models have them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from seeing import EIGHT, EXCHANGED, LAYOUT_TEXT, PAIRS, PICTURES, TASK, WITHOUT

from format_shapes import qwen_images
from xstilts.compute import checkpoint
from xstilts.compute.data import Batch, collate
from xstilts.compute.model import Model
from xstilts.compute.pixels import Album, Cut, squared
from xstilts.compute.rows import columns_of
from xstilts.compute.vision import patches
from xstilts.data import images
from xstilts.data.examples import Seen
from xstilts.errors import BackboneError
from xstilts.study.backbone import PREPARATION

Folder = Callable[[str], Path]
PROCESSORS = {
    "qwen2-vl": transformers.Qwen2VLProcessor,
    "qwen2.5-vl": transformers.Qwen2_5_VLProcessor,
    "qwen3-vl": transformers.Qwen3VLProcessor,
}
MIXED = [EIGHT[0], PAIRS[5], WITHOUT[3], EXCHANGED[5]]
"""One image, two, none, and two the other way around."""


def asked(model: Model, rows: list[Seen]) -> Batch:
    assert model.preparation is not None
    album = Album(TASK, None, model.preparation)
    data = columns_of(rows, "visual", model.tokenizer, model.layout(LAYOUT_TEXT, "text"), album)
    return collate(data, np.arange(len(rows)), model.pad)


def shrunk(name: str) -> Any:
    return Image.fromarray(images.load(TASK, name, None)).resize((32, 32), Image.Resampling.BICUBIC)


@torch.inference_mode()
@pytest.mark.parametrize("name", PROCESSORS)
def test_as_its_own_processor_and_model_have_it(
    name: str, real_format: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = real_format(name)
    model = checkpoint.load(folder).eval()
    known: Any = PROCESSORS[name]
    monkeypatch.setattr(
        known, "check_argument_for_proper_class", lambda *_: None
    )  # of films, for torchvision
    processor = known(
        transformers.AutoImageProcessor.from_pretrained(folder, backend="pil"),
        transformers.AutoTokenizer.from_pretrained(folder),
    )
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    wanted = processor(
        text=[f"{image * len(row.images)}text: {row.text} answer: {row.label}" for row in MIXED],
        images=[shrunk(one) for row in MIXED for one in row.images],
        padding=True,
        padding_side="right",
        return_tensors="pt",
    )
    batch = asked(model, MIXED)
    filled = batch.attention.bool()
    assert torch.equal(batch.attention, wanted["attention_mask"])
    assert torch.equal(batch.ids[filled], wanted["input_ids"][filled])
    assert batch.pixels is not None and isinstance(model.sight, Cut)
    found = patches(batch.pixels[batch.shown], model.sight)
    assert torch.allclose(found, wanted["pixel_values"], atol=1e-6)
    whole = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    logits = whole(**wanted).logits
    assert torch.allclose(model(batch, "masked"), logits[batch.row, batch.column], atol=1e-5)
    apart = torch.cat([model(asked(model, [row]), "masked") for row in MIXED])
    assert torch.allclose(apart, model(batch, "masked"), atol=1e-5)


@torch.inference_mode()
def test_images_of_a_row_are_seen_in_their_order(real_format: Folder) -> None:
    model = checkpoint.load(real_format("qwen2-vl")).eval()
    one, other = (model(asked(model, [rows[5]]), "masked") for rows in (PAIRS, EXCHANGED))
    assert (one - other).abs().max() > 1e-4


@pytest.mark.parametrize("name", PROCESSORS)
def test_transformers_reads_what_was_saved(name: str, real_format: Folder, tmp_path: Path) -> None:
    folder, saved = real_format(name), tmp_path / "saved"
    model = checkpoint.load(folder)
    checkpoint.save(model, saved, {})
    known = transformers.AutoModelForImageTextToText
    whole, report = known.from_pretrained(saved, output_loading_info=True)
    assert not any(report.values())
    before = known.from_pretrained(folder).state_dict()
    assert before.keys() == whole.state_dict().keys()
    assert all(torch.equal(before[one], tensor) for one, tensor in whole.state_dict().items())
    again = checkpoint.load(saved)
    assert again.preparation == model.preparation and list(again.heads) == ["masked"]
    own = [
        transformers.AutoImageProcessor.from_pretrained(one, backend="pil")(
            [shrunk(picture) for picture in PICTURES], return_tensors="pt"
        )
        for one in (folder, saved)
    ]
    assert torch.equal(own[0]["pixel_values"], own[1]["pixel_values"])
    assert torch.equal(own[0]["image_grid_thw"], own[1]["image_grid_thw"])


@pytest.mark.parametrize("name", PROCESSORS)
def test_without_a_head_it_is_saved_and_read(name: str, real_format: Folder, tmp_path: Path) -> None:
    model = checkpoint.load(real_format(name))
    model.heads.clear()
    checkpoint.save(model, tmp_path / "bare", {})
    again = checkpoint.load(tmp_path / "bare").encoder.state_dict()
    assert all(torch.equal(again[one], tensor) for one, tensor in model.encoder.state_dict().items())


SIZES: dict[str, tuple[dict[str, Any], int, int]] = {
    "Qwen2-VL as released": ({"min_pixels": 3136, "max_pixels": 12845056}, 14, 448),
    "within size": ({"size": {"min_pixels": 3136, "max_pixels": 12845056}}, 14, 448),
    "Qwen3-VL as released": ({"size": {"shortest_edge": 65536, "longest_edge": 16777216}}, 16, 448),
    "at the most": ({"min_pixels": 3136, "max_pixels": 100_000}, 14, 308),
    "at the least": ({"min_pixels": 250_000, "max_pixels": 12845056}, 14, 504),
    "no square between": ({"min_pixels": 250_000, "max_pixels": 250_001}, 14, 476),
    "a multiple of 40": ({"min_pixels": 1, "max_pixels": 12845056}, 20, 440),
}


@pytest.mark.parametrize("case", SIZES)
def test_the_side_follows_from_what_the_release_allows(case: str, tmp_path: Path) -> None:
    facts, patch, side = SIZES[case]
    plain = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "patch_size": patch}
    plain |= {"merge_size": 2, "temporal_patch_size": 2}
    (tmp_path / PREPARATION).write_text(json.dumps(plain | facts))
    found = squared(tmp_path, patch, 2, 2)
    assert (found.height, found.width, found.grid) == (side, side, (side // patch, side // patch))
    (tmp_path / PREPARATION).write_text(json.dumps(found.release))
    assert squared(tmp_path, patch, 2, 2) == found


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"size": None}, "KeyError: 'shortest_edge'"),
        ({"size": "large"}, "AttributeError"),
        ({"resample": "well"}, "ValueError"),
        ({"size": {"shortest_edge": 1, "longest_edge": 9}}, "9 pixels hold no 16 x 16"),
        ({"merge_size": 1}, r"patches \(8, 1, 2\), the model's \(8, 2, 2\)"),
    ],
)
def test_a_release_that_does_not_say_it_is_refused(wrong: dict[str, Any], words: str, tmp_path: Path) -> None:
    facts = json.loads(qwen_images().to_json_string())
    (tmp_path / PREPARATION).write_text(json.dumps(facts))
    assert squared(tmp_path, 8, 2, 2).height == 32
    (tmp_path / PREPARATION).write_text(json.dumps(facts | wrong))
    with pytest.raises(BackboneError, match=f"does not say how images are prepared .*{words}"):
        squared(tmp_path, 8, 2, 2)


@pytest.mark.parametrize(("name", "sign"), [("qwen2-vl", "<|image_pad|>"), ("paligemma", "<image>")])
def test_a_text_with_the_sign_of_an_image_is_told(name: str, sign: str, real_format: Folder) -> None:
    model = checkpoint.load(real_format(name))
    rows = [replace(EIGHT[0], text=f"the {sign} tree")]
    with pytest.raises(BackboneError, match="a text that holds the token that stands for an image"):
        model(asked(model, rows), "masked")
