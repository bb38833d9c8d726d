"""The best arm is chosen on one half of the examples and scored on the other, so that luck is not counted."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from xstilts.report import statistics
from xstilts.report.best import Contest, best_difference, winners
from xstilts.report.effects import Effects, Quantity
from xstilts.report.results import Line, Results

from .numbered import SIZES, TARGETS

ARMS = tuple(Line("lab-mini", arm) for arm in SIZES)
CONTEST = Contest(ARMS, "none", "transfer")


@pytest.fixture(scope="module")
def effects(numbered_world):
    return Effects(numbered_world.results)


def means(world, arm, target):
    """The score of an arm on each half, by hand: the mean over seeds and transfer languages, [2]."""
    coins = statistics.generator("halves").random(120) < 0.5
    found = []
    for cell in world.plan.cells:
        if (cell.arm, cell.target) == (arm, target):
            frame = pl.read_parquet(world.store.folder(cell.evaluation) / "predictions.parquet")
            for (code,), rows in frame.filter(pl.col("language") != "x-en").group_by("language"):
                right = np.array(rows.sort("index")["statistics"].to_list())[:, 0]
                assert len(right) == 120, code
                found.append([100 * right[coins].mean(), 100 * right[~coins].mean()])
    return np.mean(found, axis=0).round(9)


@pytest.mark.parametrize("target", ["lab_nli", "lab_tatoeba"])
def test_choosing_and_scoring_by_hand(numbered_world, effects, target):
    arms = np.array([means(numbered_world, arm, target) for arm in SIZES])
    none = means(numbered_world, "none", target)
    first, second = arms.argmax(axis=0)
    expected = (arms[first, 1] - none[1] + arms[second, 0] - none[0]) / 2
    found = best_difference(effects, CONTEST, (target,))
    assert found.sample.observed.mean() == pytest.approx(expected)
    assert found.sample.draws.mean() == pytest.approx(expected)
    names = list(SIZES)
    assert winners(effects, CONTEST, target) == tuple(dict.fromkeys((names[first], names[second])))


def test_halves_share_no_example_and_leave_none_out(effects):
    for line in ARMS[:2]:
        first, second = effects.results.halves(line, "lab_tatoeba", ("x-ga",))
        whole = effects.results.score(line, "lab_tatoeba", ("x-ga",))
        n = int((statistics.generator("halves").random(120) < 0.5).sum())
        joined = (n * first.observed + (120 - n) * second.observed) / 120
        assert joined == pytest.approx(whole.observed)
        assert abs(np.corrcoef(first.draws[:, 0], second.draws[:, 0])[0, 1]) < 0.1


def test_the_mean_is_over_the_best_of_each_target(effects):
    each = [best_difference(effects, CONTEST, (target,)).sample.observed.mean() for target in TARGETS]
    found = best_difference(effects, CONTEST, TARGETS)
    assert found.sample.observed.mean() == pytest.approx(np.mean(each))
    assert len(found.like) == len(ARMS)


def test_the_best_of_equals_is_no_better_than_they_are(effects):
    """Retrieval does not change in any arm: the largest difference does, by luck, and the chosen does not."""
    scores = [effects.estimate(Quantity("difference"), line, "lab_tatoeba").value for line in ARMS]
    found = statistics.estimate(*best_difference(effects, CONTEST, ("lab_tatoeba",)))
    assert found.value < max(scores)
    assert found.low < np.mean(scores) < found.high


def test_the_choice_is_repeated_on_every_resample(effects):
    """What varies with the choice is wider than the difference of a single arm."""
    best = best_difference(effects, CONTEST, ("lab_tatoeba",)).sample
    single = effects.sample(Quantity("difference"), ARMS[0], ("lab_tatoeba",))
    assert best.draws.mean(axis=1).std() > single.draws.mean(axis=1).std()


def test_a_missing_arm_leaves_no_best(numbered_world):
    cells = tuple(cell for cell in numbered_world.plan.cells if cell.arm != "n500")
    torn = Effects(Results(replace(numbered_world.plan, cells=cells), numbered_world.store))
    assert best_difference(torn, CONTEST, ("lab_nli",)) is None
    assert best_difference(torn, replace(CONTEST, against="nothing"), ("lab_nli",)) is None
    assert best_difference(torn, replace(CONTEST, lines=ARMS[:2]), ("lab_nli",)) is not None
