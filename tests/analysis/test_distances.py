"""Slopes over distances are those of least squares; a planted one is found, another is not, with families."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

import uriel
from xstilts.analysis import claims, distances, frames, statistics
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Sample
from xstilts.data import typology
from xstilts.data.languages import find
from xstilts.store import write_json
from xstilts.study.claim import Claim

from . import distant
from .distant import LANGUAGES, TARGET, TRANSFER, make

NONE, NLI = Line("real", "none"), Line("real", "nli")
SLOPE = "slope_with_distance"


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(uriel.make(tmp_path_factory.mktemp("package")))
        yield


@pytest.fixture(scope="module")
def distant_world(package, tmp_path_factory):
    return make(
        tmp_path_factory.mktemp("distant"),
        claims=(
            Claim(says="falls", quantity=SLOPE, of="syntax", arms=("none",), relation="<"),
            Claim(says="less so", quantity="slope_difference", of="syntax", arms=("nli",)),
            Claim(says="phonology", quantity=SLOPE, of="phonology", arms=("none",), relation="<"),
            Claim(
                says="near",
                quantity="slope_difference",
                of="syntax",
                arms=("mixed",),
                to="seen",
                relation="<",
            ),
            Claim(
                says="not nli",
                quantity="slope_difference",
                of="syntax",
                arms=("nli",),
                to="seen",
                relation="<",
            ),
            Claim(says="nothing planted", quantity=SLOPE, arms=("none",), relation="<"),
        ),
    )


@pytest.fixture(scope="module")
def effects(distant_world):
    return Effects(distant_world.results)


def test_a_distance_that_matters_is_found_and_one_that_does_not_is_not(effects):
    found = claims.judge(effects)
    assert [one.verdict for one in found[:3]] == ["confirmed", "confirmed", "undecided"]
    assert [one.verdict for one in found[3:]] == ["confirmed", "refuted", "undecided"]
    assert found[2].effect is not None
    assert "21 languages" in found[3].evidence, "not those that have been seen with labels"
    assert "23 languages of 12 families" in found[0].evidence
    assert "(syntax)" in found[0].evidence
    assert found[5].effect is None, "natural languages have no planted distance"


def test_the_table_of_verdicts_says_what_a_slope_is_over(effects):
    table = frames.verdicts_table(effects, claims.judge(effects))
    assert table["quantity"].to_list()[1:3] == [
        "slope_difference of syntax",
        "slope_with_distance of phonology",
    ]


def test_the_slope_is_that_of_numpy(effects):
    known = typology.distances("syntax", "en", TRANSFER)
    scores = [effects.estimate(Quantity("score", (code,)), NONE, TARGET).value for code in TRANSFER]
    expected = np.polyfit([known[code] for code in TRANSFER], scores, 1)[0]
    found = effects.estimate(Quantity(SLOPE, distance="syntax"), NONE, TARGET)
    assert found.value == pytest.approx(expected)
    other = effects.estimate(Quantity(SLOPE, distance="syntax"), NLI, TARGET).value
    difference = effects.estimate(Quantity("slope_difference", distance="syntax"), NLI, TARGET)
    assert difference.value == pytest.approx(other - expected)


def test_the_distance_to_what_was_seen_is_that_to_the_nearest(effects):
    found = distances.to_seen(effects.results, Line("real", "mixed"), TARGET, "syntax", TRANSFER)
    every = [typology.distances("syntax", code, TRANSFER) for code in distant.SEEN]
    assert found == {code: min(one[code] for one in every) for code in TRANSFER if code not in distant.SEEN}


def exact(value):
    """A score that is known without any chance."""
    return Sample((1,), np.array([value]), np.full((statistics.RESAMPLES, 1), value), "seed")


def by_hand(x, y, families):
    """Slope and interval with numpy's fits, one without each family, and Student's t."""
    slope, groups = np.polyfit(x, y, 1)[0], sorted(set(families))
    kept = [np.array([family != group for family in families]) for group in groups]
    without = [np.polyfit(x[others], y[others], 1)[0] for others in kept]
    spread = np.sqrt((len(groups) - 1) / len(groups) * np.sum((np.array(without) - slope) ** 2))
    return slope, spread * stats.t.ppf(0.975, len(groups) - 1)


def test_the_interval_is_that_of_the_jackknife_over_families():
    rng = np.random.default_rng(0)
    x = np.array(list(typology.distances("syntax", "en", TRANSFER).values()))
    y = 60 - 30 * x + rng.normal(0, 4, len(x))
    found = distances.regress(x[:, None], TRANSFER, [exact(value) for value in y])
    estimate = statistics.estimate(found.coefficients[0])
    slope, reach = by_hand(x, y, [find(code).family for code in TRANSFER])
    assert estimate.value == pytest.approx(slope)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(reach, rel=0.1)


PAWSX = ("de", "es", "fr", "ja", "ko", "zh")
"""Six languages of four families."""


def test_the_probability_in_the_tail_is_that_of_student():
    """With three degrees of freedom six standard errors are not improbable, however few draws lie beyond."""
    x = np.array([0.1, 0.25, 0.4, 0.6, 0.75, 0.9])
    y = 60 - 20 * x + 1.3 * np.array([1, -1, 1, -1, 1, -1])
    families = [find(code).family for code in PAWSX]
    slope, reach = by_hand(x, y, families)
    t = slope / reach * stats.t.ppf(0.975, 3)
    found = distances.regress(x[:, None], PAWSX, [exact(value) for value in y])
    estimate = statistics.estimate(found.coefficients[0])
    assert t < -6
    assert estimate.probability == pytest.approx(2 * stats.t.sf(-t, 3), rel=0.2)
    assert estimate.smallest_effect == pytest.approx(slope / t * (stats.t.ppf(0.975, 3) + 0.978), rel=0.1)
    assert statistics.mean(found.coefficients).family_freedom == 3


def test_the_tails_are_those_of_the_least_that_is_known_of_families_or_of_texts():
    samples = [replace(exact(50 + place), family_freedom=1.0) for place in range(6)]
    found = distances.regress(np.arange(6.0)[:, None], PAWSX, samples)
    assert {one.family_freedom for one in (found.intercept, *found.coefficients)} == {1.0}


def test_small_probabilities_are_as_rare_as_they_say():
    x = np.array([0.1, 0.25, 0.4, 0.6, 0.75, 0.9])
    small = 0
    for seed in range(1500):
        y = 60 + np.random.default_rng(seed).normal(0, 4, 6)
        found = distances.regress(x[:, None], PAWSX, [exact(value) for value in y])
        small += statistics.estimate(found.coefficients[0]).probability <= 0.001
    assert small <= 6, "one or two of 1,500 are expected, seven once in a thousand times"


@pytest.mark.parametrize("common", [0.0, 5.0])
def test_intervals_cover_where_families_have_something_in_common(common):
    x = np.array(list(typology.distances("syntax", "en", TRANSFER).values()))
    families = [find(code).family for code in TRANSFER]
    places = np.unique(families, return_inverse=True)[1]
    covered = []
    for seed in range(150):
        rng = np.random.default_rng([seed, int(common)])
        y = 60 - 20 * x + rng.normal(0, 4, len(x)) + rng.normal(0, common, 12)[places]
        found = distances.regress(x[:, None], TRANSFER, [exact(value) for value in y])
        low, high = np.quantile(found.coefficients[0].draws[:, 0], [0.025, 0.975])
        covered.append(low <= -20 <= high)
    assert 0.87 <= np.mean(covered) <= 1.0


def test_several_distances_at_once_are_told_apart_as_far_as_they_can_be(effects):
    names = ("syntax", "phonology", "inventory")
    found = distances.over(effects.results, NONE, TARGET, names, TRANSFER)
    design = np.column_stack([np.ones(len(TRANSFER)), found.design])
    scores = [effects.estimate(Quantity("score", (code,)), NONE, TARGET).value for code in TRANSFER]
    expected = np.linalg.lstsq(design, np.array(scores), rcond=None)[0]
    values = [statistics.estimate(one) for one in (found.intercept, *found.coefficients)]
    assert [one.value for one in values] == pytest.approx(expected.tolist())
    assert values[1].high < 0, "syntax matters"
    assert values[2].low < 0 < values[2].high
    r2 = np.corrcoef(found.design.T)
    assert found.inflation == pytest.approx(np.diag(np.linalg.inv(r2)))
    twice = distances.over(effects.results, NONE, TARGET, ("syntax", "syntax"), TRANSFER)
    assert twice is None, "one distance cannot be told from itself"


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        (("de", "fr", "ru", "hi", "el", "es", "bg"), "one family"),
        (("de", "tr", "fi", "zh"), "too few languages"),
        (("de", "fr", "tr", "kk", "fi", "et"), "three families"),
    ],
)
def test_too_few_languages_or_families_tell_nothing(effects, codes, why):
    assert distances.over(effects.results, NONE, TARGET, ("syntax",), codes) is None, why


def test_what_only_one_family_tells_is_not_told(effects):
    """Nearly all other languages are as far as can be: leaving out the family leaves no slope."""
    design = np.array([[float(find(code).family != "Indo-European")] for code in TRANSFER])
    assert distances.regress(design, TRANSFER, [exact(1.0) for _ in TRANSFER]) is None


def test_script_and_resources_are_those_of_the_table(effects):
    found = {
        name: distances.distances(effects.results, NONE, TARGET, name, TRANSFER)
        for name in ("script", "resources")
    }
    assert found["script"]["de"] == 0
    assert found["script"]["ru"] == 1
    assert found["resources"]["de"] == pytest.approx(np.log2(find("en").size / find("de").size))
    assert set(found["resources"]) == {code for code in TRANSFER if find(code).size}


def test_fertility_and_vocabulary_are_those_of_the_evaluated_rows(tmp_path):
    world = make(tmp_path)
    results = world.results
    assert distances.distances(results, NONE, TARGET, "fertility", TRANSFER) == {}
    fingerprint = world.plan.cells[0].evaluation
    path = world.store.folder(fingerprint) / "scores.json"
    scores = world.store.scores(fingerprint)
    for number, code in enumerate(LANGUAGES):
        scores["languages"][code] |= {"tokens": 1000 * (1 + number), "shared": 500}
    scores["languages"]["fr"]["n"] += 1  # no translation
    write_json(path, scores)
    frame = pl.read_parquet(path.parent / "predictions.parquet")
    ids = pl.when(language="es").then(pl.format("other-{}", "id")).otherwise("id")
    frame.with_columns(id=ids).write_parquet(path.parent / "predictions.parquet")
    record = world.store.record(fingerprint)
    write_json(
        path.parent / "record.json", {key: record[key] for key in record if key not in ("files", "seal")}
    )
    again = distant.World(world.plan, type(world.store)(world.store.root)).results
    found = distances.distances(again, NONE, TARGET, "fertility", TRANSFER)
    assert found["de"] == 1
    assert "fr" not in found
    assert "es" not in found, "as many rows, but others"
    shared = distances.distances(again, NONE, TARGET, "vocabulary", TRANSFER)
    assert shared["de"] == 0.75
