"""Models of the Hub: their names, commits and sizes, and their files at a pinned revision, in the Hub's own
cache.

`models.csv` has full names, commits, sizes and other names of those that studies often name. The commits are
those of the bundled studies, and for multilingual BERT the one that most others name. Sizes are in millions
of parameters, `body` without the tables of tokens, as transformers builds the model from its published
configuration. What is not known is empty.
"""

import csv
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any

from xstilts.data.task import NO_COMMIT, find_commit, is_commit
from xstilts.errors import BackboneError, did_you_mean
from xstilts.plain import parse_json
from xstilts.study.backbone import CONVERT, PREPARATION, SAVE_TOKENIZER, SHAPE, TOKENS, WEIGHTS, Backbone
from xstilts.study.phase import Evaluation, Phase, base_of
from xstilts.study.step import Step


@dataclass(frozen=True)
class Parameters:
    """The parameters of a model: all of them, and those without the tables of tokens."""

    parameters: float
    body: float


@dataclass(frozen=True)
class HubModel:
    """A model; `revision` is empty, and `size` None, where they are not known."""

    name: str
    revision: str
    size: Parameters | None
    also: tuple[str, ...]


@lru_cache(maxsize=1)
def known() -> dict[str, HubModel]:
    """The models by their full names."""
    text = files("xstilts.study").joinpath("models.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        numbers = row["parameters"], row["body"]
        size = Parameters(*(1e6 * float(number) for number in numbers)) if all(numbers) else None
        found[row["name"]] = HubModel(row["name"], row["revision"], size, tuple(row["also"].split()))
    return found


def size(backbone: Backbone, folder: Path | None) -> Parameters | None:
    """How large a backbone is, from the table, the files in its folder, or its shape; None if unknown."""
    if backbone.model in known() and known()[backbone.model].size is not None:
        return known()[backbone.model].size
    if folder is not None:
        try:
            shape = parse_json((folder / "config.json").read_text(encoding="utf-8"))
            count = sum(map(_stored, folder.glob("*.safetensors")))
            return Parameters(count, count - shape["vocab_size"] * _first(shape, *_WIDTH))
        except (OSError, ValueError, TypeError, KeyError, struct.error):
            return None  # whatever is wrong is told when the model is loaded
    width, layers = _first(backbone.shape, *_WIDTH), _first(backbone.shape, *_LAYERS)
    if not width or not layers or backbone.tokenizer is None:
        return None
    body = layers * width * (4 * width + 2 * (_first(backbone.shape, *_INNER) or 4 * width))
    return Parameters(body + backbone.tokenizer.vocabulary * width, body)


_WIDTH = ("hidden_size", "d_model", "n_embd")
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
_INNER = ("intermediate_size", "d_ff", "n_inner", "ffn_dim")


def _first(shape: Mapping[str, Any], *keys: str) -> float:
    return next((float(shape[key]) for key in keys if shape.get(key)), 0.0)


def _stored(path: Path) -> int:
    """The numbers in a file of safetensors, as its head says."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        head = parse_json(file.read(min(length, 2**26)).decode("utf-8"))
    return sum(prod(entry["shape"]) for key, entry in head.items() if key != "__metadata__")


def pin(name: str) -> str:
    """How to pin the commit of a model of the Hub."""
    if name in known() and (revision := known()[name].revision):
        return f'Pin the commit: revision = "{revision}".'
    return "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions')."


def near(word: str, bundled: Collection[str]) -> str:
    """What a name without owner means: an old name of the Hub, a nickname, a bundled one; "" if nothing."""
    names = {other: model.name for model in known().values() for other in model.also}
    full = names.get(word.casefold())
    if full is None:
        if hint := did_you_mean(word, bundled):
            return hint
        full = next(
            (name for other, name in names.items() if f"'{other}'" in did_you_mean(word, names)), None
        )
    if full is None:
        return ""
    if revision := known()[full].revision:
        return f'Write model = "{full}", revision = "{revision}".'
    return f'On the Hub it is model = "{full}". {pin(full)}'


MODEL_FILES = (WEIGHTS, "*.json", "*.model", "*.txt")


def fetch(model: str, revision: str, *, eyes: bool = False) -> Path:
    """The folder with the files of a Hub model, or of a vision encoder, downloaded unless the cache has them.

    Raises BackboneError if there is no such model or revision, no network and no copy, no weights in
    safetensors format, no tokenizer, or of a vision encoder nothing that says how images are prepared.
    """
    folder = download(model, revision, (WEIGHTS, "*.json") if eyes else MODEL_FILES)
    needed = PREPARATION if eyes else TOKENS
    if not all((folder / name).is_file() for name in (SHAPE, needed)):
        now = "Name a model with an image processor." if eyes else SAVE_TOKENIZER
        raise BackboneError(f"{model} at {revision}", f"lacks {SHAPE} or {needed}.", now)
    return folder


def download(model: str, revision: str, wanted: Iterable[str]) -> Path:
    """The folder with the wanted files of a Hub model, of which the weights must be safetensors.

    Raises BackboneError if there is no such model or revision, no network and no copy, no such weights, or if
    the revision is no commit.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    where = f"{model} at {revision}"
    if not is_commit(revision):
        raise BackboneError(where, f"the revision {NO_COMMIT}", find_commit("model", model, revision))
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=list(wanted)))
    except LocalEntryNotFoundError as error:
        what = f"is not in the cache and the Hub cannot be reached ({error})."
        raise BackboneError(where, what, "Connect once, or name a folder.") from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise BackboneError(
            where, f"cannot be had from the Hub ({error}).", "Check name and revision."
        ) from error
    if not any(folder.glob(WEIGHTS)):
        raise BackboneError(where, "has no weights in safetensors format.", CONVERT)
    return folder


def fetch_all(steps: Iterable[Step]) -> None:
    """Have every Hub model that the steps start from in the cache, before workers need it."""
    bases = dict[str, Backbone]()
    for made in (step.specification for step in steps):
        model: Backbone | Phase | None = made.model if isinstance(made, Evaluation) else made
        if model is not None:
            bases[base_of(model).fingerprint] = base_of(model)
    for backbone in bases.values():
        if backbone.model is not None and backbone.revision is not None:
            fetch(backbone.model, backbone.revision)
        if backbone.vision is not None and backbone.vision.model and backbone.vision.revision:
            fetch(backbone.vision.model, backbone.vision.revision, eyes=True)
