"""The engines by name. One starts workers and nothing else: what is computed does not depend on it."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from xstilts.errors import EngineError
from xstilts.run import local, ray, slurm
from xstilts.run.options import Options
from xstilts.study.problems import near

ENGINES: Mapping[str, ModuleType] = {"local": local, "ray": ray, "slurm": slurm}
"""Each has a function `run`, which computes all steps of a run that are not in the store."""


def options_of(name: str, options: Options, address: str | None = None, workers: int | None = None) -> Any:
    """The options of an engine; `address` is that of a Ray cluster, `workers` how many processes here.

    Raises EngineError for an unknown name, an address without Ray, or workers of a cluster.
    """
    if name not in ENGINES:
        raise EngineError("--engine", f"no engine '{name}'.", near(name, ENGINES))
    if address is not None and name != "ray":
        raise EngineError("--address", "names a Ray cluster.", "Add --engine ray.")
    if workers is not None and name != "local":
        now = "Leave it out: a file for --engine-options says what to ask of the cluster (docs/cluster.md)."
        raise EngineError("--workers", f"counts processes on this computer, not with --engine {name}.", now)
    return getattr(options, name) if address is None else options.ray.changed(address=address)
