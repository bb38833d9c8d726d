"""Which items each update sees: a pure function of seed and update."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from xstilts.compute.data import Encoded, generator
from xstilts.study.recipe import Recipe
from xstilts.study.use import Mixture

WINDOW = 64
"""Batches that are sorted by length together, at the most: more would not reduce padding much further."""

Batches = list[NDArray[np.int64]]


class Schedule(ABC):
    """Which items of which task each update sees.

    In every epoch each task's items are shuffled and cut into batches, by count (`recipe.batch_size`) or by
    tokens (`recipe.batch_tokens`); every batch has one task. What is left for the last batch is therefore a
    random part of the items. The others exchange their items within windows of batches, so that items of
    similar length come together. A window has at most a quarter of all batches, and in an epoch of fewer
    than 112 batches less, down to one batch: the same items would meet again in every epoch. What padding
    that leaves, `data.passes` limits. `total` is the number of updates.
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
        """The batches of a task in an epoch, in random order."""
        if self._cached.get(task, (-1, []))[0] != epoch:
            rng = generator("order", self.seed, epoch, task)
            batches = list(self._cut(self.tasks[task], rng))
            self._cached[task] = (epoch, [batches[place] for place in rng.permutation(len(batches))])
        return self._cached[task][1]

    def _start(self, task: int, epoch: int) -> int:
        """The number of batches of a task before an epoch."""
        starts = self._starts[task]
        while len(starts) <= epoch:
            starts.append(starts[-1] + len(self._epoch(task, len(starts) - 1)))
        return starts[epoch]

    def _cut(self, data: Encoded, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """The batches of an epoch, by rising length within each window.

        Of a number of items what is left over stands last; of tokens every batch of a window has as many.
        """
        order = rng.permutation(len(data))
        starts = self._starts_of_batches(data.cost[order])
        size = self.recipe.batch_size
        full = len(starts) - 1 if size is None else len(order) // size
        windows = max(4, math.ceil(full / WINDOW), math.ceil(7 * WINDOW / max(1, full)))
        for window in np.array_split(np.arange(full), min(windows, full)) if full else ():
            part = order[starts[window[0]] : starts[window[-1] + 1]]
            part = part[np.argsort(data.cost[part], kind="stable")]
            yield from np.split(part, self._starts_of_batches(data.cost[part], even=True)[1:-1])
        if full < len(starts) - 1:
            yield order[starts[full] :]

    def _starts_of_batches(self, cost: NDArray[np.int64], *, even: bool = False) -> NDArray[np.int64]:
        """Where batches of items with these costs begin, and where the last one ends.

        By tokens, each batch takes as many as the budget allows, or one item that is too large alone; if
        `even`, the same number of batches with the smallest budget that gives no more.
        """
        if self.recipe.batch_size is not None:
            return np.append(np.arange(0, len(cost), self.recipe.batch_size), len(cost))
        assert self.recipe.batch_tokens is not None
        ends = np.cumsum(cost)

        def within(budget: int) -> list[int]:
            starts = [0]
            while starts[-1] < len(cost):
                before = int(ends[starts[-1] - 1]) if starts[-1] else 0
                end = int(np.searchsorted(ends, before + budget, side="right"))
                starts.append(max(end, starts[-1] + 1))
            return starts

        starts, low, high = within(self.recipe.batch_tokens), 0, self.recipe.batch_tokens
        while even and high - low > 1:
            middle = (low + high) // 2
            fewer = within(middle)
            if len(fewer) > len(starts):
                low = middle
            else:
                starts, high = fewer, middle
        return np.asarray(starts)


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
