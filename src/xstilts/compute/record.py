"""What is recorded of every step besides its result: when, where, with which versions, at what cost."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xstilts.study.step import Step
from xstilts.version import VERSION

PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "numpy", "polars")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = Path("/proc/self/clear_refs")


def begin() -> None:
    """Let the peaks of memory count from now, where the system can: a worker computes many steps."""
    if _RESET_PEAK.is_file() and os.access(_RESET_PEAK, os.W_OK):
        _RESET_PEAK.write_text("5")
    if (cuda := _cuda()) is not None:
        cuda.reset_peak_memory_stats()


def record(step: Step, result: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The content of record.json: of the step, of what it returned, of the computer and the software."""
    about = {
        "status": "done",
        "kind": step.kind,
        "name": step.name,
        "fingerprint": step.fingerprint,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    hardware = {"host": platform.node(), "system": platform.platform(), **computes_on()}
    # Peaks since `begin`, in MB; where the system cannot tell, of the process's whole life.
    if _STATUS.is_file():
        lines = _STATUS.read_text().splitlines()
        (peak,) = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    else:
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    cuda = _cuda()
    gpu = {} if cuda is None else {"gpu_peak_mb": round(cuda.max_memory_allocated() / 2**20, 1)}
    memory = {"peak_mb": round(peak, 1), **gpu}
    return about | result | {"memory": memory, "hardware": hardware, "software": software()}


def computes_on() -> dict[str, Any]:
    """What numbers depend on besides the specification of a step, in their last digits.

    The processor, the instructions of it that torch uses (such as AVX2), the threads that torch computes
    with, the GPU if there is one, and the version of torch. Without torch, nothing is computed by it.
    """
    torch, cuda = sys.modules.get("torch"), _cuda()
    return {
        "processor": _processor(),
        "instructions": None if torch is None else torch.backends.cpu.get_cpu_capability(),
        "threads": None if torch is None else torch.get_num_threads(),
        "gpu": None if cuda is None else cuda.get_device_name(),
        "torch": _version("torch"),
    }


@cache
def software() -> dict[str, Any]:
    """Versions of Python, of this package and its commit, and of what it computes with."""
    return {
        "python": platform.python_version(),
        "xstilts": VERSION,
        "commit": _commit(),
        **{name: _version(name) for name in PACKAGES},
    }


def _cuda() -> Any:
    """torch.cuda if a step has loaded torch and there is a GPU."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


@cache
def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that this package is imported from, with "+" if it was changed since."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        commit, changed = (
            subprocess.run([*git, *command], capture_output=True, text=True, check=True).stdout.strip()
            for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", "src"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+" if changed else commit
