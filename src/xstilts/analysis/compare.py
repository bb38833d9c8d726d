"""Measured figures laid beside published ones: score by score, setting by setting.

A published score has a counterpart where the study has measured the same metric of the same arm on the same
target and language, or the mean over as many languages. If a backbone of the study is one of the published
models, scores of other models have none; otherwise every backbone is compared, and both are named.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from xstilts import metrics
from xstilts.analysis import methods
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.published import Published, PublishedScores
from xstilts.analysis.results import EvaluatedTarget, Line, Results
from xstilts.analysis.wording import count, with_interval
from xstilts.metrics.xtreme import XTREME
from xstilts.study.phase import Evaluation, Phase

BEST = "best"
MISSING = "not measured yet"


@dataclass(frozen=True)
class ComparedScore:
    """A published score and the measured one, in percent.

    `language` is a code, or "mean of 15". The interval covers 95 %; metrics that only stand beside the
    target's own have none. `within` says whether the published score lies in it.
    """

    model: str
    backbone: str
    arm: str
    target: str
    language: str
    metric: str
    published: float
    status: str
    source: str
    measured: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        return self.measured - self.published

    @property
    def shown(self) -> str:
        """The measured score with its interval."""
        return with_interval(self.measured, self.low, self.high, 1)

    @property
    def within(self) -> bool | None:
        if self.low is None or self.high is None:
            return None
        return self.low <= self.published <= self.high


@dataclass(frozen=True)
class ComparedSetting:
    """A published hyperparameter of a target, and the study's; several where its cells differ."""

    target: str
    setting: str
    published: float | str
    status: str
    study: tuple[float | str, ...]

    @property
    def same(self) -> bool:
        return self.study == (self.published,)


@dataclass(frozen=True)
class Lone:
    """Something published without a counterpart, or measured without one, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """All of it."""

    study: str
    published: Published
    pairs: tuple[ComparedScore, ...]
    choices: tuple[ComparedSetting, ...]
    without: tuple[Lone, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        about = {key: getattr(self.published, key) for key in ("title", "source", "split", "setting")}
        pairs = [asdict(one) | {"difference": one.difference, "within": one.within} for one in self.pairs]
        choices = [asdict(one) | {"same": one.same} for one in self.choices]
        lone = [asdict(one) for one in self.without]
        return {"study": self.study, **about, "scores": pairs, "settings": choices, "without": lone}


def compare(effects: Effects, published: Published) -> Comparison:
    """The results of a study beside published figures."""
    results, plan = effects.results, effects.results.plan
    models = {name: backbone.model or "" for name, backbone in methods.backbones(plan).items()}
    own = {scores.model for scores in published.scores} & set(models.values())
    found: list[ComparedScore | Lone] = []
    for scores in published.scores:
        if own and scores.model not in own:
            found.append(Lone(_named(scores), "no backbone of the study is this model"))
        for backbone, model in models.items():
            if not own or model == scores.model:
                found += _beside(effects, backbone, scores, scores.source or published.source)
    pairs = tuple(each for each in found if isinstance(each, ComparedScore))
    lone = [each for each in found if isinstance(each, Lone)]
    choices = []
    for setting in published.settings:
        cells = [cell for cell in plan.cells if cell.target == setting.target and not cell.reference]
        if not cells:
            lone.append(Lone(f"settings of {setting.target}", "no such target in the study"))
            continue
        for name, value in setting.recipe.items():
            chosen = dict.fromkeys(_chosen(plan.evaluation(cell), name) for cell in cells)
            known = tuple(each for each in chosen if each is not None)
            choices.append(ComparedSetting(setting.target, name, value, setting.status, known))
    compared = {(pair.arm.partition(" ")[0], pair.target) for pair in pairs}
    lone += [
        Lone(f"{line.arm} on {target.name}", "nothing published")
        for line in results.lines
        for target in results.targets
        if not line.reference and not {(line.arm, target.name), (BEST, target.name)} & compared
        if results.score(line, target.name, target.languages) is not None
    ]
    return Comparison(results.study, published, pairs, tuple(choices), tuple(dict.fromkeys(lone)))


def _beside(
    effects: Effects, backbone: str, scores: PublishedScores, source: str
) -> Iterator[ComparedScore | Lone]:
    """What stands beside published scores on a backbone; what does not, with the reason."""
    target = next((target for target in effects.results.targets if target.name == scores.target), None)
    line = _line(effects.results, backbone, scores)
    if target is None or line is None:
        yield Lone(_named(scores), f"no such {'target' if target is None else 'arm'} in the study")
        return
    if scores.metric not in (target.metric, *metrics.beside(target.metric)):
        yield Lone(_named(scores), f"the study measures {target.metric}")
        return
    for codes, shown, value in _asked(scores, target):
        found = _measured(effects, line, target, scores.metric, codes) if codes else None
        if found is not None:
            arm = f"{BEST} ({line.arm})" if scores.arm == BEST else line.arm
            names = (scores.model, backbone, arm, target.name, shown, scores.metric)
            yield ComparedScore(*names, value, scores.status, source, *found)
        elif codes:
            yield Lone(f"{_named(scores)}, {shown}", MISSING)
        elif scores.mean is None:
            yield Lone(f"{_named(scores)}, {shown}", "the study does not evaluate this language")
        else:
            other = f"the study evaluates {count(len(target.languages), 'language')}, not the same ones"
            yield Lone(f"{_named(scores)}, {shown}", other)


def _named(scores: PublishedScores) -> str:
    return f"{scores.model}, {scores.arm} on {scores.target}, {scores.metric}"


def _line(results: Results, backbone: str, scores: PublishedScores) -> Line | None:
    """The arm of the study that published scores are of."""
    lines = results.arms(backbone)
    if scores.arm != BEST:
        return next((line for line in lines if line.arm == scores.arm), None)
    rated = [(_development(results, line, scores.target), line) for line in lines]
    known = [(rate, line) for rate, line in rated if rate is not None]
    return max(known, key=lambda each: each[0])[1] if known else None


def _development(results: Results, line: Line, target: str) -> float | None:
    """The mean over seeds of the target's own development score; None without an intermediate task."""
    values = []
    for cell in results.cells(line, target):
        trained = results.plan.evaluation(cell).trained_by
        record = (results.store.record(cell.phases[-1]) if cell.phases else None) or {}
        if trained is None or len(cell.phases) < 2 or trained.task not in record.get("source_score", {}):
            return None
        values.append(float(record["source_score"][trained.task]["value"]))
    return float(np.mean(values)) if values else None


def _asked(scores: PublishedScores, target: EvaluatedTarget) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """(languages to measure, none if the study lacks them; how they are called; the published score)."""
    for code, value in scores.languages.items():
        yield (code,) if code in target.languages else (), code, value
    if scores.mean is not None and scores.over == "xtreme":
        codes = XTREME[scores.target].languages
        yield codes if set(codes) <= set(target.languages) else (), f"mean of {len(codes)}", scores.mean
    elif scores.mean is not None:
        same = len(target.languages) == scores.over
        yield target.languages if same else (), f"mean of {scores.over}", scores.mean


def _measured(
    effects: Effects, line: Line, target: EvaluatedTarget, metric: str, codes: tuple[str, ...]
) -> tuple[float, float | None, float | None] | None:
    """The mean over languages, with its interval if it is of the target's metric; None if any is missing."""
    if metric == target.metric:
        found = effects.estimate(Quantity("score", codes), line, target.name)
        return (found.value, found.low, found.high) if found is not None else None
    cells = effects.results.cells(line, target.name)
    if effects.results.missing & {*cells}:
        return None
    scores = [effects.results.store.scores(cell.evaluation)["languages"] for cell in cells]
    values = [of_cell[code]["beside"][metric] for of_cell in scores for code in codes if code in of_cell]
    return (float(np.mean(values)), None, None) if values else None


def _chosen(evaluation: Evaluation, name: str) -> float | str | None:
    """A hyperparameter of a target: of its training, or where nothing trains it, of its evaluation."""
    model, trained = evaluation.model, evaluation.trained_by is not None
    values = model.recipe if trained and isinstance(model, Phase) else evaluation.inference
    chosen: float | str | None = getattr(values, name, None)
    return chosen
