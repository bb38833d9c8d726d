"""Slopes and fits over an axis are what numpy says they are, and know planted curves apart."""

from dataclasses import replace

import numpy as np
import pytest

from xstilts.analysis import curves, statistics
from xstilts.analysis.curves import BENDS, EXPONENTS, Curve
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Sample

from .numbered import SHARE, SIZE, SIZES

VALUES = np.array([125.0, 250, 500, 1000, 2000, 4000, 8000])


@pytest.fixture(scope="module")
def effects(numbered_world):
    return Effects(numbered_world.results)


def measured(truth, key, seeds=3, noise=0.6, values=VALUES):
    """A curve as measured: seeds and examples add noise, examples the same to all arms and some to each."""
    rng = np.random.default_rng(key)
    examples = rng.normal(0, noise, (len(values), 1)) + rng.normal(0, 2.0)
    samples = []
    for arm, value in enumerate(truth):
        observed = value + examples[arm] + rng.normal(0, noise, seeds)
        draws = observed + rng.normal(0, noise, (500, 1)) + np.random.default_rng(1).normal(0, 2.0, (500, 1))
        samples.append(Sample(tuple(range(1, seeds + 1)), observed, draws, str(values[arm])))
    return Curve(values, tuple(samples), is_log=True)


def by_hand(values, scores, places, exponents=None):
    """Least squares with numpy for each exponent; the predictions of the one that fits best."""
    fits = []
    for shape in [np.log] if exponents is None else [lambda x, c=c: x**-c for c in exponents]:
        design = np.column_stack([np.ones(len(values)), shape(values)])
        found = np.linalg.lstsq(design, scores, rcond=None)[0]
        residual = ((scores - design @ found) ** 2).sum()
        fits.append((residual, np.column_stack([np.ones(len(places)), shape(places)]) @ found))
    return min(fits, key=lambda fit: fit[0])[1]


def error_by_hand(values, scores):
    """The root mean squared error of logarithms at values that were left out of their fits."""
    errors = []
    for value in np.unique(values):
        out = values == value
        errors += list(scores[out] - by_hand(values[~out], scores[~out], values[out]))
    return np.sqrt(np.mean(np.square(errors)))


def advantage_by_hand(values, scores):
    """That error on the best of the power laws, which bend one way or the other; negative if the other."""
    found = []
    for sign in (1, -1):
        curve = by_hand(values, scores, values, sign * BENDS)
        found.append((((scores - curve) ** 2).sum(), sign * error_by_hand(values, curve)))
    return min(found)[1]


@pytest.mark.parametrize(("axis", "group"), [(SIZE, ""), (SHARE, ""), (SHARE, "Lab S")])
def test_the_slope_is_that_of_numpy(effects, axis, group):
    """With arms of equal value as they are, seed by seed and resample by resample."""
    found = curves.curve(effects, axis, group, "lab-mini", Quantity("score"), ("lab_nli",))
    sample = curves.slope(found)
    arms = axis.curve(group)
    x = np.array(list(arms.values()))
    x = np.log2(x) if axis.scale == "log" else x
    scores = [effects.sample(Quantity("score"), Line("lab-mini", arm), ("lab_nli",)) for arm in arms]
    for seed in range(3):
        expected = np.polyfit(x, [one.observed[seed] for one in scores], 1)[0]
        assert sample.observed[seed] == pytest.approx(expected)
        expected = np.polyfit(x, [one.draws[17, seed] for one in scores], 1)[0]
        assert sample.draws[17, seed] == pytest.approx(expected)
    assert len(arms) == {"": len(axis.arms), "Lab S": 4}[group]


def test_the_slope_of_a_difference_and_of_a_gap(effects):
    where = (effects, SIZE, "", "lab-mini")
    x = np.log2(list(SIZES.values()))
    for kind in ("difference", "gap"):
        found = curves.curve(*where, Quantity(kind), ("lab_nli", "lab_ner"))
        values = [
            effects.estimate(Quantity(kind), Line("lab-mini", arm), "lab_nli", "lab_ner").value
            for arm in SIZES
        ]
        expected = np.polyfit(x, values, 1)[0]
        assert statistics.estimate(curves.slope(found)).value == pytest.approx(expected)


@pytest.mark.parametrize("shape", ["logarithm", "power law"])
def test_fits_are_those_of_numpy(shape):
    exponents = EXPONENTS if shape == "power law" else None
    places = np.array([60.0, 700.0, 20_000.0])
    for key in range(5):
        scores = np.random.default_rng(key).normal(50, 10, len(VALUES))
        found = curves.predict(shape, VALUES, scores[None], places)[0]
        assert found == pytest.approx(by_hand(VALUES, scores, places, exponents))


def test_a_straight_line_is_one():
    found = curves.predict(
        "straight line", np.array([0.0, 1, 3]), np.array([[1.0, 3, 7]]), np.array([0.0, 10])
    )
    assert found[0] == pytest.approx([1, 21])


def test_a_planted_power_law_is_found_again():
    truth = 80 - 40 * (VALUES / 125) ** -EXPONENTS[25]
    places = np.array([300.0, 16_000.0])
    found = curves.predict("power law", VALUES, truth[None], places)[0]
    assert found == pytest.approx(80 - 40 * (places / 125) ** -EXPONENTS[25])


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_advantage_is_the_error_of_logarithms_on_the_best_power_law(seeds):
    values = np.array([1.0, 2, 2, 4, 8, 16])
    found = measured(30 - 20 / values, 3, seeds, values=values)
    sample = curves.fit_advantage(found)
    means = np.array([one.observed.mean() for one in found.samples])
    expected = advantage_by_hand(values, means)
    assert sample.observed.mean() == pytest.approx(expected)
    assert sample.draws.mean() == pytest.approx(expected)
    draws = np.array([one.draws.mean(axis=1) for one in found.samples])
    ours = sample.draws.mean(axis=1)
    by_draw = [advantage_by_hand(values, draws[:, r]) for r in (4, 9)]
    assert ours[4] - ours[9] == pytest.approx(by_draw[0] - by_draw[1])


def test_a_curve_that_grows_faster_than_a_logarithm_has_a_negative_advantage():
    truth = 30 + 2 * (VALUES / 125) ** BENDS[50]
    sample = curves.fit_advantage(measured(truth, 1, 1, noise=0.0))
    assert sample.observed == pytest.approx([-error_by_hand(VALUES, truth)])


def test_a_seed_counts_by_what_the_mean_is_without_it():
    """The jackknife: S times the whole less S - 1 times what is left."""
    found = measured(60 - 30 * (VALUES / 125) ** -0.7, 5)
    sample = curves.fit_advantage(found)
    scores = np.array([one.observed for one in found.samples])
    without = np.array(
        [advantage_by_hand(VALUES, np.delete(scores, seed, axis=1).mean(axis=1)) for seed in range(3)]
    )
    expected = 2 * (without.mean() - without) + advantage_by_hand(VALUES, scores.mean(axis=1))
    assert sample.observed == pytest.approx(expected)


def test_every_arm_has_seeds_of_its_own():
    """The jackknife of a linear function leaves each arm its part; together they are what all seeds tell."""
    found = measured(30 + 5 * np.log2(VALUES / 125), 5)
    places = np.array([125.0, 8000.0])
    for at, place in zip(curves.fitted(found, "logarithm", places), places, strict=True):
        assert set(at.by_source) == {sample.source for sample in found.samples}
        for arm, part in zip(found.samples, at.by_source.values(), strict=True):
            alone = [
                value * (arm.source == one.source)
                for value, one in zip(np.ones(7), found.samples, strict=True)
            ]
            weight = by_hand(VALUES, np.array(alone), [place])[0]
            assert part.observed == pytest.approx(weight * (arm.observed - arm.observed.mean()))
            centred = arm.draws - arm.draws.mean(axis=1, keepdims=True)
            assert part.draws == pytest.approx(weight * centred)


PLANTED = {
    "power law": 60 - 30 * (VALUES / 125) ** -0.7,
    "mild power law": 60 - 30 * (VALUES / 125) ** -0.3,
    "logarithm": 30 + 5 * np.log2(VALUES / 125),
    "nothing": np.full(len(VALUES), 50.0),
    "faster": 30 + 2 * (VALUES / 125) ** 0.6,
}


@pytest.mark.parametrize("law", PLANTED)
@pytest.mark.parametrize("noise", [0.6, 1.5])
def test_the_advantage_of_planted_curves_is_found_again(law, noise):
    """Sixty studies: the mean estimate is the true advantage, which 93 to 97 % of the intervals cover, as
    far as so few can tell; a law is seen where it holds, and in 5 % where it does not."""
    truth = PLANTED[law]
    expected = (-1 if law == "faster" else 1) * error_by_hand(VALUES, truth)
    found = [
        statistics.estimate(curves.fit_advantage(measured(truth, key, noise=noise))) for key in range(60)
    ]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(expected, abs=3.5 * values.std() / 60**0.5 + 0.02 * abs(expected))
    assert sum(one.low <= expected <= one.high for one in found) >= 52
    above, below = sum(one.low > 0 for one in found), sum(one.high < 0 for one in found)
    if law in ("logarithm", "nothing"):
        assert above + below <= 8
    else:
        assert (below if expected > 0 else above) == 0
        assert (above if expected > 0 else below) >= (54 if abs(expected) > 3 or noise < 1 else 18)


def test_bands_hold_the_curve_and_the_intervals_of_the_points(effects):
    found = curves.curve(effects, SIZE, "", "lab-mini", Quantity("score"), ("lab_ner",))
    places = np.array([125.0, 1000.0, 8000.0])
    means = np.array([one.observed.mean() for one in found.samples])
    expected = by_hand(found.values, means, places)
    for place, measured_there in zip(expected, curves.fitted(found, "logarithm", places), strict=True):
        band = statistics.estimate(measured_there)
        assert band.value == pytest.approx(place)
        assert band.low < place < band.high
        assert band.high - band.low < 20


def test_a_curve_without_one_of_its_arms_is_missing(effects, numbered_world):
    cells = tuple(cell for cell in numbered_world.plan.cells if cell.arm != "n500")
    torn = Effects(Results(replace(numbered_world.plan, cells=cells), numbered_world.store))
    assert curves.curve(torn, SIZE, "", "lab-mini", Quantity("score"), ("lab_nli",)) is None
    assert curves.curve(torn, SHARE, "", "lab-mini", Quantity("score"), ("lab_nli",)) is not None


def simulated(odds, key, weights):
    """Seven arms and three seeds that answer the same 150 examples; their odds differ by arm and seed."""
    rng = np.random.default_rng([7, key])
    ease = rng.normal(0, 1, 150)
    samples = []
    for one in odds:
        chance = 1 / (1 + np.exp(-(one + rng.normal(0, 0.2, 3)[:, None] + ease)))
        right = 100.0 * (rng.random((3, 150)) < chance)
        samples.append(Sample((1, 2, 3), right.mean(axis=1), weights @ right.T / 150, str(len(samples))))
    return Curve(VALUES, tuple(samples), is_log=True)


@pytest.mark.slow
@pytest.mark.parametrize("steepness", [0.0, 0.3])
def test_intervals_of_slopes_cover_and_a_logarithm_is_no_power_law(steepness):
    """Two hundred studies: the true slope is inside 95 % of the intervals, as far as these few can tell."""
    doublings = np.log2(VALUES) - np.log2(VALUES).mean()
    weights = statistics.multiplicities("simulated", 150, 1000)
    noise = np.random.default_rng(0).normal(0, np.sqrt(1 + 0.2**2), 200_000)
    truth = [100 * (1 / (1 + np.exp(-(steepness * x + noise)))).mean() for x in doublings]
    slope = np.polyfit(doublings, truth, 1)[0]
    covered = false = 0
    for key in range(200):
        found = simulated(steepness * doublings, key, weights)
        estimate = statistics.estimate(curves.slope(found))
        covered += estimate.low <= slope <= estimate.high
        false += statistics.estimate(curves.fit_advantage(found)).low > 0
    assert 184 <= covered <= 199
    assert false <= 8
