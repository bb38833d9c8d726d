"""Models that see as they come: dual encoders with a head over both towers, and those asked in text."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from seeing import (
    EIGHT,
    EXCHANGED,
    LABELS,
    LAYOUT,
    LAYOUT_TEXT,
    PAIRS,
    TASK,
    TURNED,
    WITHOUT,
    alone,
    chosen,
    gold,
    learn,
    scores,
)

from xstilts.compute import checkpoint
from xstilts.compute.data import collate
from xstilts.compute.model import Model, loss_sum
from xstilts.compute.pixels import Album, stated
from xstilts.compute.predict import predict
from xstilts.compute.rows import columns_of, prepare
from xstilts.data.examples import Pair, Seen
from xstilts.errors import BackboneError
from xstilts.study.architecture import room, type_of
from xstilts.study.backbone import PREPARATION

Folder = Callable[[str], Path]


def dual(folder: Path) -> Model:
    model = checkpoint.load(folder)
    torch.manual_seed(0)
    model.add_head("look", "visual", 2)
    return model.eval()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, real_format: Folder) -> Path:
    """CLIP, tiny, whose towers differ in width, with SigLIP's tokenizer."""
    folder = tmp_path_factory.mktemp("clip")
    tokenizer = transformers.AutoTokenizer.from_pretrained(real_format("siglip2"))
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = shape | {"hidden_size": 16, "vocab_size": len(tokenizer), "eos_token_id": 1, "bos_token_id": 2}
    image = shape | {"hidden_size": 24, "image_size": 32, "patch_size": 16}
    torch.manual_seed(0)
    known = transformers.CLIPConfig(text_config=text, vision_config=image, projection_dim=8)
    transformers.CLIPModel(known).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessorPil(**size).save_pretrained(folder)
    return folder


@pytest.fixture(params=["siglip2", "clip"])
def folder(request: pytest.FixtureRequest, real_format: Folder, clip: Path) -> Path:
    return clip if request.param == "clip" else real_format(request.param)


def test_a_dual_encoder_learns_eight_examples_by_looking(folder: Path, tmp_path: Path) -> None:
    model = dual(folder)
    assert model.kind == "dual"
    learn(model, 300, 3e-3)
    found = scores(model, EIGHT)
    assert chosen(found) == gold(EIGHT)
    assert torch.allclose(found, alone(model, EIGHT), atol=1e-5)
    mixed = [*EIGHT[:3], *WITHOUT[3:5], *PAIRS[5:]]
    assert torch.allclose(scores(model, mixed), alone(model, mixed), atol=1e-5)
    assert chosen(scores(model, TURNED)) != gold(EIGHT)
    assert not torch.allclose(scores(model, EXCHANGED)[2:], scores(model, PAIRS)[2:])
    text = scores(model, WITHOUT)
    assert torch.allclose(text[::2], text[:1]) and torch.allclose(text[1::2], text[1:2])
    checkpoint.save(model, tmp_path / "saved", {"look": LABELS})
    again = checkpoint.load(tmp_path / "saved")
    assert torch.equal(scores(again, EIGHT), found)
    assert stated(tmp_path / "saved", 4) == model.preparation
    assert transformers.AutoImageProcessor.from_pretrained(tmp_path / "saved", backend="pil").size


@torch.inference_mode()
def test_the_towers_answer_as_transformers_has_it(folder: Path) -> None:
    model = dual(folder)
    whole = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = tokenizer(
        [EIGHT[0].text, EIGHT[1].text],
        padding="max_length",
        max_length=64,
        truncation=True,
        return_tensors="pt",
    )
    read = whole.get_text_features(input_ids=text["input_ids"]).pooler_output
    data = columns_of(EIGHT[:2], "visual", model.tokenizer, model.layout(LAYOUT), _album(model))
    placed = collate(data, np.arange(2), model.pad)
    assert placed.pixels is not None
    seen = whole.get_image_features(pixel_values=placed.pixels[:, 0]).pooler_output
    states = model.states(placed, "visual")[:, 0]
    width = read.shape[1]
    t, v = (torch.nn.functional.layer_norm(part, (width,)) for part in (read, seen))
    wanted = torch.cat([t, v, t * v, (t - v).abs(), torch.zeros(2, 3 * width)], dim=1)
    assert torch.allclose(states, wanted, atol=1e-5)


def _album(model: Model) -> Album:
    assert model.preparation is not None
    return Album(TASK, None, model.preparation)


def test_a_dual_encoder_classifies_texts_with_one_tower(folder: Path) -> None:
    model = dual(folder)
    model.add_head("pairs", "classification", 2)
    rows = [Pair(row.text + " ?" * number, "a tree", LABELS[number % 2]) for number, row in enumerate(EIGHT)]
    data = columns_of(rows, "classification", model.tokenizer, model.layout(LAYOUT), _album(model))
    batch = collate(data, np.arange(8), model.pad)
    assert batch.pixels is None
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(200):
        loss = loss_sum(model(batch, "pairs"), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    assert model(batch, "pairs").argmax(dim=1).tolist() == [0, 1] * 4


def test_a_dual_encoder_has_room_for_two_images(folder: Path) -> None:
    three = [replace(EIGHT[0], images=tuple(row.images[0] for row in EIGHT[::2][:3]))]
    with pytest.raises(BackboneError, match="2 images at once, but a row has 3"):
        scores(dual(folder), three)


def test_the_room_of_the_tower_that_reads_is_known_before_it_is_loaded(folder: Path) -> None:
    tokens = room(folder)
    assert tokens == {"siglip": 64, "clip": 77}[str(type_of(folder))]
    long = [replace(EIGHT[0], text="the red house " * 40)]
    data = columns_of(
        long, "visual", dual(folder).tokenizer, replace(LAYOUT, max_length=99), _album(dual(folder))
    )
    with pytest.raises(BackboneError, match=f"reads up to {tokens} tokens"):
        dual(folder).check_room(data)


def test_a_folder_that_says_nothing_of_images_is_refused(real_format: Folder, tmp_path: Path) -> None:
    dual(real_format("siglip2"))
    for path in real_format("siglip2").iterdir():
        if path.name != PREPARATION:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BackboneError, match="does not say how images are prepared"):
        checkpoint.load(tmp_path)


# PaliGemma and Qwen-VL

GENERATIVE = ("paligemma", "qwen2-vl", "qwen2.5-vl", "qwen3-vl")


@torch.inference_mode()
def answers(model: Model, rows: Sequence[Seen | Pair], family: str = "visual") -> list[str]:
    layout = model.layout(LAYOUT_TEXT, "text")
    return predict(model, "masked", prepare(rows, family, model.tokenizer, layout, "", _album(model)), "fp32")


def trained(model: Model, rows: Sequence[Seen | Pair], family: str, updates: int) -> None:
    model.eval()
    data = columns_of(rows, family, model.tokenizer, model.layout(LAYOUT_TEXT, "text"), _album(model))
    batch, optimizer = (
        collate(data, np.arange(len(rows)), model.pad),
        torch.optim.AdamW(model.parameters(), 3e-3),
    )
    for _ in range(updates):
        loss = loss_sum(model(batch, "masked"), batch) / len(rows)
        if float(loss.detach()) < 0.02:
            return
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("name", GENERATIVE)
def test_it_learns_eight_examples_by_looking(name: str, real_format: Folder, tmp_path: Path) -> None:
    model = checkpoint.load(real_format(name))
    trained(model, EIGHT, "visual", 300)
    assert answers(model, EIGHT) == gold(EIGHT)
    assert answers(model, TURNED) != gold(EIGHT)
    text = answers(model, WITHOUT)
    assert text[::2] == [text[0]] * 4 and text[1::2] == [text[1]] * 4
    checkpoint.save(model, tmp_path / "saved", {})
    again = checkpoint.load(tmp_path / "saved")
    data = columns_of(EIGHT, "visual", model.tokenizer, model.layout(LAYOUT_TEXT, "text"), _album(model))
    batch = collate(data, np.arange(8), model.pad)
    with torch.inference_mode():
        assert torch.equal(again.eval()(batch, "masked"), model(batch, "masked"))
        one = torch.cat([model(collate(data, np.asarray([n]), model.pad), "masked") for n in range(8)])
        assert torch.allclose(one, model(batch, "masked"), atol=1e-5)


@pytest.mark.parametrize("name", ["paligemma", "qwen2-vl"])
def test_it_learns_texts(name: str, real_format: Folder) -> None:
    model = checkpoint.load(real_format(name))
    rows = [Pair(row.text + " ?" * number, None, LABELS[number % 2]) for number, row in enumerate(EIGHT)]
    trained(model, rows, "classification", 200)
    assert answers(model, rows, "classification") == [row.label for row in rows]


@torch.inference_mode()
def test_paligemma_is_asked_as_its_processor_does(real_format: Folder) -> None:
    folder = real_format("paligemma")
    model = checkpoint.load(folder).eval()
    layout = model.layout(LAYOUT_TEXT, "text")
    assert len(layout.image) == 4
    data = columns_of(EIGHT[:1], "visual", model.tokenizer, layout, _album(model))
    batch = collate(data, np.arange(1), model.pad)
    ids = batch.ids[0].tolist()
    image, start = model.encoder.config.image_token_id, model.tokenizer.bos_token_id
    assert ids[:5] == [image] * 4 + [start] and image not in ids[5:]
    whole = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    assert batch.pixels is not None
    logits = whole(
        input_ids=batch.ids,
        attention_mask=batch.attention,
        token_type_ids=batch.types,
        pixel_values=batch.pixels[:, 0],
    ).logits
    found = model(batch, "masked")
    assert torch.allclose(found, logits[batch.row, batch.column], atol=1e-5)
    assert batch.gold[-1] == model.tokenizer.eos_token_id
