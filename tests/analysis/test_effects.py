"""Quantities are what their definitions say, and are missing when anything that they need is."""

from dataclasses import replace

import numpy as np
import pytest

from xstilts import lab
from xstilts.analysis.effects import EFFECT, GAP, SCORE, SLOPE, Effects, Quantity, planted_distances
from xstilts.analysis.results import Line, Results

from .example import TRANSFER, make

NONE, NLI, TAGS = (Line("lab-mini", arm) for arm in ("none", "nli", "tags"))
RANDOM, MAJORITY = Line("lab-mini", "none", "random"), Line("", "", "majority")


@pytest.fixture(scope="module")
def effects(world):
    return Effects(world.results)


def stored(effects, line, target, languages):
    table = effects.results.table.filter(
        backbone=line.backbone or "-", arm=line.arm or "-", reference=line.reference or "arm", target=target
    )
    return table.filter(table["language"].is_in(languages))["value"].mean()


def test_the_score_is_the_mean_over_transfer_languages(effects):
    assert effects.estimate(SCORE, NLI, "lab_nli").value == pytest.approx(
        stored(effects, NLI, "lab_nli", TRANSFER)
    )


def test_the_difference_is_that_of_the_means(effects):
    expected = stored(effects, NLI, "lab_nli", TRANSFER) - stored(effects, NONE, "lab_nli", TRANSFER)
    found = effects.estimate(EFFECT, NLI, "lab_nli")
    assert found.value == pytest.approx(expected)
    assert found.low > 0  # the planted help
    assert found.seeds == 3


def test_planted_harm_shows(effects):
    assert effects.estimate(EFFECT, TAGS, "lab_tatoeba").high < 0


def test_the_gap_is_source_less_others(effects):
    expected = stored(effects, NONE, "lab_ner", ["x-en"]) - stored(effects, NONE, "lab_ner", TRANSFER)
    assert effects.estimate(GAP, NONE, "lab_ner").value == pytest.approx(expected)
    assert effects.estimate(GAP, NONE, "lab_tatoeba") is None  # no source language


def test_the_difference_of_gaps_and_retention(effects):
    gaps = [effects.estimate(GAP, line, "lab_nli").value for line in (NLI, NONE)]
    found = effects.estimate(Quantity("gap_difference"), NLI, "lab_nli")
    assert found.value == pytest.approx(gaps[0] - gaps[1])
    kept = effects.estimate(Quantity("retention"), NONE, "lab_nli")
    assert 40 < kept.value < 100


def test_the_gain_over_random_weights_is_a_difference_of_differences(tmp_path):
    effects = Effects(make(tmp_path, random_arms=("none", "nli")).results)
    lines = [(NLI, 1), (NONE, -1), (Line("lab-mini", "nli", "random"), -1), (RANDOM, 1)]
    expected = sum(sign * stored(effects, line, "lab_nli", TRANSFER) for line, sign in lines)
    found = effects.estimate(Quantity("gain_over_random"), NLI, "lab_nli")
    assert found.value == pytest.approx(expected)
    assert effects.estimate(Quantity("gain_over_random"), TAGS, "lab_nli") is None


def test_the_slope_is_that_of_least_squares(effects):
    scores = [stored(effects, NONE, "lab_nli", [code]) for code in lab.LANGUAGES]
    expected = np.polyfit([lab.LANGUAGES[code].distance for code in lab.LANGUAGES], scores, 1)[0]
    assert effects.estimate(SLOPE, NONE, "lab_nli").value == pytest.approx(expected)


def test_natural_languages_have_no_planted_distance():
    assert planted_distances(("en", "fi")) is None
    assert planted_distances(()) is None
    assert planted_distances(("x-en",)).tolist() == [0.0]


def test_references_are_found_without_naming_their_arm(effects):
    assert effects.against(NLI, "random") == RANDOM
    assert effects.against(NLI, "majority") == MAJORITY
    assert effects.against(NLI, "none") == NONE
    assert effects.against(NLI, "nothing") is None


def test_the_majority_reference_pairs_with_every_seed(effects):
    found = effects.estimate(Quantity("difference", against="majority"), NONE, "lab_nli")
    expected = stored(effects, NONE, "lab_nli", TRANSFER) - stored(effects, MAJORITY, "lab_nli", TRANSFER)
    assert found.value == pytest.approx(expected)
    assert found.seeds == 3


def test_means_over_targets(effects):
    each = [effects.estimate(EFFECT, NLI, target).value for target in ("lab_nli", "lab_pairs")]
    assert effects.estimate(EFFECT, NLI, "lab_nli", "lab_pairs").value == pytest.approx(np.mean(each))


def test_missing_results_are_missing(torn_world):
    effects = Effects(torn_world.results)
    assert effects.estimate(EFFECT, NLI, "lab_ner") is None
    assert effects.estimate(EFFECT, NLI, "lab_nli", "lab_ner") is None
    assert effects.estimate(EFFECT, NLI, "lab_nli").seeds == 1


def test_comparisons_keep_to_common_seeds(world):
    kept = tuple(cell for cell in world.plan.cells if (cell.arm, cell.seed) not in (("nli", 1), ("nli", 2)))
    effects = Effects(Results(replace(world.plan, cells=kept), world.store))
    assert effects.estimate(EFFECT, NLI, "lab_nli").seeds == 1
    assert effects.estimate(EFFECT, TAGS, "lab_nli").seeds == 3
