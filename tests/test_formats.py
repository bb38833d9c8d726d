"""The small models in the formats of real releases: transformers reads them, and they are what they say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

import format_tokenizers
from format_shapes import IMAGE, PATCH
from format_tokenizers import TEXTS
from formats import FORMATS, NAMES, TEXT_NAMES, make

Folder = Callable[[str], Path]
SEERS = tuple(name for name in NAMES if name not in TEXT_NAMES)
AUTO = {
    "encoder": transformers.AutoModelForMaskedLM,
    "encoder-decoder": transformers.AutoModelForSeq2SeqLM,
    "decoder": transformers.AutoModelForCausalLM,
    "dual": AutoModel,
    "vision-language": transformers.AutoModelForImageTextToText,
}


@pytest.mark.parametrize("name", NAMES)
def test_transformers_loads_all_of_it(name: str, real_format: Folder) -> None:
    made, folder = FORMATS[name], real_format(name)
    settings = AutoConfig.from_pretrained(folder)
    assert (settings.model_type, settings.architectures) == (made.model_type, [made.saved_as])
    model, report = AUTO[made.kind].from_pretrained(folder, output_loading_info=True)
    assert type(model).__name__ == made.saved_as
    assert not any(report.values())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.get_input_embeddings().num_embeddings == len(tokenizer) + made.spare
    _, report = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not [key for key in report["missing_keys"] if "pooler" not in key]
    assert (folder / "tokenizer.json").is_file()
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_tokenizer_knows_its_sentences(name: str, real_format: Folder) -> None:
    def plain(text: str) -> str:
        text = text.lower() if name == "siglip2-naflex" else text
        return text.replace(" ", "") if name == "mbert" else text  # it does not keep where spaces were

    tokenizer = AutoTokenizer.from_pretrained(real_format(name))
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        assert plain(tokenizer.decode(ids, skip_special_tokens=True)) == plain(text)


@pytest.mark.parametrize("name", NAMES)
def test_special_tokens_stand_where_the_release_has_them(name: str, real_format: Folder) -> None:
    made = FORMATS[name]
    tokenizer = AutoTokenizer.from_pretrained(real_format(name))
    texts = {"A": "the", "B": "is"}

    def around(template: str) -> list[str]:
        tokens: list[str] = []
        for part in template.split():
            tokens += tokenizer.tokenize(texts[part]) if part in texts else [part]
        return tokens

    for template, given in ((made.single, ["the"]), (made.pair, ["the", "is"])):
        ids = tokenizer(*given)["input_ids"]
        assert tokenizer.convert_ids_to_tokens(ids) == around(template)
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in made.ids} == made.ids
    assert (tokenizer.pad_token, tokenizer.padding_side) == (made.pad, made.side)
    for token in {part for part in made.pair.split() if part not in texts}:
        assert tokenizer.convert_tokens_to_ids(token) in tokenizer.all_special_ids


def test_pairs_have_segments_where_the_release_has_them(real_format: Folder) -> None:
    for name in TEXT_NAMES:
        encoded = AutoTokenizer.from_pretrained(real_format(name))("the", "is")
        assert (max(encoded.get("token_type_ids", [0])) == 1) == (name in ("mbert", "mdeberta-v3"))


def test_sentinels_of_denoising_are_one_token_each(real_format: Folder) -> None:
    for name, last, spaced in (("mt5", "▁<extra_id_0>", True), ("umt5", "<extra_id_0>", False)):
        tokenizer = AutoTokenizer.from_pretrained(real_format(name))
        assert tokenizer.convert_tokens_to_ids(last) == len(tokenizer) - 1
        tokens = tokenizer.tokenize("the <extra_id_0> is <extra_id_99>")
        assert [token.removeprefix("▁" * spaced) for token in tokens if "extra" in token] == [
            "<extra_id_0>",
            "<extra_id_99>",
        ]


def test_mt5_and_umt5_have_output_weights_of_their_own(real_format: Folder) -> None:
    for name, own in (("mt5", True), ("umt5", True), ("mbart", False), ("eurobert", True), ("llama", False)):
        model = AUTO[FORMATS[name].kind].from_pretrained(real_format(name))
        embeddings, output = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        assert (not torch.equal(embeddings, output)) == own


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_again(name: str, real_format: Folder, tmp_path: Path) -> None:
    first = real_format(name)
    format_tokenizers.bpe.cache_clear()
    again = make(name, tmp_path / name)
    assert sorted(path.name for path in first.iterdir()) == sorted(path.name for path in again.iterdir())
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


@pytest.mark.parametrize("name", SEERS)
def test_an_image_of_any_size_reaches_the_model(name: str, real_format: Folder) -> None:
    folder = real_format(name)
    tokenizer, processor = AutoTokenizer.from_pretrained(folder), AutoImageProcessor.from_pretrained(folder)
    model = AUTO[FORMATS[name].kind].from_pretrained(folder).eval()
    seen = "<|image_pad|>" if name.startswith("qwen") else "<image>" * (name == "paligemma")

    def scores(image: Any) -> torch.Tensor:
        inputs = dict(processor(images=[image], return_tensors="pt"))
        grid = inputs.get("image_grid_thw")
        tokens = (IMAGE // PATCH) ** 2 if grid is None else int(grid.prod()) // processor.merge_size**2
        ids = torch.tensor([tokenizer(seen * tokens + "the tree")["input_ids"]])
        if grid is not None:
            inputs["mm_token_type_ids"] = (ids == tokenizer.convert_tokens_to_ids(seen)).int()
        with torch.no_grad():
            outputs = model(input_ids=ids, **inputs)
        return outputs.logits_per_image if FORMATS[name].kind == "dual" else outputs.logits[:, -1]

    generator = np.random.default_rng(0)
    one, other = (scores(generator.integers(0, 256, (40, wide, 3), dtype=np.uint8)) for wide in (40, 50))
    assert torch.isfinite(one).all()
    assert (one - other).abs().max() > 1e-4
