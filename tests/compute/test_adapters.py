"""Adapters: what they train, what they leave, what peft and a later phase make of it."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import peft
import pytest
import torch
from eight import Folder, columns, opened, placed
from safetensors.torch import load_file
from toybox import Box, phase, use
from transformers import AutoModel

from formats import FORMATS
from xstilts.compute import adapter, checkpoint, train
from xstilts.compute.data import Batch, collate
from xstilts.compute.model import Model, loss_sum
from xstilts.compute.state import adamw
from xstilts.errors import BackboneError
from xstilts.study.recipe import Adapter, Recipe
from xstilts.study.step import Step

METHODS = get_args(Adapter.model_fields["method"].annotation)
ONE_OF_EACH = ("mbert", "mt5", "llama")


def _batch(model: Model, family: str = "classification") -> Batch:
    data = columns(model, family)
    return collate(data, np.arange(len(data)), model.pad)


def _adapted(
    folder: Path, method: str, family: str = "classification", **fields: Any
) -> tuple[Model, dict[str, torch.Tensor]]:
    """A model with an adapter that has been trained a little, and its weights before that, by name."""
    model = opened(folder, family)
    for head in set(model.heads) - {family}:
        del model.heads[head]
    before = {name: one.clone() for name, one in model.named_parameters()}
    torch.manual_seed(0)
    fields |= {} if method == "ia3" else {"rank": 4}
    adapter.attach(model, Adapter(method=method, **fields), [family])  # type: ignore[arg-type]
    optimizer = adamw(model, Recipe(learning_rate=1e-2))
    batch = _batch(model, family)
    for _ in range(3):
        loss_sum(model(batch, family), batch).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return model, before


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")  # peft asks for it
@pytest.mark.parametrize("name", ONE_OF_EACH)
@pytest.mark.parametrize("method", METHODS)
def test_it_alone_is_trained_with_the_heads_and_merged(
    method: str, name: str, real_format: Folder, tmp_path: Path
) -> None:
    model, before = _adapted(real_format(name), method)
    now = {one.replace(".base_layer", ""): tensor for one, tensor in model.named_parameters()}
    for one, tensor in before.items():
        changed = not torch.equal(now[one], tensor)
        assert changed == one.startswith("heads.classification."), one
    trained = sum(tensor.numel() for tensor in model.encoder.parameters() if tensor.requires_grad)
    assert 0 < trained < 0.6 * sum(tensor.numel() for tensor in before.values())
    with torch.inference_mode():
        batch = _batch(model)
        scores, states = model(batch, "classification"), model.states(batch, "classification")
        adapter.merge(model, tmp_path / "adapter", "base")
        merged = model(batch, "classification")
        torch.testing.assert_close(merged, scores, atol=1e-5, rtol=1e-5)
    assert {name for name, _ in model.named_parameters()} == set(before)
    assert all(parameter.requires_grad for parameter in model.parameters())
    checkpoint.save(model, tmp_path / "saved", {"classification": ("no", "yes")})
    again = checkpoint.load(tmp_path / "saved").eval()
    with torch.inference_mode():
        assert torch.equal(again(batch, "classification"), merged)
        fresh = opened(real_format(name), "classification")
        assert (fresh.states(batch, "classification") - states).abs().max() > 1e-3
        bare = AutoModel.from_pretrained(real_format(name), **_no_pooler(name)).eval()
        fresh.encoder = (
            peft.PeftModel.from_pretrained(bare, str(tmp_path / "adapter")).eval().base_model.model
        )
        torch.testing.assert_close(fresh.states(batch, "classification"), states, atol=1e-5, rtol=1e-5)


def _no_pooler(name: str) -> dict[str, bool]:
    return {"add_pooling_layer": False} if FORMATS[name].kind == "encoder" else {}


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
@pytest.mark.parametrize("family", ["classification", "span", "tagging"])
@pytest.mark.parametrize("method", METHODS)
def test_peft_reads_it_with_its_head_and_predicts_the_same(
    method: str, family: str, real_format: Folder, tmp_path: Path
) -> None:
    """From the base model and the folder `adapter` alone."""
    base = real_format("xlm-r")
    model, _ = _adapted(base, method, family)
    batch = _batch(model, family)
    with torch.inference_mode():
        own = model(batch, family)
    adapter.merge(model, tmp_path / "adapter", str(base))
    settings = peft.PeftConfig.from_pretrained(str(tmp_path / "adapter"))
    auto, task_type = {
        "classification": (peft.AutoPeftModelForSequenceClassification, "SEQ_CLS"),
        "span": (peft.AutoPeftModelForQuestionAnswering, "QUESTION_ANS"),
        "tagging": (peft.AutoPeftModelForTokenClassification, "TOKEN_CLS"),
    }[family]
    assert (settings.task_type, settings.base_model_name_or_path) == (task_type, str(base))
    labels = {} if family == "span" else {"num_labels": own.shape[1]}
    read = auto.from_pretrained(str(tmp_path / "adapter"), **labels).eval()
    with torch.inference_mode():
        found = read(input_ids=batch.ids, attention_mask=batch.attention)
    logits = torch.stack([found.start_logits, found.end_logits], 2) if family == "span" else found.logits
    read_at = logits if family == "classification" else logits[batch.row, batch.column]
    assert own.abs().max() > 0.1
    torch.testing.assert_close(read_at, own, atol=1e-5, rtol=1e-5)
    modes = {path.stat().st_mode for path in (tmp_path / "adapter").iterdir()}
    assert len(modes) == 1, "whoever may read one of the files may read all"


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
@pytest.mark.parametrize(
    ("name", "family"),
    [("mt5", "tagging"), ("llama", "classification"), ("xlm-r", "choice"), ("xlm-r", "masked")],
)
def test_a_head_that_peft_does_not_know_lies_beside_it(
    name: str, family: str, real_format: Folder, tmp_path: Path
) -> None:
    model, _ = _adapted(real_format(name), "lora", family)
    batch = _batch(model, family)
    with torch.inference_mode():
        own = model(batch, family)
    adapter.merge(model, tmp_path / "adapter", "base", "commit")
    settings = peft.PeftConfig.from_pretrained(str(tmp_path / "adapter"))
    assert (settings.base_model_name_or_path, settings.revision) == ("base", "commit")
    assert settings.task_type == "FEATURE_EXTRACTION"
    fresh = checkpoint.load(real_format(name)).eval()
    bare = AutoModel.from_pretrained(real_format(name), **_no_pooler(name)).eval()
    fresh.encoder = peft.PeftModel.from_pretrained(bare, str(tmp_path / "adapter")).eval().base_model.model
    fresh.heads = torch.nn.ModuleDict()
    checkpoint.load_heads(fresh, tmp_path / "adapter")
    with torch.inference_mode():
        torch.testing.assert_close(fresh.eval()(batch, family), own, atol=1e-5, rtol=1e-5)


def test_a_phase_leaves_it_with_the_name_of_its_base(real_format: Folder, box: Box) -> None:
    backbone, places = placed(real_format("xlm-r"))
    first = phase("pairs", parent=backbone, updates=1, adapter=Adapter())
    second = phase("tags", parent=first, updates=1, adapter=Adapter())
    for one in (first, second):
        box.compute(one, places=places)
    settings = [peft.PeftConfig.from_pretrained(str(box.folder(one) / "adapter")) for one in (first, second)]
    assert [one.task_type for one in settings] == ["SEQ_CLS", "TOKEN_CLS"]
    bases = [str(real_format("xlm-r")), str(box.checkpoint(first))]
    assert [one.base_model_name_or_path for one in settings] == bases
    box.store.drop(Step(second))
    assert {path.name for path in (box.folder(second) / "adapter").iterdir()} >= {
        "adapter_config.json",
        "adapter_model.safetensors",
        "heads.json",
        "heads.safetensors",
    }


def test_it_may_be_put_into_some_layers_only(real_format: Folder, tmp_path: Path) -> None:
    model, _ = _adapted(real_format("llama"), "lora", modules=("q_proj", "v_proj"), alpha=8.0)
    adapter.merge(model, tmp_path / "adapter", "base")
    names = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert {name.split(".")[-3] for name in names} == {"q_proj", "v_proj"}
    assert {len(tensor) for name, tensor in names.items() if "lora_A" in name} == {4}
    assert peft.PeftConfig.from_pretrained(str(tmp_path / "adapter")).lora_alpha == 8


def test_layers_that_are_not_there_are_refused(real_format: Folder) -> None:
    model = opened(real_format("llama"), "classification")
    with pytest.raises(BackboneError, match="the llama model: peft cannot give it the adapter 'lora'"):
        adapter.attach(model, Adapter(modules=("nowhere",)), [])


def test_a_language_head_that_was_pretrained_stays(real_format: Folder) -> None:
    for name, new, trained in (
        ("xlm-r", [], set()),
        ("xlm-r", ["masked"], {"dense.weight", "dense.bias", "norm.weight", "norm.bias", "out.bias"}),
        ("llama", ["masked"], set()),
        ("mt5", [], set()),
        ("mt5", ["masked"], {"weight"}),
    ):
        model = opened(real_format(name), "masked")
        adapter.attach(model, Adapter(), new)
        head = model.heads["masked"]
        assert {one for one, parameter in head.named_parameters() if parameter.requires_grad} == trained


# Phases


class StoppedError(Exception):
    """Raised by the test in place of whatever stops a run."""


@pytest.mark.parametrize("name", ["xlm-r", "mt5", "qwen2"])
def test_a_stopped_phase_goes_on_as_if_nothing_had_been(
    name: str, real_format: Folder, box: Box, first: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    backbone, places = placed(real_format(name))
    recipe = {"updates": 6, "adapter": Adapter(method="lora", rank=2, dropout=0.1), "evaluations": 2}
    trained = phase(use("pairs", examples=20), "texts", parent=backbone, select="best", **recipe)
    stopping = [4]

    def report(event: Any) -> None:
        if stopping and event.get("update") == stopping[0]:
            stopping.pop()
            raise StoppedError

    before = first.compute(trained, places=places)
    with pytest.raises(StoppedError):
        box.compute(trained, places=places, report=report, save_seconds=0)
    after = box.compute(trained, places=places, report=report, save_seconds=0)
    assert box.weights(trained) == first.weights(trained)
    for own in ("adapter_model.safetensors", "adapter_config.json"):
        files = [made.folder(trained) / "adapter" / own for made in (box, first)]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert after["source_score"] == before["source_score"]
    assert after["parameters"] == sum(
        one.numel() for one in checkpoint.load(real_format(name)).encoder.parameters()
    )


def test_a_phase_after_it_begins_with_what_was_merged(real_format: Folder, box: Box) -> None:
    backbone, places = placed(real_format("llama"))
    parent = phase("pairs", parent=backbone, updates=4, adapter=Adapter())
    child = phase("pairs", parent=parent, updates=1, learning_rate=1e-9, weight_decay=0.0)
    for one in (parent, child):
        box.compute(one, places=places)
    weights = [load_file(box.checkpoint(one) / "model.safetensors") for one in (parent, child)]
    begin = load_file(real_format("llama") / "model.safetensors")
    moved = 0
    for name, tensor in weights[1].items():
        torch.testing.assert_close(tensor, weights[0][name], atol=1e-6, rtol=0)
        moved += not torch.equal(weights[0][name], begin[f"model.{name}"])
    assert moved == 14, "seven linear layers in each of two blocks"
