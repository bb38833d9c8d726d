"""URIEL's arrays are read where lang2vec is installed, as plain arrays, and distances are what they say."""

import sys

import numpy as np
import pytest

import uriel
from xstilts.data import typology
from xstilts.errors import InputError

CODES = tuple(code for code in uriel.CODES if code != "en")


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(uriel.make(tmp_path))
    return tmp_path / "lang2vec" / "data"


def vector(package, table, code, start=""):
    arrays = np.load(package / f"{table}.npz")
    kept = [feature.startswith(start) for feature in arrays["feats"]]
    return arrays["data"][list(arrays["langs"]).index(uriel.CODES[code]), kept, 0]


@pytest.mark.parametrize(
    ("name", "table", "start"),
    [
        ("syntax", "feature_predictions", "S_"),
        ("phonology", "feature_predictions", "P_"),
        ("inventory", "feature_predictions", "INV_"),
        ("genealogy", "family_features", "F_"),
    ],
)
def test_a_distance_is_one_less_the_cosine(package, name, table, start):
    found = typology.distances(name, "en", CODES)
    assert list(found) == list(CODES)
    one = vector(package, table, "en", start)
    for code in CODES:
        other = vector(package, table, code, start)
        assert found[code] == pytest.approx(
            1 - one @ other / np.sqrt((one @ one) * (other @ other)), abs=1e-6
        )


def test_geography_is_the_way_along_the_earth(package):
    """Places that were drawn are found again from their distances to the points."""
    rng_places = {
        code: np.linalg.lstsq(
            uriel.sphere(list(np.load(package / "geocoord_features.npz")["feats"])),
            np.cos(np.pi * vector(package, "geocoord_features", code)),
            rcond=None,
        )[0]
        for code in uriel.CODES
    }
    found = typology.distances("geography", "en", CODES)
    for code in CODES:
        assert np.linalg.norm(rng_places[code]) == pytest.approx(1, abs=1e-6)
        expected = np.arccos(rng_places["en"] @ rng_places[code]) / np.pi
        assert found[code] == pytest.approx(expected, abs=1e-6)
    assert typology.distances("geography", "en", ("en",)) == pytest.approx({"en": 0}, abs=1e-6)


def test_languages_without_a_vector_have_no_distance(package):
    assert typology.distances("syntax", "en", ("de", "yo", "x-ga")).keys() == {"de"}
    assert typology.distances("syntax", "yo", ("de",)) == {}


def test_an_isolate_is_of_another_family(package):
    """It has no node above it, in which it is unlike a language that nobody has described."""
    arrays = dict(np.load(package / "family_features.npz"))
    numbers = arrays["data"][:, :, 0]
    numbers[[list(uriel.CODES).index(code) for code in ("ja", "ko")]] = 0
    uriel.write(package, "family_features", arrays["feats"].tolist(), numbers)
    found = typology.distances("genealogy", "en", ("ja", "ko", "de", "yo"))
    assert found.keys() == {"ja", "ko", "de"}
    assert found["ja"] == found["ko"] == 1 > found["de"]
    assert typology.distances("genealogy", "ja", ("ja", "ko", "de")) == {"ja": 0, "ko": 1, "de": 1}


def test_of_several_codes_the_best_described_one_is_meant(package, monkeypatch):
    """Chinese is `zho`, `cmn` and others; of those that are there the one with most known features counts."""
    monkeypatch.setitem(uriel.CODES, "xx", "zho")
    features = [f"S_{number}" for number in range(4)]
    rows = len(uriel.CODES)
    numbers = np.zeros((rows, 4))
    numbers[:, 0] = 1
    numbers[list(uriel.CODES).index("zh")] = [0, 1, 0, 0]
    uriel.write(package, "feature_predictions", features, numbers)
    for best, expected in (("zho", 0.0), ("cmn", 1.0)):
        known = np.full((rows, 4), -1.0)
        known[list(uriel.CODES.values()).index(best)] = 1
        uriel.write(package, "feature_averages", features, known)
        typology._known.cache_clear()
        typology._vectors.cache_clear()
        assert typology.distances("syntax", "en", ("zh",)) == {"zh": expected}


def test_the_package_is_not_imported(package):
    (package.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    assert typology.distances("syntax", "en", ("de",))
    assert "lang2vec" not in sys.modules


def test_without_the_package_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(typology, "PACKAGE", "no_such_package_as_this")
    assert typology.folder() is None
    with pytest.raises(InputError, match=r"distance 'syntax'.*pip install 'xstilts\[typology\]'"):
        typology.distances("syntax", "en", ("de",))


@pytest.mark.parametrize("fault", ["pickle", "shape", "no array", "no file"])
def test_other_files_are_refused(package, fault):
    path = package / "feature_predictions.npz"
    match fault:
        case "pickle":
            np.savez(path, data=np.array([{}], dtype=object), langs=["eng"], feats=["S_1"], sources=["x"])
        case "shape":
            uriel.write(package, "feature_predictions", ["S_1"], np.zeros((len(uriel.CODES), 2)))
        case "no array":
            np.savez(path, langs=["eng"])
        case _:
            path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"feature_predictions.npz.*Install the package again"):
        typology.distances("syntax", "en", ("de",))
