"""Which items each update sees: a pure function of seed and update."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from xstilts.runner.data import Encoded, generator, split
from xstilts.study.mixture import Mixture
from xstilts.study.recipe import Recipe

WINDOW = 64
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""

Batches = list[NDArray[np.int64]]


class Schedule(ABC):
    """Which items of which task each update sees.

    In every epoch each task's items are shuffled; windows of them are sorted by length and cut into batches,
    by count (`recipe.batch_size`) or by padded tokens (`recipe.batch_tokens`); every batch has one task.
    `total` is the number of updates.
    """

    def __init__(self, tasks: Sequence[Encoded], seed: int, recipe: Recipe) -> None:
        self.tasks, self.seed, self.recipe = tuple(tasks), seed, recipe
        self._starts: list[list[int]] = [[0] for _ in self.tasks]
        self._cached: dict[int, tuple[int, Batches]] = {}
        self.total = max(1, self._total())

    @classmethod
    def of(
        cls,
        tasks: Sequence[Encoded],
        seed: int,
        recipe: Recipe,
        mixture: Mixture | None = None,
        masked: Sequence[bool] = (),
    ) -> "Schedule":
        """The schedule of a phase; `masked` says which of its tasks are masked text."""
        if mixture is None:
            return Together(tasks, seed, recipe)
        return Mixed(tasks, seed, recipe, mixture, masked)

    @abstractmethod
    def at(self, update: int) -> tuple[int, NDArray[np.int64]]:
        """The task and the items of an update, 0 <= update < total."""

    @abstractmethod
    def _total(self) -> int:
        """The number of updates."""

    def _epoch(self, task: int, epoch: int) -> Batches:
        """The batches of a task in an epoch."""
        if self._cached.get(task, (-1, []))[0] != epoch:
            rng = generator("order", self.seed, epoch, task)
            self._cached[task] = (epoch, list(self._cut(self.tasks[task], rng)))
        return self._cached[task][1]

    def _start(self, task: int, epoch: int) -> int:
        """The number of batches of a task before an epoch."""
        starts = self._starts[task]
        while len(starts) <= epoch:
            starts.append(starts[-1] + len(self._epoch(task, len(starts) - 1)))
        return starts[epoch]

    def _cut(self, data: Encoded, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        order, recipe = rng.permutation(len(data)), self.recipe
        if recipe.batch_size is not None:
            window = WINDOW * recipe.batch_size
        else:
            assert recipe.batch_tokens is not None
            window = max(1, WINDOW * recipe.batch_tokens // max(1, int(data.cost.mean())))
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(data.cost[part], kind="stable")]
            if recipe.batch_size is not None:
                for at in range(0, len(part), recipe.batch_size):
                    yield part[at : at + recipe.batch_size]
            else:
                assert recipe.batch_tokens is not None
                yield from split(data, part, recipe.batch_tokens)


class Together(Schedule):
    """Every epoch sees all items of all tasks once: the batches of all tasks are shuffled together."""

    _shuffled: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def _total(self) -> int:
        if self.recipe.updates is not None:
            return self.recipe.updates
        assert self.recipe.epochs is not None
        whole = int(self.recipe.epochs)
        total = self._begin(whole)
        if self.recipe.epochs > whole:
            total += round((self.recipe.epochs - whole) * (self._begin(whole + 1) - total))
        return total

    def _begin(self, epoch: int) -> int:
        return sum(self._start(task, epoch) for task in range(len(self.tasks)))

    def at(self, update: int) -> tuple[int, NDArray[np.int64]]:
        """The task and the items of an update, 0 <= update < total."""
        epoch = 0
        while self._begin(epoch + 1) <= update:
            epoch += 1
        place = int(self._order(epoch)[update - self._begin(epoch)])
        for task in range(len(self.tasks)):
            batches = self._epoch(task, epoch)
            if place < len(batches):
                return task, batches[place]
            place -= len(batches)
        raise AssertionError("an update beyond the last")

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if self._shuffled[0] != epoch:
            batches = self._begin(epoch + 1) - self._begin(epoch)
            self._shuffled = (epoch, generator("batches", self.seed, epoch).permutation(batches))
        return self._shuffled[1]


class Mixed(Schedule):
    """Every task gets its share of the updates, exactly but for rounding, in random order.

    A task goes through its own epochs at its own pace: what is drawn more often is repeated more often. An
    epoch of the whole is as many batches as the labelled tasks have together, of each at most as many as
    `limit` items give; replay of masked text comes on top.
    """

    def __init__(
        self,
        tasks: Sequence[Encoded],
        seed: int,
        recipe: Recipe,
        mixture: Mixture,
        masked: Sequence[bool] = (),
    ) -> None:
        self.mixture = mixture
        self.masked = tuple(masked) or (False,) * len(tasks)
        super().__init__(tasks, seed, recipe)
        counts = apportion(self.shares(), self.total)
        self._drawn = np.repeat(np.arange(len(tasks)), counts)
        self._drawn = self._drawn[generator("mixture", seed).permutation(self.total)]
        self._rank = np.zeros(self.total, np.int64)
        for task in range(len(tasks)):
            here = self._drawn == task
            self._rank[here] = np.arange(int(here.sum()))

    def shares(self) -> NDArray[np.float64]:
        """The share of the updates that each task gets; they sum to 1."""
        sizes = np.array([len(data) for data in self.tasks], np.float64)
        masked, mixture = np.array(self.masked), self.mixture
        weights = np.where(masked, sizes, _weights(sizes, mixture))
        if mixture.rule == "shares":
            weights[~masked] = mixture.shares
        parts = np.where(masked, mixture.replay, 1 - mixture.replay) if masked.any() else 1.0
        groups = np.where(masked, weights[masked].sum(), weights[~masked].sum())
        return np.asarray(weights / groups * parts, np.float64)

    def at(self, update: int) -> tuple[int, NDArray[np.int64]]:
        """The task and the items of an update, 0 <= update < total."""
        task, rank, epoch = int(self._drawn[update]), int(self._rank[update]), 0
        while self._start(task, epoch + 1) <= rank:
            epoch += 1
        return task, self._epoch(task, epoch)[rank - self._start(task, epoch)]

    def _total(self) -> int:
        if self.recipe.updates is not None:
            return self.recipe.updates
        assert self.recipe.epochs is not None
        batches = 0.0
        for task, data in enumerate(self.tasks):
            if not self.masked[task]:
                limit = len(data) if self.mixture.limit is None else self.mixture.limit
                batches += self._start(task, 1) * min(1.0, limit / len(data))
        return round(self.recipe.epochs * batches / (1 - self.mixture.replay))


def _weights(sizes: NDArray[np.float64], mixture: Mixture) -> NDArray[np.float64]:
    match mixture.rule:
        case "limit":
            return np.minimum(sizes, mixture.limit or math.inf)
        case "temperature":
            return np.asarray(sizes ** (1 / (mixture.temperature or 1.0)), np.float64)
        case "uniform":
            return np.ones_like(sizes)
        case "size" | "shares":
            return sizes


def apportion(shares: Sequence[float] | NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion to shares that sum to 1, with that total: by largest remainder.

    >>> apportion([0.5, 0.3, 0.2], 7).tolist()
    [4, 2, 1]
    """
    wanted = np.asarray(shares, np.float64) * total
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    for place in np.argsort(counts - wanted, kind="stable")[: total - int(counts.sum())]:
        counts[place] += 1
    return counts
