"""Eyes of text encoders: what is seen decides, padding does not, and what was saved sees the same."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from seeing import (
    EIGHT,
    EXCHANGED,
    PAIRS,
    PICTURES,
    TASK,
    TURNED,
    WITHOUT,
    alone,
    chosen,
    gold,
    learn,
    scores,
)
from toybox import BACKBONE, Box, evaluation, phase, use

from xstilts.compute import checkpoint, vision
from xstilts.compute.data import generator
from xstilts.compute.model import Model
from xstilts.compute.pixels import Album, Preparation, stated
from xstilts.compute.predict import objective
from xstilts.compute.rows import columns_of
from xstilts.data.examples import Caption
from xstilts.errors import BackboneError
from xstilts.families.items import Layout
from xstilts.study import backbone as specifications
from xstilts.study import backbone as study
from xstilts.study.backbone import EYES, EYES_WEIGHTS, PREPARATION, Vision
from xstilts.study.phase import Phase
from xstilts.study.use import Development, Use, View

PATCHES = Vision(size=32, patch=16)
SEEING = BACKBONE.changed(vision=PATCHES)
ENCODERS = ("xlm-r", "mbert", "mdeberta-v3", "modernbert", "eurobert")

Folder = Callable[[str], Path]


def opened(folder: Path, wanted: Vision = PATCHES, tower: Path | None = None) -> Model:
    """The text encoder in a folder with new eyes and a head."""
    model = checkpoint.load(folder)
    torch.manual_seed(0)
    model.eyes = vision.create(model.encoder, wanted, tower, 1, random=False)
    model.add_head("look", "visual", 2)
    torch.nn.init.normal_(model.heads["look"].out.weight, std=0.3)  # type: ignore[union-attr, arg-type]
    return model.eval()


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory, real_format: Folder) -> Folder:
    """Vision encoders, tiny, alone and as a part of what also reads."""

    def made(name: str) -> Path:
        if name == "siglip2":
            return real_format(name)
        folder = tmp_path_factory.mktemp(name)
        torch.manual_seed(0)
        shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        sizes = {"image_size": 32, "patch_size": 16}
        if name == "vit":
            transformers.ViTModel(transformers.ViTConfig(**shape, **sizes)).save_pretrained(folder)
            transformers.ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
        else:
            known = transformers.CLIPConfig(
                text_config=shape | {"vocab_size": 99}, vision_config=shape | sizes, projection_dim=8
            )
            transformers.CLIPModel(known).save_pretrained(folder)
            transformers.CLIPImageProcessorPil(
                size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
            ).save_pretrained(folder)
        return folder

    return made


@pytest.mark.parametrize("name", ENCODERS)
def test_padding_changes_nothing_and_pictures_something(name: str, real_format: Folder) -> None:
    model = opened(real_format(name))
    whole = scores(model, EIGHT)
    assert torch.allclose(whole, alone(model, EIGHT), atol=1e-5)
    mixed = [*EIGHT[:3], *WITHOUT[3:5], *PAIRS[5:]]
    assert torch.allclose(scores(model, mixed), alone(model, mixed), atol=1e-5)
    for other in (TURNED, WITHOUT, PAIRS):
        assert float((scores(model, other) - whole).abs().amax(dim=1).min()) > 1e-5
    assert float((scores(model, EXCHANGED) - scores(model, PAIRS)).abs().amax(dim=1)[2:4].min()) > 1e-6


@pytest.mark.parametrize("name", ["xlm-r", "modernbert"])
def test_without_pictures_the_text_is_read_as_before(name: str, real_format: Folder) -> None:
    model = opened(real_format(name))
    seen = scores(model, WITHOUT)
    model.eyes = None
    assert torch.equal(scores(model, WITHOUT), seen)


def test_eight_examples_are_learned_by_looking(first: Box, tmp_path: Path) -> None:
    model = opened(first.checkpoint(BACKBONE))
    learn(model, 300, 1e-2)
    found = scores(model, EIGHT)
    assert chosen(found) == gold(EIGHT)
    assert chosen(scores(model, TURNED)) != gold(EIGHT)
    text = chosen(scores(model, WITHOUT))
    assert text[::2] == [text[0]] * 4 and text[1::2] == [text[1]] * 4
    checkpoint.save(model, tmp_path / "saved", {"look": ("no", "yes")})
    again = checkpoint.load(tmp_path / "saved")
    assert torch.equal(scores(again, EIGHT), found)
    assert torch.equal(scores(again, PAIRS), scores(model, PAIRS))


@pytest.mark.parametrize("name", ["vit", "clip", "siglip2"])
def test_a_vision_encoder_is_joined_to_a_text_encoder(
    name: str, first: Box, towers: Folder, tmp_path: Path
) -> None:
    folder = towers(name)
    assert specifications.eyes_checksum(folder).startswith("sha256:")
    model = opened(first.checkpoint(BACKBONE), Vision(checksum="x"), folder)
    assert model.eyes is not None and model.eyes.tower is not None and model.preparation is not None
    assert (model.preparation.height, model.preparation.tokens) == (32, 4 if name == "siglip2" else 5)
    learn(model, 200, 5e-3)
    assert chosen(scores(model, EIGHT)) == gold(EIGHT)
    checkpoint.save(model, tmp_path / "saved", {})
    assert torch.equal(scores(checkpoint.load(tmp_path / "saved"), EIGHT), scores(model, EIGHT))
    with torch.inference_mode():
        pixels = torch.from_numpy(Album(TASK, None, model.preparation).pixels(PICTURES[:1]))
        fresh = opened(first.checkpoint(BACKBONE), Vision(checksum="x"), folder).eyes
        drawn = vision.create(model.encoder, Vision(checksum="x"), folder, 1, random=True)
        whole = transformers.AutoModel.from_pretrained(folder).eval()
        tower = getattr(whole, "vision_model", whole)
        assert fresh is not None and fresh.tower is not None and drawn.tower is not None
        states = fresh.tower(pixel_values=pixels).last_hidden_state
        assert torch.allclose(states, tower(pixel_values=pixels).last_hidden_state, atol=1e-6)
        assert not torch.allclose(states, drawn.tower.eval()(pixel_values=pixels).last_hidden_state)


# Phases


def look(split: str = "train", view: View = "all", languages: tuple[str, ...] = ("x-en",)) -> Use:
    shown = Development(split="dev", language="x-en", data="x") if split == "train" else None
    return use("looks", split, languages, view=view, development=shown)


def shown() -> Use:
    return use(
        "shown", languages=("x-en", "x-ia"), development=Development(split="dev", language="x-en", data="x")
    )


def eyes_of(box: Box, model: study.Backbone | Phase) -> bytes:
    return (box.checkpoint(model) / EYES_WEIGHTS).read_bytes()


def test_eyes_are_a_step_and_are_drawn_by_their_seed(first: Box) -> None:
    one, other = eyes_of(first, SEEING), eyes_of(first, SEEING.changed(seed=5))
    assert one != other
    assert SEEING.fingerprint != BACKBONE.fingerprint
    assert SEEING.name == "xlm-roberta-seeing-random0"
    kept = BACKBONE.changed(
        architecture=None, shape={}, tokenizer=None, weights="pretrained", checksum="sha256:x", vision=PATCHES
    )
    assert kept.made and kept.name == "local-seeing"


def test_phases_keep_eyes_and_those_that_look_train_them(first: Box) -> None:
    captions = phase(shown(), parent=SEEING, updates=3)
    text = phase("pairs", parent=captions, updates=3)
    target = phase(look(), parent=text, updates=3)
    start, *after = (eyes_of(first, model) for model in (SEEING, captions, text, target))
    assert after[0] != start
    assert after[1] == after[0]
    assert after[2] != after[1]


@pytest.mark.parametrize("view", ["all", "shuffled", "text", "caption", "image"])
def test_a_target_is_asked_as_each_control_sees_it(first: Box, view: View) -> None:
    own = look(view=view) if view in ("text", "caption", "image") else look()
    target = phase(own, parent=SEEING, updates=3)
    record = first.compute(target)
    assert record["source_score"]["looks"]["n"] == 9
    asked = evaluation(
        target, "looks", ("x-en", "x-ia"), use=look("test", view, ("x-en", "x-ia")), trained_by=own
    )
    assert first.compute(asked)["examples"] == 36


def test_a_phase_that_looks_continues_bit_for_bit(box: Box) -> None:
    whole = phase(look(), parent=SEEING, updates=6)
    shorter = phase(look(), parent=SEEING, updates=6, seed=2)
    assert box.weights(whole) != box.weights(shorter)
    wanted, eyes = box.weights(whole), eyes_of(box, whole)
    seen: list[int] = []

    class StopError(Exception):
        pass

    def stop(event: object) -> None:
        seen.append(1)
        if len(seen) == 4:
            raise StopError

    again = Box(box.store.__class__(box.store.root.parent / "again"))
    again.store.prepare()
    again.compute(SEEING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xstilts.compute.train.REPORT_SECONDS", 0.0)
        with pytest.raises(StopError):
            again.compute(whole, save_seconds=0, report=stop)
    assert (again.store.running(whole.fingerprint) / "state.safetensors").is_file()
    again.compute(whole, save_seconds=0)
    assert again.weights(whole) == wanted
    assert eyes_of(again, whole) == eyes


def test_pictures_of_captions_stay_where_tokens_are_hidden(first: Box) -> None:
    model = checkpoint.load(first.checkpoint(SEEING))
    rows = [Caption("a b c d", images=PICTURES[:2]), Caption("e f"), Caption("g h a", images=PICTURES[2:3])]
    assert model.preparation is not None
    album = Album(TASK, None, model.preparation)
    data = columns_of(rows, "masked", model.tokenizer, Layout(max_length=40, stride=16), album)
    hidden = objective(model).hide(data, np.asarray([2, 1, 0]), 0.5, generator("x"))
    named = [
        [hidden.names[n] for n in hidden.images[hidden.image_at[i] : hidden.image_at[i + 1]]]
        for i in range(3)
    ]
    assert named == [[PICTURES[2]], [], list(PICTURES[:2])]
    assert (data.width - data.longest).tolist() == [8, 0, 4]


def test_what_reads_text_alone_is_shown_no_pictures(first: Box) -> None:
    with pytest.raises(BackboneError, match="reads text alone"):
        scores(checkpoint.load(first.checkpoint(BACKBONE)), EIGHT)


def test_eyes_belong_to_the_identity_of_a_folder(first: Box, tmp_path: Path) -> None:
    model = checkpoint.load(first.checkpoint(SEEING))
    known = set()
    checkpoint.save(model, tmp_path, {})
    known.add(study.checksum(tmp_path))
    (tmp_path / EYES).write_text((tmp_path / EYES).read_text() + "\n")
    known.add(study.checksum(tmp_path))
    (tmp_path / EYES_WEIGHTS).write_bytes(b"")
    known.add(study.checksum(tmp_path))
    (tmp_path / PREPARATION).write_text("{}")
    known.add(study.checksum(tmp_path))
    assert len(known) == 4
    with pytest.raises(BackboneError, match="do not fit its text encoder"):
        checkpoint.load(tmp_path)


def test_a_model_with_eyes_sees_with_random_weights_too(first: Box, tmp_path: Path) -> None:
    wanted = checkpoint.load(first.checkpoint(SEEING))
    folder = first.checkpoint(SEEING)
    one, same, other = (checkpoint.drawn(folder, seed).eyes for seed in (1, 1, 2))
    assert one is not None and same is not None and other is not None
    assert one.preparation == wanted.preparation
    assert wanted.eyes is not None and not torch.equal(one.stem[0].weight, wanted.eyes.stem[0].weight)
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[name])
        assert name.startswith("norm") or "bias" in name or not torch.equal(tensor, other.state_dict()[name])


@pytest.mark.parametrize("name", ["siglip2", "paligemma"])
def test_what_sees_by_itself_does_with_random_weights(name: str, real_format: Folder) -> None:
    drawn, pretrained = checkpoint.drawn(real_format(name), 1), checkpoint.load(real_format(name))
    assert drawn.preparation == pretrained.preparation
    assert not torch.equal(drawn.embeddings, pretrained.embeddings)


# Preparation


def test_images_are_prepared_as_their_models_say(towers: Folder) -> None:
    for name, sides in product(("vit", "clip", "siglip2"), ((40, 60), (71, 41), (20, 33))):
        image = np.random.default_rng(0).integers(0, 256, (*sides, 3)).astype(np.uint8)
        folder = towers(name)
        processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
        wanted = processor(Image.fromarray(image), return_tensors="np")["pixel_values"][0]
        found = stated(folder, 4)
        assert np.abs(found.scaled(found.resized(image)[None])[0] - wanted).max() < 1e-5, name


def test_pictures_of_the_lab_stay_as_they_are() -> None:
    plain = Preparation(32, 32, 4, (0.0,) * 3, (1.0,) * 3)
    album = Album(TASK, None, plain)
    from xstilts import lab

    drawn = lab.render("vnli", PICTURES[0])
    assert np.array_equal(album.pixels(PICTURES[:1])[0] * 255, drawn.transpose(2, 0, 1))


def test_an_album_keeps_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(task: object, name: str, folder: object) -> np.ndarray:
        asked.append(name)
        return np.zeros((32, 32, 3), np.uint8)

    monkeypatch.setattr("xstilts.data.images.load", load)
    monkeypatch.setattr("xstilts.compute.pixels.KEPT_BYTES", 2 * 3 * 32 * 32)
    album = Album(TASK, None, Preparation(32, 32, 4))
    for name in "ab", "ab", "bc", "a":
        album.pixels(list(name))
    assert "".join(asked) == "abca"
