"""Calibration error, Brier score and selective accuracy are those that one computes by hand."""

import numpy as np
import pytest

from xstilts.metrics import calibration
from xstilts.metrics.calibration import brier, calibration_error, equal_mass, levels, noise


def area(confidence, right):
    found = levels(confidence, right)
    return float(calibration.selective_accuracy(found.counts, found.right))


def planted(n, overconfident, seed=0):
    """Confidences between 1/2 and 1, and decisions that are right so often, or less often."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1, n)
    return confidence, rng.random(n) < confidence - overconfident


def test_the_calibration_error_of_four_decisions_in_two_bins():
    """(0.9, 0.8): half right, 0.35 too sure; (0.7, 0.6): all right, 0.35 too modest."""
    assert calibration_error([0.9, 0.6, 0.8, 0.7], [1, 1, 0, 1], bins=2) == pytest.approx(35.0)
    assert calibration_error([0.9, 0.6, 0.8, 0.7], [1, 1, 0, 1], bins=1) == pytest.approx(0.0)


def test_bins_have_equal_mass_and_do_not_divide_what_is_equally_sure():
    assert equal_mass(np.ones(6), 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert equal_mass(np.array([8.0, 1, 1]), 2).tolist() == [0, 1, 1]
    assert equal_mass(np.array([5.0]), 15).tolist() == [0]
    sizes = np.bincount(equal_mass(np.ones(1000), 15))
    assert len(sizes) == 15
    assert np.ptp(sizes) <= 1


def test_the_brier_score_is_the_squared_distance_from_the_right_class():
    given = [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    expected = [0.3**2 + 0.2**2 + 0.1**2, 0.7**2 + 0.2**2 + 0.9**2, 2.0, 0.25 + 0.25 + 1]
    assert brier(given, [0, 2, 1, -1]).tolist() == pytest.approx(expected)
    assert brier(np.zeros((0, 3)), []).tolist() == []


def test_the_selective_accuracy_is_the_mean_accuracy_of_the_surest():
    """By falling confidence right, wrong, right: 1, 1/2, 2/3."""
    assert area([0.7, 0.9, 0.8], [1, 1, 0]) == pytest.approx(100 * (1 + 1 / 2 + 2 / 3) / 3)
    assert area([0.9, 0.8], [1, 1]) == pytest.approx(100)
    assert area([0.9, 0.8], [0, 0]) == 0


def test_the_order_of_what_is_equally_sure_is_averaged():
    every = [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    expected = np.mean([area([0.9, 0.8, 0.7], order) for order in every])
    assert area([0.5, 0.5, 0.5], [1, 1, 0]) == pytest.approx(expected)
    tied = [area([0.9, 0.8, 0.7], order) for order in ([0, 1, 0], [0, 0, 1])]
    assert area([0.9, 0.5, 0.5], [0, 1, 0]) == pytest.approx(np.mean(tied))


def test_levels_without_decisions_change_nothing():
    counts, right = np.array([[0.0, 2, 0, 1], [1.0, 0, 0, 0]]), np.array([[0.0, 1, 0, 1], [1.0, 0, 0, 0]])
    found = calibration.selective_accuracy(counts, right)
    assert found.tolist() == pytest.approx([area([0.9, 0.9, 0.5], [1, 0, 1]), 100])


def test_a_planted_overconfidence_is_the_calibration_error():
    assert calibration_error(*planted(50_000, 0.1)) == pytest.approx(10, abs=0.7)


def test_a_calibrated_model_shows_the_noise_and_nothing_else():
    errors = [calibration_error(*planted(1000, 0.0, seed)) for seed in range(200)]
    assert np.mean(errors) == pytest.approx(noise(planted(1000, 0.0)[0]), rel=0.06)
    assert calibration_error(*planted(1000, 0.1)) > 2 * np.mean(errors)


def test_knowing_what_one_knows_raises_the_area_and_not_the_accuracy():
    confidence, right = planted(4000, 0.0)
    blind = np.random.default_rng(1).permutation(confidence)
    assert area(confidence, right) > area(blind, right) + 5
    assert area(blind, right) == pytest.approx(100 * right.mean(), abs=2)


@pytest.mark.parametrize("truth", [0.0, 0.3, 0.6, 1.0, 2.0, 4.0])
def test_the_corrected_error_is_about_the_true_one(truth):
    """In standard deviations of a bin; uncorrected it is too large by up to 0.8."""
    seen = truth + np.random.default_rng(0).normal(size=(200_000, 1))
    found = calibration.corrected_error(seen, np.ones(1), np.full(200_000, 100))
    assert found.mean() == pytest.approx(truth, abs=0.18)
    assert calibration.corrected_error(np.zeros(1), np.zeros(1), 1) == 0
