"""What benchmarks/simulations.py counts can come out otherwise: effects that are there are found."""

from dataclasses import replace

import pytest

import simulations
from simulated import RETRIEVAL, Setting, true_samples
from simulations import Asked
from xstilts.analysis.effects import Effects
from xstilts.analysis.transfer import maps

SMALL = Setting(3, 400, 1, arms=2, languages=simulations.CODES[:2], chain=1, retrieval=True)


def test_an_effect_of_thirty_points_is_found_in_the_map_and_by_claims():
    found = simulations.false_verdicts(Setting(3, 300, 1, arms=2, targets=2, lift=30), 5)
    assert found == (5, 5)


def test_a_best_arm_that_is_better_is_found():
    value, hits = simulations.best(Setting(3, 300, 1, arms=3, lift=30), 3)
    assert hits == 3
    assert value == pytest.approx(27, abs=4)  # 30 points of an even score: from 50 to 77.4


def test_intervals_cover_the_truth_and_not_what_lies_beside_it(monkeypatch):
    asked = Asked(SMALL)
    hits, count = simulations.coverage(asked, 10)["difference"]
    assert count == 20
    assert hits >= 16
    wrong = true_samples(replace(SMALL, lift=15))
    monkeypatch.setattr(simulations, "true_samples", lambda _: wrong)
    assert simulations.coverage(asked, 10)["difference"] == (0, 20)


def test_a_simulated_plan_is_one_as_studies_have_it():
    """One evaluation of `none` on retrieval for all seeds; of an arm one for each chain, or one in all."""
    results = simulations.simulate(simulations.generator("plan", SMALL), SMALL)
    cells = [cell for cell in results.plan.cells if cell.target == RETRIEVAL]
    assert len({cell.evaluation for cell in cells if cell.arm == "none"}) == 1
    assert len({cell.evaluation for cell in cells if cell.arm == "a1"}) == 3
    assert {cell.kind for cell in maps(Effects(results))["simulated"]} == {
        "score",
        "effect",
    }
    shared = replace(SMALL, once=True)
    cells = simulations.simulate(simulations.generator("plan", shared), shared).plan.cells
    assert len({cell.evaluation for cell in cells if (cell.arm, cell.target) == ("a1", RETRIEVAL)}) == 1


def test_every_setting_is_named_in_its_row():
    rows = [simulations._named(setting) for setting in (*simulations.STUDIES, *simulations.SMALL)]
    assert len({tuple(row) for row in rows}) == len(rows)
