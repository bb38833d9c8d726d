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
from xstilts.analysis.results import EvaluatedTarget, Line
from xstilts.analysis.wording import count
from xstilts.metrics.xtreme import XTREME
from xstilts.study.phase import Phase

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
        interval = "" if self.low is None or self.high is None else f" [{self.low:.1f}, {self.high:.1f}]"
        return f"{self.measured:.1f}{interval}"

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
    study = _MeasuredStudy(effects)
    own = {one.model for one in published.scores} & set(study.models.values())
    pairs: list[ComparedScore] = []
    lone: list[Lone] = []
    for scores in published.scores:
        if own and scores.model not in own:
            lone.append(Lone(_named(scores), "no backbone of the study is this model"))
            continue
        for backbone, model in study.models.items():
            if not own or model == scores.model:
                found = list(study.pairs(backbone, scores, scores.source or published.source))
                pairs += [one for one in found if isinstance(one, ComparedScore)]
                lone += [one for one in found if isinstance(one, Lone)]
    choices, unset = _choices(effects, published)
    compared = {(one.arm.partition(" ")[0], one.target) for one in pairs}
    lone += unset
    lone += [
        Lone(f"{line.arm} on {target}", "nothing published") for line, target in study.measured(compared)
    ]
    return Comparison(
        effects.results.study, published, tuple(pairs), tuple(choices), tuple(dict.fromkeys(lone))
    )


class _MeasuredStudy:
    """What a study has measured, as a comparison asks for it."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.results = effects.results
        self.models = _models(effects)

    def pairs(self, backbone: str, scores: PublishedScores, source: str) -> Iterator[ComparedScore | Lone]:
        """What stands beside the published scores on a backbone; what does not, with the reason."""
        target = next((one for one in self.results.targets if one.name == scores.target), None)
        line = self._line(backbone, scores)
        if target is None or line is None:
            yield Lone(
                _named(scores),
                "no such target in the study" if target is None else "no such arm in the study",
            )
            return
        if scores.metric not in (target.metric, *metrics.beside(target.metric)):
            yield Lone(_named(scores), f"the study measures {target.metric}")
            return
        for codes, shown, value in _asked(scores, target):
            if not codes:
                yield Lone(f"{_named(scores)}, {shown}", self._why(scores, target))
                continue
            found = self._measured(line, target, scores.metric, codes)
            if found is None:
                yield Lone(f"{_named(scores)}, {shown}", MISSING)
                continue
            arm = f"{BEST} ({line.arm})" if scores.arm == BEST else line.arm
            names = (scores.model, backbone, arm, target.name, shown, scores.metric)
            yield ComparedScore(*names, value, scores.status, source, *found)

    def measured(self, compared: set[tuple[str, str]]) -> Iterator[tuple[Line, str]]:
        """Arms on targets that are measured and were compared with nothing."""
        taken = {target for arm, target in compared if arm == BEST}
        for line in self.results.lines:
            for target in self.results.targets:
                done = self.results.score(line, target.name, target.languages) is not None
                known = (line.arm, target.name) in compared or target.name in taken
                if done and not line.reference and not known:
                    yield line, target.name

    def _line(self, backbone: str, scores: PublishedScores) -> Line | None:
        lines = [one for one in self.results.lines if one.backbone == backbone and not one.reference]
        if scores.arm == BEST:
            rated = [
                (rate, line) for line in lines if (rate := self._development(line, scores.target)) is not None
            ]
            return max(rated, key=lambda one: one[0])[1] if rated else None
        return next((line for line in lines if line.arm == scores.arm), None)

    def _development(self, line: Line, target: str) -> float | None:
        """The mean over seeds of the target's own development score; None without an intermediate task."""
        plan, store = self.results.plan, self.results.store
        cells = [
            cell
            for cell in plan.cells
            if (cell.backbone, cell.arm, cell.reference) == line and cell.target == target
        ]
        found = []
        for cell in cells:
            trained = plan.evaluation(cell).trained_by
            record = (store.record(cell.phases[-1]) if cell.phases else None) or {}
            if trained is None or len(cell.phases) < 2 or trained.task not in record.get("source_score", {}):
                return None
            found.append(float(record["source_score"][trained.task]["value"]))
        return float(np.mean(found)) if found else None

    def _measured(
        self, line: Line, target: EvaluatedTarget, metric: str, codes: tuple[str, ...]
    ) -> tuple[float, float | None, float | None] | None:
        if metric == target.metric:
            found = self.effects.estimate(Quantity("score", codes), line, target.name)
            return (found.value, found.low, found.high) if found is not None else None
        values = []
        for cell in self.results.plan.cells:
            if (cell.backbone, cell.arm, cell.reference) == line and cell.target == target.name:
                if cell in self.results.missing:
                    return None
                scores = self.results.store.scores(cell.evaluation)["languages"]
                values += [scores[code]["beside"][metric] for code in codes if code in scores]
        return (float(np.mean(values)), None, None) if values else None

    def _why(self, scores: PublishedScores, target: EvaluatedTarget) -> str:
        if scores.mean is None:
            return "the study does not evaluate this language"
        return f"the study evaluates {count(len(target.languages), 'language')}, not the same ones"


def _asked(scores: PublishedScores, target: EvaluatedTarget) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """(languages to measure, none if the study lacks them; how they are called; the published score)."""
    for code, value in scores.languages.items():
        yield (code,) if code in target.languages else (), code, value
    if scores.mean is None:
        return
    if scores.over == "xtreme":
        codes = XTREME[scores.target].languages
        measured = codes if set(codes) <= set(target.languages) else ()
        yield measured, f"mean of {len(codes)}", scores.mean
    else:
        same = len(target.languages) == scores.over
        yield target.languages if same else (), f"mean of {scores.over}", scores.mean


def _named(scores: PublishedScores) -> str:
    return f"{scores.model}, {scores.arm} on {scores.target}, {scores.metric}"


def _models(effects: Effects) -> dict[str, str]:
    """The backbones of the study with their names on the Hub, "" for folders and new ones."""
    found = methods.backbones(effects.results.plan)
    return {name: backbone.model or "" for name, backbone in found.items()}


def _choices(effects: Effects, published: Published) -> tuple[list[ComparedSetting], list[Lone]]:
    plan = effects.results.plan
    choices, lone = [], []
    for setting in published.settings:
        cells = [cell for cell in plan.cells if cell.target == setting.target and not cell.reference]
        if not cells:
            lone.append(Lone(f"settings of {setting.target}", "no such target in the study"))
            continue
        for name, value in setting.recipe.items():
            found = dict.fromkeys(_chosen(plan.evaluation(cell), name) for cell in cells)
            known = tuple(one for one in found if one is not None)
            choices.append(ComparedSetting(setting.target, name, value, setting.status, known))
    return choices, lone


def _chosen(evaluation: Any, name: str) -> float | str | None:
    """A hyperparameter of a target: of its training, or where nothing trains it, of its evaluation."""
    trained = evaluation.trained_by is not None and isinstance(evaluation.model, Phase)
    found: float | str | None = getattr(
        evaluation.model.recipe if trained else evaluation.inference, name, None
    )
    return found
