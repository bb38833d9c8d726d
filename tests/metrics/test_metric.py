"""What holds for every metric: names, additive sums, vectorised values, 0 of 0."""

from typing import Any

import numpy as np
import pytest

from xstilts import metrics
from xstilts.data.examples import Answer
from xstilts.errors import PredictionError, TaskError
from xstilts.metrics import Metric

_GOLD = (Answer("the old harbour", 0),)
EXAMPLES: dict[str, tuple[list[Any], list[Any], float]] = {
    "accuracy": (["a", "b", "a"], ["a", "a", "a"], 2 / 3),
    "retrieval_accuracy": ([0, 1, 2, 3], [0, 2, 2, 0], 1 / 2),
    "token_accuracy": ([("A", "B"), ("A",)], [("A", "A"), ("A",)], 2 / 3),
    "span_f1": ([("NOUN", "NOUN", "VERB"), ("DET",)], [("NOUN", "NOUN", "NOUN"), ("DET",)], 2 / 5),
    "squad_f1": ([_GOLD, _GOLD], ["old harbour", "old"], (1 + 2 / 3) / 2),
    "squad_em": ([_GOLD, _GOLD], ["old harbour", "old"], 1 / 2),
    "squad2_f1": ([_GOLD, ()], ["old", ""], (2 / 3 + 1) / 2),
    "squad2_em": ([_GOLD, ()], ["old", "x"], 0),
    "mlqa_f1": ([_GOLD, _GOLD], ["old harbour", "old"], (1 + 2 / 3) / 2),
    "mlqa_em": ([_GOLD, _GOLD], ["old harbour", "old"], 1 / 2),
    "mining_f1": ([(1,), (2,), ()], [(1,), (), (3,)], 1 / 2),
    "macro_f1": (["1", "2", "3", "3"], ["1", "3", "3", "1"], (2 / 3 + 0 + 1 / 2) / 3),
    "matthews_correlation": (["1", "2", "3", "3"], ["1", "3", "3", "1"], 1 / 20**0.5),
    "pearson_correlation": (["1", "2", "3", "3"], ["1", "3", "3", "1"], 1 / 11**0.5),
    "spearman_correlation": (["1", "2", "3", "3"], ["1", "3", "3", "1"], 1 / 18**0.5),
}
LABELS = ("1", "2", "3")


def find(name: str) -> Metric:
    """The metric of that name; of labels, for LABELS."""
    return metrics.find(name, LABELS)


@pytest.mark.parametrize("name", metrics.names())
def test_value_follows_from_summed_statistics(name: str) -> None:
    gold, predicted, share = EXAMPLES[name]
    metric = find(name)
    assert metric.name == name
    assert metric.unit == "percent"
    rows = metric.statistics(gold, predicted, "en")
    assert rows.dtype == np.float64
    assert rows.shape[0] == len(gold)
    assert metric.value(rows.sum(axis=0)) == pytest.approx(100 * share)


@pytest.mark.parametrize("name", metrics.names())
def test_value_is_vectorised_over_leading_axes(name: str) -> None:
    gold, predicted, _ = EXAMPLES[name]
    metric = find(name)
    rows = metric.statistics(gold, predicted, "en")
    weights = np.random.default_rng(0).multinomial(len(gold), [1 / len(gold)] * len(gold), size=(4, 5))
    values = metric.value(weights @ rows)
    assert values.shape == (4, 5)
    one = np.repeat(np.arange(len(gold)), weights[3, 4])
    resampled = metric.statistics([gold[i] for i in one], [predicted[i] for i in one], "en")
    assert values[3, 4] == pytest.approx(metric.value(resampled.sum(axis=0)))


@pytest.mark.parametrize("name", metrics.names())
def test_nothing_to_score_is_zero(name: str) -> None:
    metric = find(name)
    rows = metric.statistics([], [], "en")
    assert rows.shape == (0, metric.statistics(*EXAMPLES[name][:2], "en").shape[1])
    assert metric.value(rows.sum(axis=0)) == 0


@pytest.mark.parametrize("name", metrics.names())
def test_one_prediction_for_each_example(name: str) -> None:
    gold, predicted, _ = EXAMPLES[name]
    with pytest.raises(PredictionError, match=f"{len(gold) - 1} predictions for {len(gold)} examples"):
        find(name).statistics(gold, predicted[1:], "en")


@pytest.mark.parametrize("name", metrics.names())
def test_metrics_beside_take_the_same_values(name: str) -> None:
    gold, predicted, _ = EXAMPLES[name]
    for other in metrics.beside(name):
        assert len(find(other).statistics(gold, predicted, "en")) == len(gold)


def test_unknown_name() -> None:
    with pytest.raises(TaskError, match="Did you mean 'span_f1'"):
        metrics.find("span-f1")
