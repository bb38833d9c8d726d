"""Every family in every real format: padding, company, what is seen, the language head, folders."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from eight import Folder, answered, columns, done, head_of, opened
from safetensors.torch import load_file, save_file

from formats import FORMATS, TEXT_NAMES
from xstilts.compute import checkpoint
from xstilts.compute.data import Batch, Encoded, collate
from xstilts.compute.model import Model
from xstilts.compute.predict import embed

Opened = Callable[[str], Model]
DECODERS = tuple(name for name in TEXT_NAMES if FORMATS[name].kind == "decoder")
READOUTS = ("head", "text")
AUTO = {
    "encoder": transformers.AutoModelForMaskedLM,
    "encoder-decoder": transformers.AutoModelForSeq2SeqLM,
    "decoder": transformers.AutoModelForCausalLM,
}


@pytest.fixture(scope="module")
def model(real_format: Folder) -> Opened:
    """The model of a format with a head for every family; each is loaded once."""
    known: dict[str, Model] = {}

    def find(name: str) -> Model:
        if name not in known:
            known[name] = opened(real_format(name))
        return known[name]

    return find


def _batch(model: Model, data: Encoded, *rows: int) -> Batch:
    return collate(data, np.asarray(rows or range(len(data))), model.pad)


def _same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Within 1e-5; where scores spread wider than 1 (T5 scales nothing), within 1e-5 of that."""
    torch.testing.assert_close(found, wanted, atol=1e-5 * max(1.0, float(wanted.std())), rtol=1e-5)


def _all(name: str) -> list[tuple[str, str]]:
    return [(family, readout) for readout in READOUTS for family in done(name, readout)]


# Padding and company


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_padding_changes_no_score(name: str, model: Opened) -> None:
    known = model(name)
    for family, readout in _all(name):
        data, head = columns(known, family, readout), head_of(family, readout)
        assert len(set(np.diff(data.token_at))) > 3
        together = known(_batch(known, data), head)
        alone = torch.cat([known(_batch(known, data, row), head) for row in range(len(data))])
        assert together.std() > 0.05
        _same(together, alone)


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_padding_changes_no_sentence_vector(name: str, model: Opened) -> None:
    known = model(name)
    prepared = answered(known, "masked", "head")
    together = embed(known, prepared, "fp32")
    layers = [known.hidden(_batch(known, prepared.encoded, row), all_layers=True) for row in range(8)]
    alone = np.stack([[layer.mean(dim=1)[0].numpy() for layer in row] for row in layers], axis=1)
    np.testing.assert_allclose(together, alone, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_a_changed_example_moves_no_other(name: str, model: Opened) -> None:
    known = model(name)
    for family, readout in _all(name):
        data, head = columns(known, family, readout), head_of(family, readout)
        batch = _batch(known, data)
        before = known(batch, head)
        sequences = torch.arange(int(data.sequence_at[3]), int(data.sequence_at[4]))
        length = int(batch.attention[sequences[0]].sum())
        batch.ids[sequences, 1 : length - 1] = (batch.ids[sequences, 1 : length - 1] + 3) % len(
            known.tokenizer
        )
        after = known(batch, head)
        own = torch.isin(batch.row, sequences)
        assert (before[own] - after[own]).abs().max() > 1e-3
        _same(before[~own], after[~own])


# What tokens see


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("rows", [(0,), (0, 2, 3)], ids=["nothing padded", "padded"])
@torch.inference_mode()
def test_a_later_token_is_seen_only_if_the_recipe_says_so(
    name: str, rows: tuple[int, ...], model: Opened
) -> None:
    """Also where nothing is padded: some ways of attending then have no mask and are causal by themselves."""
    known = model(name)
    batch = _batch(known, columns(known, "tagging"), *rows)
    last = batch.attention.sum(dim=1) - 1

    def moved(attention: str) -> torch.Tensor:
        known.attend(attention)
        changed = batch.ids.clone()
        changed[torch.arange(len(changed)), last] = (changed[torch.arange(len(changed)), last] + 3) % 300
        before = known.hidden(batch)
        batch.ids[:], changed = changed, batch.ids.clone()
        after = known.hidden(batch)
        batch.ids[:] = changed
        return (before - after)[:, 0].abs().amax(dim=1)

    try:
        assert moved("causal").max() == 0
        assert moved("bidirectional").min() > 1e-4
        assert moved("causal").max() == 0
    finally:
        known.attend("causal")


@pytest.mark.parametrize("name", DECODERS)
@torch.inference_mode()
def test_padding_changes_no_score_where_all_is_seen(name: str, model: Opened) -> None:
    known = model(name)
    known.attend("bidirectional")
    try:
        for family in ("classification", "choice", "tagging", "span"):
            data = columns(known, family)
            together = known(_batch(known, data), family)
            alone = torch.cat([known(_batch(known, data, row), family) for row in range(len(data))])
            _same(together, alone)
    finally:
        known.attend("causal")


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_a_whole_text_is_read_where_all_of_it_has_been_seen(name: str, model: Opened) -> None:
    known = model(name)
    batch = _batch(known, columns(known, "classification"))
    words = _batch(known, columns(known, "tagging"))
    last = batch.attention.sum(dim=1) - 1
    assert torch.equal(batch.column, last if FORMATS[name].kind == "decoder" else torch.zeros_like(last))
    states = known.states(batch, "classification").shape
    expected = (len(batch.ids), 1) if FORMATS[name].kind == "encoder-decoder" else batch.ids.shape
    assert states[:2] == expected
    assert known.states(words, "tagging").shape[:2] == words.ids.shape
    known.attend("bidirectional")
    first = _batch(known, columns(known, "tagging"))
    known.attend("causal")
    assert (words.column >= first.column).all()
    assert torch.equal(words.column, first.column) == (FORMATS[name].kind != "decoder")


# The language head


def _logits(folder: Path, model: Model, batch: Batch) -> torch.Tensor:
    """What transformers' own model of that folder gives at the places that the batch reads."""
    own, report = AUTO[model.kind].from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    inputs = {"input_ids": batch.ids, "attention_mask": batch.attention}
    if model.kind == "encoder-decoder":
        inputs |= {"decoder_input_ids": batch.targets, "decoder_attention_mask": batch.target_attention}
    return torch.as_tensor(own.eval()(**inputs).logits[batch.row, batch.column])


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_the_language_head_is_the_one_of_transformers(name: str, model: Opened, real_format: Folder) -> None:
    """umT5 apart: transformers scales its states by 1/sqrt(H) whether or not the head shares the embeddings;
    the released heads do not share them, and T5 scales only where they do, so here nothing is scaled."""
    known = model(name)
    batch = _batch(known, columns(known, "masked"))
    wanted = _logits(real_format(name), known, batch)
    if name == "umt5":
        wanted = wanted * 32**0.5
    _same(known(batch, "masked"), wanted)


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_transformers_reads_what_a_language_model_leaves(
    name: str, model: Opened, real_format: Folder, tmp_path: Path
) -> None:
    known = opened(real_format(name), "masked")
    for weights in known.parameters():
        weights.add_(torch.randn_like(weights), alpha=0.01)  # as training leaves them
    batch = _batch(known, columns(known, "masked"))
    checkpoint.save(known, tmp_path / "saved", {})
    found = _logits(tmp_path / "saved", known, batch) * (32**0.5 if name == "umt5" else 1)
    _same(known(batch, "masked"), found)
    assert (known(batch, "masked") - model(name)(batch, "masked")).abs().max() > 1e-2


def test_a_tied_t5_scales_its_states(real_format: Folder, tmp_path: Path) -> None:
    """As the first T5 and models made from scratch do."""
    known = checkpoint.load(_without(real_format("umt5"), tmp_path / "tied", "lm_head.weight"))
    assert known.heads["masked"].get_parameter("weight") is known.embeddings
    with torch.inference_mode():
        batch = _batch(known, columns(known, "masked"))
        _same(known(batch, "masked"), _logits(tmp_path / "tied", known, batch))


def _without(folder: Path, copy: Path, name: str) -> Path:
    """A copy of a model that lacks a tensor."""
    shutil.copytree(folder, copy)
    tensors = load_file(copy / "model.safetensors")
    del tensors[name]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_the_head_of_mbert_is_found_under_its_former_names(real_format: Folder, tmp_path: Path) -> None:
    copy = _without(real_format("mbert"), tmp_path / "mbert", "cls.predictions.transform.LayerNorm.bias")
    assert "masked" not in checkpoint.load(copy).heads
    tensors = load_file(real_format("mbert") / "model.safetensors")
    norm = "cls.predictions.transform.LayerNorm"
    tensors[f"{norm}.beta"], tensors[f"{norm}.gamma"] = (
        tensors.pop(f"{norm}.bias"),
        tensors.pop(f"{norm}.weight"),
    )
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    found, wanted = (
        checkpoint.load(copy).heads["masked"],
        checkpoint.load(real_format("mbert")).heads["masked"],
    )
    for (name, one), other in zip(wanted.named_parameters(), found.parameters(), strict=True):
        assert torch.equal(one, other), name


# Folders


@pytest.mark.parametrize("name", TEXT_NAMES)
@torch.inference_mode()
def test_what_is_saved_gives_the_same_scores(name: str, model: Opened, tmp_path: Path) -> None:
    known = model(name)
    checkpoint.save(known, tmp_path / "all", {})
    again = checkpoint.load(tmp_path / "all").eval()
    assert sorted(again.heads) == sorted(known.heads)
    for family, readout in _all(name):
        batch = _batch(known, columns(known, family, readout))
        head = head_of(family, readout)
        assert torch.equal(again(batch, head), known(batch, head)), family
