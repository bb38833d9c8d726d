"""Images as a model wants them: resized, and looked up by name while batches are made.

Shapes: N images, H x W pixels of height and width.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data import images
from xstilts.data.task import Task
from xstilts.errors import BackboneError
from xstilts.study.backbone import PREPARATION

KEPT_BYTES = 2**28
"""Of images that are kept decoded, by each album."""

BICUBIC = 3  # of pillow's filters

LONGEST_SIDE = 448
"""Of the square that images become for models that take any size; 256 tokens in Qwen2-VL."""


@dataclass(frozen=True)
class Preparation:
    """How a model wants its images: `height` x `width` pixels, `tokens` states for each image.

    Values between 0 and 1 lose `mean` and are divided by `std`, channel by channel. With `edge` an image is
    resized so that its shorter side has that many pixels, and the middle is cut out (CLIP); else it is
    stretched. `filter` is pillow's number of a resampling filter.
    """

    height: int
    width: int
    tokens: int
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    edge: int = 0
    filter: int = BICUBIC

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Preparation":
        """The preparation of which `plain` was taken."""
        lists = {name: tuple(fields[name]) for name in ("mean", "std")}
        return cls(**{**fields, **lists})

    @property
    def release(self) -> dict[str, Any]:
        """As a release says it, which `stated` reads and transformers' image processors do."""
        whole = {"height": self.height, "width": self.width}
        size = {"shortest_edge": self.edge} if self.edge else whole
        facts = {"do_resize": True, "size": size, "resample": self.filter, "do_convert_rgb": True}
        facts |= {"do_center_crop": bool(self.edge), "crop_size": whole}
        facts |= {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
        return facts | {"image_mean": list(self.mean), "image_std": list(self.std)}

    @property
    def plain(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def resized(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image [height, width, 3] in the model's size, [3, H, W]."""
        from PIL import Image

        rows, columns = image.shape[:2]
        if self.edge:
            short = min(rows, columns)
            rows, columns = (side * self.edge // short for side in (rows, columns))
        else:
            rows, columns = self.height, self.width
        if (rows, columns) != image.shape[:2]:
            found = Image.fromarray(image).resize((columns, rows), Image.Resampling(self.filter))
            image = np.asarray(found, np.uint8)
        image = _middle(image, self.height, self.width)
        return np.ascontiguousarray(image.transpose(2, 0, 1))

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resized images as the model's numbers, [N, 3, H, W]."""
        mean, std = (np.asarray(part, np.float32)[:, None, None] for part in (self.mean, self.std))
        scaled: NDArray[np.float32] = (pixels.astype(np.float32) / np.float32(255) - mean) / std
        return scaled


@dataclass(frozen=True)
class Cut(Preparation):
    """For a model that takes images of any size, cut into patches (Qwen2-VL; Wang et al. 2024, arXiv
    2409.12191, section 2.1): all are stretched to one square.

    A patch has `patch` x `patch` pixels, `merge` x `merge` patches are one token, and an image is shown
    `frames` times, as films are.
    """

    patch: int = 14
    merge: int = 2
    frames: int = 2

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.height // self.patch, self.width // self.patch

    @property
    def release(self) -> dict[str, Any]:
        """As `squared` reads it. Transformers keeps the shape of an image: only squares become the same."""
        area = self.height * self.width
        facts = {"patch_size": self.patch, "merge_size": self.merge, "temporal_patch_size": self.frames}
        return super().release | facts | {"size": {"shortest_edge": area, "longest_edge": area}}


def _middle(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The middle of an image, with black around it where it is too small."""
    rows, columns = image.shape[:2]
    if rows < height or columns < width:
        missing = [(max(0, wanted - has) + 1) // 2 for has, wanted in ((rows, height), (columns, width))]
        image = np.pad(image, [(side, side) for side in missing] + [(0, 0)])
        rows, columns = image.shape[:2]
    top, left = (rows - height) // 2, (columns - width) // 2
    return image[top : top + height, left : left + width]


@contextmanager
def _facts(folder: Path) -> Iterator[dict[str, Any]]:
    """What a release says in its preprocessor_config.json; BackboneError if that is not to be understood."""
    try:
        yield json.loads((folder / PREPARATION).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"its {PREPARATION} does not say how images are prepared ({type(error).__name__}: {error})."
        raise BackboneError(str(folder), what, "Fetch it again, with its image processor.") from error


def stated(folder: Path, tokens: int) -> Preparation:
    """What a release says. Raises BackboneError if it names no size that holds for every image."""
    with _facts(folder) as facts:
        size, cut = _sides(facts["size"]), None
        if facts.get("do_center_crop", False):
            cut = _sides(facts["crop_size"])
            size = facts["size"] if isinstance(facts["size"], int) else size  # CLIP's first releases
        edge = 0 if cut is None or isinstance(size, tuple) else size
        height, width = cut or (size if isinstance(size, tuple) else (size, size))
        return Preparation(height, width, tokens, edge=edge, **_colours(facts))


def squared(folder: Path, patch: int, merge: int, frames: int) -> Cut:
    """The square of a release that states how many pixels an image has at the least and at the most.

    Its side is the largest multiple of `patch` x `merge` that is at most LONGEST_SIDE, or what the least
    number of pixels needs, and that the largest number allows. Raises BackboneError if the release cuts
    images in another way.
    """
    with _facts(folder) as facts:
        own = tuple(int(facts[name]) for name in ("patch_size", "merge_size", "temporal_patch_size"))
        if own != (patch, merge, frames):
            raise ValueError(f"patches {own}, the model's {(patch, merge, frames)}")
        unit, size = patch * merge, facts.get("size") or {}
        least, most = (  # which releases have called by three names
            int(facts.get(name) or size.get(name) or size[edge])
            for name, edge in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge"))
        )
        needed = (isqrt(max(1, least) - 1) // unit + 1) * unit
        side = min(max(LONGEST_SIDE, needed), isqrt(most)) // unit * unit
        if not side:
            raise ValueError(f"{most} pixels hold no {unit} x {unit}")
        return Cut(side, side, 0, patch=patch, merge=merge, frames=frames, **_colours(facts))


def _colours(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and deviation of each channel, and the filter."""
    mean, std = (
        tuple(float(value) for value in facts[name]) if facts.get("do_normalize", True) else (plain,) * 3
        for name, plain in (("image_mean", 0.0), ("image_std", 1.0))
    )
    return {"mean": mean, "std": std, "filter": int(facts.get("resample", BICUBIC))}


def _sides(size: Any) -> Any:
    """Height and width, or the length of the shorter side."""
    if not isinstance(size, dict):
        return (int(size), int(size))
    edge = size.get("shortest_edge")
    return (int(size["height"]), int(size["width"])) if edge is None else int(edge)


class Album:
    """The images of a task by name, as a model wants them; the last ones asked for are kept."""

    def __init__(self, task: Task, folder: Path | None, preparation: Preparation) -> None:
        self.task, self.folder, self.preparation = task, folder, preparation
        self._kept: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()

    def pixels(self, names: Sequence[str]) -> NDArray[np.float32]:
        """The images [N, 3, H, W]. Raises DataError if one is not there or cannot be decoded."""
        return self.preparation.scaled(np.stack([self._image(name) for name in names]))

    def _image(self, name: str) -> NDArray[np.uint8]:
        found = self._kept.pop(name, None)
        if found is None:
            found = self.preparation.resized(images.load(self.task, name, self.folder))
        self._kept[name] = found
        while len(self._kept) > 1 and len(self._kept) * found.nbytes > KEPT_BYTES:
            self._kept.popitem(last=False)
        return found
