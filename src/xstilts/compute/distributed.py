"""Several processes for one phase: each computes its part of every update, and all hold the same weights.

The worker is rank 0 and starts the others, each with a GPU of its own where there are any. An update's items
are divided among them. torch's DDP averages gradients over the processes, whose losses, each a share of the
sum over all decisions of the update, are therefore taken `size` times: so the effective batch, and with it
every number up to the order of a sum, is that of one process. Only rank 0 writes. If it is gone the others
end; if one of them is gone, the step fails.

The processes may divide the model: each then keeps a part of weights, gradients and moments. torch's FSDP
(`fully_shard`; Zhao et al. 2023, arXiv 2304.11277) gathers the weights of one layer at a time, and averages
gradients as DDP does. The first process keeps the model whole as well, in the computer's memory, and fills it
where something is asked of it.
"""

import contextlib
import copy
import json
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
import torch.distributed as processes
from numpy.typing import NDArray
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from xstilts.compute.context import Context
from xstilts.compute.data import Encoded, passes, split
from xstilts.compute.model import Model
from xstilts.errors import StepError, XstiltsError

PATIENCE = timedelta(hours=2)
"""How long one process waits for another, which may be scoring development rows."""
FAREWELL_SECONDS = 5.0


@dataclass(frozen=True)
class Ranks:
    """One of `size` processes that train a phase together; by default the only one.

    If it `divides`, each process has but a part of the model (`compute.distributed`).
    """

    rank: int = 0
    size: int = 1
    divides: bool = False

    @property
    def writes(self) -> bool:
        """Whether this process keeps states, scores and results."""
        return self.rank == 0

    @property
    def key(self) -> tuple[int, ...]:
        """What tells the random numbers of this process from those of the first."""
        return (self.rank,) if self.rank else ()

    def share(
        self, data: Encoded, items: NDArray[np.int64], tokens: int, overhead: int | None = None
    ) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """The micro-batches of an update that fall to this process, and one that counts for nothing.

        They are as few as `tokens` allows, or, with an `overhead` of each, those that cost least.
        There may be none of the first. The second is there if there are none, for gradients are averaged over
        all processes, or if another process, with which this one divides the model, has a micro-batch more,
        and needs this one's part of the weights for it.
        """
        parts = list(
            split(data, items, tokens) if overhead is None else passes(data, items, tokens, overhead)
        )
        if len(parts) < self.size:
            parts = [part for part in np.array_split(items, self.size) if len(part)]
        own = parts[self.rank :: self.size]
        fewest = len(parts[:: self.size]) if self.divides else 1
        return own, [items[:1]] if len(own) < fewest else []

    def total(self, values: Sequence[float], device: torch.device) -> list[float]:
        """The sums over all processes."""
        if self.size == 1:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64, device=device)
        processes.all_reduce(summed)
        return [float(one) for one in summed.tolist()]

    def first(self, value: float, device: torch.device) -> float:
        """The value that the first process has."""
        return self.total([value if self.writes else 0.0], device)[0]

    def replica(self, model: Model) -> Any:
        """What computes scores in this process so that gradients are averaged over all of them.

        torch's DDP does so in the last pass of an update, and leaves a parameter that no process reached
        without a gradient; those of a divided model are averaged while they are computed.
        """
        if self.size == 1 or self.divides:
            return model
        warnings.filterwarnings("ignore", ".*find_unused_parameters=True was specified")
        return DistributedDataParallel(
            model, forward_sync_buffers=False, find_unused_parameters=True, gradient_as_bucket_view=True
        )

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """The first process goes first, then the others; then all go on."""
        if not self.writes:
            processes.barrier()
        yield
        if self.size > 1:
            if self.writes:
                processes.barrier()
            processes.barrier()


@contextlib.contextmanager
def started(context: Context) -> Iterator[Ranks]:
    """This process as the first of those that train a phase; the others live as long as the block.

    Raises StepError if one of the others ends too early.
    """
    size, divides = context.means.processes, context.means.divide
    if size == 1:
        yield Ranks()
        return
    step = context.step
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        told = {
            "store": str(context.store.root),
            "places": context.places.to_json(),
            "spec": step.spec,
            "folder": folder,
            "micro_tokens": context.micro_tokens,
            "means": asdict(context.means),
        }
        others = [stack.enter_context(_Other(rank, told)) for rank in range(1, size)]
        try:
            with joined(0, size, Path(folder)):
                yield Ranks(0, size, divides)
        except XstiltsError:
            raise
        except Exception as error:
            for other in others:
                other.done.wait(FAREWELL_SECONDS)
            words = [f"rank {other.rank}: {other.words()}" for other in others if other.process.poll()]
            if not words:
                raise
            what = f"one of its {size} processes ended too early.\n" + "\n".join(words)
            raise StepError(step.name, what, "The same command tries the step again.") from error


class _Other:
    """A process of a higher rank, which ends with its standard input."""

    def __init__(self, rank: int, told: dict[str, Any]) -> None:
        self.rank = rank
        self.done = threading.Event()
        self.leaving = threading.Event()
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        devices = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        device = {"CUDA_VISIBLE_DEVICES": devices[rank]} if len(devices) > rank else {}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xstilts.compute.work"],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **device},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({**told, "rank": rank}).encode() + b"\n")
        self.process.stdin.flush()
        threading.Thread(target=self._watch, daemon=True).start()

    def words(self) -> str:
        """The end of what the process said."""
        self.log.seek(0)
        return self.log.read()[-2000:].decode(errors="replace").strip()

    def __enter__(self) -> "_Other":
        return self

    def __exit__(self, *raised: object) -> None:
        self.leaving.set()
        assert self.process.stdin is not None
        if raised[0] is not None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.log.close()

    def _watch(self) -> None:
        """Without this process a sum may wait for ever: then the worker ends, and the engine tries again."""
        status = self.process.wait()
        self.done.set()
        if status and not self.leaving.wait(2 * FAREWELL_SECONDS):
            print(f"rank {self.rank} ended with status {status}: {self.words()}", file=sys.stderr, flush=True)
            os._exit(1)


@contextlib.contextmanager
def joined(rank: int, size: int, folder: Path) -> Iterator[None]:
    """The group of processes, on this computer only."""
    meeting = processes.FileStore(str(folder / "ranks"), size)  # type: ignore[attr-defined]
    how: dict[str, Any] = {"backend": "gloo"}
    if torch.cuda.is_available():
        how = {"backend": "nccl", "device_id": torch.device("cuda", 0)}  # the first that this process sees
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.cuda.set_device(how["device_id"])
    else:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    processes.init_process_group(store=meeting, rank=rank, world_size=size, timeout=PATIENCE, **how)
    try:
        yield
    finally:
        processes.destroy_process_group()


def placed(model: Model, ranks: Ranks, device: torch.device) -> Model:
    """Put the model where it is trained, divided if the processes divide it.

    Returns the model to be asked and saved: the same, or in the first of those that divide it, a whole one.
    """
    if not ranks.divides:
        model.to(device)
        return model
    whole = copy.deepcopy(model) if ranks.writes else model
    # T5's layers hand on a view, the table of positions. No layer writes into it.
    warnings.filterwarnings("ignore", r"FSDP2-wrapped module .* returned a view")
    mesh = init_device_mesh(device.type, (ranks.size,))
    for layer in _layers(model):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model.to(device)
    return whole


def fill(whole: Model, model: Model) -> None:
    """Give the whole model the weights as they are now, and a place beside the divided one.

    All processes must call it. In one that has no other model than the one that it trains, nothing happens.
    """
    whole.to(model.device)
    for (_, trained), (_, kept) in zip(model.named_parameters(), whole.named_parameters(), strict=True):
        tensor = full(trained)
        if kept is not trained:
            with torch.no_grad():
                kept.copy_(tensor)


def put_away(whole: Model, model: Model) -> None:
    """Take the whole model from the GPU, for training to have its memory."""
    if whole is not model:
        whole.to("cpu")


def full(tensor: torch.Tensor) -> torch.Tensor:
    """The whole of a tensor; of a divided one all processes must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part_of(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A whole tensor, or that part of it which this process has of `like`, on its device."""
    tensor = tensor.to(like.device)
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)


def _layers(model: nn.Module) -> Iterator[nn.Module]:
    """The layers of each stack, but for those that share weights with anything beside them."""
    owners = _owners(model)
    for layer in _stacked(model):
        if all(owners[weight] == count for weight, count in _owners(layer).items()):
            yield layer


def _stacked(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList):
            yield child
        else:
            yield from _stacked(child)


def _owners(module: nn.Module) -> Counter[int]:
    """How many modules hold each weight."""
    return Counter(id(weight) for part in module.modules() for weight in part.parameters(recurse=False))
