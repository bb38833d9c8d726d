"""Models of transformers without heads and poolers: read from a folder, or with random weights."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, PreTrainedModel

from xstilts.errors import BackboneError


def read(folder: Path, settings: Any) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    """The model in a folder, in float32, and what transformers tells of it; errors are transformers' own."""
    model, report = AutoModel.from_pretrained(
        folder,
        config=settings,
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **_without_pooler(settings),
    )
    return model, report


def check_whole(folder: Path, settings: Any, report: Mapping[str, Any], spare: str = "") -> None:
    """Raises BackboneError if weights were not there, but for those with `spare` in their name."""
    missing = sorted(name for name in report["missing_keys"] if not spare or spare not in name)
    if missing:
        what = f"lacks {len(missing)} of the weights of a {settings.model_type} model, such as {missing[0]}."
        raise BackboneError(str(folder), what, "Its config.json does not fit its weights.")


def blank(settings: Any) -> PreTrainedModel:
    """A model of that shape with random weights, drawn from torch's generator."""
    made: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
        settings, dtype=torch.float32, **_without_pooler(settings)
    )
    return made


def reason(error: Exception) -> str:
    """The beginning of an error of another library, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _without_pooler(settings: Any) -> dict[str, bool]:
    """Poolers are never read; an untrained one would only be noise in the checkpoint."""
    if hasattr(settings, "vision_use_head"):  # SigLIP's tower has one of its own kind
        settings.vision_use_head = False
    known: Any = AutoModel._model_mapping.get(type(settings), None)
    takes = known is not None and "add_pooling_layer" in inspect.signature(known).parameters
    return {"add_pooling_layer": False} if takes else {}
