"""Checkpoints: a model with our heads, read from and written to the format of transformers."""

import json
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from xstilts.compute import pretrained, vision
from xstilts.compute.head import LanguageHead
from xstilts.compute.model import Model
from xstilts.compute.pixels import stated
from xstilts.compute.pretrained import blank, check_whole, read, refused, save_tensors
from xstilts.errors import BackboneError
from xstilts.study.architecture import Kind, Native, facts_of
from xstilts.study.backbone import EYES_WEIGHTS, PREPARATION, SAVE_TOKENIZER, TOKENS, WEIGHTS

transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
logging.getLogger("transformers").setLevel(logging.ERROR)


LOADABLE = "that transformers can load"
SAVE_OR_FETCH = "Name a folder made by `save_pretrained`, or fetch it again."


def load(folder: Path) -> Model:
    """The encoder and tokenizer in a folder, with the heads and eyes that were saved beside it.

    Raises BackboneError if transformers cannot make a model and a tokenizer of it, or would fill in weights
    or tokens that are not there.
    """
    words, settings = load_parts(folder)
    with refused(folder, f"holds no weights {LOADABLE}", SAVE_OR_FETCH):
        encoder, report = read(folder, settings)
    check_whole(folder, settings, report, spare="pooler")
    rows = vision.text_tower(encoder).get_input_embeddings().weight.shape[0]
    if rows < len(words):
        what = f"has a tokenizer of {len(words)} tokens, but embeddings for {rows}."
        raise BackboneError(str(folder), what, "Save model and tokenizer together.")
    model = _seeing(Model(encoder, words), folder)
    load_heads(model, folder)
    return model


def drawn(folder: Path, seed: int) -> Model:
    """The model in a folder with random weights, drawn from `seed`, no heads; raises what `load` does."""
    words, settings = load_parts(folder)
    model = _seeing(Model(create_encoder(settings, seed), words), folder)
    if model.eyes is not None:
        vision.redraw(model.eyes, model.encoder, seed)
    return model


def _seeing(model: Model, folder: Path) -> Model:
    """The model with the eyes that were saved beside it, or with what it is told of images, if it sees."""
    model.eyes = vision.load(folder, vision.text_tower(model.encoder).get_input_embeddings().weight.shape[1])
    if model.kind == "dual":
        seen: Any = model.encoder.config.vision_config
        model.sight = stated(folder, (seen.image_size // seen.patch_size) ** 2)
    elif model.kind == "vision-language":
        model.sight = vision.image_preparation(model.encoder.config, folder)
    return model


def load_parts(folder: Path) -> tuple[Any, Any]:
    """The tokenizer in a folder and the model's shape; BackboneError if there is none that can be read."""
    if not (folder / TOKENS).is_file():
        # Without it, transformers makes an empty tokenizer of some architectures.
        raise BackboneError(str(folder), f"holds no tokenizer ({TOKENS}).", SAVE_TOKENIZER)
    with refused(folder, f"holds no config.json {LOADABLE}", SAVE_OR_FETCH):
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    with refused(folder, f"holds no tokenizer {LOADABLE}", SAVE_OR_FETCH):
        return pretrained.load_tokenizer(folder, settings), settings


def create_encoder(settings: Any, seed: int) -> PreTrainedModel:
    """An encoder of that shape with random weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return blank(settings)


def save(model: Model, folder: Path, labels: Mapping[str, tuple[str, ...]]) -> None:
    """Write encoder, eyes, heads and tokenizer; `labels` gives the label names of each head.

    With one head of a family that transformers knows for this architecture, the folder is that model
    (`AutoModelForSequenceClassification.from_pretrained(folder)` and the like); with the language model's
    head alone it is the language model. All heads stand in heads.safetensors as well, from which xstilts
    reads them. A tokenizer that was put away is there already.
    """
    save_heads(model, folder)
    settings = model.encoder.config.__class__.from_dict(model.encoder.config.to_dict())
    seen: dict[int, str] = {}
    weights = {
        name: tensor
        for name, tensor in model.encoder.state_dict().items()
        if seen.setdefault(tensor.data_ptr(), name) == name  # once; transformers ties the others as it loads
    }
    settings.architectures = [type(model.encoder).__name__]
    outputs: tuple[str, ...] = ("LABEL_0", "LABEL_1")  # what transformers takes for granted, and spans need
    head, native = native_head(model)
    if isinstance(head, LanguageHead):
        settings.architectures, weights = _language_model(model, head, weights)
    elif native is not None:
        weights = {f"{native.prefix}.{name}": tensor for name, tensor in weights.items()}
        for name, tensor in head.state_dict().items():
            if target := native.name(name):
                weights[target] = tensor
        if native.bias:
            weights[f"{native.parts['out']}.bias"] = weights[native.bias].clone()
        settings.architectures = [native.architecture]
        outputs = labels.get(next(iter(model.heads))) or outputs
    settings.id2label = dict(enumerate(outputs))
    settings.label2id = {label: number for number, label in enumerate(outputs)}
    settings.dtype = "float32"
    settings.save_pretrained(folder)
    save_tensors(weights, folder / "model.safetensors")
    if model.tokenizer is not None:
        pretrained.save_tokenizer(model.tokenizer, folder)
    if model.eyes is not None:
        vision.save(model.eyes, folder)
    if model.sight is not None:
        (folder / PREPARATION).write_text(json.dumps(model.sight.release, indent=1, sort_keys=True))
    share(folder, folder / "config.json")


def put_tokenizer_away(model: Model, folder: Path, *, writes: bool) -> None:
    """Write the tokenizer now, into the folder that `save` fills later, and free its memory.

    A model with a language model's head keeps it: what is hidden and what is answered is said in its tokens.
    """
    if "masked" in model.heads:
        return
    if writes:
        folder.mkdir(exist_ok=True)
        pretrained.save_tokenizer(model.tokenizer, folder)
    model.drop_tokenizer()
    pretrained.forget_tokenizers()


def share(folder: Path, like: Path) -> None:
    """Let whoever may read the file `like` read the weights beside it; safetensors lets their owner only."""
    for path in folder.glob("*.safetensors"):
        shutil.copymode(like, path)


def save_heads(model: Model, folder: Path) -> None:
    """Write all heads, from which xstilts reads them; what they share with the embeddings is not theirs."""
    folder.mkdir(exist_ok=True)
    if not model.heads:
        return
    kinds = {name: str(head.family) for name, head in model.heads.items()}
    heads = {
        f"{name}.{part}": tensor
        for name, head in model.heads.items()
        for part, tensor in head.state_dict().items()
        if not (part in ("weight", "out.weight") and head.get_parameter(part) is model.embeddings)
    }
    save_tensors(heads, folder / "heads.safetensors")
    (folder / "heads.json").write_text(json.dumps(kinds, indent=1, sort_keys=True))


def native_head(model: Model) -> tuple[Any, Native | None]:
    """The model's only head, and where transformers keeps it; None for several, or one it does not know."""
    if len(model.heads) != 1:
        return None, None
    (head,) = model.heads.values()
    if isinstance(head, LanguageHead):
        return head, None
    return head, facts_of(model.encoder.config.model_type).native.get(str(head.family))


def _language_model(
    model: Model, head: LanguageHead, weights: Mapping[str, torch.Tensor]
) -> tuple[list[str], dict[str, torch.Tensor]]:
    """The class of transformers that is this model with its language head, and the weights by its names."""
    settings = model.encoder.config
    known = CLASSES[model.kind]._model_mapping[type(settings)]
    with torch.device("meta"):
        whole = known(settings)
    names = dict.fromkeys(whole.state_dict())
    prefix = "" if all(name in names for name in weights) else f"{known.base_model_prefix}."
    found = {f"{prefix}{name}": tensor for name, tensor in weights.items()}
    if facts_of(settings.model_type).reads_first:
        found = {name.replace("language_model.", "model.", 1): tensor for name, tensor in weights.items()}
    if head.weight is not model.embeddings:
        found[next(name for name in OUTPUTS if name in names)] = head.weight
    if head.bias is not None:
        found["final_logits_bias"] = head.bias.reshape(1, -1)
    return [known.__name__], found


CLASSES: Mapping[Kind, Any] = {
    "encoder": AutoModelForMaskedLM,
    "encoder-decoder": AutoModelForSeq2SeqLM,
    "decoder": AutoModelForCausalLM,
    "vision-language": AutoModelForImageTextToText,
}
"""How transformers calls a model with its language head."""

OUTPUTS = ("lm_head.weight", "lm_head.out_proj.weight")
"""How the language models of transformers call the weights of their head."""


OF_NORMS = {"weight": "gamma", "bias": "beta"}
"""How releases that were converted from TensorFlow (mBERT) call the weights of norms."""


def load_heads(model: Model, folder: Path) -> None:
    """The heads that xstilts saved; of a model from elsewhere, its language modelling head if it has one."""
    if not (folder / "heads.json").is_file():
        (_load_language_head if model.writes else _load_filling_head)(model, folder)
        return
    kinds = json.loads((folder / "heads.json").read_text())
    tensors = load_file(folder / "heads.safetensors")
    for name, family in kinds.items():
        parts = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
        if family == "masked" and model.writes:
            model.add_language_head(name, parts.get("weight"))
        else:
            model.add_head(name, family, len(parts["out.bias"]))
        model.heads[name].load_state_dict(parts, strict=family != "masked")


def _load_language_head(model: Model, folder: Path) -> None:
    own = next((tensor for _, tensor in _stored(folder, dict.fromkeys(OUTPUTS))), None)
    if own is not None and not torch.equal(own, model.embeddings):
        model.add_language_head("masked", own)
    elif own is not None or getattr(model.encoder.config, "tie_word_embeddings", False):
        model.add_language_head("masked")
    else:
        return
    if model.heads["masked"].get_buffer("bias") is not None:
        for _, bias in _stored(folder, {"bias": "final_logits_bias"}):
            model.heads["masked"].get_buffer("bias").copy_(bias.reshape(-1))


def _load_filling_head(model: Model, folder: Path) -> None:
    """The head that guesses hidden tokens, if the folder has all of it."""
    native = facts_of(model.encoder.config.model_type).native.get("masked")
    if native is None or not dict(_stored(folder, {"bias": native.bias})):
        return
    model.add_head("masked", "masked", 0)
    parts = {part: native.name(part) for part in model.heads["masked"].state_dict()}
    wanted = {part: name for part, name in parts.items() if name}
    formerly = {
        part: re.sub(r"LayerNorm\.(weight|bias)$", lambda found: f"LayerNorm.{OF_NORMS[found[1]]}", name)
        for part, name in wanted.items()
    }
    found = dict(_stored(folder, formerly)) | dict(_stored(folder, wanted))
    if len(found) == len(wanted):
        model.heads["masked"].load_state_dict(found, strict=False)
    else:
        del model.heads["masked"]


def _stored(folder: Path, sources: Mapping[str, str | None]) -> Iterator[tuple[str, torch.Tensor]]:
    """Those tensors of a folder's weights that are there, in float32; `sources` gives their stored names."""
    for path in sorted(folder.glob(WEIGHTS)):
        if path.name in ("heads.safetensors", EYES_WEIGHTS):
            continue
        with safe_open(path, framework="pt") as file:
            stored = dict.fromkeys(file.keys())
            for name, source in sources.items():
                if (source or name) in stored:
                    yield name, file.get_tensor(source or name).float()
