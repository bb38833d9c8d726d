"""A pretrained encoder with our heads, read from and written to the format of transformers.

Shapes: S sequences, L tokens, H hidden, R states read, K outputs of a head, D decisions, W choices.
"""

import inspect
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from xstilts.errors import BackboneError
from xstilts.runner.data import Batch, Encoded
from xstilts.study.backbone import SAVE_TOKENIZER, TOKENS

transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
logging.getLogger("transformers").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Native:
    """Where transformers' own model for a family keeps a head's parts; `prefix` is the encoder's name."""

    architecture: str
    prefix: str
    parts: Mapping[str, str]


def _roberta(name: str) -> dict[str, Native]:
    def native(suffix: str, parts: Mapping[str, str]) -> Native:
        return Native(f"{name}For{suffix}", "roberta", parts)

    return {
        "classification": native(
            "SequenceClassification", {"dense": "classifier.dense", "out": "classifier.out_proj"}
        ),
        "choice": native("MultipleChoice", {"dense": "roberta.pooler.dense", "out": "classifier"}),
        "tagging": native("TokenClassification", {"out": "classifier"}),
        "span": native("QuestionAnswering", {"out": "qa_outputs"}),
        "masked": native(
            "MaskedLM", {"dense": "lm_head.dense", "norm": "lm_head.layer_norm", "out": "lm_head.decoder"}
        ),
    }


NATIVE: Mapping[str, Mapping[str, Native]] = {
    "roberta": _roberta("Roberta"),
    "xlm-roberta": _roberta("XLMRoberta"),
    "xlm-roberta-xl": _roberta("XLMRobertaXL"),
}
"""By transformers' model_type. Others are saved as a plain encoder with the heads beside it."""


class Head(nn.Module):
    """Scores from states: [R, H] -> [R, K].

    Linear; for families that summarise a sequence, behind a dense layer and tanh (as transformers' heads for
    classification); for masked language modelling behind dense, gelu and a norm, with the token embeddings
    as the last layer's weights (as in RoBERTa); `epsilon` is that of the norm.
    """

    def __init__(self, family: str, hidden: int, outputs: int, dropout: float, epsilon: float) -> None:
        super().__init__()
        self.family = family
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden, hidden) if family in ("classification", "choice", "masked") else None
        self.norm = nn.LayerNorm(hidden, eps=epsilon) if family == "masked" else None
        self.out = nn.Linear(hidden, outputs)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        if self.family != "masked":
            states = self.dropout(states)
        if self.dense is not None:
            states = self.dense(states)
            states = torch.tanh(states) if self.norm is None else nn.functional.gelu(states)
        if self.norm is not None:
            states = self.norm(states)
        elif self.dense is not None:
            states = self.dropout(states)
        scores: torch.Tensor = self.out(states)
        return scores


class Model(nn.Module):
    """An encoder and one head per label set; `heads` are named by the tasks that they serve."""

    def __init__(self, encoder: PreTrainedModel, tokenizer: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.heads = nn.ModuleDict()
        self._takes_types = "token_type_ids" in tokenizer.model_input_names

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def check_room(self, data: Encoded) -> None:
        """Raises BackboneError if a sequence is longer than the encoder has positions for."""
        embeddings = getattr(self.encoder, "embeddings", None)
        positions = getattr(embeddings, "position_embeddings", None)
        if not isinstance(positions, nn.Embedding):
            return  # positions are relative
        before = 0 if positions.padding_idx is None else positions.padding_idx + 1
        room, longest = positions.num_embeddings - before, int(data.longest.max(initial=0))
        if longest > room:
            name = self.encoder.config.model_type
            what = f"reads up to {room} tokens at once, but a text has {longest}."
            raise BackboneError(
                f"the {name} model", what, f"Set `max_length` in the recipe to {room} or less."
            )

    def add_head(self, name: str, family: str, outputs: int) -> None:
        """A new head with fresh weights, or for `masked` one that shares the token embeddings."""
        text = self.encoder.config.get_text_config()
        stated = getattr(text, "classifier_dropout", None)
        dropout = getattr(text, "hidden_dropout_prob", 0.0) if stated is None else stated
        embeddings = self.encoder.get_input_embeddings().weight
        assert isinstance(embeddings, nn.Parameter)
        head = Head(
            family,
            text.hidden_size,
            len(embeddings) if family == "masked" else outputs,
            float(dropout or 0.0),
            float(getattr(text, "layer_norm_eps", 1e-5)),
        )
        if family == "masked":
            head.out.weight = embeddings
        self.heads[name] = head.to(self.device)

    def hidden(self, batch: Batch, *, all_layers: bool = False) -> Any:
        """The states after the last layer [S, L, H]; with `all_layers` those after each, embeddings first."""
        inputs: dict[str, Any] = {"input_ids": batch.ids, "attention_mask": batch.attention}
        if self._takes_types:
            inputs["token_type_ids"] = batch.types
        outputs = self.encoder(**inputs, output_hidden_states=all_layers)
        return outputs.hidden_states if all_layers else outputs.last_hidden_state

    def forward(self, batch: Batch, head: str) -> torch.Tensor:
        """The head's scores for the states that the batch reads, [R, K]."""
        scores: torch.Tensor = self.heads[head](self.hidden(batch)[batch.row, batch.column])
        return scores


def decisions(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Scores [R, K] arranged so that the last axis is what is chosen among, [D, W].

    Where reads compete, each group becomes K rows of its reads, padded with minus infinity.
    """
    if batch.group is None or batch.place is None:
        return scores
    groups, width = len(batch.reads), int(batch.reads.max())
    table = scores.new_full((groups, width, scores.shape[1]), float("-inf"))
    table[batch.group, batch.place] = scores
    return table.transpose(1, 2).reshape(groups * scores.shape[1], width)


def loss_sum(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The one loss: cross-entropy, summed over the decisions of the batch, in float32."""
    return nn.functional.cross_entropy(decisions(scores, batch).float(), batch.gold, reduction="sum")


def load(folder: Path) -> Model:
    """The encoder and tokenizer in a folder, with the heads that were saved beside it.

    Raises BackboneError if transformers cannot make a model and a tokenizer of it, or would fill in weights
    or tokens that are not there.
    """
    tokenizer, settings = load_parts(folder)
    try:
        encoder, report = AutoModel.from_pretrained(
            folder,
            config=settings,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **_without_pooler(settings),
        )
    except Exception as error:  # transformers raises errors of many kinds; all say that the files are wrong
        raise _unreadable(folder, "weights", error) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        what = f"lacks {len(missing)} of the weights of a {settings.model_type} model, such as {missing[0]}."
        raise BackboneError(str(folder), what, "Its config.json does not fit its weights.")
    rows = len(encoder.get_input_embeddings().weight)
    if rows < len(tokenizer):
        what = f"has a tokenizer of {len(tokenizer)} tokens, but embeddings for {rows}."
        raise BackboneError(str(folder), what, "Save model and tokenizer together.")
    model = Model(encoder, tokenizer)
    _load_heads(model, folder)
    return model


def load_parts(folder: Path) -> tuple[Any, Any]:
    """The tokenizer in a folder and the model's shape; BackboneError if there is none that can be read."""
    if not (folder / TOKENS).is_file():
        # Without it, transformers makes an empty tokenizer of some architectures.
        raise BackboneError(str(folder), f"holds no tokenizer ({TOKENS}).", SAVE_TOKENIZER)
    try:
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise _unreadable(folder, "config.json", error) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise _unreadable(folder, "tokenizer", error) from error
    if tokenizer.pad_token_id is None:
        what, now = "has a tokenizer without a padding token.", "Set `tokenizer.pad_token` and save it again."
        raise BackboneError(str(folder), what, now)
    return tokenizer, settings


def _unreadable(folder: Path, part: str, error: Exception) -> BackboneError:
    what = f"holds no {part} that transformers can load ({reason(error)})."
    return BackboneError(str(folder), what, "Name a folder made by `save_pretrained`, or fetch it again.")


def reason(error: Exception) -> str:
    """The beginning of an error of another library, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def create_encoder(settings: Any, seed: int) -> PreTrainedModel:
    """An encoder of that shape with random weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
            settings, dtype=torch.float32, **_without_pooler(settings)
        )
    return encoder


def _without_pooler(settings: Any) -> dict[str, bool]:
    """Poolers are never read; an untrained one would only be noise in the checkpoint."""
    known: Any = AutoModel._model_mapping.get(type(settings), None)
    takes = known is not None and "add_pooling_layer" in inspect.signature(known).parameters
    return {"add_pooling_layer": False} if takes else {}


def save(model: Model, folder: Path, labels: Mapping[str, tuple[str, ...]]) -> None:
    """Write encoder, heads and tokenizer; `labels` gives the label names of each head.

    With one head of a family that transformers knows for this architecture, the folder is that model
    (`AutoModelForSequenceClassification.from_pretrained(folder)` and the like). All heads stand in
    heads.safetensors as well, from which xstilts reads them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = model.encoder.config.__class__.from_dict(model.encoder.config.to_dict())
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.encoder.state_dict().items()
    }
    kinds = {name: head.family for name, head in model.heads.items() if isinstance(head, Head)}
    if kinds:
        heads = {
            f"{name}.{part}": tensor.detach().cpu().contiguous()
            for name, head in model.heads.items()
            for part, tensor in head.state_dict().items()
            if not (kinds[name] == "masked" and part == "out.weight")
        }
        save_file(heads, folder / "heads.safetensors", metadata={"format": "pt"})
        (folder / "heads.json").write_text(json.dumps(kinds, indent=1, sort_keys=True))
    settings.architectures = [type(model.encoder).__name__]
    outputs: tuple[str, ...] = ("LABEL_0", "LABEL_1")  # what transformers takes for granted, and spans need
    native = NATIVE.get(settings.model_type, {})
    if len(kinds) == 1:
        ((name, family),) = kinds.items()
        if family in native:
            weights = _native_weights(model.heads[name], weights, native[family])
            settings.architectures = [native[family].architecture]
            outputs = labels.get(name) or outputs
    settings.id2label = dict(enumerate(outputs))
    settings.label2id = {label: number for number, label in enumerate(outputs)}
    settings.dtype = "float32"
    settings.save_pretrained(folder)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model.tokenizer.save_pretrained(folder)
    for path in folder.glob("*.safetensors"):  # which safetensors lets only their owner read
        shutil.copymode(folder / "config.json", path)


def _native_weights(
    head: nn.Module, encoder: Mapping[str, torch.Tensor], native: Native
) -> dict[str, torch.Tensor]:
    weights = {f"{native.prefix}.{name}": tensor for name, tensor in encoder.items()}
    for name, tensor in head.state_dict().items():
        part, kind = name.split(".")
        target = f"{native.parts[part]}.{kind}"
        if target == "lm_head.decoder.weight":
            continue  # tied to the token embeddings
        weights[target] = tensor.detach().cpu().contiguous()
    if "lm_head.decoder.bias" in weights:
        weights["lm_head.bias"] = weights["lm_head.decoder.bias"].clone()
    return weights


def _load_heads(model: Model, folder: Path) -> None:
    """The heads that xstilts saved; of a model from elsewhere, its language modelling head if it has one."""
    if (folder / "heads.json").is_file():
        kinds = json.loads((folder / "heads.json").read_text())
        tensors = load_file(folder / "heads.safetensors")
        for name, family in kinds.items():
            parts = {
                key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")
            }
            model.add_head(name, family, len(parts["out.bias"]))
            model.heads[name].load_state_dict(parts, strict=family != "masked")
        return
    native = NATIVE.get(model.encoder.config.model_type, {}).get("masked")
    if native is None or not (folder / "model.safetensors").is_file():
        return
    sources = {
        f"{part}.{kind}": "lm_head.bias" if part == "out" else f"{target}.{kind}"
        for part, target in native.parts.items()
        for kind in ("weight", "bias")
        if (part, kind) != ("out", "weight")
    }
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        stored = dict.fromkeys(file.keys())
        found = {name: file.get_tensor(key).float() for name, key in sources.items() if key in stored}
    if len(found) == len(sources):
        model.add_head("masked", "masked", 0)
        model.heads["masked"].load_state_dict(found, strict=False)
