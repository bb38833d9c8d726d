"""The engines by name. One starts workers and nothing else: what is computed does not depend on it."""

from collections.abc import Callable
from functools import partial

from xstilts.errors import EngineError
from xstilts.run.launch import Listener, Result, Run
from xstilts.run.options import Options
from xstilts.study.problems import near

NAMES = ("local", "ray", "slurm")


def launcher(
    name: str, options: Options, address: str | None = None, *, workers: int | None, limit: float
) -> Callable[[Run, Listener], Result]:
    """What computes all steps of a run that are not in the store.

    `address` is that of a Ray cluster; `workers` and `limit` (seconds) are the local engine's. Raises
    EngineError for an unknown name, an address without Ray, or numbers that are not positive.
    """
    for option, number in (("workers", workers), ("limit", limit)):
        if number is not None and not number > 0:
            raise EngineError(f"--{option}", f"is {number:g}.", "Give a number above 0.")
    if name not in NAMES:
        raise EngineError("--engine", f"no engine '{name}'.", near(name, NAMES))
    if address is not None and name != "ray":
        raise EngineError("--address", "names a Ray cluster.", "Add --engine ray.")
    match name:
        case "ray":
            from xstilts.run import ray

            cluster = options.ray if address is None else options.ray.changed(address=address)
            return partial(ray.run, options=cluster)
        case "slurm":
            from xstilts.run import slurm

            return partial(slurm.run, options=options.slurm)
    from xstilts.run import local

    return partial(local.run, options=options.local, workers=workers, limit=limit)
