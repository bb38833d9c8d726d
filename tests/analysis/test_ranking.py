"""What following an order would have cost: by hand, and with what bootstrap makes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xstilts.analysis import ranking
from xstilts.analysis.results import Results
from xstilts.cli.show_rank import notes
from xstilts.errors import StudyError
from xstilts.metrics import transferability
from xstilts.store import Store
from xstilts.study.load import parse
from xstilts.study.plan import plan

BEST_FIRST = np.array([[80.0, 82.0], [60.0, 58.0], [40.0, 44.0], [20.0, 22.0]])
"""Scores of four arms with two seeds."""


def test_a_perfect_order_loses_nothing() -> None:
    """As far as two targets tell, which is not that it never would: there is no interval without width."""
    found = ranking.quality([(BEST_FIRST, BEST_FIRST), (BEST_FIRST[::-1], BEST_FIRST[::-1])])
    nothing = (None, None)
    assert found == {"regret_at_1": (0, *nothing), "regret_at_3": (0, *nothing), "ndcg": (1, *nothing)}


def test_regret_and_ndcg_are_means_over_targets_by_hand() -> None:
    """Of two targets one is ordered well and one the wrong way round: (0 + (81 - 21) / 81) / 2."""
    found = ranking.quality([(BEST_FIRST, BEST_FIRST), (BEST_FIRST, -BEST_FIRST)])
    assert found["regret_at_1"][0] == pytest.approx(100 * 60 / 81 / 2)
    assert found["regret_at_3"][0] == pytest.approx(100 * (81 - 59) / 81 / 2)
    gains = (BEST_FIRST.mean(axis=1) - 21) / 60
    worst = transferability.ndcg(gains, np.array([3, 2, 1, 0]))
    assert found["ndcg"][0] == pytest.approx((1 + worst) / 2)
    value, low, high = found["regret_at_1"]
    assert low is not None and high is not None
    assert (
        low == 0 < value < high == pytest.approx(100 * 60 / 80, abs=2)
    )  # both targets may be the one or the other


def test_seeds_are_drawn_with_their_own_estimates() -> None:
    """With each seed the estimate finds that seed's best arm; with the means it finds that of the means."""
    scores = np.array([[90.0, 10.0], [50.0, 60.0]])
    found = ranking.quality([(scores, scores)])
    assert found["regret_at_1"] == (0, None, None)
    fixed = np.array([[0.0, 0.0], [1.0, 1.0]])
    value, low, high = ranking.quality([(scores, fixed)])["regret_at_1"]
    assert (value, low) == (0, 0) and high == pytest.approx(100 * 40 / 90)


def test_chance_is_between_the_best_and_the_worst_order() -> None:
    best, chance, worst = (ranking.quality([(BEST_FIRST, told)]) for told in (BEST_FIRST, None, -BEST_FIRST))
    for name in ("regret_at_1", "regret_at_3"):
        assert best[name][0] < chance[name][0] < worst[name][0]
    assert best["ndcg"][0] > chance["ndcg"][0] > worst["ndcg"][0]


def test_one_target_and_one_seed_have_no_interval_and_few_arms_no_regret() -> None:
    assert ranking.quality([(BEST_FIRST[:, :1], -BEST_FIRST[:, :1])])["regret_at_1"][1:] == (None, None)
    assert set(ranking.quality([(BEST_FIRST[:3], BEST_FIRST[:3])])) == {"regret_at_1", "ndcg"}


def test_a_study_without_arms_or_targets_has_nothing_to_rank(tmp_path: Path) -> None:
    content = {"name": "bare", "question": "?", "backbones": {"lab": {"model": "lab"}}}
    short = {"recipe": {"max_length": 64}}
    arms, targets = {"nli": ["lab_nli"]}, {"tasks": ["lab_entail"]} | short
    nothing = [
        {"intermediate": {"arms": {"none": []}}, "target": targets},
        {"intermediate": {"arms": arms} | short},
    ]
    for parts in nothing:
        planned = plan(parse(content | parts, tmp_path / "study.toml", "study"))
        with pytest.raises(StudyError, match="nothing to rank"):
            ranking.wanted(planned, Store(tmp_path / "store"))
    whole = plan(
        parse(content | {"intermediate": {"arms": arms} | short, "target": targets}, tmp_path / "s", "study")
    )
    asked = ranking.wanted(whole, Store(tmp_path / "store"))
    assert asked.missing == ("nli",) and not asked.states
    assert [(probe.asks, probe.use.task, probe.use.development) for probe in asked.probes] == [
        ("task", "lab_nli", None),
        ("task", "lab_entail", None),
    ]
    alone = ranking.Ranking(Results(whole, Store(tmp_path / "store")), replace(asked, tasks={}), {})
    assert list(notes(alone))[-1] == "One arm: there is nothing to order."
