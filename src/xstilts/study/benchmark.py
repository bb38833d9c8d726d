"""Benchmarks: names for lists of target tasks. A study's `target.tasks` may name one."""

from collections.abc import Mapping

BENCHMARKS: Mapping[str, tuple[str, ...]] = {}


def expand(tasks: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks with every benchmark replaced by its own, each task once, in the order given."""
    expanded = [task for name in tasks for task in BENCHMARKS.get(name, (name,))]
    return tuple(dict.fromkeys(expanded))
