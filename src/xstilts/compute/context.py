"""What the computation of a step is given besides its specification; and what is recorded of every step
besides its result: when, where, with which versions, at what cost.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.compute.pixels import Album, Preparation
from xstilts.data import loader
from xstilts.data.examples import Example, Seen
from xstilts.errors import DataError, MissingResultError
from xstilts.families.visual import viewed
from xstilts.store import Store
from xstilts.study.backbone import Backbone, Vision
from xstilts.study.models import fetch
from xstilts.study.phase import Phase
from xstilts.study.sources import Part, counted, unseeing
from xstilts.study.step import Places, Step
from xstilts.study.use import Use
from xstilts.version import VERSION

if TYPE_CHECKING:
    from xstilts.compute.distributed import Ranks

MICRO_TOKENS = 16_384
SAVE_SECONDS = 60.0

Event = Mapping[str, Any]
"""A sign of life: {"kind": "train", "update", "updates", "loss", "tokens_per_second"} and the like; the first
is {"kind": "begin"}."""


@dataclass(frozen=True)
class Means:
    """With what trainings are computed, by the user's choice; the numbers are the same up to a sum's order.

    To `save_memory`, states are computed twice instead of kept. So many `processes` train a phase together,
    each on a GPU of its own if there are GPUs, and may `divide` its model.
    """

    save_memory: bool = False
    processes: int = 1
    divide: bool = False


@dataclass(frozen=True)
class Context:
    """Where a step reads and writes.

    `folder` takes what the step makes and becomes its place in the store; `running` holds the state from
    which a killed step continues. `report` is called now and then; it may raise to end the step.
    `micro_tokens` bounds the padded tokens of one forward pass, and `save_seconds` is the time between two
    states of a running phase; neither changes a number (but the first, which units dropout drops). `ranks`
    says which of how many processes this one is, where several train one phase.
    """

    store: Store
    step: Step
    folder: Path
    running: Path
    places: Places
    report: Callable[[Event], None]
    micro_tokens: int = MICRO_TOKENS
    save_seconds: float = SAVE_SECONDS
    means: Means = Means()
    ranks: "Ranks | None" = None

    def checkpoint(self, model: Backbone | Phase) -> Path:
        """The folder with weights and tokenizer of a model: in the store, the user's, or the Hub's copy.

        Raises MissingResultError if a parent is not in the store, BackboneError if a Hub model cannot be had.
        """
        if isinstance(model, Phase) or model.made:
            return self.store.checkpoint(model.fingerprint)
        return self.pretrained(model)

    def pretrained(self, backbone: Backbone) -> Path:
        """The folder of the pretrained model that a backbone names, whatever becomes of its weights."""
        if backbone.checksum is not None:
            return self._folder(backbone.checksum)
        assert backbone.model is not None and backbone.revision is not None
        return fetch(backbone.model, backbone.revision)

    def eyes(self, vision: Vision) -> Path | None:
        """The folder of the pretrained vision encoder that a backbone names, if it names one."""
        if vision.checksum is not None:
            return self._folder(vision.checksum)
        if vision.model is None or vision.revision is None:
            return None
        return fetch(vision.model, vision.revision, eyes=True)

    def _folder(self, checksum: str) -> Path:
        if checksum not in self.places.backbones:
            raise MissingResultError("backbone", "its folder is not known here.", "Run its study again.")
        return self.places.backbones[checksum]

    def album(self, use: Use, preparation: Preparation | None) -> Album | None:
        """The images of a task as a model wants them; None for a model that sees none."""
        if preparation is None:
            return None
        return Album(self.places.task(use.task), self.places.images, preparation)

    def examples(self, use: Use, language: str) -> list[Example]:
        """All rows of a use in a language, in the order of the source; caps and shuffling come later."""
        return self._shown(use, use.split, language, use.data[use.languages.index(language)])

    def stream(self, use: Use, language: str) -> Iterator[Example]:
        """The same one after the other, for rows that are never all in memory; not of rows about images."""
        assert not use.kind.pictured, "a control's view of images is one of all rows"
        return loader.stream(self.places.task(use.task), use.split, language, self.places.data)

    def development(self, use: Use) -> list[Example]:
        """The source language's development rows of a trained task; empty if the task has none."""
        rows = use.development
        return [] if rows is None else self._shown(use, rows.split, rows.language, rows.data)

    def _shown(self, use: Use, split: str, language: str, data: str) -> list[Example]:
        """The rows as the view of the use shows them: in every language alike, where rows are parallel."""
        rows = loader.load(self.places.task(use.task), split, language, self.places.data)
        counted(Part(use.task, split, language, data), self.places, rows)
        if not use.kind.pictured:
            return rows
        if (error := unseeing(self.step, self.places)) is not None:
            raise error
        from xstilts.compute.data import generator  # loads torch, which whoever only plans does not need

        seen = [row for row in rows if isinstance(row, Seen)]
        if use.view == "caption" and not any(row.caption for row in seen):
            what = f"its {split} rows in '{language}' have no captions."
            raise DataError(f"task '{use.task}'", what, "Take 'caption-only' out of the references.")
        return [*viewed(seen, use.view, generator("images", use.task, split))]


PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "numpy", "polars")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = Path("/proc/self/clear_refs")


def begin() -> None:
    """Let the peaks of memory count from now, where the system can: a worker computes many steps."""
    if _RESET_PEAK.is_file() and os.access(_RESET_PEAK, os.W_OK):
        _RESET_PEAK.write_text("5")
    if (gpu := cuda()) is not None:
        gpu.reset_peak_memory_stats()


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
    memory = {"peak_mb": round(peak, 1)}
    if (gpu := cuda()) is not None:
        memory["gpu_peak_mb"] = round(gpu.max_memory_allocated() / 2**20, 1)
    return about | result | {"memory": memory, "hardware": hardware, "software": software()}


def computes_on() -> dict[str, Any]:
    """What numbers depend on besides the specification of a step, in their last digits.

    The processor, the instructions of it that torch uses (such as AVX2 and amx_bf16), the threads that torch
    computes with, the GPU if there is one, and the version of torch. Without torch nothing is computed.
    """
    torch, gpu = sys.modules.get("torch"), cuda()
    return {
        "processor": _processor(),
        "instructions": None if torch is None else _instructions(torch),
        "threads": None if torch is None else torch.get_num_threads(),
        "gpu": None if gpu is None else gpu.get_device_name(),
        "torch": installed("torch"),
    }


@cache
def _instructions(torch: Any) -> str:
    """The widest that torch uses, and those that multiply bf16 numbers: each adds in an order of its own."""
    able = torch.cpu.get_capabilities()
    bf16 = [name for name in ("avx512_bf16", "amx_bf16") if able.get(name)]
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *bf16])


@cache
def software() -> dict[str, Any]:
    """Versions of Python, of this package and its commit, and of what it computes with."""
    return {
        "python": platform.python_version(),
        "xstilts": VERSION,
        "commit": _commit(),
        **{name: installed(name) for name in PACKAGES},
    }


def cuda() -> Any:
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
def installed(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
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
