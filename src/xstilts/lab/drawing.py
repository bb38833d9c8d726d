"""How scenes look: small pictures, each pixel the same on every machine."""

import numpy as np
from numpy.typing import NDArray

from xstilts.lab.inventory import VERSION
from xstilts.lab.scenes import SHADE, Scene

SIZE = 32  # pixels of a picture's height and width
_PLACE = SIZE // 2  # of a place: the first two above, the others below
_BEING = 12  # of a being
_BED = 2  # of the height of a bed; who is awake has none

Image = NDArray[np.uint8]

_COLOURS = {
    "red": (220, 40, 40),
    "green": (30, 160, 60),
    "blue": (40, 70, 220),
    "white": (255, 255, 255),
    "black": (10, 10, 10),
    "yellow": (245, 220, 30),
    SHADE: (80, 80, 80),
}
_GROUND = (140, 130, 120)
_OUTLINE = (0, 0, 0)
_WOOD = (105, 60, 25)
_FOG = np.array([(215, 215, 225), (170, 170, 185)])  # in diagonal stripes
_DIAGONAL = np.indices((_PLACE, _PLACE)).sum(axis=0)


def _shapes() -> dict[str, NDArray[np.bool_]]:
    """Which pixels of its square each being covers, [12, 12]."""
    y, x = (np.indices((_BEING, _BEING)) - (_BEING - 1) / 2) / (_BEING / 2)  # between -1 and 1
    radius = x**2 + y**2
    return {
        "dog": radius <= 1,
        "cat": abs(x) + abs(y) <= 1,
        "horse": np.ones_like(x, bool),
        "owl": (radius <= 1) & (radius >= 0.3),
        "baker": abs(x) <= (1 + y) / 2,
        "doctor": (abs(x) < 0.35) | (abs(y) < 0.35),
        "king": abs(x) <= (1 - y) / 2,
        "sailor": abs(abs(x) - abs(y)) < 0.4,
    }


_SHAPES = _shapes()


def draw(scene: Scene) -> Image:
    """The picture of a scene, [32, 32, 3].

    Who sleeps has a bed below. Beings are up to one pixel beside the middle of their place, and each pixel is
    a little lighter or darker than its colour, as the number of the drawing says.
    """
    generator = np.random.Generator(np.random.PCG64([VERSION, scene.drawing]))
    picture = np.empty((SIZE, SIZE, 3), np.int64)
    picture[:] = _GROUND
    for number, being in enumerate(scene.places):
        top, left = divmod(number, 2)
        field = picture[top * _PLACE : (top + 1) * _PLACE, left * _PLACE : (left + 1) * _PLACE]
        down, right = generator.integers((0, 1), (3, 4))
        if being is None:
            field[:] = _FOG[(_DIAGONAL + down) // 2 % 2]
        else:
            shape, square = _SHAPES[being.noun], field[down : down + _BEING, right : right + _BEING]
            square[shape] = _COLOURS[being.colour]
            square[shape & ~_inner(shape)] = _OUTLINE
            if being.verb == "sleep":
                field[-_BED:] = _WOOD
    picture += generator.integers(-12, 13, size=picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def _inner(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a shape whose four neighbours belong to it too."""
    wide = np.pad(shape, 1)
    return wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
