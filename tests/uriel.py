"""A folder as the package lang2vec has it: arrays of made features for some languages, nothing of URIEL's."""

from pathlib import Path

import numpy as np

CODES = {
    **{
        "en": "eng",
        "de": "deu",
        "fr": "fra",
        "ru": "rus",
        "hi": "hin",
        "el": "ell",
        "es": "spa",
        "bg": "bul",
    },
    **{
        "ar": "arb",
        "he": "heb",
        "sw": "swh",
        "th": "tha",
        "tr": "tur",
        "kk": "kaz",
        "vi": "vie",
        "zh": "cmn",
    },
    **{
        "fi": "fin",
        "et": "est",
        "hu": "hun",
        "ja": "jpn",
        "ko": "kor",
        "id": "ind",
        "ta": "tam",
        "te": "tel",
    },
}
"""The languages, with the codes that the package has."""
FEATURES = 40  # of each kind
KINDS = ("S_", "P_", "INV_")


def make(folder: Path) -> Path:
    """Write the package below the folder, which then is a place to import from."""
    data = folder / "lang2vec" / "data"
    data.mkdir(parents=True)
    (folder / "lang2vec" / "__init__.py").touch()
    features = [f"{kind}{number}" for kind in KINDS for number in range(FEATURES)]
    rng = np.random.default_rng(5)
    vectors = (rng.random((len(CODES), len(features))) < 0.5).astype(np.float32)
    for row in range(1, len(CODES)):  # each kind is like the first language's to a degree of its own
        for kind in range(len(KINDS)):
            own = slice(kind * FEATURES, (kind + 1) * FEATURES)
            same = rng.random(FEATURES) < rng.uniform(0, 0.95)
            vectors[row, own] = np.where(same, vectors[0, own], vectors[row, own])
    known = np.where(rng.random(vectors.shape) < 0.5, vectors, -1)
    points = [f"GC_{round(90 - 180 * (n + 0.5) / 60)}_{(n * 137) % 360 - 180}" for n in range(60)]
    places = rng.normal(0, 1, (len(CODES), 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    write(data, "feature_predictions", features, vectors)
    write(data, "feature_averages", features, known)
    write(
        data, "family_features", [f"F_{n}" for n in range(9)], np.eye(len(CODES), 9, dtype=np.float32) + 0.1
    )
    write(data, "geocoord_features", points, np.arccos(np.clip(places @ sphere(points).T, -1, 1)) / np.pi)
    return folder


def write(data: Path, name: str, features: list[str], numbers: np.ndarray) -> None:
    """An array of the package, for all languages."""
    langs, feats = np.array(list(CODES.values())), np.array(features)
    np.savez(
        data / f"{name}.npz", data=numbers[:, :, None], langs=langs, feats=feats, sources=np.array(["made"])
    )


def sphere(points: list[str]) -> np.ndarray:
    """Points named by latitude and longitude, on the unit sphere."""
    latitude, longitude = np.radians([[float(part) for part in point.split("_")[1:]] for point in points]).T
    flat = np.cos(latitude)
    return np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])
