"""Which arm to try first for each target: estimates without a training of the pair, and how good they were.

An estimate gives every arm a number for a target; the higher, the sooner the arm is tried. docs/ranking.md
says what each is. Nothing here runs a model: `wanted` says what has to be read (a `Probe`), and
`Ranking` takes what was read.

Axes: A arms, S seeds, T targets, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts.analysis import statistics
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.results import ARM, Results, columns
from xstilts.data import loader
from xstilts.errors import StudyError
from xstilts.metrics import transferability
from xstilts.metrics.transferability import Array
from xstilts.plain import by_key
from xstilts.store import Store
from xstilts.store.probes import Probed
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Inference, Phase, Probe, chain
from xstilts.study.plan import Plan
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.use import Use

ROWS = 500
"""Rows of a task that are read at most."""

STATES = ("logme", "logme_first", "h_score", "h_score_first")
SIMILARITIES = ("text", "fisher", "vocabulary")
TOGETHER = "mean_place"
ESTIMATES = (*STATES, *SIMILARITIES, TOGETHER)
BASELINES = ("size", "same_family", "elsewhere")
SHOWN = (TOGETHER, *ESTIMATES[:-1], *BASELINES)
"""What orders the arms, as it is shown: all estimates together first, baselines last."""
CHANCE = "chance"
MEASURES = {"regret_at_1": 1, "regret_at_3": 3, "ndcg": 0}
"""With the arms that are tried; 0 where all are looked at."""

ORDER = columns(
    "study backbone target arm estimate kind value place seeds", estimate=pl.String(), place=pl.Int64()
)
"""Columns of the order. `value` is missing where an estimate says nothing, `place` of `none` as well."""
QUALITY = columns(
    "study backbone estimate kind measure value low high arms targets seeds",
    estimate=pl.String(),
    arms=pl.Int64(),
    targets=pl.Int64(),
)
"""Columns of how good each estimate was."""


Asks = Literal["labels", "task"]


@dataclass(frozen=True)
class Pairing:
    """An arm and a target on a backbone, with a seed, and what a model reads to tell how they fit.

    `uses` are what the arm trains on: its labelled tasks, or masked text alone; each with the probe of the
    backbone on its rows. `text` is that on the target's rows, and `states` asks what the target's training
    starts from. A probe is None where the store lacks the model, or there is nothing to read.
    """

    backbone: str
    arm: str
    target: str
    seed: int
    family: str
    uses: tuple[tuple[Use, Probe | None], ...]
    text: Probe | None
    states: Probe | None


@dataclass(frozen=True)
class Wanted:
    """The pairs of a plan, and the probes of `tasks` and `states`; `missing` names arms not trained yet."""

    pairs: tuple[Pairing, ...]
    tasks: tuple[Probe, ...]
    missing: tuple[str, ...]

    @property
    def states(self) -> tuple[Probe, ...]:
        """Of what the pairs start from."""
        return tuple(pair.states for pair in self.pairs if pair.states is not None)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """All that has to be read."""
        return (*self.tasks, *self.states)


def wanted(plan: Plan, store: Store, rows: int = ROWS) -> Wanted:
    """What has to be read of a plan with what the store has: no phase is trained for it.

    Raises StudyError if there is nothing to rank for.
    """
    tasks: dict[tuple[str, str], Probe] = {}

    def is_there(model: Backbone | Phase) -> bool:
        needs_step = isinstance(model, Phase) or model.made
        return store.has_checkpoint(Step(model)) if needs_step else True

    def probe(model: Backbone | Phase, use: Use, seed: int, lengths: Inference | Recipe, asks: Asks) -> Probe:
        own = use.changed(development=None)
        same = {name: getattr(lengths, name) for name in ("max_length", "stride", "attention", "threads")}
        return Probe(asks=asks, model=model, use=own, rows=rows, seed=seed, **same)

    def task(base: Backbone, use: Use | None, seed: int, lengths: Inference | Recipe) -> Probe | None:
        """The probe of a backbone on rows of a task: one for all pairs, as the first asks for it."""
        if use is None or use.family == "visual" or not is_there(base):
            return None
        key = base.fingerprint, use.changed(development=None).canonical
        if key not in tasks:
            tasks[key] = probe(base, use, seed, lengths, "task")
        return tasks[key]

    pairs, missing = [], []
    for cell in plan.cells:
        evaluation = plan.evaluation(cell)
        start, trained, inference = evaluation.model, evaluation.trained_by, evaluation.inference
        if cell.reference or start is None:
            continue
        if trained is not None:
            assert isinstance(start, Phase)
            start = start.parent
        *_, base = chain(start)
        assert isinstance(base, Backbone) and inference is not None
        every = [(use, phase) for phase in chain(start) if isinstance(phase, Phase) for use in phase.uses]
        labelled = [(use, phase) for use, phase in every if use.family != "masked"]
        uses = [(use, task(base, use, phase.seed, phase.recipe)) for use, phase in labelled or every]
        text = task(base, _texts(evaluation, plan), cell.seed, inference)
        states = None
        if not is_there(start):
            missing.append(cell.arm)
        elif trained is not None and trained.family != "visual":
            states = probe(start, trained, cell.seed, inference, "labels")
        of_cell = cell.backbone, cell.arm, cell.target, cell.seed
        pairs.append(Pairing(*of_cell, evaluation.use.family, tuple(uses), text, states))
    if not any(pair.uses for pair in pairs):
        what = "has no arm that trains something, before a target: nothing to rank."
        raise StudyError(plan.study.shown, what, "Name tasks in [intermediate.arms] and in [target].")
    return Wanted(tuple(pairs), tuple(tasks.values()), tuple(dict.fromkeys(missing)))


def _texts(evaluation: Evaluation, plan: Plan) -> Use | None:
    """The source language's rows of a target: training rows; of what is not trained the development rows,
    so that no test row is looked at. None if it has neither."""
    if evaluation.trained_by is not None or evaluation.use.family != "retrieval":
        return evaluation.trained_by
    task = plan.places.task(evaluation.use.task)
    split = task.development_split
    known = loader.available(task, split, plan.places.data)
    code = next((code for code in evaluation.use.languages if code in known), None)
    if code is None:
        return None
    data = loader.identity(task, split, code, plan.places.data)
    return evaluation.use.changed(split=split, languages=(code,), data=(data,))


@dataclass(frozen=True)
class Ranking:
    """The arms in the order in which they should be tried, and how good the orders were where cells are
    measured. `order` and `quality` are the tables; `tokens` and `seconds` what the reading took in all."""

    results: Results
    asked: Wanted
    read: Mapping[str, Probed]
    training: int | None = None
    """Tokens of all trainings of the arms and pairs, as far as they are known; None if they are not."""

    @property
    def tokens(self) -> int:
        """Tokens of all forward passes, also of those that were read before."""
        return sum(probed.tokens for probed in self.read.values())

    @property
    def seconds(self) -> float:
        """What they took when they were made."""
        return sum(probed.seconds for probed in self.read.values())

    @cached_property
    def backbones(self) -> tuple[str, ...]:
        """In the order of the study."""
        return tuple(dict.fromkeys(pair.backbone for pair in self.asked.pairs))

    def arms(self, backbone: str) -> tuple[str, ...]:
        """The arms that train something, the largest first, so that a stable sort breaks ties by size."""
        pairs = [pair for pair in self.asked.pairs if pair.backbone == backbone and pair.uses]
        sizes = {pair.arm: np.nan_to_num(self._estimate("size", pair)) for pair in pairs}
        return tuple(sorted(sizes, key=lambda arm: -sizes[arm]))

    def targets(self, backbone: str) -> tuple[str, ...]:
        """In the order of the study."""
        return tuple(dict.fromkeys(pair.target for pair in self.asked.pairs if pair.backbone == backbone))

    def estimates(self, backbone: str, target: str, arms: Sequence[str]) -> dict[str, Array]:
        """Estimates and baselines of some arms on a target, [A, S]; not a number where one says nothing."""
        pairs = [self._of(backbone, target, arm) for arm in arms]
        found = {
            name: np.array([[self._estimate(name, pair) for pair in own] for own in pairs])
            for name in (*STATES, *SIMILARITIES, *BASELINES[:2])
        }
        others = [other for other in self.targets(backbone) if other != target]
        scores = [self.scores(backbone, other, arms) for other in others]
        known = [values.mean(axis=1) for values in scores if values is not None]
        elsewhere = np.mean(known, axis=0) if known else np.full(len(arms), np.nan)
        found[BASELINES[2]] = np.repeat(elsewhere[:, None], len(pairs[0]), axis=1)
        found = {name: _filled(values) for name, values in found.items()}
        told = [found[name] for name in (*STATES, *SIMILARITIES) if np.isfinite(found[name]).all()]
        places = [_order(values.T).argsort(axis=-1).T for values in told]
        found[TOGETHER] = -np.mean(places, axis=0) - 1 if places else np.full_like(found["size"], np.nan)
        return found

    @cached_property
    def order(self) -> pl.DataFrame:
        """The arms of each target by each estimate. Columns as in ORDER."""
        rows: list[tuple[object, ...]] = []
        for backbone, target in dict.fromkeys((pair.backbone, pair.target) for pair in self.asked.pairs):
            where, arms = (self.results.study, backbone, target), self.arms(backbone)
            for name, values in self.estimates(backbone, target, arms).items() if arms else ():
                means = values.mean(axis=1)
                places = _order(means).argsort() + 1
                is_whole = np.isfinite(means).all()
                for arm, value, place in zip(arms, means.tolist(), places.tolist(), strict=True):
                    found = value, place if is_whole else None, values.shape[1]
                    rows.append((*where, arm, name, _kind(name), *found))
            bare = self._of(backbone, target, BASELINE)
            for name in STATES if arms and bare else ():
                value = float(np.mean([self._estimate(name, pair) for pair in bare]))
                if np.isfinite(value):
                    rows.append((*where, BASELINE, name, _kind(name), value, None, len(bare)))
        return pl.DataFrame(rows, schema=ORDER, orient="row").fill_nan(None)

    @cached_property
    def quality(self) -> pl.DataFrame:
        """What following each estimate would have cost, where cells are measured. Columns as in QUALITY."""
        rows: list[tuple[object, ...]] = []
        for backbone in self.backbones:
            arms = self.arms(backbone)
            if len(arms) < 2:
                continue
            measured = {target: self.scores(backbone, target, arms) for target in self.targets(backbone)}
            there = {target: scores for target, scores in measured.items() if scores is not None}
            told = {target: self.estimates(backbone, target, arms) for target in there}
            for name in (*ESTIMATES, *BASELINES, CHANCE):
                judged = [
                    (scores, told[target].get(name))
                    for target, scores in there.items()
                    if name == CHANCE or np.isfinite(told[target][name]).all()
                ]
                for measure, numbers in (quality(judged) if judged else {}).items():
                    shape = len(arms), len(judged), judged[0][0].shape[1]
                    row = (self.results.study, backbone, name, _kind(name), measure)
                    rows.append((*row, *numbers, *shape))
        return pl.DataFrame(rows, schema=QUALITY, orient="row")

    def scores(self, backbone: str, target: str, arms: Sequence[str]) -> Array | None:
        """The mean score of some arms over the languages without labels, [A, S]; None if any is missing."""
        found = self.results.table.filter(backbone=backbone, target=target, reference=ARM)
        found = found.filter(pl.col("language").is_in(self.results.target(target).transfer))
        means = found.group_by("arm", "seed").agg(pl.mean("value"), missing=pl.col("value").null_count())
        known = {(arm, seed): value for arm, seed, value, missing in means.iter_rows() if not missing}
        seeds = [pair.seed for pair in self._of(backbone, target, arms[0])]
        values = np.array([[known.get((arm, seed), np.nan) for seed in seeds] for arm in arms])
        return values if np.isfinite(values).all() else None

    @cached_property
    def _grid(self) -> Mapping[tuple[str, str, str], list[Pairing]]:
        return by_key(((pair.backbone, pair.target, pair.arm), pair) for pair in self.asked.pairs)

    def _of(self, backbone: str, target: str, arm: str) -> list[Pairing]:
        return self._grid.get((backbone, target, arm), [])

    def _estimate(self, name: str, pair: Pairing) -> float:
        """An estimate of a pair; not a number where it says nothing."""
        tasks = [(use, self._probed(probe)) for use, probe in pair.uses]
        match name:
            case "size":  # of what was not read, the rows that its specification names
                sizes = [use.examples if task is None else task.size for use, task in tasks]
                return float(sum(np.nan if size is None else size for size in sizes))
            case "same_family":
                return float(np.mean([use.family == pair.family for use, _ in tasks]))
            case "text" | "fisher" | "vocabulary":
                target = self._probed(pair.text)
                return float(np.mean([_alike(name, task, target) for _, task in tasks]))
            case _:
                states = self._probed(pair.states)
                return np.nan if states is None else states.scores.get(name, np.nan)

    def _probed(self, probe: Probe | None) -> Probed | None:
        """What a probe has read; None if nothing was to be read."""
        return None if probe is None else self.read.get(probe.fingerprint)


Interval = tuple[float, float | None, float | None]


def quality(judged: Sequence[tuple[Array, Array | None]]) -> dict[str, Interval]:
    """From scores and estimates [A, S] of each target the measures of an estimate, averaged over the targets.

    Without estimates those of chance. With an interval: targets and seeds are drawn again with replacement,
    each seed with what was measured and estimated with it; None in its place where no draw differs.
    Regret is left out where as many arms would be tried as there are.
    """
    arms, seeds = judged[0][0].shape
    observed = np.ones((1, seeds)) / seeds
    drawn = statistics.multiplicities("ranking seeds", seeds).astype(np.float64) / seeds
    weights = statistics.multiplicities("ranking targets", len(judged)).astype(np.float64) / len(judged)
    found = {}
    for name, k in MEASURES.items():
        if k >= arms:
            continue
        value, resampled = (
            np.array([_measure(scores, told, of_seeds, k) for scores, told in judged])
            for of_seeds in (observed, drawn)
        )
        means = (weights * resampled.T).sum(axis=1)
        ends = (None, None) if np.ptp(means) <= statistics.LEAST else statistics.percentiles(means)
        found[name] = (float(value.mean()), *ends)
    return found


def _measure(scores: Array, told: Array | None, of_seeds: Array, k: int) -> Array:
    """Regret at k, or NDCG with k = 0, with each weighting of the seeds, [R]."""
    means = of_seeds @ scores.T
    low, high = means.min(axis=1, keepdims=True), means.max(axis=1, keepdims=True)
    gains = np.divide(means - low, high - low, out=np.zeros_like(means), where=high > low)
    if told is None:
        return transferability.expected_regret(means, k) if k else transferability.expected_ndcg(gains)
    order = _order(of_seeds @ told.T)
    return transferability.regret(means, order, k) if k else transferability.ndcg(gains, order)


def _order(values: Array) -> NDArray[np.int64]:
    """The arms by falling value, along the last axis; of equal ones the first first, what is none last."""
    return np.argsort(np.where(np.isfinite(values), -np.round(values, 12), np.inf), axis=-1, kind="stable")


def _filled(values: Array) -> Array:
    """Values [A, S] with the mean of an arm's known seeds in place of those that are missing."""
    known = np.ma.masked_invalid(values)
    return np.where(known.mask, known.mean(axis=1, keepdims=True).filled(np.nan), values)


def _alike(name: str, task: Probed | None, target: Probed | None) -> float:
    """How alike two tasks are; not a number if one of them has nothing of the kind."""
    if task is None or target is None:
        return np.nan
    if name == "vocabulary":
        return transferability.shared(task.vocabulary, target.vocabulary)
    one, other = np.array(getattr(task, name)), np.array(getattr(target, name))
    return transferability.cosine(one, other) if len(one) and len(other) else np.nan


def _kind(name: str) -> str:
    return "estimate" if name in ESTIMATES else "baseline"
