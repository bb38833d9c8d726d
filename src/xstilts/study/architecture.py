"""What kind of model a backbone is, and what of xstilts' tasks each kind can do; free of torch.

The kind follows from the `model_type` in a model's config.json. Types that are not listed here are looked up
in transformers when the model is loaded (`xstilts.runner.model`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from xstilts.families.text import TEXT_FAMILIES

Kind = Literal["encoder", "encoder-decoder", "decoder"]

_TYPES: Mapping[Kind, tuple[str, ...]] = {
    "encoder": (
        "albert",
        "bert",
        "camembert",
        "deberta-v2",
        "distilbert",
        "electra",
        "eurobert",
        "modernbert",
        "rembert",
        "roberta",
        "xlm-roberta",
        "xlm-roberta-xl",
    ),
    "encoder-decoder": ("bart", "m2m_100", "mbart", "mt5", "t5", "t5gemma", "umt5"),
    "decoder": (
        "bloom",
        "cohere",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt2",
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "xglm",
    ),
}

KINDS: Mapping[str, Kind] = {name: kind for kind, names in _TYPES.items() for name in names}
"""The kind of each of transformers' model types that xstilts knows."""


def kind_of(folder: Path) -> Kind | None:
    """The kind of the model in a folder; None if its config.json cannot be read or names an unlisted type."""
    try:
        named = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, TypeError, KeyError):
        return None  # whatever is wrong is told when the model is loaded
    return KINDS.get(named)


def refusal(kind: Kind, family: str, readout: str, attention: str) -> str:
    """Why a kind of model cannot do a family of task with that readout and attention; empty if it can."""
    if readout == "text" and kind == "encoder":
        return "an encoder writes no text"
    if readout == "text" and family == "tagging":
        return "a sequence of tags is not read out as text"
    if attention == "bidirectional" and kind == "decoder":
        if readout == "text" and family in TEXT_FAMILIES:
            return "a decoder that sees what follows cannot be asked for the likelihood of what follows"
        if family == "masked":
            return "a decoder that sees what follows cannot be trained to predict it"
    return ""
