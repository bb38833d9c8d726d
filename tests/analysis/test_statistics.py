"""The intervals cover what they promise, pairing helps, and the corrections are those of the literature."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from scipy import stats as scipy_stats

from xstilts.analysis import statistics
from xstilts.analysis.statistics import Sample, combine, difference, estimate, holm, mean, ratio

RESAMPLES = 500


def value(sums):
    return 100 * sums[..., 0] / sums[..., 1]


def sample(correct, weights, source=""):
    """A sample of accuracies from correctness [S, N]."""
    numbers = np.stack([correct, np.ones_like(correct)], axis=-1)
    seeds, observed = tuple(range(len(correct))), value(numbers.sum(1))
    return Sample(seeds, observed, statistics.resample(numbers, value, weights), source)


def simulated(rng, weights, seeds, spread):
    """Two arms on the same examples; the true difference is `truth`, whatever the seeds add."""
    n = weights.shape[1]
    ease = rng.normal(0, 1, n)
    answers = []
    for shift in (0.0, 0.5):
        tilt = shift + rng.normal(0, spread, (seeds, 1))
        answers.append((rng.normal(0, 1, (seeds, n)) < ease + tilt).astype(float))
    names = rng.random(2).astype(str)
    return sample(answers[1], weights, names[0]), sample(answers[0], weights, names[1])


def family_estimates(samples):
    """Of comparable samples, each with the others' knowledge of the spread between seeds."""
    return [estimate(one, samples) for one in samples]


def truth(spread):
    """P(noise < ease + shift + tilt), all of them normal, arm less arm, in percent."""
    scale = np.sqrt(2 + spread**2)
    return 100 * (scipy_stats.norm.cdf(0.5 / scale) - 0.5)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.05, 0.15])
def test_intervals_cover_the_truth(seeds, spread):
    """Three comparable differences at a time; seeds spread up to three times as much as examples do."""
    rng = np.random.default_rng(7)
    weights = statistics.multiplicities("coverage", 200, RESAMPLES)
    families = [[difference(*simulated(rng, weights, seeds, spread)) for _ in range(3)] for _ in range(120)]
    found = [one for family in families for one in family_estimates(family)]
    covered = np.mean([one.low <= truth(spread) <= one.high for one in found])
    assert 0.915 <= covered <= (1.0 if seeds == 2 else 0.99)  # from 360 intervals: standard error 1.2 points


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_an_interval_covers_where_nobody_lends(seeds, spread):
    """Few seeds alone cannot have short intervals: these cover more than they promise, never less."""
    rng = np.random.default_rng(17)
    weights = statistics.multiplicities("coverage", 200, RESAMPLES)
    found = [estimate(difference(*simulated(rng, weights, seeds, spread))) for _ in range(250)]
    covered = np.mean([one.low <= truth(spread) <= one.high for one in found])
    assert 0.925 <= covered <= (1.0 if seeds < 5 else 0.99)


def test_arms_lend_to_two_seeds():
    """Alone, two seeds that happen to agree or to disagree tell nearly nothing of their spread."""
    rng = np.random.default_rng(14)
    weights = statistics.multiplicities("coverage", 200, RESAMPLES)
    families = [[difference(*simulated(rng, weights, 2, 0.15)) for _ in range(6)] for _ in range(20)]
    alone = [estimate(one) for family in families for one in family]
    together = [one for family in families for one in family_estimates(family)]
    widths = [[one.high - one.low for one in found] for found in (alone, together)]
    assert np.median(widths[1]) < 0.7 * np.median(widths[0])


@pytest.mark.parametrize("seeds", [2, 3, 4, 11])
def test_seeds_alone_give_the_interval_of_student(seeds):
    """Where examples add nothing, and nobody lends: probabilities to the far tails that Holm needs."""
    values = np.random.default_rng(seeds).normal(0, 1, seeds)
    found = statistics.distribution(Sample(tuple(range(seeds)), values, np.tile(values, (2000, 1))))
    error = values.std(ddof=1) / np.sqrt(seeds)
    for probability in (0.2, 0.025, 1e-4):
        bound = values.mean() + error * scipy_stats.t.ppf(probability, seeds - 1)
        assert found.at_most(bound) == pytest.approx(probability, rel=0.1)


@pytest.mark.parametrize(("first", "second"), [((1, 3, 5), (2, 2.5, 6)), ((0, 9, 3), (4, 4.5, 5))])
def test_arms_alone_are_compared_as_by_welch(first, second):
    """Independent trainings are not paired by the names of their seeds."""
    arms = [
        Sample((1, 2, 3), np.array(values, float), np.tile(values, (2000, 1)), name)
        for name, values in (("one", first), ("other", second))
    ]
    found = estimate(difference(*arms))
    ends = scipy_stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.low == pytest.approx(ends.low, abs=0.02 * (ends.high - ends.low))
    assert found.high == pytest.approx(ends.high, abs=0.02 * (ends.high - ends.low))
    shuffled = replace(arms[1], observed=arms[1].observed[[2, 0, 1]], draws=arms[1].draws[:, [2, 0, 1]])
    assert estimate(difference(arms[0], shuffled)).low == pytest.approx(found.low)


def test_what_shares_a_training_is_compared_seed_by_seed():
    values = np.array([1.0, 5.0, 9.0])
    one = Sample((1, 2, 3), values, np.tile(values, (2000, 1)), "arm")
    other = Sample((1, 2, 3), values + 2, np.tile(values + 2, (2000, 1)), "arm")
    found = estimate(difference(one, other))
    assert (found.low, found.high) == pytest.approx((-2, -2))


def test_what_no_seed_changes_has_one_draw_and_lends_nothing():
    flat = Sample((1,), np.array([40.0]), np.full((2000, 1), 40.0), "none", is_fixed=True)
    values = np.array([50.0, 53.0, 51.0])
    arm = Sample((1, 2, 3), values, np.tile(values, (2000, 1)), "arm")
    found = difference(arm, flat)
    assert found.observed.tolist() == [10.0, 13.0, 11.0]
    assert set(found.by_source) == {"arm"}
    assert estimate(found).seeds == 3
    ends = scipy_stats.ttest_1samp(values, 40).confidence_interval(0.95)
    assert estimate(found).low == pytest.approx(ends.low - 40, abs=0.1)
    assert estimate(found, [found, flat, replace(flat, source="other")]) == estimate(found)
    both = difference(flat, replace(flat, source="other"))
    assert both.is_fixed
    assert (estimate(both).seeds, estimate(both).high) == (1, 0.0)


def test_one_seed_borrows_what_others_know_of_seeds():
    rng = np.random.default_rng(15)
    weights = statistics.multiplicities("coverage", 200, RESAMPLES)
    single = difference(*simulated(rng, weights, 1, 0.3))
    others = [difference(*simulated(rng, weights, 3, 0.3)) for _ in range(4)]
    alone, lent = estimate(single), estimate(single, others)
    assert lent.high - lent.low > 2 * (alone.high - alone.low)
    assert lent.value == alone.value


def test_one_seed_has_an_interval_over_examples():
    rng = np.random.default_rng(8)
    weights = statistics.multiplicities("coverage", 200, RESAMPLES)
    estimates = [estimate(difference(*simulated(rng, weights, 1, 0.0))) for _ in range(300)]
    covered = np.mean([found.low <= truth(0.0) <= found.high for found in estimates])
    assert 0.90 <= covered <= 0.985
    assert estimates[0].seeds == 1


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(9)
    weights = statistics.multiplicities("one draw", 300, RESAMPLES)
    other_weights = statistics.multiplicities("another draw", 300, RESAMPLES)
    ease = rng.normal(0, 2, 300)
    before, after = ((rng.normal(0, 1, (3, 300)) < ease + shift).astype(float) for shift in (0, 0.3))
    paired = estimate(difference(sample(after, weights), sample(before, weights)))
    unpaired = estimate(difference(sample(after, weights), sample(before, other_weights)))
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < 0.8 * (unpaired.high - unpaired.low)


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(10)
    weights = statistics.multiplicities("draw", 300, RESAMPLES)
    steady = sample((rng.random((3, 300)) < 0.6).astype(float), weights)
    rates = np.array([[0.4], [0.6], [0.8]])
    restless = sample((rng.random((3, 300)) < rates).astype(float), weights)
    wide, narrow = estimate(restless), estimate(steady)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_more_seeds_narrow_the_interval():
    rng = np.random.default_rng(11)
    weights = statistics.multiplicities("draw", 300, RESAMPLES)
    widths = []
    for seeds in (3, 12):
        found = [estimate(difference(*simulated(rng, weights, seeds, 0.2))) for _ in range(40)]
        widths.append(np.median([one.high - one.low for one in found]))
    assert widths[1] < 0.7 * widths[0]


PERFECT = np.ones((1, 20, 2))


def with_pseudo(numbers, line):
    """A sample of one seed of accuracies, with pseudo-examples."""
    weights = statistics.multiplicities("pseudo", numbers.shape[1])
    beside = statistics.pseudo_examples(line, "target", "en")[:, None]
    draws = statistics.resample(numbers, value, weights, beside)
    return Sample((1,), value(numbers.sum(axis=1)), draws)


def test_all_right_is_not_certain():
    """Of 20 right answers Agresti and Coull's half width, and Wilson's lower end to two points."""
    found = estimate(with_pseudo(PERFECT, "arm"))
    low, _ = scipy_stats.binomtest(20, 20).proportion_ci(method="wilson")
    assert found.value == 100
    assert found.low == pytest.approx(100 * low, abs=3.5)
    assert found.low < 99.5
    both = estimate(difference(with_pseudo(PERFECT, "arm"), with_pseudo(PERFECT, "other")))
    assert both.value == 0
    assert both.low < -5
    assert both.high > 5


def test_pseudo_examples_do_not_matter_to_a_thousand():
    right = (np.random.default_rng(1).random(1000) < 0.8).astype(float)
    numbers = np.stack([right, np.ones(1000)], axis=-1)[None]
    plain = sample(right[None], statistics.multiplicities("pseudo", 1000))
    found = with_pseudo(numbers, "arm")
    assert found.draws.mean() == pytest.approx(plain.observed[0])
    assert found.draws.std() == pytest.approx(plain.draws.std(), rel=0.01)


@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.92])
def test_small_test_sets_are_covered(n, share):
    """Exactly, over all numbers of right answers that there may be."""
    covered = 0.0
    for right in range(n + 1):
        numbers = np.stack([np.arange(n) < right, np.ones(n)], axis=-1)[None].astype(float)
        found = estimate(with_pseudo(numbers, f"{right}"))
        if found.low <= 100 * share <= found.high:
            covered += scipy_stats.binom.pmf(right, n, share)
    assert covered >= 0.93


def test_only_common_seeds_are_compared():
    one = Sample((1, 2, 3), np.array([10.0, 20.0, 30.0]), np.tile([10.0, 20.0, 30.0], (4, 1)))
    other = Sample((2, 3, 4), np.array([1.0, 2.0, 3.0]), np.tile([1.0, 2.0, 3.0], (4, 1)))
    found = difference(one, other)
    assert found.seeds == (2, 3)
    assert found.observed.tolist() == [19.0, 28.0]
    assert found.draws.shape == (4, 2)


def test_the_arithmetic_of_samples():
    one = Sample((1,), np.array([40.0]), np.array([[30.0], [50.0]]))
    other = Sample((1,), np.array([80.0]), np.array([[60.0], [100.0]]))
    assert mean((one, other)).observed.tolist() == [60.0]
    assert combine((one, other), (2, -1)).draws.ravel().tolist() == [0.0, 0.0]
    assert ratio(one, other).observed.tolist() == [50.0]
    zero = Sample((1,), np.array([0.0]), np.array([[0.0], [0.0]]))
    assert np.isnan(ratio(zero, zero).observed[0])


def test_a_difference_that_is_always_zero_is_no_discovery():
    flat = Sample((1, 2), np.zeros(2), np.zeros((RESAMPLES, 2)))
    found = estimate(flat)
    assert (found.value, found.low, found.high, found.probability) == (0, 0, 0, 1)
    assert not (found.low > 0 or found.high < 0)


def test_the_smallest_detectable_effect_is_the_textbooks():
    rng = np.random.default_rng(12)
    one = Sample((1,), np.array([3.0]), rng.normal(3.0, 1.0, (20_000, 1)))
    assert estimate(one).smallest_effect == pytest.approx(1.96 + 0.84, abs=0.05)  # standard error 1


def test_the_heavier_of_two_tails_counts_in_the_smallest_effect():
    """Two seeds say less of their spread than 25 texts of theirs: 80 % are nearer to the middle."""
    rng = np.random.default_rng(0)
    two = Sample((1, 2), np.array([10.0, 14.0]), 12 + rng.normal(0, 0.1, (statistics.RESAMPLES, 2)))
    few = replace(two, family_freedom=24.0)
    assert estimate(few).smallest_effect == pytest.approx(estimate(two).smallest_effect)


@pytest.mark.parametrize(
    ("probabilities", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 4*.005; 3*.01; 2*.03; max(.06, .04)
        ([0.2], [0.2]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([], []),
    ],
)
def test_holm_by_hand(probabilities, adjusted):
    assert holm(probabilities) == pytest.approx(adjusted)


@settings(deadline=None)
@given(some.lists(some.floats(0, 1), min_size=1, max_size=30))
def test_holm_never_lowers_and_keeps_the_order(probabilities):
    adjusted = holm(probabilities)
    assert all(a >= p for a, p in zip(adjusted, probabilities, strict=True))
    assert all(a <= 1 for a in adjusted)
    order = np.argsort(probabilities, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


@settings(deadline=None, max_examples=50)
@given(some.integers(0, 2**32), some.integers(1, 4), some.integers(2, 40))
def test_the_sign_is_a_matter_of_convention(seed, seeds, n):
    rng = np.random.default_rng(seed)
    weights = statistics.multiplicities("draw", n, 200)
    one, other = (sample((rng.random((seeds, n)) < 0.5).astype(float), weights) for _ in range(2))
    forward, backward = estimate(difference(one, other)), estimate(difference(other, one))
    assume(forward.value != 0)
    assert forward.value == pytest.approx(-backward.value)
    assert forward.low == pytest.approx(-backward.high)
    assert forward.probability == pytest.approx(backward.probability)
    assert forward.low <= forward.high
    assert 0 < forward.probability <= 1


@settings(deadline=None)
@given(some.text(max_size=5), some.integers(1, 30))
def test_every_resample_has_as_many_things(key, n):
    weights = statistics.multiplicities(key, n, 20)
    assert weights.shape == (20, n)
    assert (weights.sum(axis=1) == n).all()
    assert (weights == statistics.multiplicities(key, n, 20)).all()


def test_resampling_everything_once_gives_the_score_itself():
    rng = np.random.default_rng(13)
    numbers = rng.integers(0, 5, (3, 20, 2)) + 1.0
    again = statistics.resample(numbers, value, np.ones((1, 20)))
    assert again[0] == pytest.approx(value(numbers.sum(axis=1)))


def test_few_families_do_not_hide_how_few_the_seeds_are():
    """Three seeds make far tails heavier than seven families do; with many seeds these make them so."""
    rng = np.random.default_rng(1)
    examples = rng.normal(0, 0.3, (statistics.RESAMPLES, 1))
    for observed, heavier in (((29.0, 30.0, 31.0), True), (tuple(30 + rng.normal(0, 0.1, 40)), False)):
        seeds = Sample(tuple(range(len(observed))), np.array(observed), np.array(observed) + examples)
        alone = statistics.distribution(seeds).at_most(0.0)
        together = statistics.distribution(replace(seeds, family_freedom=6.0)).at_most(0.0)
        assert (together == alone) == heavier
        assert together >= alone
