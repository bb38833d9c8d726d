"""Metrics: pure functions of gold and predicted values, equal to the official scorers."""

from xstilts.errors import TaskError, did_you_mean
from xstilts.metrics.accuracy import ACCURACY, RETRIEVAL_ACCURACY
from xstilts.metrics.answers import MLQA_EM, MLQA_F1, SQUAD2_EM, SQUAD2_F1, SQUAD_EM, SQUAD_F1
from xstilts.metrics.metric import Metric
from xstilts.metrics.mining import MINING_F1
from xstilts.metrics.tagging import SPAN_F1, TOKEN_ACCURACY

__all__ = ["Metric", "beside", "find", "names"]

_ALL = {
    metric.name: metric
    for metric in (
        ACCURACY,
        MINING_F1,
        MLQA_EM,
        MLQA_F1,
        RETRIEVAL_ACCURACY,
        SPAN_F1,
        SQUAD2_EM,
        SQUAD2_F1,
        SQUAD_EM,
        SQUAD_F1,
        TOKEN_ACCURACY,
    )
}

_BESIDE = {
    "mlqa_f1": ("mlqa_em",),
    "span_f1": ("token_accuracy",),
    "squad2_f1": ("squad2_em",),
    "squad_f1": ("squad_em",),
}


def names() -> tuple[str, ...]:
    """The names of all metrics, sorted."""
    return tuple(sorted(_ALL))


def find(name: str) -> Metric:
    """The metric of that name; TaskError if there is none."""
    if name not in _ALL:
        way_out = did_you_mean(name, _ALL) or f"There are {', '.join(names())}."
        raise TaskError(f"metric '{name}'", f"no metric named '{name}'.", way_out)
    return _ALL[name]


def beside(name: str) -> tuple[str, ...]:
    """The metrics that are reported next to this one, on the same gold and predicted values."""
    return _BESIDE.get(name, ())
