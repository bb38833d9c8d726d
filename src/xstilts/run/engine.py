"""The engines by name. One starts workers and nothing else: what is computed does not depend on it."""

from dataclasses import dataclass, replace

from xstilts.errors import EngineError, did_you_mean
from xstilts.run.launch import Listener, Result, Run
from xstilts.run.options import Options

NAMES = ("local", "ray", "slurm")


@dataclass(frozen=True)
class Engine:
    """An engine that was chosen, and what was said about it.

    `workers` and `limit` (seconds) are the local engine's. Making one raises EngineError for an unknown name.
    """

    name: str
    options: Options
    workers: int | None
    limit: float

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            now = did_you_mean(self.name, NAMES) or f"There are {', '.join(NAMES)}."
            raise EngineError("--engine", f"no engine '{self.name}'.", now)

    def at(self, address: str) -> "Engine":
        """The same with a Ray cluster that was named on the command line."""
        if self.name != "ray":
            raise EngineError("--address", "names a Ray cluster.", "Add --engine ray.")
        ray = self.options.ray.changed(address=address)
        return replace(self, options=self.options.changed(ray=ray))

    def run(self, wanted: Run, listener: Listener) -> Result:
        """Compute all steps that are not in the store."""
        match self.name:
            case "ray":
                from xstilts.run import ray

                return ray.run(wanted, listener, self.options.ray)
            case "slurm":
                from xstilts.run import slurm

                return slurm.run(wanted, listener, self.options.slurm)
        from xstilts.run import local

        return local.run(
            wanted,
            listener,
            workers=self.workers,
            limit=self.limit,
            processes=self.options.local.processes_per_phase,
            divide=self.options.local.divide_model,
        )
