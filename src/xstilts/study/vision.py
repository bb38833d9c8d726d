"""Eyes for a text encoder, as a study states them: a patch embedding, or a pretrained vision encoder."""

import hashlib
from pathlib import Path

from pydantic import Field

from xstilts.disk import is_file, is_folder
from xstilts.errors import BackboneError
from xstilts.study.specification import Specification

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


class Vision(Specification):
    """Either `size` and `patch` in pixels, or `model` with `revision`, or the `checksum` of a folder."""

    size: int | None = None
    patch: int | None = None
    model: str | None = None
    revision: str | None = None
    checksum: str | None = None


def checksum(folder: Path) -> str:
    """The identity of a vision encoder's folder: the checksum of its weights, shape and preparation.

    Raises BackboneError if one of them is missing or cannot be read.
    """
    weights = sorted(folder.glob("*.safetensors")) if is_folder(folder) else []
    lacks = [name for name in _PARTS if not is_file(folder / name)]
    if lacks or not weights:
        what = f"holds no {lacks[0] if lacks else 'weights in safetensors format'}."
        now = "Save model and image processor there: AutoImageProcessor.from_pretrained(NAME)."
        raise BackboneError(str(folder), what, now)
    digest = hashlib.sha256()
    for path in (*weights, *(folder / name for name in _PARTS)):
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise BackboneError(str(path), f"cannot be read ({error.strerror}).") from error
    return "sha256:" + digest.hexdigest()
