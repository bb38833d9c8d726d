"""What kind of model a backbone is, and what of xstilts' tasks each kind can do; free of torch.

The kind follows from the `model_type` in a model's config.json. Types that are not listed here are looked up
in transformers when the model is loaded (`xstilts.compute.model`).

What of a plan no model of its backbone's kind can do is told before anything runs; models of the Hub are
asked when they are loaded.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from xstilts.errors import StudyError
from xstilts.families.text import SUMMARIZED, TEXT_FAMILIES
from xstilts.plain import parse_json
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Inference, Phase, chain
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

Kind = Literal["encoder", "encoder-decoder", "decoder", "dual", "vision-language", "uneven"]

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
    "dual": ("altclip", "clip", "metaclip_2", "siglip"),
    "vision-language": ("paligemma", "qwen2_5_vl", "qwen2_vl", "qwen3_vl"),
    "uneven": ("siglip2",),
}

KINDS: Mapping[str, Kind] = {name: kind for kind, names in _TYPES.items() for name in names}
"""The kind of each of transformers' model types that xstilts knows."""


def type_of(folder: Path) -> str | None:
    """The type of the model in a folder, in transformers' words; None if its config.json cannot be read."""
    try:
        return str(parse_json((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # whatever is wrong is told when the model is loaded


def kind_of(folder: Path) -> Kind | None:
    """The kind of the model in a folder; None if its config.json cannot be read or names an unlisted type."""
    return KINDS.get(type_of(folder) or "")


SEEING: tuple[Kind, ...] = ("dual", "vision-language")
"""Kinds that see as they come; encoders do where eyes are joined to them."""


def refusal(kind: Kind, family: str, readout: str, attention: str) -> str:
    """Why a kind of model cannot do a family of task with that readout and attention; empty if it can."""
    written, backwards = readout == "text", attention == "bidirectional"
    reasons = {
        'SigLIP 2 "naflex" gives each image a size of its own, and is shown none; that of one size is': (
            kind == "uneven"
        ),
        "a dual encoder gives one state for a whole text": kind == "dual" and family not in SUMMARIZED,
        'a vision-language model is asked for labels and options, with `readout = "text"`': (
            kind == "vision-language" and not (written and family in SUMMARIZED)
        ),
        "an encoder writes no text": written and kind in ("encoder", "dual"),
        "a sequence of tags is not read out as text": written and family == "tagging",
        "`attention` says what the tokens of a decoder see, and this is none": backwards
        and kind != "decoder",
        "a decoder that sees what follows cannot be asked for the likelihood of what follows": (
            backwards and written and family in TEXT_FAMILIES
        ),
        "a decoder that sees what follows cannot be trained to predict it": backwards and family == "masked",
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")


CORRECT = "Correct `readout` or `attention` in the recipe, or in that of the backbone."


def check_kinds(shown: str, steps: Iterable[Step], places: Places) -> tuple[StudyError, ...]:
    """One error for each task and type of model that do not go together; `shown` is the study's file."""
    found: dict[str, StudyError] = {}
    for step in steps:
        for model, use, asked in _asked(step):
            named = _type(model, places)
            why = refusal(KINDS[named], use.family, asked.readout, asked.attention) if named in KINDS else ""
            if why:
                where = f"{shown}: '{use.task}' with a model of type {named}"
                found.setdefault(where + why, StudyError(where, f"{why}.", CORRECT))
    return tuple(found.values())


def _asked(step: Step) -> Iterator[tuple[Backbone | Phase, Use, Recipe | Inference]]:
    one = step.specification
    if isinstance(one, Phase):
        yield from ((one, use, one.recipe) for use in one.uses)
    elif isinstance(one, Evaluation) and one.model is not None and one.inference and one.trained_by is None:
        yield one.model, one.use, one.inference


def _type(model: Backbone | Phase, places: Places) -> str:
    """The type, in transformers' words, of the model that a chain begins with; empty if not known yet."""
    *_, backbone = chain(model)
    assert isinstance(backbone, Backbone)
    if backbone.architecture is not None:
        return backbone.architecture
    folder = places.backbones.get(str(backbone.checksum))
    return "" if folder is None else type_of(folder) or ""
