"""How far languages lie from each other in typology: URIEL's vectors, from the package lang2vec.

    pip install 'xstilts[typology]'

URIEL (Littell et al. 2017, "URIEL and lang2vec", EACL) describes languages by features of syntax, phonology
and sound inventory, whose gaps it fills from near relatives, by the nodes of the family tree above them, and
by their distances from 299 points of the earth. The package's data (CC BY-SA 4.0) are read where it is
installed, as plain arrays; its code is not run, and nothing of it is part of this package.

Distances lie between 0 and 1: 1 less the cosine of two vectors; of geography the way along the earth's
surface, of the longest there is.
"""

import zipfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.languages import by_code
from xstilts.errors import InputError

PACKAGE = "lang2vec"
INSTALL = "Install it: pip install 'xstilts[typology]'."
FEATURES = {"syntax": "S_", "phonology": "P_", "inventory": "INV_"}
"""How the names of features begin."""
TYPOLOGY = (*FEATURES, "genealogy", "geography")
"""The distances that URIEL tells."""

Vector = NDArray[np.float64]


def folder() -> Path | None:
    """Where the package's arrays are; None if it is not installed. Nothing is imported."""
    spec = find_spec(PACKAGE)
    places = [Path(place) / "data" for place in (spec and spec.submodule_search_locations) or ()]
    return next((place for place in places if place.is_dir()), None)


def distances(name: str, source: str, codes: tuple[str, ...]) -> dict[str, float]:
    """How far each language lies from the source language, of those that URIEL knows.

    InputError if the package is not installed, or its data are not what they should be.
    """
    where = folder()
    if where is None:
        raise InputError(f"distance '{name}'", f"needs the package {PACKAGE}, which is not there.", INSTALL)
    vectors = _vectors(where, name, (source, *codes))
    if source not in vectors:
        return {}
    between = _angle if name == "geography" else _cosine
    return {
        code: between(vectors[source], vectors[code]) if code != source else 0.0
        for code in codes
        if code in vectors
    }


def _cosine(one: Vector, other: Vector) -> float:
    """1 less the cosine; 1 for a vector of zeros, which is an isolate's."""
    if not (one.any() and other.any()):
        return 1.0
    return max(0.0, 1 - float(one @ other / np.sqrt((one @ one) * (other @ other))))


def _angle(one: Vector, other: Vector) -> float:
    """Of two places on the unit sphere, in half circles."""
    return float(np.arccos(np.clip(one @ other, -1, 1)) / np.pi)


@lru_cache(maxsize=64)
def _vectors(where: Path, name: str, codes: tuple[str, ...]) -> dict[str, Vector]:
    """The vector of each language that has one other than zero; of genealogy zero is that of an isolate."""
    known = _known(where)
    table = {"genealogy": "family_features", "geography": "geocoord_features"}.get(
        name, "feature_predictions"
    )
    features, rows, data = _read(where, table)
    if name in FEATURES:
        data = data[:, [feature.startswith(FEATURES[name]) for feature in features]]
    found = {}
    for code in codes:
        also = by_code()[code].also if code in by_code() else ()
        there = [word for word in (*also, code) if word in rows]
        own = [word for word in there if data[rows[word]].any()]
        if own or (there and name == "genealogy"):
            vector = data[rows[max(own or there, key=lambda word: known.get(word, 0))]].astype(np.float64)
            found[code] = _place(features, vector) if name == "geography" else vector
    return found


@lru_cache(maxsize=2)
def _known(where: Path) -> dict[str, int]:
    """How many features of each language are described: of several codes the best described one is meant."""
    _, rows, data = _read(where, "feature_averages")
    counts = (data >= 0).sum(axis=1)
    return {code: int(counts[row]) for code, row in rows.items()}


def _place(features: list[str], shares: Vector) -> Vector:
    """The place on the unit sphere at these distances, in half circles, from the points of the features.

    A cosine of a distance is linear in the place, so that it is the least-squares solution.
    """
    degrees = np.array([[float(part) for part in feature.split("_")[1:]] for feature in features])
    latitude, longitude = np.radians(degrees).T
    points = np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
    place = np.linalg.lstsq(points, np.cos(np.pi * shares), rcond=None)[0]
    return np.asarray(place / np.linalg.norm(place))


def _read(where: Path, table: str) -> tuple[list[str], dict[str, int], NDArray[Any]]:
    """The names of the features, the row of each language, and the numbers, [languages, features]."""
    path = where / f"{table}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features, codes, data = (arrays[name] for name in ("feats", "langs", "data"))
        if data.shape != (len(codes), len(features), 1) or not np.isfinite(data).all():
            raise ValueError("it has other numbers than names")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        what = f"is not what {PACKAGE} 1.1.2 has there ({error})."
        raise InputError(str(path), what, "Install the package again.") from error
    return features.tolist(), {code: row for row, code in enumerate(codes.tolist())}, data[:, :, 0]
