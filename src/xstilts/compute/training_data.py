"""The data of a phase: which items each update sees, which is a pure function of seed and update, what it is
computed of, and the development rows that the phase is scored on.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts import families, metrics
from xstilts.compute.context import Context
from xstilts.compute.data import Batch, Encoded, apportion, collate, generator
from xstilts.compute.device import Execution
from xstilts.compute.distributed import Ranks
from xstilts.compute.model import Model
from xstilts.compute.objective import Objective
from xstilts.compute.predict import masked_accuracy, objective, predict
from xstilts.compute.rows import Prepared, Reader, has_nulls, head_name, prepare
from xstilts.errors import DataError
from xstilts.families.items import Layout
from xstilts.study.phase import Phase
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
        self.total = recipe.updates or max(1, self._of_epochs())

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
    def _of_epochs(self) -> int:
        """The number of updates of the recipe's epochs."""

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

    def _of_epochs(self) -> int:
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

    def _of_epochs(self) -> int:
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


@dataclass(frozen=True)
class Update:
    """What an update is computed of: a head, micro-batches, of which the first `own` count, and their
    decisions."""

    head: str
    micro: list[Batch]
    own: int
    decided: int

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the micro-batches that count, and the places that these have for tokens."""
        own = self.micro[: self.own]
        return sum(batch.real_tokens for batch in own), sum(batch.padded_tokens for batch in own)


@dataclass(frozen=True)
class Data:
    """The encoded rows of the tasks of a phase, how many these are, which items each update sees, how masked
    text is hidden, and the development data of the trained tasks that have some."""

    phase: Phase
    tasks: list[Encoded]
    counts: Mapping[str, int]
    schedule: Schedule
    hiding: Objective | None
    watch: Mapping[str, Prepared]

    @classmethod
    def of(cls, phase: Phase, context: Context, model: Model, layouts: Mapping[str, Layout]) -> "Data":
        """Encode the data of a phase. Raises DataError if the recipe selects by development rows and there
        are none, BackboneError if a text is too long for the model."""
        tasks, counts = [], dict.fromkeys((use.task for use in phase.uses), 0)
        for use in phase.uses:
            encoded, rows = Reader(context, model, layouts[use.task]).trained(use, phase.seed)
            model.check_room(encoded)
            tasks.append(encoded)
            counts[use.task] += rows
        masked = [not use.kind.labelled for use in phase.uses]
        schedule = Schedule.of(tasks, phase.seed, phase.recipe, phase.mixture, masked)
        hiding = objective(model) if any(masked) else None
        return cls(phase, tasks, counts, schedule, hiding, _development(phase, context, model, layouts))

    @property
    def every(self) -> list[Encoded]:
        """All that the model reads: rows that it is trained on, and development data."""
        return [*self.tasks, *(prepared.encoded for prepared in self.watch.values())]

    def update(self, update: int, ranks: Ranks, execution: Execution, tokens: int, pad: int) -> Update:
        """What an update is computed of in one of the processes, with micro-batches of at most `tokens`."""
        number, items = self.schedule.at(update)
        data, use = self.tasks[number], self.phase.uses[number]
        if not use.kind.labelled and self.hiding is not None:
            rng = generator("mask", self.phase.seed, update)
            data = self.hiding.hide(data, items, self.phase.recipe.mask_rate, rng)
            items = np.arange(len(items))
        own, idle = ranks.share(data, items, tokens, execution.overhead)
        micro = [execution.prepared(collate(data, part, pad)) for part in (*own, *idle)]
        return Update(
            head_name(use, self.phase.recipe.readout), micro, len(own), max(1, data.decisions(items))
        )


def source_scores(model: Model, watch: Mapping[str, Prepared], phase: Phase) -> dict[str, dict[str, Any]]:
    """The score of every trained task on its own development data, beside chance (the majority answer)."""
    scores: dict[str, dict[str, Any]] = {}
    for use in phase.uses:
        if use.task not in watch:
            continue
        rows, precision = watch[use.task].examples, phase.recipe.precision
        head = head_name(use, phase.recipe.readout)
        if not use.kind.labelled:
            value, chance = masked_accuracy(model, head, watch[use.task], phase.recipe.mask_rate, precision)
            scores[use.task] = {"metric": "masked_accuracy", "value": value, "chance": chance, "n": len(rows)}
            continue
        assert use.development is not None
        family, metric = families.find(use.family), watch[use.task].metric
        assert metric is not None, "what has labels has a metric"
        language = use.development.language
        gold = [family.gold(row) for row in rows]
        predicted = predict(model, head, watch[use.task], precision)
        value, chance = (
            metric.score(gold, answers, language) for answers in (predicted, family.majority(rows, rows))
        )
        scores[use.task] = {"metric": metric.name, "value": value, "chance": chance, "n": len(rows)}
    return scores


def mean_score(model: Model, watch: Mapping[str, Prepared], phase: Phase) -> float:
    """Over the labelled tasks; over masked text where there is nothing else."""
    labelled = {name: prepared for name, prepared in watch.items() if prepared.family != "masked"}
    scores = source_scores(model, labelled or watch, phase)
    return float(sum(score["value"] for score in scores.values()) / max(1, len(scores)))


def _development(
    phase: Phase, context: Context, model: Model, layouts: Mapping[str, Layout]
) -> dict[str, Prepared]:
    """The source language's development data of every trained task that has some."""
    found = {}
    for use in phase.uses:
        rows, most = context.development(use), phase.recipe.development_examples
        if len(rows) > most:
            drawn = generator("development", phase.seed, use.task).permutation(len(rows))[:most]
            taken = sorted(drawn) if phase.recipe.development_rows == "drawn" else range(most)
            rows = [rows[row] for row in taken]
        if rows:
            task = context.places.task(use.task)
            metric = metrics.of(task) if task.metric else None
            layout = replace(layouts[use.task], nulls=has_nulls(task.metric))
            album = context.album(use, model.preparation)
            found[use.task] = prepare(rows, use.family, model.tokenizer, layout, metric, album)
    if not found and (phase.recipe.select == "best" or phase.recipe.patience is not None):
        what = "no trained task has development rows in its source language."
        raise DataError(phase.name, what, 'Leave `select = "best"` and `patience` out of the recipe.')
    return found
