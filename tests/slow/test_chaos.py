"""Kills at random instants, and two drivers on one store; benchmarks/chaos.py has more of both."""

from pathlib import Path

import pytest

import chaos

KILLS = 6


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path, workers: int) -> None:
    assert chaos.kills(tmp_path / "runs", KILLS, workers)["identical"] == KILLS


@pytest.mark.slow
def test_two_drivers_do_nothing_twice_while_workers_are_killed(tmp_path: Path) -> None:
    figures = chaos.two(tmp_path, 100)
    assert figures["in_the_store"] == figures["steps"]
    assert figures["ended_twice"] == 0
    assert figures["cut_short_by_kills"] == 3
    assert figures["takeover_seconds_worst"] < 60
