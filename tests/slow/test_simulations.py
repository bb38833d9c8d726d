"""The short version of benchmarks/simulations.py, and how far the report's statistics agree with SciPy's."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

import guesses
import simulations
from simulated import Setting
from simulations import Asked
from xstilts.analysis import statistics
from xstilts.analysis.statistics import Sample, estimate

pytestmark = pytest.mark.slow
SURE = 0.999  # a test that is right fails so rarely when its numbers are drawn anew
LIMITS = ((1 - SURE, 0.93), (SURE, 0.97))
"""What coverage is aimed at, and what chance may make of that."""
LABELS = ("score", "difference", "gap", "slope")


@pytest.mark.parametrize(
    ("setting", "studies"),
    [(Setting(1, 300, targets=9), 15), (Setting(3, 300, 2, targets=9), 15)]
    + [(setting, 100) for setting in simulations.SMALL],
    ids=str,
)
def test_studies_without_effects_seldom_find_one(setting, studies):
    allowed = scipy_stats.binom.ppf(SURE, studies, 0.05)
    maps, claims = simulations.false_verdicts(setting, studies)
    assert maps <= allowed
    assert claims <= allowed


ASKED = [
    *(
        Asked(Setting(seeds, 200, 2, 3, 1, simulations.CODES, metric, 2, 3))
        for seeds in (2, 3, 5)
        for metric in ("accuracy", "span_f1")
    ),
    *(asked for asked in simulations.COVERED if asked.setting not in simulations.WORLDS),
]
"""With spreads about as large as what the examples add; and whatever is unlike."""


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_intervals_cover(asked):
    """Intervals of one study hang together: the fewest of its quantities count."""
    found = simulations.coverage(asked, 60)
    hits, count = np.sum([found[name] for name in LABELS], axis=0)
    apart = min(number for _, number in found.values() if number)
    low, high = (scipy_stats.binom.ppf(chance, apart, share) for chance, share in LIMITS)
    assert low / apart <= hits / count <= high / apart


def test_power_is_as_predicted():
    _, hits, count = simulations.power(Setting(3, 300, 1, arms=3), 60)
    assert 0.65 <= hits / count <= 0.92


def test_the_guard_errs_as_rarely_as_it_says():
    marked = simulations.guard(simulations.GUESSING["two even classes, n = 100"], "short", 200)
    assert marked >= scipy_stats.binom.ppf(1 - SURE, 200, 0.99)
    wrong = simulations.guard(lambda rng: guesses.little(100, 5, rng), "short", 100)
    assert wrong <= scipy_stats.binom.ppf(SURE, 100, 0.01)


def one_run(rng, n):
    """Whether two models answer each of n examples rightly, on the same examples."""
    ease = rng.normal(0, 1, n)
    return [(rng.normal(0, 1, n) < ease + shift).astype(float) for shift in (0.3, 0.0)]


def bca(values):
    """SciPy's interval of a mean, with resamples enough that its own chance is small."""
    rng = np.random.default_rng(1)
    found = scipy_stats.bootstrap((values,), np.mean, n_resamples=12_000, batch=500, method="BCa", rng=rng)
    return found.confidence_interval


def sampled(values, weights):
    """A mean in percent with one seed [N], or several [S, N]."""
    numbers = np.atleast_2d(values)[..., None]
    n = numbers.shape[1]
    return Sample(
        tuple(range(len(numbers))),
        100 * numbers[..., 0].mean(axis=1),
        statistics.resample(numbers, lambda sums: 100 * sums[..., 0] / n, weights),
    )


@pytest.mark.parametrize("n", [300, 1000])
def test_one_seed_agrees_with_the_paired_t_test_and_the_bootstrap(n):
    """Ends of the intervals to a tenth of the half width: three standard errors of 2,000 resamples."""
    rng = np.random.default_rng(n)
    weights = statistics.multiplicities("agreement", n)
    for _ in range(5):
        after, before = one_run(rng, n)
        found = estimate(statistics.difference(sampled(after, weights), sampled(before, weights)))
        student = scipy_stats.ttest_rel(100 * after, 100 * before)
        ends = student.confidence_interval(0.95)
        half = (ends.high - ends.low) / 2
        assert found.value == pytest.approx(100 * (after - before).mean())
        assert found.low == pytest.approx(ends.low, abs=0.1 * half)
        assert found.high == pytest.approx(ends.high, abs=0.1 * half)
        assert found.probability == pytest.approx(student.pvalue, rel=0.25, abs=0.004)
        again = bca(100 * (after - before))
        assert found.low == pytest.approx(again.low, abs=0.1 * half)
        assert found.high == pytest.approx(again.high, abs=0.1 * half)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_an_accuracy_agrees_with_the_binomial_interval(share):
    """Wilson's, with 1,000 examples, to a tenth of its half width."""
    right = np.zeros(1000)
    right[: int(1000 * share)] = 1
    found = estimate(sampled(right, statistics.multiplicities("agreement", 1000)))
    ends = scipy_stats.binomtest(int(right.sum()), 1000).proportion_ci(method="wilson")
    half = 100 * (ends.high - ends.low) / 2
    assert found.low == pytest.approx(100 * ends.low, abs=0.1 * half)
    assert found.high == pytest.approx(100 * ends.high, abs=0.1 * half)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_seeds_alone_agree_with_the_paired_t_test(seeds):
    """Where examples add nothing, Student's interval to a tenth of the half width."""
    rng = np.random.default_rng(seeds)
    for shift in (0.0, 1.0):
        values = rng.normal(shift, 1, seeds)
        found = estimate(Sample(tuple(range(seeds)), values, np.tile(values, (statistics.RESAMPLES, 1))))
        student = scipy_stats.ttest_1samp(values, 0)
        ends = student.confidence_interval(0.95)
        half = (ends.high - ends.low) / 2
        assert found.low == pytest.approx(ends.low, abs=0.1 * half)
        assert found.high == pytest.approx(ends.high, abs=0.1 * half)
        assert found.probability == pytest.approx(student.pvalue, rel=0.25, abs=0.004)
