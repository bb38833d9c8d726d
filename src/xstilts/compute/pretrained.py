"""Pretrained models of the Hugging Face Hub, at a pinned revision, in the Hub's own cache."""

from collections.abc import Iterable
from pathlib import Path

from xstilts.data.task import NO_COMMIT, find_commit, is_commit
from xstilts.errors import BackboneError
from xstilts.study.backbone import CONVERT, SAVE_TOKENIZER, SHAPE, TOKENS, WEIGHTS, Backbone
from xstilts.study.phase import Evaluation, chain
from xstilts.study.step import Step
from xstilts.study.vision import PREPARATION

WANTED = (WEIGHTS, "*.json", "*.model", "*.txt")


def fetch(model: str, revision: str) -> Path:
    """The folder with the files of a Hub model, downloaded unless the cache has them.

    Raises BackboneError if there is no such model or revision, no network and no copy, no weights in
    safetensors format, or no tokenizer.
    """
    folder = download(model, revision, WANTED)
    if not (folder / SHAPE).is_file() or not (folder / TOKENS).is_file():
        raise BackboneError(f"{model} at {revision}", f"lacks {SHAPE} or {TOKENS}.", SAVE_TOKENIZER)
    return folder


def fetch_eyes(model: str, revision: str) -> Path:
    """The folder with the files of a vision encoder of the Hub.

    Raises BackboneError if there is no such model or revision, no network and no copy, no weights in
    safetensors format, or nothing that says how images are prepared.
    """
    folder = download(model, revision, (WEIGHTS, "*.json"))
    if not (folder / SHAPE).is_file() or not (folder / PREPARATION).is_file():
        what = f"lacks {SHAPE} or {PREPARATION}."
        raise BackboneError(f"{model} at {revision}", what, "Name a model with an image processor.")
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
    wanted: dict[str, Backbone] = {}
    for step in steps:
        specification = step.specification
        model = specification.model if isinstance(specification, Evaluation) else specification
        wanted |= {one.fingerprint: one for one in chain(model) if isinstance(one, Backbone)}
    for backbone in wanted.values():
        if backbone.model is not None and backbone.revision is not None:
            fetch(backbone.model, backbone.revision)
        if backbone.vision is not None and backbone.vision.model and backbone.vision.revision:
            fetch_eyes(backbone.vision.model, backbone.vision.revision)
