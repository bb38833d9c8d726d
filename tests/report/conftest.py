"""The studies that the tests of the analysis are about."""

from analysis.conftest import numbered_world, torn_world, truth, world

__all__ = ["numbered_world", "torn_world", "truth", "world"]
