"""Numbers, intervals and names in words, the same in sentences, tables and charts."""

from xstilts.analysis.effects import BASELINE
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Estimate
from xstilts.study.claim import CONTROLS

REFERENCE_NAMES = {
    "majority": "majority class",
    "random": "random weights",
    "prompted": "prompted, not trained",
    "few-shot": "prompted with examples",
    "shuffled-images": "images shuffled",
    "text-only": "text only",
    "image-only": "image only",
    "caption-only": "caption for image",
    "translate-test": "text translated",
}
CONTROL_NAMES = tuple(REFERENCE_NAMES[name] for name in CONTROLS)


def number(value: float, *, signed: bool = False) -> str:
    """Write one decimal, with a real minus sign; what rounds to zero has none.

    >>> number(-2.06), number(-0.04), number(-0.04, signed=True)
    ('−2.1', '0.0', '+0.0')
    """
    return f"{value:{'+' * signed}z.1f}".replace("-", "−")


def bounds(low: float, high: float) -> str:
    """Write '[1.2, 3.4]'."""
    return f"[{number(low)}, {number(high)}]"


def interval(estimate: Estimate, *, signed: bool = True) -> str:
    """Write '+12.3 [9.8, 15.1]': a narrow interval has as many decimals as it needs."""
    width = estimate.high - estimate.low
    form = "z.1f" if width >= 0.5 or width == 0 else "z.2f" if width >= 0.05 else "z.3f"
    value = f"{estimate.value:{'+' * signed}{form}}"
    return f"{value} [{estimate.low:{form}}, {estimate.high:{form}}]".replace("-", "−")


def with_interval(value: float, low: float | None, high: float | None, decimals: int) -> str:
    """Write '0.52 [0.41, 0.63]', for terminals with a plain minus; '0.52' where no interval is known.

    >>> with_interval(-0.004, -0.1, 0.1, 2), with_interval(52.0, None, None, 1)
    ('0.00 [-0.10, 0.10]', '52.0')
    """
    shown = f"{value:z.{decimals}f}"
    return shown if low is None or high is None else f"{shown} [{low:z.{decimals}f}, {high:z.{decimals}f}]"


WHOLE = 100
"""Points of the whole scale of a score: no difference of two shares is larger."""


def detectable(size: float) -> str:
    """Write '4.6 points'; 'more than 100 points' where no difference could be as large.

    >>> detectable(4.64), detectable(456.9)
    ('4.6 points', 'more than 100 points')
    """
    return f"{number(size)} points" if size <= WHOLE else f"more than {WHOLE} points"


def count(amount: int, noun: str) -> str:
    """Write '1 seed', '3 seeds'."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def rests_on(seeds: int, chains: int | None) -> str:
    """Write '3 seeds'; '3 seeds, one intermediate training' where its chance is in no interval."""
    return count(seeds, "seed") + (", one intermediate training" * (chains is not None and chains < seeds))


def trainings(*estimates: Estimate) -> str:
    """Write what estimates rest on, together."""
    shared = any(one.chains is not None and one.chains < one.seeds for one in estimates)
    return rests_on(min(one.seeds for one in estimates), 0 if shared else None)


def metric_label(name: str) -> str:
    """Write 'span F1' for `span_f1`, 'Pearson correlation' for `pearson_correlation`."""
    if name.endswith("_correlation"):
        name = name.capitalize()
    return name.replace("_", " ").replace("f1", "F1").replace(" em", " exact match")


def line_label(line: Line) -> str:
    """Write 'nli', 'majority class', 'random weights', 'nli, random weights', 'text only'."""
    if not line.reference:
        return line.arm
    name = REFERENCE_NAMES[line.reference]
    return name if line.arm in ("", BASELINE) else f"{line.arm}, {name}"
