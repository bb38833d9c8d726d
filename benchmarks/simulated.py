"""Studies of which everything is known: scores with a true value, on examples and seeds that are drawn.

A model answers an example rightly if a sum of normal variables exceeds zero: how easy the example is for all,
how easy in this language, for this arm, for this run; and the tilt of the seed, which is the same for all
examples. So arms and languages agree as much as real ones do, and the true score is a value of the normal
distribution. The samples go through the same code as a report's: `Results`, `Effects`, `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from xstilts import metrics
from xstilts.report import statistics
from xstilts.report.results import Line, Results, Target
from xstilts.report.statistics import Sample
from xstilts.study.claim import Claim

Array = NDArray[np.float64]
Rng = np.random.Generator

EASE, TONGUE, HABIT, RUN = 0.7, 0.3, 0.4, 0.5
"""Parts of the standard deviation: of the example, in a language, of an arm, of a run."""
UNIT = float(np.sqrt(EASE**2 + TONGUE**2 + HABIT**2 + RUN**2))
WRONG = 0.6  # of the names that are not found, as many others are found
NAMES = np.array([1, 1, 2, 2, 3, 4])  # in a sentence
DENSITY = 0.3989  # of the normal distribution at its middle: a tilt of 0.1 moves a score by 4 points


@dataclass(frozen=True)
class Setting:
    """What a simulated study is like. `spread` is the seeds' standard deviation, in points of an even score.

    `lift` moves the arms' true scores, `fall` those of each next language, in the same points; `uneven`
    makes the spread of every other arm three times that of the rest.
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


@cache
def weights(examples: int) -> Array:
    """How often each example occurs in each resample: the same for all simulated test sets of this size."""
    return statistics.multiplicities("simulated", examples)


class Simulated(Results):
    """Results that no store has; `claims` are those of the study."""

    def __init__(
        self, samples: Mapping[tuple[Line, str, str], Sample], setting: Setting, claims: Sequence[Claim] = ()
    ) -> None:
        study = SimpleNamespace(claims=tuple(claims), axes=())
        self.plan: Any = SimpleNamespace(study=study, cells=())
        self.study = "simulated"
        values: dict[str, Any] = {
            "lines": tuple(dict.fromkeys(line for line, _, _ in samples)),
            "targets": tuple(
                Target(name, "classification", setting.metric, setting.languages, setting.languages[0])
                for name in dict.fromkeys(target for _, target, _ in samples)
            ),
            "_samples": samples,
        }
        self.__dict__.update(values)


def arm_name(number: int) -> str:
    """`none`, then `a1`, `a2`, ..."""
    return f"a{number}" if number else "none"


def simulate(rng: Rng, setting: Setting, claims: Sequence[Claim] = ()) -> Simulated:
    """The results of one simulated study."""
    samples = {}
    for target in range(setting.targets):
        for language, numbers in zip(setting.languages, _numbers(rng, setting), strict=True):
            arms, seeds, n, k = numbers.shape
            value = metrics.find(setting.metric).value
            draws = statistics.resample(numbers.reshape(arms * seeds, n, k), value, weights(n))
            for arm in range(arms):
                here = draws[:, arm * seeds : (arm + 1) * seeds]
                sample = Sample(tuple(range(1, seeds + 1)), value(numbers[arm].sum(axis=1)), here)
                samples[Line("simulated", arm_name(arm)), f"t{target}", language] = sample
    return Simulated(samples, setting, claims)


def _numbers(rng: Rng, setting: Setting) -> Array:
    """The metric's statistics [languages, arms, seeds, examples, k] on one target."""
    codes, arms, seeds, n = len(setting.languages), setting.arms + 1, setting.seeds, setting.examples
    right = EASE * rng.standard_normal(n) + TONGUE * rng.standard_normal((codes, 1, 1, n))
    right = right + HABIT * rng.standard_normal((codes, arms, 1, n)) + _moved(rng, setting)
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


def _moved(rng: Rng, setting: Setting) -> Array:
    """What moves all examples of a run: true differences, and the tilt of its seed in all languages alike."""
    spread = setting.spread * np.where(np.arange(setting.arms + 1) % 2, 1, 3 if setting.uneven else 1)
    tilt = spread[:, None] * rng.standard_normal((setting.arms + 1, setting.seeds))
    moved = _shift(setting)[..., None] + tilt
    return np.asarray(UNIT * moved[..., None] / (100 * DENSITY))


def _shift(setting: Setting) -> Array:
    """The true shift [languages, arms], in points of an even score."""
    lifts = np.where(np.arange(setting.arms + 1) > 0, setting.lift, 0.0)
    falls = setting.fall * np.arange(len(setting.languages))
    return np.asarray(lifts - falls[:, None])


def truth(setting: Setting) -> Array:
    """The true score [languages, arms]: the mean over all examples and seeds there could be."""
    spread = setting.spread * np.where(np.arange(setting.arms + 1) % 2, 1, 3 if setting.uneven else 1)
    nodes, masses = np.polynomial.hermite_e.hermegauss(40)
    tilts = spread[:, None] * nodes
    share = ndtr((_shift(setting)[..., None] + tilts) / (100 * DENSITY))
    if setting.metric == "span_f1":
        share = 2 * share / (share + WRONG * (1 - share) + 1)
    return np.asarray(100 * (share @ masses) / masses.sum())


def true_samples(setting: Setting) -> Simulated:
    """The truth as results without chance: what every quantity would be."""
    found = truth(setting)
    samples = {
        (Line("simulated", arm_name(arm)), f"t{target}", code): Sample(
            (1,), np.array([found[place, arm]]), np.full((1, 1), found[place, arm])
        )
        for target in range(setting.targets)
        for place, code in enumerate(setting.languages)
        for arm in range(setting.arms + 1)
    }
    return Simulated(samples, replace(setting, seeds=1))
