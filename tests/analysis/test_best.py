"""The best arm is chosen by some seeds and examples and scored by others: luck is not counted."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from simulated import Setting, simulate
from xstilts.analysis import statistics
from xstilts.analysis.best import Contest, best_difference, chains_of, winners
from xstilts.analysis.claims import judge
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import EvaluatedTarget, Line, Results
from xstilts.analysis.statistics import Sample
from xstilts.study.claim import Claim

from .numbered import SIZES, TARGETS, claiming

ARMS = tuple(Line("lab-mini", arm) for arm in SIZES)
CONTEST = Contest(ARMS, "none", "transfer")


@pytest.fixture(scope="module")
def effects(numbered_world):
    return Effects(numbered_world.results)


def means(world, arm, target):
    """The score of an arm on each half with each seed, by hand: the mean over transfer languages, [2, 3]."""
    coins = statistics.generator("halves").random(120) < 0.5
    found = []
    for cell in world.plan.cells:
        if (cell.arm, cell.target) == (arm, target):
            frame = pl.read_parquet(world.store.folder(cell.evaluation) / "predictions.parquet")
            for (code,), rows in frame.filter(pl.col("language") != "x-en").group_by("language"):
                right = np.array(rows.sort("index")["statistics"].to_list())[:, 0]
                assert len(right) == 120, code
                found.append((cell.seed, [100 * right[coins].mean(), 100 * right[~coins].mean()]))
    by_seed = [np.mean([each for seed, each in found if seed == one], axis=0) for one in (1, 2, 3)]
    return np.array(by_seed).T.round(9)


@pytest.mark.parametrize("target", ["lab_nli", "lab_tatoeba"])
def test_choosing_and_scoring_by_hand(numbered_world, effects, target):
    """Of three seeds two choose on one half, and the third scores on the other."""
    arms = np.array([means(numbered_world, arm, target) for arm in SIZES])
    none = means(numbered_world, "none", target)
    expected, chosen = [], Counter()
    for seed in range(3):
        others = [other for other in range(3) if other != seed]
        for half in (0, 1):
            best = (arms - none)[:, half, others].mean(axis=1).argmax()
            expected.append(arms[best, 1 - half, seed] - none[1 - half, seed])
            chosen[list(SIZES)[best]] += 1
    found = best_difference(effects, CONTEST, (target,))
    assert found.observed.mean() == pytest.approx(np.mean(expected))
    assert found.draws.mean() == pytest.approx(np.mean(expected))
    named = winners(effects, CONTEST, target)
    assert Counter(named).keys() == chosen.keys()
    assert [chosen[arm] for arm in named] == sorted(chosen.values(), reverse=True)


def test_halves_share_no_example_and_leave_none_out(effects):
    for line in ARMS[:2]:
        first, second = effects.results.halves([line], "lab_tatoeba", ("x-ga",))[line]
        whole = effects.results.score(line, "lab_tatoeba", ("x-ga",))
        n = int((statistics.generator("halves").random(120) < 0.5).sum())
        joined = (n * first.observed + (120 - n) * second.observed) / 120
        assert joined == pytest.approx(whole.observed)
        assert abs(np.corrcoef(first.draws[:, 0], second.draws[:, 0])[0, 1]) < 0.1


def test_the_mean_is_over_the_best_of_each_target(effects):
    each = [best_difference(effects, CONTEST, (target,)).observed.mean() for target in TARGETS]
    found = best_difference(effects, CONTEST, TARGETS)
    assert found.observed.mean() == pytest.approx(np.mean(each))


def test_the_best_of_equals_is_no_better_than_they_are(effects):
    """Retrieval does not change in any arm: the largest difference does, by luck, and the chosen does not."""
    scores = [effects.estimate(Quantity("difference"), line, "lab_tatoeba").value for line in ARMS]
    found = statistics.estimate(best_difference(effects, CONTEST, ("lab_tatoeba",)))
    assert found.value < max(scores)
    assert found.low < np.mean(scores) < found.high


def test_the_choice_is_repeated_on_every_resample(effects):
    """Of equal arms, no single one is what varies; of one that is better by far, it is that one."""
    drawn = best_difference(effects, CONTEST, ("lab_tatoeba",)).draws.mean(axis=1)
    plain = [
        effects.sample(Quantity("difference"), line, ("lab_tatoeba",)).draws.mean(axis=1) for line in ARMS
    ]
    assert max(np.corrcoef(drawn, one)[0, 1] for one in plain) < 0.9
    contest = replace(CONTEST, lines=(ARMS[0], ARMS[6]))
    drawn = best_difference(effects, contest, ("lab_ner",)).draws.mean(axis=1)
    best = effects.sample(Quantity("difference"), ARMS[6], ("lab_ner",)).draws.mean(axis=1)
    assert drawn.std() == pytest.approx(best.std(), rel=0.1)


def test_a_missing_arm_leaves_no_best(numbered_world):
    cells = tuple(cell for cell in numbered_world.plan.cells if cell.arm != "n500")
    torn = Effects(Results(replace(numbered_world.plan, cells=cells), numbered_world.store))
    assert best_difference(torn, CONTEST, ("lab_nli",)) is None
    assert best_difference(torn, replace(CONTEST, against="nothing"), ("lab_nli",)) is None
    assert best_difference(torn, replace(CONTEST, lines=ARMS[:2]), ("lab_nli",)) is not None


class Drawn(Results):
    """A study of nine arms and `none` on one target, with seeds of sd 2 and half as much by the examples."""

    def __init__(self, key, best=0.0, seeds=3, claims=()):
        rng = np.random.default_rng([8, key])
        tilts = rng.normal(0, 2, (10, seeds)) + np.where(np.arange(10) == 4, best, 0)[:, None]
        halves = []
        for half in (0, 1):
            luck = rng.normal(0, 1.4, (10, 1))
            drawn = np.random.default_rng([9, half]).normal(0, 1.4, (10, 400, 1))
            halves.append((50 + tilts + luck, 50 + tilts[:, None] + luck[:, None] + drawn))
        whole = tuple(np.mean(pair, axis=0) for pair in zip(*halves, strict=True))
        self.plan = SimpleNamespace(study=SimpleNamespace(claims=claims, axes=()), cells=())
        self.__dict__["lines"] = tuple(Line("drawn", f"a{arm}" if arm else "none") for arm in range(10))
        self.__dict__["targets"] = (EvaluatedTarget("t", "classification", "accuracy", ("en", "de"), "en"),)
        self.__dict__["_samples"], *self._both = [
            {
                (line, "t", "de"): Sample(tuple(range(seeds)), *each, line.arm)
                for line, *each in zip(self.lines, *of, strict=True)
            }
            for of in (whole, *halves)
        ]

    def halves(self, lines, target, languages):
        return {line: tuple(half[line, target, "de"] for half in self._both) for line in lines}


NINE = Contest(tuple(Line("drawn", f"a{arm}") for arm in range(1, 10)), "none", "transfer")


def test_the_luck_of_seeds_does_not_count():
    """A hundred studies of nine arms without any effect: none on average, seldom one that is confirmed."""
    found = [statistics.estimate(best_difference(Effects(Drawn(key)), NINE, ("t",))) for key in range(100)]
    values = np.array([one.value for one in found])
    assert abs(values.mean()) < 3 * values.std() / 10
    assert sum(one.low > 0 for one in found) <= 7
    assert sum(one.low <= 0 <= one.high for one in found) >= 89


def test_an_arm_that_is_better_is_found():
    """By ten points: that is what is estimated, and what the intervals cover; three seeds of sd 2 of what all
    are compared with leave more than one interval in ten wide."""
    found = [
        statistics.estimate(best_difference(Effects(Drawn(key, 10.0)), NINE, ("t",))) for key in range(40)
    ]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(10, abs=3 * values.std() / 40**0.5)
    assert sum(one.low > 0 for one in found) >= 32
    assert sum(one.low <= 10 <= one.high for one in found) >= 34


def test_one_seed_cannot_tell():
    claim = Claim(says="best", quantity="best_difference", arms=tuple(line.arm for line in NINE.lines))
    effects = Effects(Drawn(0, 40.0, seeds=1, claims=(claim,)))
    assert best_difference(effects, NINE, ("t",)) is None
    assert chains_of(effects, NINE, ("t",)) == 1
    (verdict,) = judge(effects)
    assert (verdict.verdict, verdict.effect) == ("undecided", None)
    assert verdict.evidence.startswith("One seed cannot tell the best arm from the luckiest")


def test_seeds_that_asked_the_same_models_are_one(numbered_world):
    """Retrieval trains nothing: with one intermediate phase for all seeds, each arm has a single model."""
    first = {(cell.arm, cell.target): cell.evaluation for cell in numbered_world.plan.cells if cell.seed == 1}
    cells = tuple(
        replace(cell, evaluation=first[cell.arm, cell.target]) if cell.target == "lab_tatoeba" else cell
        for cell in numbered_world.plan.cells
    )
    claim = Claim(says="best", quantity="best_difference", arms=tuple(SIZES), targets=("lab_tatoeba",))
    plan = replace(claiming(numbered_world, claim).plan, cells=cells)
    (verdict,) = judge(Effects(Results(plan, numbered_world.store)))
    assert verdict.verdict == "undecided"
    assert verdict.evidence.startswith("One seed cannot tell")


def test_one_intermediate_training_for_all_seeds_cannot_tell():
    """Its luck chose the arm and scored it: of five arms without effect the best was 3 points better."""
    setting = Setting(3, 300, 0.5, arms=3, chain=2, once=True)
    claim = Claim(says="best", quantity="best_difference", arms=("a1", "a2", "a3"))
    for once, word in ((True, "undecided"), (False, "confirmed")):
        own = replace(setting, once=once, lift=30)
        (verdict,) = judge(Effects(simulate(np.random.default_rng(1), own, (claim,))))
        assert verdict.verdict == word
        assert (verdict.effect is None) == once
        assert ("share one intermediate training" in verdict.evidence) == once
