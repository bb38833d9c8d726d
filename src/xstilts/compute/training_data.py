"""The data of a phase: what each update is computed of, and the development rows that it is scored on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xstilts import families, metrics
from xstilts.compute.context import Context
from xstilts.compute.data import Batch, Encoded, collate, generator
from xstilts.compute.device import Execution
from xstilts.compute.model import Model
from xstilts.compute.objective import Objective
from xstilts.compute.predict import masked_accuracy, objective, predict
from xstilts.compute.ranks import Ranks
from xstilts.compute.rows import Prepared, encode, has_nulls, head_name, prepare
from xstilts.compute.schedule import Schedule
from xstilts.errors import DataError
from xstilts.families.items import Layout
from xstilts.study.phase import Phase


@dataclass(frozen=True)
class Update:
    """What an update is computed of: micro-batches, of which the first `own` count, and their decisions."""

    task: str
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
            encoded, rows = encode(use, context, phase.seed, model, layouts[use.task])
            model.check_room(encoded)
            tasks.append(encoded)
            counts[use.task] += rows
        masked = [use.family == "masked" for use in phase.uses]
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
        if use.family == "masked" and self.hiding is not None:
            rng = generator("mask", self.phase.seed, update)
            data = self.hiding.hide(data, items, self.phase.recipe.mask_rate, rng)
            items = np.arange(len(items))
        own, idle = ranks.share(data, items, tokens, execution.padding)
        micro = [execution.prepared(collate(data, part, pad)) for part in (*own, *idle)]
        return Update(use.task, micro, len(own), max(1, data.decisions(items)))


def source_scores(model: Model, watch: Mapping[str, Prepared], phase: Phase) -> dict[str, dict[str, Any]]:
    """The score of every trained task on its own development data, beside chance (the majority answer)."""
    scores: dict[str, dict[str, Any]] = {}
    for use in phase.uses:
        if use.task not in watch:
            continue
        rows, precision = watch[use.task].examples, phase.recipe.precision
        head = head_name(use, phase.recipe.readout)
        if use.family == "masked":
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
            float(metric.value(metric.statistics(gold, answers, language).sum(axis=0)))
            for answers in (predicted, family.majority(rows, rows))
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
