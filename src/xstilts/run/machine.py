"""The computer that steps run on: cores, GPUs, and how workers share them."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from xstilts.errors import EngineError
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_PROCESSOR = Path("/proc/cpuinfo")
_COUNTERS = Path("/proc/vmstat")
_BF16 = frozenset(("avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"))
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "RAYON")
LIBRARY_SETTINGS = {f"{name}_NUM_THREADS": "1" for name in _LIBRARIES} | {
    "POLARS_MAX_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
}
"""What a worker sets in its environment before the first step.

One thread for every library: only torch takes more, where the recipe of a step says so, for numbers must not
depend on how many workers share the cores. And few compiled kernels kept by oneDNN, which multiplies bf16
matrices on processors: it compiles one for each shape of a batch, and the 1,024 that it keeps if nothing is
said take a gigabyte and more."""


def cores() -> int:
    """The cores that this process may use, by its affinity and its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _QUOTA.is_file():
        quota, period = _QUOTA.read_text().split()
        if quota != "max":
            allowed = min(allowed, max(1, int(quota) // int(period)))
    return allowed


def gpus() -> tuple[str, ...]:
    """The names by which CUDA_VISIBLE_DEVICES calls the GPUs that this process may use."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    if stated is not None:
        names = [name.strip() for name in stated.split(",") if name.strip()]
        return tuple(names[: names.index("-1")] if "-1" in names else names)  # which hides all from there on
    if shutil.which("nvidia-smi") is None:
        return ()
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return tuple(map(str, range(sum(line.startswith("GPU ") for line in listed.splitlines()))))


def environments(workers: int | None, processes: int = 1, *, threads: int = 1) -> list[Mapping[str, str]]:
    """For each worker what it finds in its environment: one thread for every library, its GPUs.

    Several `processes` train a phase of a worker together, each on a GPU of its own if there are GPUs.
    Without a number: one worker for so many GPUs, or without GPUs cores. Never more
    processes than cores, but for a single worker's; without GPUs each takes so many `threads`.

    Raises EngineError if there are fewer GPUs than processes.
    """
    devices, available = gpus(), cores()
    if devices and processes > len(devices):
        what = f"{processes} processes want a GPU each; this computer shows {len(devices)}."
        raise EngineError("processes_per_phase", what, "Ask for fewer.")
    room = max(1, available // (processes * (1 if devices else threads)))
    count = min(workers or len(devices) // processes or room, room)
    own = [
        ",".join(devices[place % len(devices)] for place in range(start, start + processes))
        if devices
        else ""
        for start in range(0, count * processes, processes)  # the last are followed by the first
    ]
    return [LIBRARY_SETTINGS | ({"CUDA_VISIBLE_DEVICES": names} if names else {}) for names in own]


def memory_kills() -> int | None:
    """How many processes the system has killed for want of memory so far; None if it cannot tell."""
    lines = _COUNTERS.read_text().splitlines() if _COUNTERS.is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def computes_bf16() -> bool:
    """Whether a GPU is there or the processor has bfloat16 instructions; True where that cannot be told."""
    if gpus() or not _PROCESSOR.is_file():
        return True
    return not _BF16.isdisjoint(_PROCESSOR.read_text().split())


def advice(steps: Sequence[Step]) -> str:
    """What a user should know of this computer before it computes the steps; empty if nothing."""
    if computes_bf16() or not any(one.precision == "bf16" for one in _settings(steps)):
        return ""
    return (
        "Note: this processor has no bf16 instructions and emulates them, several times slower than fp32. "
        'The precision is part of a study: set precision = "fp32" in its recipes if that is what you mean.'
    )


def threads(steps: Iterable[Step]) -> int:
    """The most threads that any of the steps takes on a CPU."""
    return max((settings.threads for settings in _settings(steps)), default=1)


def _settings(steps: Iterable[Step]) -> Iterator[Recipe | Inference]:
    """How steps compute, of those that compute with a model."""
    for step in steps:
        match step.specification:
            case Phase(recipe=settings) | Evaluation(inference=Inference() as settings):
                yield settings
