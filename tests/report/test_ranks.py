"""The files of `xstilts rank`: tables, and charts in which the order of arms and estimates can be read."""

import re
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest

from xstilts.analysis.ranking import ORDER, QUALITY, Ranking
from xstilts.report import ranks

SCORES = {"nli": 70.0, "ccg": 40.0, "NA": 55.0}
PLACES = {"size": ("nli", "ccg", "NA"), "logme": ("ccg", "NA", "nli")}


@pytest.fixture
def found() -> Ranking:
    """Three measured arms, ordered by two estimates, of which one was right and one was not."""
    order = [
        ("s", "b", "t", arm, name, "estimate", 0.0, arms.index(arm) + 1, 1)
        for name, arms in PLACES.items()
        for arm in SCORES
    ]
    order.append(("s", "b", "t", "none", "logme", "estimate", 0.5, None, 1))
    quality = [
        ("s", "b", name, kind, "ndcg", value, None, None, 3, 1, 1)
        for name, kind, value in (
            ("logme", "estimate", 0.5),
            ("size", "baseline", 0.9),
            ("chance", "baseline", 0.7),
        )
    ]
    made = SimpleNamespace(
        backbones=("b",),
        arms=lambda backbone: tuple(SCORES),
        scores=lambda backbone, target, arms: np.array([[SCORES[arm]] for arm in arms]),
        order=pl.DataFrame(order, schema=ORDER, orient="row"),
        quality=pl.DataFrame(quality, schema=QUALITY, orient="row"),
    )
    return cast(Ranking, made)


def test_tables_and_charts_are_written_beside_each_other(found: Ranking) -> None:
    files = dict(ranks.files(found))
    assert list(files) == ["ranking.csv", "ranking.svg", "quality.csv", "quality.svg"]
    assert b",'NA',size," in files["ranking.csv"], "no name of the tables is read as a missing value"


def test_measured_arms_stand_best_first_and_every_place_is_told(found: Ranking) -> None:
    drawn = ranks.svg(ranks.places(found))
    labels = re.findall(r">(nli|NA|ccg)\s+(\d\d\.\d)<", drawn)
    assert labels == [("nli", "70.0"), ("NA", "55.0"), ("ccg", "40.0")]
    for name, arms in PLACES.items():
        for place, arm in enumerate(arms, 1):
            assert f"{arm} · place {place} by {name}" in drawn
    assert ">none" not in drawn, "what has no place is not drawn"


def test_chance_is_told_apart_from_baselines_and_estimates(found: Ranking) -> None:
    drawn = ranks.svg(ranks.quality(found))
    kinds = {
        name: re.search(rf'fill="([^"]*)"[^>]*><title>{name} · ndcg', drawn)
        for name in ("logme", "size", "chance")
    }
    assert all(kinds.values()) and len({kind and kind.group(1) for kind in kinds.values()}) == 3
    assert "ndcg 0.90 · 1 target<" in drawn


def test_what_orders_nothing_is_not_drawn(found: Ranking) -> None:
    empty = SimpleNamespace(**vars(found) | {"quality": found.quality.clear(), "order": found.order.clear()})
    assert list(dict(ranks.files(cast(Ranking, empty)))) == ["ranking.csv", "quality.csv"]


def test_charts_are_valid(found: Ranking) -> None:
    for chart in (ranks.places(found), ranks.quality(found)):
        chart.to_dict(validate=True)
