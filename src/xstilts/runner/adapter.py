"""Parameter-efficient training: peft's adapters in a model, and their merging into its weights.

A phase that trained an adapter leaves an ordinary checkpoint, with the adapter merged in and the heads, so
that the next phase, an evaluation and transformers read it like any other; the adapter alone, which is small,
lies beside it in peft's format.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import peft
from safetensors.torch import save_file

from xstilts.errors import BackboneError
from xstilts.runner.bare import reason
from xstilts.runner.model import Model
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


def _settings(adapter: Adapter) -> peft.PeftConfig:
    method = "lora" if adapter.method in _VARIANTS else adapter.method
    known: Any = peft.PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(method.upper())]
    fields = _SETTINGS[method](adapter) | _VARIANTS.get(adapter.method, {})
    settings: peft.PeftConfig = known(
        target_modules=list(adapter.modules) if adapter.modules else "all-linear", **fields
    )
    return settings


PREFIX = "base_model.model."
"""What peft puts before the names of a model's layers."""


def attach(model: Model, adapter: Adapter, new: Collection[str]) -> None:
    """Put the adapter into the model: it and the heads are trained, all that was pretrained is frozen.

    A language head is pretrained unless it is among the `new` heads; even then it may share the embeddings.
    Raises BackboneError if peft finds no layers of those names, or none that it can adapt.
    """
    try:
        peft.inject_adapter_in_model(_settings(adapter), model.encoder, NAME)
    except (ValueError, TypeError, NotImplementedError) as error:
        what = f"peft cannot give it the adapter '{adapter.method}' ({reason(error)})."
        name = model.encoder.config.model_type
        raise BackboneError(f"the {name} model", what, "Correct `adapter` in the recipe.") from error
    for name, head in model.heads.items():
        if head.family == "masked":
            for parameter in head.parameters():
                parameter.requires_grad_(name in new and parameter is not model.embeddings)


def merge(model: Model, folder: Path) -> None:
    """Write the adapter into `folder`, and merge it into the weights, which then are as they were called.

    The folder is what `peft.PeftModel.from_pretrained(MODEL, folder)` reads, for the parent's bare model.
    """
    folder.mkdir()
    found = peft.get_peft_model_state_dict(model.encoder, adapter_name=NAME)
    weights = {f"{PREFIX}{name}": tensor.detach().cpu().contiguous() for name, tensor in found.items()}
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = model.encoder.peft_config[NAME]
    settings.inference_mode = True
    settings.save_pretrained(str(folder))
    for name, module in list(model.encoder.named_modules()):
        if isinstance(module, peft.tuners.tuners_utils.BaseTunerLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(model.encoder.get_submodule(parent), last, module.get_base_layer())
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model.encoder._hf_peft_config_loaded = False
