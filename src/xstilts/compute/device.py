"""What the device can do, and how a phase is computed on it: chosen in one place, and said in one line.

A GPU computes while the host goes on. So batches are collated ahead of it in a thread and copied from pinned
memory, the host reads losses only now and then, and where attention has a kernel for it, sequences stand one
after the other without padding. On a processor none of this pays.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import torch

from xstilts.compute import attention
from xstilts.compute.data import Batch
from xstilts.compute.model import Model
from xstilts.compute.state import AdamW
from xstilts.study.recipe import Recipe

Made = TypeVar("Made")

OVERHEAD = 64
"""What a training pass costs on a CPU besides its tokens, in tokens: the gradients of all weights are added
up, whatever a pass holds. On a GPU a batch is one pass as long as it fits."""

AHEAD = 4
"""Updates whose batches are collated ahead of a GPU."""

WAIT = 8
"""Updates of a GPU between two times that the host waits for it."""

FLASH_SINCE = (8, 0)
"""The oldest compute capability of a GPU for which torch has FlashAttention."""


@dataclass(frozen=True)
class Execution:
    """How a phase is computed: batches are collated `ahead` of the device by so many updates, and the host
    reads losses every `wait` updates. A pass costs `overhead` tokens besides its own, where that is stated.
    Sequences are `packed`, or `unpacked` says why not."""

    device: torch.device
    ahead: int = 0
    wait: int = 1
    overhead: int | None = OVERHEAD
    packed: bool = False
    unpacked: str = ""

    @classmethod
    def chosen(cls, model: Model, recipe: Recipe, processes: int) -> "Execution":
        """The fastest on this computer, where so many processes train a phase."""
        if not torch.cuda.is_available():
            return cls(torch.device("cpu"))
        why = attention.unpackable(model.encoder)
        if recipe.precision != "bf16":
            why = "FlashAttention computes in bf16 only"
        elif torch.cuda.get_device_capability() < FLASH_SINCE:
            why = "this GPU is too old for FlashAttention"
        elif not torch.backends.cuda.is_flash_attention_available():
            why = "this torch was built without FlashAttention"
        wait = WAIT if processes == 1 else 1  # several sum their losses at every update
        return cls(torch.device("cuda"), AHEAD, wait, None, not why, why)

    def prepared(self, batch: Batch) -> Batch:
        """A batch as the device takes it."""
        return (batch.packed() if self.packed else batch).ready_for(self.device)

    def __str__(self) -> str:
        packing = "packed, with FlashAttention" if self.packed else "padded"
        why = f" ({self.unpacked})" if self.unpacked else ""
        ahead = f"collated {self.ahead} updates ahead" if self.ahead else "collated when needed"
        wait = f"every {self.wait} updates" if self.wait > 1 else "at every update"
        return f"{self.device.type}: sequences {packing}{why}; batches {ahead}; losses read {wait}"


@contextlib.contextmanager
def ahead(make: Callable[[int], Made], numbers: Iterable[int], depth: int) -> Iterator[Iterator[Made]]:
    """What is made of each number, in their order, by a thread that is up to `depth` of them ahead.

    With depth 0 each is made when it is asked for. An error is raised where what it prevents would come. At
    the end of the block the thread finishes what it is at, and ends.
    """
    if depth == 0:
        yield map(make, numbers)
        return
    left = iter(numbers)
    with ThreadPoolExecutor(1, "collate") as thread:
        waiting = deque(thread.submit(make, number) for number in islice(left, depth))

        def finished() -> Iterator[Made]:
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(thread.submit(make, number) for number in islice(left, 1))
                yield made

        try:
            yield finished()
        finally:
            thread.shutdown(cancel_futures=True)


class Unread:
    """Losses and gradient norms of the last updates, which lie on the device until they are read together.

    Where they are not read at every update, the device skips an update with values that are not finite, and
    every later one: weights and moments stay as they were before it.
    """

    def __init__(self, optimizer: AdamW, wait: int) -> None:
        self.optimizer, self.wait = optimizer, wait
        self.values: list[torch.Tensor] = []
        self.tokens: list[tuple[int, int]] = []

    def add(self, values: torch.Tensor, tokens: tuple[int, int]) -> None:
        """Take in the values of an update before the optimizer's step, and the update's tokens."""
        self.values.append(values)
        self.tokens.append(tokens)
        if self.wait > 1:
            bad, known = (~torch.isfinite(values).all()).float(), self.optimizer.found_inf
            self.optimizer.found_inf = bad if known is None else torch.maximum(known, bad)

    def read(self, *, due: bool) -> list[tuple[list[float], tuple[int, int]]]:
        """Values and tokens of each update since the last time, with one wait for the device.

        Nothing while they are fewer than `wait`, unless they are due.
        """
        if len(self.values) < self.wait and not due:
            return []
        flat, counts = iter(torch.cat(self.values).tolist()), [len(values) for values in self.values]
        read = [([*islice(flat, count)], tokens) for count, tokens in zip(counts, self.tokens, strict=True)]
        self.values, self.tokens = [], []
        return read
