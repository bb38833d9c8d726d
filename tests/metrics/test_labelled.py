"""Macro F1 and the correlations equal those of others, and intervals of them know what a wrong answer is."""

import numpy as np
import pytest
from scipy import stats

from xstilts import metrics
from xstilts.analysis.statistics import multiplicities, pseudo_examples, resample
from xstilts.errors import PredictionError, TaskError

LABELS = ("10", "1", "2.5", "4", "5")


def drawn(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Gold and predicted labels, half of which are right."""
    rng = np.random.default_rng(seed)
    gold, other = rng.choice(LABELS, n), rng.choice(LABELS[:4], n)
    return gold.tolist(), np.where(rng.random(n) < 0.5, gold, other).tolist()


def value(name: str, gold: list[str], predicted: list[str], labels: tuple[str, ...] = LABELS) -> float:
    metric = metrics.find(name, labels)
    rows = metric.statistics(gold, predicted, "en")
    assert rows.shape == (len(gold), metric.width)
    return float(metric.value(rows.sum(axis=0)))


@pytest.mark.parametrize(("n", "seed"), [(6, 0), (40, 1), (500, 2)])
def test_correlations_equal_those_of_scipy(n: int, seed: int) -> None:
    gold, predicted = drawn(n, seed)
    numbers = [float(label) for label in gold], [float(label) for label in predicted]
    assert value("pearson_correlation", gold, predicted) == pytest.approx(100 * stats.pearsonr(*numbers)[0])
    assert value("spearman_correlation", gold, predicted) == pytest.approx(100 * stats.spearmanr(*numbers)[0])


@pytest.mark.parametrize(("n", "seed"), [(6, 0), (40, 1), (500, 2)])
def test_macro_f1_and_matthews_follow_their_definitions(n: int, seed: int) -> None:
    """Class by class, and as the correlation of one-hot vectors (Gorodkin 2004)."""
    gold, predicted = (np.array(labels) for labels in drawn(n, seed))
    each = []
    for label in sorted({*gold, *predicted}):
        both = np.sum((gold == label) & (predicted == label))
        each.append(2 * both / (np.sum(gold == label) + np.sum(predicted == label)))
    assert value("macro_f1", gold.tolist(), predicted.tolist()) == pytest.approx(100 * np.mean(each))
    one, two = (np.stack([side == label for label in LABELS]).astype(float) for side in (gold, predicted))
    (of_gold, together), (_, of_predicted) = [
        [np.trace(np.cov(first, second)[:5, 5:]) for second in (one, two)] for first in (one, two)
    ]
    expected = 100 * together / np.sqrt(of_gold * of_predicted)
    assert value("matthews_correlation", gold.tolist(), predicted.tolist()) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["matthews_correlation", "pearson_correlation", "spearman_correlation"])
def test_opposite_answers_and_constant_ones(name: str) -> None:
    gold = ["1", "4", "1", "4"]
    assert value(name, gold, gold, ("1", "4")) == pytest.approx(100)
    assert value(name, gold, ["4", "1", "4", "1"], ("1", "4")) == pytest.approx(-100)
    assert value(name, gold, ["4"] * 4, ("1", "4")) == 0


@pytest.mark.parametrize("name", metrics.FITTING["classification"][1:])
def test_intervals_of_perfect_answers_have_a_width(name: str) -> None:
    """As those of the accuracy do, of which they are as wide to an order."""
    gold, _ = drawn(100, 3)
    weights = multiplicities("here", len(gold))
    widths = []
    for metric in (metrics.find(name, LABELS), metrics.find("accuracy")):
        rows = metric.statistics(gold, gold, "en")[None]
        pseudo = pseudo_examples("line", "target", "en")[:, None]
        draws = resample(rows, metric.value, weights, pseudo, metric.imagined)
        assert np.isfinite(draws).all()
        widths.append(float(np.subtract(*np.quantile(draws, [0.975, 0.025]))))
    assert 0.3 < widths[0] / widths[1] < 3


def test_what_is_none_of_the_labels() -> None:
    with pytest.raises(PredictionError, match=r"'6' is none of the labels 10, 1, 2\.5, 4, 5"):
        value("macro_f1", ["1"], ["6"])


@pytest.mark.parametrize(
    ("name", "labels", "said"),
    [
        ("macro_f1", (), "needs to know the labels"),
        ("pearson_correlation", ("1", "many"), "needs labels that are numbers, not 1, many"),
        ("spearman_correlation", tuple(map(str, range(13))), "takes up to 12 labels, got 13"),
    ],
)
def test_labels_that_do_not_fit(name: str, labels: tuple[str, ...], said: str) -> None:
    with pytest.raises(TaskError, match=said):
        metrics.find(name, labels)


def test_a_metric_of_ones_own() -> None:
    near = metrics.mean_of("near", lambda gold, predicted: abs(float(gold) - float(predicted)) <= 1)
    rows = near.statistics(["1", "4", "4"], ["1", "5", "1"], "en")
    assert near.value(rows.sum(axis=0)) == pytest.approx(200 / 3)
    metrics.try_out(near, ["1", "4"], "en")
    with pytest.raises(TaskError, match="'far' gives 2 for gold 'a' and predicted 'b'"):
        metrics.try_out(metrics.mean_of("far", lambda gold, predicted: 2), ["a", "b"], "en")
    with pytest.raises(TaskError, match=r"'odd' gives the shape \(2, 2\) for 2 examples. `width` says 3"):
        metrics.try_out(metrics.Metric("odd", near.statistics, near.value, width=3), ["1", "2"], "en")
    with pytest.raises(TaskError, match="'odd' gives list, not an array"):
        metrics.try_out(metrics.Metric("odd", lambda *_: [], near.value), ["1", "2"], "en")  # type: ignore[arg-type, return-value]
