"""Parameter-efficient training: peft's adapters in a model, and their merging into its weights.

A phase that trained an adapter leaves an ordinary checkpoint, with the adapter merged in and the heads, so
that the next phase, an evaluation and transformers read it like any other. The adapter, which is small, lies
beside it in peft's format with the heads that were trained with it, without which it would predict nothing.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import peft

from xstilts.compute import checkpoint
from xstilts.compute.model import Model
from xstilts.compute.pretrained import reason, save_tensors
from xstilts.errors import BackboneError
from xstilts.study.recipe import Adapter

NAME = "default"

_SETTINGS: dict[str, Callable[[Adapter], dict[str, Any]]] = {
    "lora": lambda one: {"r": one.rank, "lora_alpha": one.alpha, "lora_dropout": one.dropout},
    "loha": lambda one: {"r": one.rank, "alpha": one.alpha, "module_dropout": one.dropout},
    "lokr": lambda one: {"r": one.rank, "alpha": one.alpha, "module_dropout": one.dropout},
    "oft": lambda one: {"r": one.rank, "oft_block_size": 0, "module_dropout": one.dropout},
    "ia3": lambda one: {"feedforward_modules": []},
}
_VARIANTS = {"dora": {"use_dora": True}, "rslora": {"use_rslora": True}}


PREFIX = "base_model.model."
"""What peft puts before the names of a model's layers."""

TASK_TYPES = {"classification": "SEQ_CLS", "tagging": "TOKEN_CLS", "span": "QUESTION_ANS"}
"""What peft calls the work of a head, of those that it knows to keep with an adapter."""


def attach(model: Model, adapter: Adapter, new: Collection[str]) -> None:
    """Put the adapter into the model: it and the heads are trained, all that was pretrained is frozen.

    A language head is pretrained unless it is among the `new` heads; even then it may share the embeddings.
    Raises BackboneError if peft finds no layers of those names, or none that it can adapt.
    """
    try:
        method = "lora" if adapter.method in _VARIANTS else adapter.method
        known: Any = peft.PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(method.upper())]
        fields = _SETTINGS[method](adapter) | _VARIANTS.get(adapter.method, {})
        settings: peft.PeftConfig = known(
            target_modules=list(adapter.modules) if adapter.modules else "all-linear", **fields
        )
        peft.inject_adapter_in_model(settings, model.encoder, NAME)
    except (ValueError, TypeError, NotImplementedError) as error:
        what = f"peft cannot give it the adapter '{adapter.method}' ({reason(error)})."
        name = model.encoder.config.model_type
        raise BackboneError(f"the {name} model", what, "Correct `adapter` in the recipe.") from error
    for name, head in model.heads.items():
        if head.family == "masked":
            for parameter in head.parameters():
                parameter.requires_grad_(name in new and parameter is not model.embeddings)


def merge(model: Model, folder: Path, base: str, revision: str | None = None) -> None:
    """Write the adapter and the heads into `folder`, and merge the adapter into the weights, which then are
    as they were called. `base` is the model that the phase began with: a folder, or a Hub name at `revision`.

    The folder is what `peft.PeftModel.from_pretrained(MODEL, folder)` reads. With one head that transformers
    and peft have for this architecture, MODEL is transformers' own with that head
    (`AutoModelForTokenClassification` and the like), else the bare model. The heads lie there in the
    checkpoint's format too.
    """
    checkpoint.save_heads(model, folder)
    state = peft.get_peft_model_state_dict(model.encoder, adapter_name=NAME)
    layers = {
        name: module
        for name, module in model.encoder.named_modules()
        if isinstance(module, peft.tuners.tuners_utils.BaseTunerLayer)
    }
    settings: Any = model.encoder.peft_config[NAME]
    prefix = PREFIX
    settings.task_type, settings.inference_mode = "FEATURE_EXTRACTION", True
    settings.base_model_name_or_path, settings.revision = base, revision
    head, native = checkpoint.native_head(model)
    parts: dict[str, Any] = {}
    if native is not None and head.family in TASK_TYPES:
        prefix = f"{PREFIX}{native.prefix}."
        settings.task_type = TASK_TYPES[head.family]
        settings.target_modules = sorted(f"{native.prefix}.{name}" for name in layers)
        settings.modules_to_save = sorted({name.split(".")[0] for name in native.parts.values()})
        parts = {f"{PREFIX}{native.name(part)}": tensor for part, tensor in head.state_dict().items()}
    parts |= {f"{prefix}{name}": tensor for name, tensor in state.items()}
    save_tensors(parts, folder / "adapter_model.safetensors")
    settings.save_pretrained(str(folder))
    checkpoint.share(folder, folder / "adapter_config.json")
    for name, module in layers.items():
        module.merge()
        parent, _, last = name.rpartition(".")
        setattr(model.encoder.get_submodule(parent), last, module.get_base_layer())
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model.encoder._hf_peft_config_loaded = False
