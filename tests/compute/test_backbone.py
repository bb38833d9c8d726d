"""Backbones that are made: tokenizers trained on the text of tasks, shapes, random weights."""

import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toybox import BACKBONE, PLACES, SHAPE, TOYS, Box, phase, use
from transformers import AutoTokenizer

from xstilts.compute.backbone import SPECIAL, _strings
from xstilts.compute.checkpoint import load
from xstilts.data.examples import Answer, Bitext, Choice, Pair, Question, Tagged, Text
from xstilts.errors import BackboneError
from xstilts.store import Store
from xstilts.study import backbone as study
from xstilts.study.backbone import Backbone, Tokenizer

SENTENCES = (
    "The old lighthouse, (1987) and its keeper's dog!",
    "Der alte Leuchtturmwärter über der Brücke.",
    "老灯塔看守人沿着河边走，没有人跟着他。",
    "คนเฝ้าประภาคารเดินไปตามแม่น้ำ",
    "حارس المنارة  العجوز\u00a0يمشي",
    "  spaces\tand\nlines  ",
    "ﬁ ½ Å ①",
)


@pytest.fixture(params=["bpe", "unigram"])
def many_scripts(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A backbone with a tokenizer over several scripts, and the places where its text lies."""
    toy = tmp_path / "scripts.py"
    source = (TOYS / "texts.py").read_text()
    body = f"    yield from map(Text, {SENTENCES!r} * 3)\n"
    head, rest = source.split("    rng =")
    toy.write_text(head + body + "\n\nTASK" + rest.split("\n\nTASK")[1])
    for split in ("train.txt", "dev.txt"):
        shutil.copy(TOYS / split, tmp_path / split)
    tokenizer = Tokenizer(
        uses=(use("texts").changed(task="scripts"),), vocabulary=220, algorithm=request.param
    )
    places = replace(PLACES, tasks={"scripts": toy})
    return BACKBONE.changed(tokenizer=tokenizer), places


def test_the_layout_is_that_of_xlm_r(tokenizer: Any) -> None:
    assert [tokenizer.convert_tokens_to_ids(token) for token in SPECIAL.values()] == [0, 1, 2, 3, 4]
    assert tokenizer.convert_ids_to_tokens(tokenizer("a b", "c")["input_ids"]) == (
        ["<s>", "▁a", "▁b", "</s>", "</s>", "▁c", "</s>"]
    )
    assert tokenizer.num_special_tokens_to_add(pair=True) == 4


def test_texts_survive_a_round_trip_in_every_script(box: Box, many_scripts: Any) -> None:
    backbone, places = many_scripts
    box.compute(backbone, places=places)
    tokenizer = AutoTokenizer.from_pretrained(box.checkpoint(backbone))
    for text in SENTENCES:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        decoded = tokenizer.decode(ids)
        assert decoded.split() == unicodedata.normalize("NFKC", text).split()
        assert (
            tokenizer(text.split(), is_split_into_words=True)["input_ids"][1:-1]
            == (tokenizer(" ".join(text.split()), add_special_tokens=False)["input_ids"])
        ), "words alone are tokenized as in their sentence"
    assert tokenizer.unk_token_id in tokenizer("ж")["input_ids"]


def test_training_a_tokenizer_is_deterministic(box: Box, many_scripts: Any, tmp_path: Path) -> None:
    backbone, places = many_scripts
    store = Store(tmp_path / "again")
    store.prepare()
    if backbone.tokenizer.algorithm == "unigram":
        pytest.skip("the trainer of tokenizers goes through a hash table")
    files = []
    for one in (box, Box(store)):
        one.compute(backbone, places=places)
        files.append((one.checkpoint(backbone) / "tokenizer.json").read_bytes())
    assert files[0] == files[1]


def test_a_tokenizer_goes_unchanged_through_a_chain_of_phases(first: Box) -> None:
    chain = phase("tags", parent=phase("texts", updates=60), updates=30)
    one, other = (
        AutoTokenizer.from_pretrained(first.checkpoint(BACKBONE)),
        AutoTokenizer.from_pretrained(first.checkpoint(chain)),
    )
    assert other.backend_tokenizer.to_str() == one.backend_tokenizer.to_str()
    assert other.all_special_tokens == one.all_special_tokens
    assert other.model_input_names == ["input_ids", "attention_mask"]


def test_the_shape_is_that_of_the_study(first: Box) -> None:
    record = first.compute(BACKBONE)
    model = load(first.checkpoint(BACKBONE))
    settings = model.encoder.config
    assert {name: getattr(settings, name) for name in SHAPE} == SHAPE
    assert settings.vocab_size == record["vocabulary"] == len(model.tokenizer)
    assert settings.pad_token_id == model.tokenizer.pad_token_id == 1
    assert (settings.bos_token_id, settings.eos_token_id) == (0, 2)
    assert record["parameters"] == sum(parameter.numel() for parameter in model.encoder.parameters())
    assert list(model.heads) == []


def test_the_seed_draws_the_weights_and_nothing_else(first: Box) -> None:
    other = BACKBONE.changed(seed=7)
    one, two = first.checkpoint(BACKBONE), first.checkpoint(other)
    assert (one / "tokenizer.json").read_bytes() == (two / "tokenizer.json").read_bytes()
    assert (one / "config.json").read_bytes() == (two / "config.json").read_bytes()
    before, after = (load_file(folder / "model.safetensors") for folder in (one, two))
    name = "embeddings.word_embeddings.weight"
    assert before.keys() == after.keys()
    assert not torch.equal(before[name], after[name])


def test_random_weights_in_the_shape_of_a_folder(first: Box, tmp_path: Path) -> None:
    """The reference that every pretrained model is compared with."""
    trained = first.checkpoint(phase("tags", parent=phase("texts", updates=60), updates=30))
    known = study.checksum(trained)
    random = Backbone(checksum=known, weights="random", seed=1)
    places = replace(PLACES, backbones={known: trained})
    first.compute(random, places=places)
    folder = first.store.checkpoint(random.fingerprint)
    assert (folder / "tokenizer.json").read_bytes() == (trained / "tokenizer.json").read_bytes()
    own, theirs = load(folder), load(trained)
    assert list(own.heads) == []
    shapes = [{n: p.shape for n, p in m.encoder.named_parameters()} for m in (own, theirs)]
    assert shapes[0] == shapes[1]
    name = "embeddings.word_embeddings.weight"
    assert not torch.equal(own.encoder.state_dict()[name], theirs.encoder.state_dict()[name])


def test_a_folder_that_is_no_model_is_refused(box: Box, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(box.checkpoint(BACKBONE), broken)
    (broken / "config.json").write_text("{")
    backbone = Backbone(checksum="sha256:x", weights="random")
    with pytest.raises(BackboneError, match=r"holds no config\.json"):
        box.compute(backbone, places=replace(PLACES, backbones={"sha256:x": broken}))


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "nonsense"},
        {"shape": SHAPE | {"num_attention_heads": 3}},
        {"shape": SHAPE | {"hidden_size": "wide"}},
    ],
)
def test_a_shape_that_transformers_does_not_accept_is_refused(box: Box, changes: dict[str, Any]) -> None:
    with pytest.raises(BackboneError, match="transformers does not accept its shape"):
        box.compute(BACKBONE.changed(**changes))


def test_a_setting_that_nothing_reads_is_refused(box: Box) -> None:
    said = "xlm-roberta has no setting 'hidden_sise'. Did you mean 'hidden_size'?"
    with pytest.raises(BackboneError, match=re.escape(said)):
        box.compute(BACKBONE.changed(shape=SHAPE | {"hidden_sise": 8}))


def test_the_text_of_every_kind_of_example() -> None:
    rows: list[tuple[Any, list[str]]] = [
        (Pair("one", "two", "label", "id"), ["one", "two"]),
        (Pair("one", None, "label", "id"), ["one"]),
        (Choice("one", ("two", "three"), 1, "id"), ["one", "two", "three"]),
        (Tagged(("one", "two"), ("TAG", "TAG"), "id"), ["one", "two"]),
        (Question("one", "two", (Answer("three", 4),), "id"), ["one", "two", "three"]),
        (Bitext(("one",), ("two",), ((0, 0),)), ["one", "two"]),
        (Text("one", "two"), ["one", "two"]),
    ]
    for row, wanted in rows:
        assert list(_strings(row)) == wanted


def test_a_cap_on_the_text_is_kept(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from xstilts.compute import backbone as made

    texts: list[list[str]] = []
    seen = made._texts

    def watched(*arguments: Any) -> Any:
        texts.append(list(seen(*arguments)))
        return iter(texts[-1])

    monkeypatch.setattr(made, "_texts", watched)
    uses = (use("texts", languages=("en", "de")), use("tags"))
    box.compute(BACKBONE.changed(tokenizer=Tokenizer(uses=uses, vocabulary=64, examples=5)))
    (found,) = texts
    assert 10 <= len([text for text in found if " " in text]) <= 20, "some are pairs"
