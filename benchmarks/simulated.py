"""Studies of which everything is known: scores with a true value, on examples and seeds that are drawn.

A model answers an example rightly if a sum of normal variables exceeds zero: how easy the example is for all,
how easy in this language, for this arm, for this run; and the tilt of the run, which is the same for all
examples. So arms and languages agree as much as real ones do, and the true score is a value of the normal
distribution. Only the plan and the predictions are made up: `Results`, `Effects` and `judge` do the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from xstilts.analysis.pools import LanguageRows, Pool, pools
from xstilts.analysis.results import EvaluatedTarget, Line, PerExample, Results
from xstilts.analysis.statistics import Sample
from xstilts.study.claim import Claim
from xstilts.study.plan import Cell

Array = NDArray[np.float64]
Rng = np.random.Generator

EASE, TONGUE, HABIT, RUN = 0.7, 0.3, 0.4, 0.5
"""Parts of the standard deviation: of the example, in a language, of an arm, of a run."""
UNIT = float(np.sqrt(EASE**2 + TONGUE**2 + HABIT**2 + RUN**2))
WRONG = 0.6  # of the names that are not found, as many others are found
NAMES = np.array([1, 1, 2, 2, 3, 4])  # in a sentence
DENSITY = 0.3989  # of the normal distribution at its middle: a tilt of 0.1 moves a score by 4 points
RETRIEVAL = "retrieval"


@dataclass(frozen=True)
class Setting:
    """What a simulated study is like. Spreads are standard deviations, in points of an even score.

    spread: of the trainings on a target; for the last arm `restless`, for every other arm three times as much
    if they are `uneven`; each target has its own if `spreads` are given. chain: of the intermediate
    trainings, of which each seed has its own, or all seeds one (`once`). retrieval: whether the models after
    the intermediate training are asked without another one, as the last target. level: the score of `none`
    in the first language, in percent; lift and fall, in points of an even score, move the arms' true scores,
    and those of each next language. common: the share of its examples that a language has in common with
    another one, at other places; they are all the same, at the same places, if it is 1.
    """

    seeds: int
    examples: int
    spread: float = 0.0
    arms: int = 9
    targets: int = 1
    languages: tuple[str, ...] = ("x-a",)
    metric: str = "accuracy"
    lift: float = 0.0
    fall: float = 0.0
    uneven: bool = False
    restless: float | None = None
    spreads: tuple[float, ...] = ()
    chain: float = 0.0
    once: bool = False
    retrieval: bool = False
    level: float = 50.0
    common: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """The targets."""
        trained = tuple(f"t{number}" for number in range(len(self.spreads) or self.targets))
        return (*trained, RETRIEVAL) if self.retrieval else trained

    def spread_of(self, target: str) -> Array:
        """The spread of each arm's trainings on a target: [arms + 1]."""
        if target == RETRIEVAL:
            return np.zeros(self.arms + 1)
        base = self.spreads[self.names.index(target)] if self.spreads else self.spread
        found = base * np.where(np.arange(self.arms + 1) % 2, 1.0, 3.0 if self.uneven else 1.0)
        if self.restless is not None:
            found[-1] = self.restless
        return np.asarray(found, dtype=np.float64)

    @property
    def chains(self) -> Array:
        """The spread of each arm's intermediate trainings: [arms + 1]."""
        return np.asarray(self.chain * (np.arange(self.arms + 1) > 0), dtype=np.float64)

    @property
    def shift(self) -> Array:
        """The true shift [languages, arms + 1], in points of an even score."""
        lifts = np.where(np.arange(self.arms + 1) > 0, self.lift, 0.0)
        start = 100 * DENSITY * float(ndtri(self.level / 100))
        return np.asarray(start + lifts - self.fall * np.arange(len(self.languages))[:, None])


class Simulated(Results):
    """Results of a plan that nobody ran: `measured` are the predictions' statistics, by evaluation."""

    def __init__(
        self,
        setting: Setting,
        measured: Mapping[str, dict[str, PerExample]],
        rows: Mapping[str, Mapping[str, LanguageRows]],
        claims: Sequence[Claim] = (),
    ) -> None:
        study = SimpleNamespace(claims=tuple(claims), axes=())
        self.plan: Any = SimpleNamespace(study=study, cells=_cells(setting))
        self.study = "simulated"
        self._setting, self._measured, self._examples = setting, measured, rows

    @cached_property
    def missing(self) -> frozenset[Cell]:
        return frozenset()

    @cached_property
    def targets(self) -> tuple[EvaluatedTarget, ...]:
        setting = self._setting
        metric, codes = setting.metric, setting.languages
        return tuple(
            EvaluatedTarget(name, RETRIEVAL, metric, codes, "")
            if name == RETRIEVAL
            else EvaluatedTarget(name, "classification", metric, codes, codes[0])
            for name in setting.names
        )

    @cached_property
    def pools(self) -> dict[str, dict[str, Pool]]:
        return {target: pools(rows) for target, rows in self._examples.items()}

    def per_example(self, fingerprint: str, width: int) -> dict[str, PerExample]:
        return dict(self._measured[fingerprint])

    def certainty(self, fingerprint: str, family: str) -> None:
        """Nothing: what is simulated does not say how sure it is."""


def arm_name(number: int) -> str:
    """`none`, then `a1`, `a2`, ..."""
    return f"a{number}" if number else "none"


@lru_cache(maxsize=1)
def _cells(setting: Setting) -> tuple[Cell, ...]:
    """Those of a plan: each run has a phase for its intermediate training and one for its target."""
    cells = []
    for arm in map(arm_name, range(setting.arms + 1)):
        for seed in range(1, setting.seeds + 1):
            chain = () if arm == "none" else (f"{arm} {'once' if setting.once else seed}",)
            for target in setting.names:
                own = () if target == RETRIEVAL else (_run(arm, seed, target),)
                evaluation = own[0] if own else " ".join((*chain, RETRIEVAL))
                cells.append(Cell("simulated", arm, target, seed, "", evaluation, chain + own))
    return tuple(cells)


def _run(arm: str, seed: int, target: str) -> str:
    return f"{arm} {seed} {target}"


def simulate(rng: Rng, setting: Setting, claims: Sequence[Claim] = ()) -> Simulated:
    """The results of one simulated study."""
    measured: dict[str, dict[str, PerExample]] = {}
    rows: dict[str, dict[str, LanguageRows]] = {}
    chains = setting.chains[:, None] * rng.standard_normal((setting.arms + 1, setting.seeds))
    if setting.once:
        chains = np.repeat(chains[:, :1], setting.seeds, axis=1)
    for target in setting.names:
        units = _units(rng, setting)
        places = np.arange(setting.examples)
        rows[target] = {
            code: LanguageRows(
                [f"q{unit}" for unit in own] if setting.common < 1 else list(map(str, own)), places
            )
            for code, own in zip(setting.languages, units, strict=True)
        }
        tilts = setting.spread_of(target)[:, None] * rng.standard_normal(chains.shape) + chains
        numbers = _numbers(rng, setting, tilts, units)
        cells = [cell for cell in _cells(setting) if cell.target == target]
        for place, cell in enumerate(cells):
            arm, seed = divmod(place, setting.seeds)
            by_language = zip(setting.languages, numbers[:, arm, seed], strict=True)
            measured.setdefault(
                cell.evaluation,
                {code: PerExample(places, found) for code, found in by_language},
            )
    return Simulated(setting, measured, rows, claims)


def _units(rng: Rng, setting: Setting) -> NDArray[np.int64]:
    """Which of a target's examples each language has, in its order: [languages, examples]."""
    n = setting.examples
    if setting.common == 1:
        return np.tile(np.arange(n), (len(setting.languages), 1))
    return np.stack([rng.permutation(round(n / setting.common))[:n] for _ in setting.languages])


def _numbers(rng: Rng, setting: Setting, tilts: Array, units: NDArray[np.int64]) -> Array:
    """The metric's statistics [languages, arms, seeds, examples, k] on one target."""
    codes, (arms, seeds), n = len(setting.languages), tilts.shape, setting.examples
    ease = rng.standard_normal(int(units.max()) + 1)[units][:, None, None]
    right = EASE * ease + TONGUE * rng.standard_normal((codes, 1, 1, n))
    right = right + HABIT * rng.standard_normal((codes, arms, 1, n))
    right = right + UNIT * (setting.shift[..., None] + tilts)[..., None] / (100 * DENSITY)
    if setting.metric == "accuracy":
        right = right + RUN * rng.standard_normal((codes, arms, seeds, n))
        return np.stack([right > 0, np.ones_like(right)], axis=-1).astype(np.float64)
    names = rng.choice(NAMES, n)
    here = np.arange(NAMES.max()) < names[:, None]
    found = right[..., None] + RUN * rng.standard_normal((codes, arms, seeds, n, NAMES.max())) > 0
    others = rng.random(found.shape) < WRONG
    correct = (found & here).sum(axis=-1)
    predicted = correct + (~found & others & here).sum(axis=-1)
    return np.stack([correct, predicted, np.broadcast_to(names, correct.shape)], axis=-1).astype(np.float64)


def truth(setting: Setting, target: str) -> Array:
    """The true score [languages, arms + 1]: the mean over all examples and trainings there could be."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    tilts = np.hypot(setting.spread_of(target), setting.chains)[:, None] * nodes
    share = ndtr((setting.shift[..., None] + tilts) / (100 * DENSITY))
    if setting.metric == "span_f1":
        share = 2 * share / (share + WRONG * (1 - share) + 1)
    return np.asarray(100 * (share @ masses) / masses.sum())


def true_samples(setting: Setting) -> Simulated:
    """The truth as results without chance: what every quantity would be."""
    true = Simulated(setting, {}, {})
    true.__dict__["_samples"] = {
        (Line("simulated", arm_name(arm)), target, code): Sample(
            (1,), np.array([value]), np.full((1, 1), value)
        )
        for target in setting.names
        for code, values in zip(setting.languages, truth(setting, target), strict=True)
        for arm, value in enumerate(values)
    }
    return true
