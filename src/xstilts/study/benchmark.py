"""Benchmarks: names for lists of target tasks. A study's `target.tasks` may name one."""

from collections.abc import Mapping

from xstilts.metrics.xtreme import XTREME

BENCHMARKS: Mapping[str, tuple[str, ...]] = {"xtreme": tuple(XTREME)}
"""XTREME (Hu et al. 2020, arXiv 2003.11080): sentence pairs and tags, questions, retrieval."""


def expand(tasks: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks with every benchmark replaced by its own, each task once, in the order given."""
    expanded = [task for name in tasks for task in BENCHMARKS.get(name, (name,))]
    return tuple(dict.fromkeys(expanded))
