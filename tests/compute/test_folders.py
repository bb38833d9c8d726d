"""The folders of models: what transformers reads of ours, what we read of others', what is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from toybox import BACKBONE, OF_FAMILY, SHAPE, Box, encoded, layout_of, spread, whole

from xstilts import families
from xstilts.compute import checkpoint
from xstilts.compute import model as models
from xstilts.compute.data import Batch
from xstilts.errors import BackboneError

AUTO = {
    "classification": "SequenceClassification",
    "choice": "MultipleChoice",
    "tagging": "TokenClassification",
    "span": "QuestionAnswering",
    "masked": "MaskedLM",
}


@pytest.fixture
def exported(first: Box, tmp_path: Path) -> Callable[[str], tuple[models.Model, Path]]:
    """Makes a model with one head, as a phase leaves it, and its folder."""

    def export(family: str) -> tuple[models.Model, Path]:
        model = checkpoint.load(first.checkpoint(BACKBONE))
        torch.manual_seed(1)
        layout = layout_of(family)
        model.add_head("head", family, families.find(family).outputs(layout))
        spread(model)
        folder = tmp_path / family
        checkpoint.save(model, folder, {"head": layout.labels})
        return model.eval(), folder

    return export


def test_segments_reach_models_that_know_them(first: Box, tmp_path: Path) -> None:
    settings = transformers.AutoConfig.for_model(
        "bert", **(SHAPE | {"type_vocab_size": 2, "vocab_size": 64, "pad_token_id": 1})
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=checkpoint.load_parts(first.checkpoint(BACKBONE))[0].backend_tokenizer,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="<pad>",
    )
    bert = models.Model(checkpoint.create_encoder(settings, 0), tokenizer).eval()
    batch = whole(bert, encoded(bert, "classification")[1])
    assert batch.types.sum() > 0
    before = bert.hidden(batch)
    assert before.shape[:2] == batch.ids.shape
    one_segment = replace(batch, types=torch.zeros_like(batch.types))
    assert (bert.hidden(one_segment) - before).abs().max() > 1e-3
    bert.add_head("h", "classification", 2)
    checkpoint.save(bert, tmp_path / "bert", {"h": ("no", "yes")})
    again = checkpoint.load(tmp_path / "bert").eval()
    torch.testing.assert_close(again(batch, "h"), bert.eval()(batch, "h"))


# Folders


def _native_scores(folder: Path, family: str, batch: Batch) -> torch.Tensor:
    """The logits of transformers' own model for a batch, at the places that the batch reads."""
    auto = getattr(transformers, f"AutoModelFor{AUTO[family]}")
    native, report = auto.from_pretrained(folder, output_loading_info=True)
    if family == "choice" and native.roberta.pooler is None:
        pytest.skip("transformers before 5.15 forgets the pooler of XLM-R's multiple choice model")
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    native.eval()
    inputs = {"input_ids": batch.ids, "attention_mask": batch.attention}
    if family == "choice":
        rows = [native(**{name: t[None, row : row + 1] for name, t in inputs.items()}).logits[0]
                for row in range(len(batch.ids))]  # fmt: skip
        return torch.stack(rows)
    found = native(**inputs)
    if family == "classification":
        return torch.as_tensor(found.logits)
    if family == "span":
        return torch.stack([found.start_logits, found.end_logits], 2)[batch.row, batch.column]
    return torch.as_tensor(found.logits[batch.row, batch.column])


@pytest.mark.parametrize("family", sorted(OF_FAMILY))
def test_transformers_reads_the_folder_and_gives_the_same_logits(
    exported: Callable[[str], tuple[models.Model, Path]], family: str
) -> None:
    model, folder = exported(family)
    batch = whole(model, encoded(model, family)[1])
    with torch.no_grad():
        own, native = model(batch, "head"), _native_scores(folder, family, batch)
    assert own.abs().max() > 0.1
    torch.testing.assert_close(native, own, atol=1e-5, rtol=1e-5)
    assert (
        transformers.AutoTokenizer.from_pretrained(folder)("a b")["input_ids"]
        == (model.tokenizer("a b")["input_ids"])
    )


def test_label_names_stand_in_the_folder(exported: Callable[[str], tuple[models.Model, Path]]) -> None:
    _, folder = exported("classification")
    settings = transformers.AutoConfig.from_pretrained(folder)
    assert settings.id2label == {0: "no", 1: "yes"}
    assert settings.label2id == {"no": 0, "yes": 1}
    assert settings.architectures == ["XLMRobertaForSequenceClassification"]


def test_a_head_without_labels_does_not_inherit_those_of_the_parent(
    exported: Callable[[str], tuple[models.Model, Path]], tmp_path: Path
) -> None:
    _, folder = exported("tagging")
    model = checkpoint.load(folder)
    assert len(model.encoder.config.id2label) == 5
    del model.heads["head"]
    model.add_head("answers", "span", 2)
    checkpoint.save(model, tmp_path / "next", {"answers": ()})
    batch = whole(model, encoded(model, "span")[1])
    with torch.no_grad():
        torch.testing.assert_close(
            _native_scores(tmp_path / "next", "span", batch), model.eval()(batch, "answers")
        )


def test_all_heads_come_back(model: models.Model, tmp_path: Path) -> None:
    checkpoint.save(model, tmp_path / "many", {})
    again = checkpoint.load(tmp_path / "many").eval()
    assert sorted(again.heads) == sorted(OF_FAMILY)
    for family in OF_FAMILY:
        batch = whole(model, encoded(model, family)[1])
        assert torch.equal(again(batch, family), model(batch, family))
    assert again.heads["masked"].out.weight is again.encoder.get_input_embeddings().weight
    settings = transformers.AutoConfig.from_pretrained(tmp_path / "many")
    assert settings.architectures == ["XLMRobertaModel"]
    assert transformers.AutoModel.from_pretrained(tmp_path / "many") is not None


def test_a_language_model_from_elsewhere_keeps_its_head(first: Box, tmp_path: Path) -> None:
    tokenizer, settings = checkpoint.load_parts(first.checkpoint(BACKBONE))
    torch.manual_seed(2)
    native = transformers.AutoModelForMaskedLM.from_config(settings).eval()
    spread(native)
    native.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = checkpoint.load(tmp_path).eval()
    assert list(model.heads) == ["masked"]
    batch = whole(model, encoded(model, "masked")[1])
    with torch.no_grad():
        wanted = native(input_ids=batch.ids, attention_mask=batch.attention).logits
        torch.testing.assert_close(model(batch, "masked"), wanted[batch.row, batch.column])


def test_half_precision_weights_are_read_as_float32(first: Box, tmp_path: Path) -> None:
    shutil.copytree(first.checkpoint(BACKBONE), tmp_path / "half")
    path = tmp_path / "half" / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(path).items()}, path, {"format": "pt"})
    model = checkpoint.load(tmp_path / "half")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_pooler_is_never_missed(first: Box) -> None:
    model = checkpoint.load(first.checkpoint(BACKBONE))
    assert not [name for name, _ in model.named_parameters() if "pooler" in name]


def test_others_may_read_what_is_written(exported: Callable[[str], tuple[models.Model, Path]]) -> None:
    _, folder = exported("tagging")
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert set(modes.values()) == {modes["config.json"]}, modes


def _edit(name: str, **fields: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | fields))

    return edit


def _fewer_rows(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    save_file(tensors | {name: tensors[name][:20].clone()}, folder / "model.safetensors", {"format": "pt"})
    _edit("config.json", vocab_size=20)(folder)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "holds no tokenizer"),
    "a broken tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{") and None,
        "holds no tokenizer that transformers can load",
    ),
    "a broken config": (
        lambda folder: (folder / "config.json").write_text("{") and None,
        "holds no config.json that",
    ),
    "a strange config": (_edit("config.json", vocab_size="x"), "that transformers can load"),
    "an unknown architecture": (_edit("config.json", model_type="nonsense"), "holds no config.json that"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "holds no weights that"),
    "cut weights": (
        lambda folder: (
            (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:4000])
            and None
        ),
        "holds no weights that",
    ),
    "weights of another size": (_edit("config.json", hidden_size=32), "holds no weights that"),
    "too few layers": (_edit("config.json", num_hidden_layers=4), "lacks 32 of the weights"),
    "too few embeddings": (_fewer_rows, "but embeddings for 20"),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_folder_that_is_no_model_is_refused(first: Box, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(first.checkpoint(BACKBONE), folder)
    spoil, message = BROKEN[case]
    spoil(folder)
    with pytest.raises(BackboneError) as caught:
        checkpoint.load(folder)
    assert caught.value.where == str(folder)
    assert message in caught.value.what
    assert "\n" not in str(caught.value)
    assert caught.value.now


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="holds no tokenizer"):
        checkpoint.load(tmp_path / "nothing")


def test_random_weights_are_a_function_of_the_seed(first: Box) -> None:
    _, settings = checkpoint.load_parts(first.checkpoint(BACKBONE))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (checkpoint.create_encoder(settings, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected), "the global generator is left alone"
    name = "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])
