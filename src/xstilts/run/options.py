"""What a user may say about each engine, in a small TOML file.

[ray]                        [slurm]
gpus = 0.5                   partition = "gpu"
cpus = 4                     hours = 8
"""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from xstilts.errors import EngineError, InputErrors
from xstilts.plain import parse_toml, toml_hint, undecodable
from xstilts.study.problems import problems
from xstilts.study.specification import Specification


class LocalOptions(Specification):
    """This computer."""

    processes_per_phase: int = Field(default=1, ge=1)
    """So many train a phase together, each on a GPU of its own if there are GPUs."""
    divide_model: bool = False
    """They divide weights, gradients and moments among them, for models that do not fit on one GPU."""


class RayOptions(Specification):
    """A Ray cluster and the share of it that a step gets; without an address one is started here."""

    address: str = ""
    cpus: float = Field(default=1.0, gt=0)
    gpus: float | None = Field(default=None, ge=0)
    """By default one, if the cluster has any."""
    memory_gb: float | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, ge=1)
    """So many at a time, at the most; by default those for which the cluster has room."""
    divide_model: bool = False
    """The GPUs of a step divide the model among them."""


class SlurmOptions(Specification):
    """What a job asks of Slurm, and how many jobs there are at a time. A job computes many steps."""

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    hours: float = Field(default=4.0, gt=0)
    memory_gb: float | None = Field(default=None, gt=0)
    cpus: int = Field(default=4, ge=1)
    gpus: int = Field(default=1, ge=0)
    jobs: int = Field(default=16, ge=1)
    idle_minutes: float = Field(default=2.0, ge=0)
    """A job for which there is nothing to do for so long gives its place back."""
    divide_model: bool = False
    """The GPUs of a job divide the model among them."""
    setup: tuple[str, ...] = ()
    """Lines of shell before the job begins, such as `module load python`."""
    extra: dict[str, str | int | bool] = Field(default_factory=dict)
    """Further parameters of sbatch by their long names."""


class Options(Specification):
    """What may stand in the file."""

    local: LocalOptions = LocalOptions()
    ray: RayOptions = RayOptions()
    slurm: SlurmOptions = SlurmOptions()


def read(path: Path | None) -> Options:
    """The options in that file; the defaults without one.

    Raises EngineError if it cannot be read, InputErrors with everything that is wrong in it.
    """
    if path is None:
        return Options()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(str(path), f"cannot be read ({error.strerror}).") from error
    if wrong := undecodable(content.splitlines()):
        raise EngineError(f"{path}:{wrong[0]}", *wrong[1:])
    text = content.decode("utf-8-sig")
    try:
        table = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise EngineError(str(path), f"is not TOML: {error}.", toml_hint(text, error)) from error
    try:
        options = Options.model_validate(table, strict=False)
    except ValidationError as error:
        raise InputErrors(
            EngineError(f"{path}: {'.'.join(map(str, one.place))}", one.what, one.now)
            for one in problems(error, Options)
        ) from error
    for name, key in {"local": "processes_per_phase", "ray": "gpus", "slurm": "gpus"}.items():
        engine: LocalOptions | RayOptions | SlurmOptions = getattr(options, name)
        count = getattr(engine, key) or 0
        if engine.divide_model and count < 2:
            what = f"needs two or more; `{key}` is {count:g}."
            raise EngineError(f"{path}: {name}.divide_model", what, f"Raise `{key}`.")
    return options
