"""The backbone: a pretrained model and its tokenizer, or the shape of one to be made.

A backbone is one of three things: a model of the Hugging Face Hub at a pinned revision; a folder (also one
that comes with the package), known by the checksum of its files; or an architecture made from scratch with a
tokenizer trained on the text of tasks. With `weights = "random"` the shape and the tokenizer are kept and the
weights drawn anew; with `vision` eyes are joined to a text encoder. Where a folder lies is no part of the
identity: see `Places`.
"""

import hashlib
import json
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

import xstilts.lab
from xstilts.disk import digest, is_file, is_folder
from xstilts.errors import BackboneError
from xstilts.study.specification import Identified, Specification, added
from xstilts.study.use import Use

EYES, EYES_WEIGHTS = "vision.json", "vision.safetensors"
"""What a backbone's folder holds besides its text encoder if eyes were joined to it."""

MOST_IMAGES = 4
"""Of a row. Of each number from the first image on a vector is learned."""

PREPARATION = "preprocessor_config.json"
"""What a release says of how images become pixels."""

_PARTS = ("config.json", PREPARATION)


class VisionTable(Specification):
    """`[backbones.X.vision]`: the side of images and of patches in pixels, or a vision encoder by name."""

    size: int | None = Field(default=None, ge=1, le=1024)
    patch: int | None = Field(default=None, ge=1)
    model: str | None = None
    revision: str | None = None


class Vision(VisionTable):
    """Either `size` and `patch` in pixels, or `model` with `revision`, or the `checksum` of a folder."""

    checksum: str | None = None


def eyes_checksum(folder: Path) -> str:
    """The identity of a vision encoder's folder: the checksum of its weights, shape and preparation.

    Raises BackboneError if one of them is missing or cannot be read.
    """
    weights = sorted(folder.glob("*.safetensors")) if is_folder(folder) else []
    lacks = [name for name in _PARTS if not is_file(folder / name)]
    if lacks or not weights:
        what = f"holds no {lacks[0] if lacks else 'weights in safetensors format'}."
        now = "Save model and image processor there: AutoImageProcessor.from_pretrained(NAME)."
        raise BackboneError(str(folder), what, now)
    return _digest(*weights, *(folder / name for name in _PARTS))


def _digest(*paths: Path) -> str:
    try:
        return f"sha256:{digest(paths)}"
    except OSError as error:
        where = str(error.filename or paths[0].parent)
        raise BackboneError(where, f"cannot be read ({error.strerror}).") from error


class TokenizerTable(Specification):
    """`[backbones.X.tokenizer]`: the tasks whose training text it is trained on, in all or some languages."""

    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    vocabulary: int = Field(default=8000, ge=64)
    algorithm: Literal["bpe", "unigram"] = "bpe"
    examples: int | None = Field(default=None, ge=1)
    sentinels: int = Field(default=0, ge=0)


class Tokenizer(Specification):
    """A tokenizer to be trained on the training text of tasks: at most `examples` of a task and language.

    `sentinels` counts the tokens that stand for a span that was cut out (T5's `<extra_id_0>` and so on).
    """

    uses: tuple[Use, ...]
    vocabulary: int = Field(ge=64)
    algorithm: Literal["bpe", "unigram"] = "bpe"
    examples: int | None = Field(default=None, ge=1)
    sentinels: int = added(0, ge=0)


class BackboneFields(Specification):
    """What a study says of a backbone, and what a backbone is: a model, or a shape to be made."""

    model: str | None = None
    revision: str | None = None
    weights: Literal["pretrained", "random"] = "pretrained"
    seed: int = Field(default=0, ge=0, lt=2**63)
    architecture: str | None = None
    shape: dict[str, bool | int | float | str] = Field(default_factory=dict)


class Backbone(BackboneFields, Identified):
    """Exactly one of `model` (with `revision`), `checksum` and `architecture` (with `shape`, `tokenizer`).

    From scratch, `weights` is "random". `seed` is that of random weights, and of what is new in `vision`.
    """

    version: ClassVar[int] = 1

    kind: Literal["backbone"] = "backbone"
    checksum: str | None = None
    tokenizer: Tokenizer | None = None
    vision: Vision | None = added(None)

    @property
    def made(self) -> bool:
        """Whether weights must be made, from scratch, at random, or eyes: then it is a step of the plan."""
        return self.weights == "random" or self.vision is not None

    @property
    def name(self) -> str:
        """A readable name for the store's folder; a function of the content alone."""
        shown = self.architecture or (self.model or "local").rsplit("/", 1)[-1]
        shown = shown if self.vision is None else f"{shown}-seeing"
        return f"{shown}-random{self.seed}" if self.weights == "random" else shown


WEIGHTS, SHAPE, TOKENS = "*.safetensors", "config.json", "tokenizer.json"
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""What says beside TOKENS how texts become tokens. The lab's, which have WORLD, are alike."""
WORLD = "lab.json"
SAVE_TOKENIZER = "Save one there: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)."
CONVERT = "Convert it: AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True)."


def bundled() -> dict[str, Path]:
    """The backbones that come with the package, by name."""
    folder = Path(xstilts.lab.__file__).parent / "backbones"
    return {path.name: path for path in sorted(folder.glob("*")) if path.is_dir()}


def checksum(folder: Path) -> str:
    """The identity of a backbone's folder: the checksum of weights, shape, tokenizer with settings, and eyes.

    Raises BackboneError if the folder, the weights in safetensors format, the shape or the tokenizer is
    missing, or cannot be read.
    """
    where = str(folder)
    if not is_folder(folder):
        raise BackboneError(where, "no such folder.", "A backbone is a folder, a Hub name or a bundled name.")
    if not (folder / SHAPE).is_file():
        raise BackboneError(where, f"holds no {SHAPE}.", "Name a folder made by `save_pretrained`.")
    if not (folder / TOKENS).is_file():
        raise BackboneError(where, f"holds no tokenizer ({TOKENS}).", SAVE_TOKENIZER)
    weights = sorted(folder.glob(WEIGHTS))
    if not weights:
        pickled = sorted(folder.glob("pytorch_model*.bin"))
        what = (
            f"holds {pickled[0].name}, a pickle, which can run code." if pickled else f"holds no {WEIGHTS}."
        )
        raise BackboneError(where, what, CONVERT if pickled else "Name a folder made by `save_pretrained`.")
    core = (*weights, folder / SHAPE, folder / TOKENS, *folder.glob(EYES), *folder.glob(PREPARATION))
    settings = [] if (folder / WORLD).is_file() else [name for name in SETTINGS if (folder / name).is_file()]
    return _digest(*core, *(folder / name for name in settings))


def bundled_checksum(folder: Path) -> str:
    """The identity of a bundled backbone; BackboneError if it was made for another world of the lab."""
    facts = json.loads((folder / WORLD).read_text(encoding="utf-8"))
    found = {
        "world": xstilts.lab.identity(),
        "vocabulary": hashlib.sha256((folder / TOKENS).read_bytes()).hexdigest(),
    }
    for name, value in found.items():
        if facts.get(name) != value:
            what = f"was pretrained on another {name} of the lab ({facts.get(name)}) than this one ({value})."
            raise BackboneError(str(folder), what, "Make it again: `xstilts run lab-pretrain`.")
    return checksum(folder)
