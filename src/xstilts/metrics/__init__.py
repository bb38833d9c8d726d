"""Metrics: pure functions of gold and predicted values, equal to the official scorers."""

from functools import lru_cache

from xstilts.data.task import Task
from xstilts.errors import TaskError, did_you_mean
from xstilts.metrics.answers import ANSWERS
from xstilts.metrics.labelled import NAMES, of_labels
from xstilts.metrics.metric import ACCURACY, RETRIEVAL_ACCURACY, Metric, mean_of, try_out
from xstilts.metrics.mining import MINING_F1
from xstilts.metrics.tagging import SPAN_F1, TOKEN_ACCURACY

__all__ = ["FITTING", "Metric", "beside", "find", "mean_of", "names", "of", "try_out"]

_ALL = {
    metric.name: metric
    for metric in (ACCURACY, RETRIEVAL_ACCURACY, MINING_F1, SPAN_F1, TOKEN_ACCURACY, *ANSWERS)
}

_BESIDE = {
    "macro_f1": ("accuracy",),
    "matthews_correlation": ("accuracy",),
    "mlqa_f1": ("mlqa_em",),
    "pearson_correlation": ("accuracy",),
    "span_f1": ("token_accuracy",),
    "spearman_correlation": ("accuracy",),
    "squad2_f1": ("squad2_em",),
    "squad_f1": ("squad_em",),
}

FITTING = {
    "classification": ("accuracy", *NAMES),
    "choice": ("accuracy",),
    "tagging": ("span_f1", "token_accuracy"),
    "span": ("squad_f1", "squad_em", "squad2_f1", "squad2_em"),
    "retrieval": ("retrieval_accuracy",),
    "masked": (),
}
"""By family the metrics that a task which a study declares may name, its own by default first."""


def names() -> tuple[str, ...]:
    """The names of all metrics, sorted."""
    return tuple(sorted((*_ALL, *NAMES)))


@lru_cache(maxsize=256)
def find(name: str, labels: tuple[str, ...] = ()) -> Metric:
    """The metric of that name, for a task with these labels; TaskError if there is none."""
    if name in NAMES:
        return of_labels(name, labels)
    if name not in _ALL:
        way_out = did_you_mean(name, names()) or f"There are {', '.join(names())}."
        raise TaskError(f"metric '{name}'", f"no metric named '{name}'.", way_out)
    return _ALL[name]


def of(task: Task) -> Metric:
    """The metric of a task: its own, or that of the name. TaskError if there is none."""
    return task.measure or find(task.metric, task.labels)


def beside(name: str) -> tuple[str, ...]:
    """The metrics that are reported next to this one, on the same gold and predicted values."""
    return _BESIDE.get(name, ())
