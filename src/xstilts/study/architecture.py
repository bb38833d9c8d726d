"""What kind of model a backbone is, and what of xstilts' tasks each kind can do; free of torch.

The kind follows from the `model_type` in a model's config.json. `model_types.toml` has the types that are
known; others are looked up in transformers when the model is loaded (`xstilts.compute.model`).

What of a plan no model of its backbone's kind can do is told before anything runs; models of the Hub that
were never fetched are asked when they are loaded.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

from xstilts.errors import StudyError
from xstilts.families.text import SUMMARIZED, TEXT_FAMILIES
from xstilts.plain import parse_json
from xstilts.study.backbone import SHAPE, Backbone
from xstilts.study.phase import Evaluation, Inference, Phase, base_of
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

Kind = Literal["encoder", "encoder-decoder", "decoder", "dual", "vision-language", "uneven"]
_FILE = files("xstilts.study").joinpath("model_types.toml")


@dataclass(frozen=True)
class Native:
    """Where transformers' own model for a family keeps a head's parts; `prefix` is the encoder's name.

    `bias` is what a language model's head calls that of its output, whose weight is the embeddings'.
    """

    architecture: str
    prefix: str
    parts: Mapping[str, str]
    bias: str = ""

    def name(self, part: str) -> str:
        """The name of a tensor of the head; empty for what it shares with the embeddings."""
        module, kind = part.split(".")
        if self.bias and module == "out":
            return self.bias if kind == "bias" else ""
        return f"{self.parts[module]}.{kind}"


def _language_model(name: str, prefix: str, dense: str, norm: str, out: str) -> dict[str, Native]:
    bias = f"{out.rpartition('.')[0]}.bias" if "." in out else f"{out}.bias"
    parts = {"dense": dense, "norm": norm, "out": out}
    return {"masked": Native(f"{name}ForMaskedLM", prefix, parts, bias)}


def _bert(name: str, prefix: str) -> dict[str, Native]:
    head = "cls.predictions"
    parts = (f"{head}.transform.dense", f"{head}.transform.LayerNorm", f"{head}.decoder")
    return _language_model(name, prefix, *parts)


def _roberta(name: str) -> dict[str, Native]:
    heads = {
        "classification": ("SequenceClassification", "classifier.dense", "classifier.out_proj"),
        "choice": ("MultipleChoice", "roberta.pooler.dense", "classifier"),
        "tagging": ("TokenClassification", "", "classifier"),
        "span": ("QuestionAnswering", "", "qa_outputs"),
    }
    parts = ("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder")
    return {
        family: Native(f"{name}For{suffix}", "roberta", ({"dense": dense} if dense else {}) | {"out": out})
        for family, (suffix, dense, out) in heads.items()
    } | _language_model(name, "roberta", *parts)


_NATIVE = {
    "bert": _bert("Bert", "bert"),
    "deberta-v2": _bert("DebertaV2", "deberta"),
    "modernbert": _language_model("ModernBert", "model", "head.dense", "head.norm", "decoder"),
    "roberta": _roberta("Roberta"),
    "xlm-roberta": _roberta("XLMRoberta"),
    "xlm-roberta-xl": _roberta("XLMRobertaXL"),
}


@dataclass(frozen=True)
class ModelType:
    """What xstilts knows of a model type of transformers.

    It may be given sequences `packed` one after the other in one row, without padding. Its learned
    `positions` are numbered from zero, or from the padding's on; without any, texts have no end. Its language
    head is `biased`, adding a constant to the scores, or a `plain_head`: the vectors of the tokens alone. Its
    text tower was trained on texts `padded` to its whole length, padding being read. Releases may name the
    layers that read as if there were no others, and the eyes beside them, and transformers finds them by no
    other names (`reads_first`). `native` says by family where transformers' own models keep heads; those of
    other types are saved as a plain encoder with the heads beside it.
    """

    kind: Kind
    packed: bool = False
    positions: Literal["", "from zero", "after padding"] = ""
    biased: bool = False
    plain_head: bool = False
    padded: bool = False
    reads_first: bool = False
    native: Mapping[str, Native] = field(default_factory=dict)


TYPES: Mapping[str, ModelType] = {
    name: ModelType(cast(Kind, kind), native=_NATIVE.get(name, {}), **facts)
    for kind, types in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()
    for name, facts in types.items()
}
"""By transformers' model_type."""

KINDS: Mapping[str, Kind] = {name: known.kind for name, known in TYPES.items()}
"""The kind of each of transformers' model types that xstilts knows."""


def facts_of(model_type: str) -> ModelType:
    """What is known of a model type; of one that is not listed nothing, and its kind is to be looked up."""
    return TYPES.get(model_type, ModelType("encoder"))


def type_of(folder: Path) -> str | None:
    """The type of the model in a folder, in transformers' words; None if its config.json cannot be read."""
    try:
        return str(parse_json((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # whatever is wrong is told when the model is loaded


def scaling(settings: Any, tied: bool) -> tuple[float, float]:
    """The `scale` and `cap` of an architecture's language head, which shares the embeddings or does not.

    T5 and umT5 scale where it shares them; Cohere and Granite always; Gemma 2 and T5Gemma cap.
    """
    text = settings.get_text_config(decoder=True)
    kind, scale = settings.model_type, 1.0
    if tied and getattr(settings, "scale_decoder_outputs", kind == "umt5"):
        scale = float(text.hidden_size) ** -0.5
    elif kind.startswith("cohere"):
        scale = float(settings.logit_scale)
    elif kind.startswith("granite"):
        scale = 1 / float(settings.logits_scaling)
    return scale, float(getattr(text, "final_logit_softcapping", None) or 0.0)


def room(folder: Path) -> int | None:
    """The tokens that a local model reads at once; None where its config.json sets no end.

    XLM-R's positions start behind that of padding: of 514, 512 are for tokens.
    """
    try:
        shape = parse_json((folder / SHAPE).read_text(encoding="utf-8"))
        positions = facts_of(shape["model_type"]).positions
        count = int(shape.get("text_config", shape)["max_position_embeddings"])
        before = int(shape["pad_token_id"]) + 1 if positions == "after padding" else 0
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None  # whatever is wrong is told when the model is loaded
    return count - before if positions else None


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


def writes(backbone: Backbone, places: Places) -> bool:
    """Whether a backbone writes text; also if its type is not known before the model is loaded.

    Of a model of the Hub it is known once its config.json was fetched.
    """
    named = _type(backbone, places)
    if backbone.model is not None:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(backbone.model, SHAPE, revision=backbone.revision)
        named = type_of(Path(found).parent) or "" if isinstance(found, str) else named
    return KINDS.get(named, "decoder") in ("decoder", "encoder-decoder")


def _asked(step: Step) -> Iterator[tuple[Backbone | Phase, Use, Recipe | Inference]]:
    one = step.specification
    if isinstance(one, Phase):
        yield from ((one, use, one.recipe) for use in one.uses)
    elif isinstance(one, Evaluation) and one.model is not None and one.inference and one.trained_by is None:
        yield one.model, one.use, one.inference


def _type(model: Backbone | Phase, places: Places) -> str:
    """The type, in transformers' words, of the model that a chain begins with; empty if not known yet."""
    folder = places.folder(model)
    return base_of(model).architecture or ("" if folder is None else type_of(folder) or "")
