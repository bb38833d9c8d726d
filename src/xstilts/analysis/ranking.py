"""Which arm to try first for each target: estimates without a training of the pair, and how good they were.

An estimate gives every arm a number for a target; the higher, the sooner the arm is tried. docs/ranking.md
says what each is. Nothing here runs a model: `wanted` says what has to be read (a `Probe`), and
`Ranking` takes what was read.

Axes: A arms, S seeds, T targets, R resamples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts.analysis import statistics
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.results import ARM, Results
from xstilts.data import loader
from xstilts.errors import StudyError
from xstilts.metrics import transferability
from xstilts.metrics.transferability import Array
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
CHANCE = "chance"
MEASURES = {"regret_at_1": 1, "regret_at_3": 3, "ndcg": 0}
"""With the arms that are tried; 0 where all are looked at."""

_ORDER = "study backbone target arm estimate kind"
ORDER: dict[str, pl.DataType] = dict.fromkeys(_ORDER.split(), pl.String()) | {
    "value": pl.Float64(),
    "place": pl.Int64(),
    "seeds": pl.Int64(),
}
"""Columns of the order. `value` is missing where an estimate says nothing, `place` of `none` as well."""
QUALITY: dict[str, pl.DataType] = (
    dict.fromkeys(("study", "backbone", "estimate", "kind", "measure"), pl.String())
    | dict.fromkeys(("value", "low", "high"), pl.Float64())
    | dict.fromkeys(("arms", "targets", "seeds"), pl.Int64())
)
"""Columns of how good each estimate was."""


Key = tuple[str, str, str, int]
"""Backbone, arm, target and seed."""


@dataclass(frozen=True)
class Pairing:
    """An arm and a target on a backbone, with a seed: what the target's training starts from."""

    backbone: str
    arm: str
    target: str
    seed: int
    model: Backbone | Phase
    evaluation: Evaluation

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.backbone, self.arm, self.target, self.seed

    @property
    def base(self) -> Backbone:
        """The backbone itself."""
        *_, base = chain(self.model)
        assert isinstance(base, Backbone)
        return base

    @property
    def uses(self) -> tuple[tuple[Use, Phase], ...]:
        """What the arm trains on, with the phase that does: its labelled tasks, or masked text alone."""
        phases = [phase for phase in chain(self.model) if isinstance(phase, Phase)]
        uses = [(use, phase) for phase in phases for use in phase.uses]
        return tuple([one for one in uses if one[0].family != "masked"] or uses)


@dataclass(frozen=True)
class Wanted:
    """The pairs of a plan and what has to be read for them; `missing` names arms that are not trained."""

    pairs: tuple[Pairing, ...]
    states: Mapping[Key, Probe]
    """Of what each pair starts from, on the target's rows."""
    tasks: Mapping[tuple[str, str], Probe]
    """Of the backbones, by fingerprint, on the rows of tasks, as `_key` names them."""
    texts: Mapping[Key, tuple[str, str]]
    """Which of these has the texts of a pair's target."""
    missing: tuple[str, ...]

    @property
    def probes(self) -> tuple[Probe, ...]:
        """All of them."""
        return (*self.tasks.values(), *self.states.values())


def wanted(plan: Plan, store: Store, rows: int = ROWS) -> Wanted:
    """What has to be read of a plan with what the store has: no phase is trained for it.

    Raises StudyError if there is nothing to rank for.
    """
    pairs = tuple(_pairs(plan))
    if not any(pair.uses for pair in pairs):
        what = "has no arm that trains something, before a target: nothing to rank."
        raise StudyError(plan.study.shown, what, "Name tasks in [intermediate.arms] and in [target].")
    there = {
        model.fingerprint: store.has_checkpoint(Step(model))
        if isinstance(model, Phase) or model.made
        else True
        for pair in pairs
        for model in (pair.model, pair.base)
    }
    states: dict[Key, Probe] = {}
    tasks: dict[tuple[str, str], Probe] = {}
    texts: dict[Key, tuple[str, str]] = {}
    for pair in pairs:
        trained, inference = pair.evaluation.trained_by, pair.evaluation.inference
        assert inference is not None
        if trained is not None and trained.family != "visual" and there[pair.model.fingerprint]:
            states[pair.key] = _probe("labels", pair.model, (trained, pair.seed, inference), rows)
        if not there[pair.base.fingerprint]:
            continue
        read: list[tuple[Use, int, Inference | Recipe]]
        read = [(use, phase.seed, phase.recipe) for use, phase in pair.uses]
        if (own := _texts(pair.evaluation, plan)) is not None:
            read.append((own, pair.seed, inference))
            texts[pair.key] = pair.base.fingerprint, _key(own)
        for part in read:
            key = pair.base.fingerprint, _key(part[0])
            if part[0].family != "visual" and key not in tasks:
                tasks[key] = _probe("task", pair.base, part, rows)
    left = [pair.arm for pair in pairs if not there[pair.model.fingerprint]]
    return Wanted(pairs, states, tasks, texts, tuple(dict.fromkeys(left)))


def _pairs(plan: Plan) -> Iterator[Pairing]:
    for cell in plan.cells:
        evaluation = plan.evaluation(cell)
        if cell.reference or evaluation.model is None:
            continue
        model = evaluation.model
        if evaluation.trained_by is not None:
            assert isinstance(model, Phase)
            model = model.parent
        yield Pairing(cell.backbone, cell.arm, cell.target, cell.seed, model, evaluation)


def _probe(
    asks: Literal["labels", "task"],
    model: Backbone | Phase,
    read: tuple[Use, int, Inference | Recipe],
    rows: int,
) -> Probe:
    """The probe of a model on rows of a use, drawn by a seed, in the lengths of a recipe."""
    use, seed, lengths = read
    return Probe(
        asks=asks,
        model=model,
        use=use.changed(development=None),
        rows=rows,
        seed=seed,
        max_length=lengths.max_length,
        stride=lengths.stride,
        attention=lengths.attention,
        threads=lengths.threads,
    )


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


def _key(use: Use) -> str:
    return use.changed(development=None).canonical


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
        found = {pair.arm: pair for pair in self.asked.pairs if pair.backbone == backbone and pair.uses}
        return tuple(sorted(found, key=lambda arm: -(self._size(found[arm]) or 0)))

    def targets(self, backbone: str) -> tuple[str, ...]:
        """In the order of the study."""
        return tuple(dict.fromkeys(pair.target for pair in self.asked.pairs if pair.backbone == backbone))

    def estimates(self, backbone: str, target: str, arms: Sequence[str]) -> dict[str, Array]:
        """Estimates and baselines of some arms on a target, [A, S]; not a number where one says nothing."""
        found = {
            name: np.array(
                [[self._estimate(name, pair) for pair in self._of(backbone, target, arm)] for arm in arms]
            )
            for name in (*STATES, *SIMILARITIES, *BASELINES[:2])
        }
        found[BASELINES[2]] = np.repeat(
            self._elsewhere(backbone, target, arms)[:, None], len(self._of(backbone, target, arms[0])), axis=1
        )
        found = {name: _filled(values) for name, values in found.items()}
        told = [found[name] for name in (*STATES, *SIMILARITIES) if np.isfinite(found[name]).all()]
        places = [_order(values.T).argsort(axis=-1).T for values in told]
        found[TOGETHER] = -np.mean(places, axis=0) - 1 if places else np.full_like(found["size"], np.nan)
        return found

    @cached_property
    def order(self) -> pl.DataFrame:
        """The arms of each target by each estimate. Columns as in ORDER."""
        rows: list[tuple[object, ...]] = []
        study = self.results.study
        for backbone in self.backbones:
            arms = self.arms(backbone)
            for target in self.targets(backbone):
                if not arms:
                    continue
                seeds = len(self._of(backbone, target, arms[0]))
                for name, values in self.estimates(backbone, target, arms).items():
                    means = values.mean(axis=1)
                    places = (_order(means).argsort() + 1).tolist()
                    whole = bool(np.isfinite(means).all())
                    for arm, value, place in zip(arms, means.tolist(), places, strict=True):
                        told = (value if np.isfinite(value) else None, place if whole else None)
                        rows.append((study, backbone, target, arm, name, _kind(name), *told, seeds))
                if bare := self._of(backbone, target, BASELINE):
                    for name in STATES:
                        values = np.array([self._estimate(name, pair) for pair in bare])
                        if np.isfinite(values).all():
                            own = (study, backbone, target, BASELINE, name, _kind(name))
                            rows.append((*own, float(values.mean()), None, len(bare)))
        return pl.DataFrame(rows, schema=ORDER, orient="row")

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
                    (scores, None if name == CHANCE else told[target][name])
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
        asked = pl.col("language").is_in(self.results.target(target).transfer)
        found = self._table.filter((pl.col("backbone") == backbone) & (pl.col("target") == target) & asked)
        means = found.group_by("arm", "seed").agg(
            value=pl.col("value").mean(), whole=pl.col("value").is_not_null().all()
        )
        known = {(arm, seed): value for arm, seed, value, whole in means.iter_rows() if whole}
        seeds = [pair.seed for pair in self._of(backbone, target, arms[0])]
        values = np.array([[known.get((arm, seed), np.nan) for seed in seeds] for arm in arms])
        return values if np.isfinite(values).all() else None

    @cached_property
    def _table(self) -> pl.DataFrame:
        return self.results.table.filter(pl.col("reference") == ARM)

    @cached_property
    def _grid(self) -> Mapping[tuple[str, str, str], list[Pairing]]:
        grid: dict[tuple[str, str, str], list[Pairing]] = {}
        for pair in self.asked.pairs:
            grid.setdefault((pair.backbone, pair.target, pair.arm), []).append(pair)
        return grid

    def _of(self, backbone: str, target: str, arm: str) -> list[Pairing]:
        return self._grid.get((backbone, target, arm), [])

    def _estimate(self, name: str, pair: Pairing) -> float:
        """An estimate of a pair; not a number where it says nothing."""
        value: float | None
        match name:
            case "size":
                value = self._size(pair)
            case "same_family":
                value = float(np.mean([use.family == pair.evaluation.use.family for use, _ in pair.uses]))
            case "text" | "fisher" | "vocabulary":
                value = self._similarity(name, pair)
            case _:
                probe = self.asked.states.get(pair.key)
                value = None if probe is None else self.read[probe.fingerprint].scores.get(name)
        return np.nan if value is None else value

    def _task(self, key: tuple[str, str] | None) -> Probed | None:
        probe = None if key is None else self.asked.tasks.get(key)
        return None if probe is None else self.read[probe.fingerprint]

    def _size(self, pair: Pairing) -> float | None:
        """The rows that the arm trains on; of what was not read, those that its specification names."""
        tasks = [(use, self._task((pair.base.fingerprint, _key(use)))) for use, _ in pair.uses]
        sizes = [use.examples if task is None else task.size for use, task in tasks]
        known = [size for size in sizes if size is not None]
        return float(sum(known)) if len(known) == len(sizes) else None

    def _similarity(self, name: str, pair: Pairing) -> float | None:
        """Of the arm's tasks to the target, on average; None if one of them says nothing."""
        target = self._task(self.asked.texts.get(pair.key))
        tasks = [self._task((pair.base.fingerprint, _key(use))) for use, _ in pair.uses]
        found = [_alike(name, task, target) for task in tasks]
        known = [value for value in found if value is not None]
        return float(np.mean(known)) if known and len(known) == len(found) else None

    def _elsewhere(self, backbone: str, target: str, arms: Sequence[str]) -> Array:
        """The mean score of each arm over all other targets that are measured whole, [A]."""
        others = [other for other in self.targets(backbone) if other != target]
        scores = [self.scores(backbone, other, arms) for other in others]
        known = [values.mean(axis=1) for values in scores if values is not None]
        return np.mean(known, axis=0) if known else np.full(len(arms), np.nan)


Interval = tuple[float, float | None, float | None]


def quality(judged: Sequence[tuple[Array, Array | None]]) -> dict[str, Interval]:
    """From scores and estimates [A, S] of each target the measures of an estimate, averaged over the targets.

    Without estimates those of chance. With an interval: targets and seeds are drawn again with replacement,
    each seed with what was measured and estimated with it; None in its place where there is one of each.
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
        ends = np.quantile(means, [(1 - statistics.LEVEL) / 2, (1 + statistics.LEVEL) / 2])
        low, high = (None, None) if len(judged) == 1 and seeds == 1 else (float(end) for end in ends)
        found[name] = (float(value.mean()), low, high)
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
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    counts = known.sum(axis=1, keepdims=True)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return np.where(known, values, means)


def _alike(name: str, task: Probed | None, target: Probed | None) -> float | None:
    """How alike two tasks are; None if one of them has nothing of the kind."""
    if task is None or target is None:
        return None
    if name == "vocabulary":
        return transferability.shared(task.vocabulary, target.vocabulary)
    one, other = np.array(getattr(task, name)), np.array(getattr(target, name))
    return transferability.cosine(one, other) if len(one) and len(other) else None


def _kind(name: str) -> str:
    return "estimate" if name in ESTIMATES else "baseline"
