"""Transferability: values derived in another way, what they do not depend on, small cases by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from xstilts.metrics import transferability
from xstilts.metrics.transferability import Array, Labels


def drawn(rows: int, width: int, classes: int, seed: int = 0) -> tuple[Array, Labels]:
    """Features that tell something of the labels, and the labels; every class is there."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    features = rng.normal(size=(classes, width))[labels] + 1.5 * rng.normal(size=(rows, width))
    return features, labels.astype(np.int64)


def direct_evidence(features: Array, target: Array) -> float:
    """The maximum over both precisions of the density of y, which is normal with covariance FF'/a + I/b."""

    def negative(logs: Array) -> float:
        alpha, beta = np.exp(logs)
        covariance = features @ features.T / alpha + np.eye(len(target)) / beta
        return -float(multivariate_normal(cov=covariance, allow_singular=True).logpdf(target))

    starts = itertools.product((-2.0, 1.0, 4.0), (0.0, 2.0))
    bounds = [(-20, 20)] * 2
    return max(-minimize(negative, one, method="Nelder-Mead", bounds=bounds).fun for one in starts)


@pytest.mark.parametrize(("rows", "width", "classes"), [(30, 4, 3), (25, 8, 2), (12, 20, 2)])
def test_logme_is_the_maximum_of_the_evidence(rows: int, width: int, classes: int) -> None:
    features, labels = drawn(rows, width, classes)
    direct = [direct_evidence(features, (labels == one).astype(float)) / rows for one in range(classes)]
    assert transferability.logme(features, labels) == pytest.approx(np.mean(direct), abs=1e-5)


def test_logme_does_not_depend_on_rotation_scale_or_order() -> None:
    features, labels = drawn(40, 6, 3)
    rng = np.random.default_rng(1)
    rotation, order = np.linalg.qr(rng.normal(size=(6, 6)))[0], rng.permutation(40)
    wide = np.hstack([features @ rotation, np.zeros((40, 3))])
    known = transferability.logme(features, labels)
    assert known is not None
    for other, names in (
        (features @ rotation, labels),
        (1e-3 * features, labels),
        (features[order], labels[order]),
        (wide, labels),
        (features, 7 - labels),
    ):
        assert transferability.logme(other, names) == pytest.approx(known, abs=1e-6)


def test_features_that_tell_the_labels_score_higher() -> None:
    features, labels = drawn(60, 5, 3)
    shuffled = np.random.default_rng(2).permutation(labels)
    for score in (transferability.logme, transferability.h_score):
        told, hidden = score(features, labels), score(features, shuffled)
        assert told is not None and hidden is not None and told > hidden


def test_what_is_of_one_class_or_all_alike_has_no_score() -> None:
    features, labels = drawn(10, 3, 2)
    for score in (transferability.logme, transferability.h_score, transferability.fisher):
        assert score(features, np.zeros(10, np.int64)) is None
    assert transferability.logme(np.zeros((10, 3)), labels) is None
    assert transferability.h_score(np.ones((10, 3)), labels) is None


def test_the_h_score_has_its_closed_form() -> None:
    """By explicit sums and an explicit inverse; of two classes on a line the share of explained variance."""
    features, labels = drawn(50, 4, 3)
    centred = features - features.mean(axis=0)
    covariance = sum(np.outer(row, row) for row in centred) / 50
    explained = np.array([centred[labels == label].mean(axis=0) for label in labels])
    between = sum(np.outer(row, row) for row in explained) / 50
    direct = np.trace(np.linalg.inv(covariance) @ between)
    assert transferability.h_score(features, labels, shrinkage=0) == pytest.approx(direct)
    line, two = np.array([[0.0], [2.0], [4.0], [6.0]]), np.array([0, 0, 1, 1])
    assert transferability.h_score(line, two, shrinkage=0) == pytest.approx(
        4 / 5
    )  # 2^2 of (9 + 1 + 1 + 9) / 4
    share = 0.3
    shrunk = (1 - share) * covariance + share * np.trace(covariance) / 4 * np.eye(4)
    assert transferability.h_score(features, labels, share) == pytest.approx(
        (1 - share) * np.trace(np.linalg.inv(shrunk) @ between)
    )


def test_without_shrinkage_the_h_score_does_not_depend_on_linear_maps() -> None:
    features, labels = drawn(50, 4, 3)
    mapped = features @ np.random.default_rng(3).normal(size=(4, 4)) + 5
    one, other = (transferability.h_score(each, labels, shrinkage=0) for each in (features, mapped))
    assert one == pytest.approx(other)


def test_ledoit_and_wolfs_share_by_its_definition() -> None:
    """b^2 / d^2 with sums over rows and entries (Ledoit and Wolf 2004, lemmas 3.2 to 3.4)."""
    features, _ = drawn(9, 5, 2)
    centred = features - features.mean(axis=0)
    covariance = centred.T @ centred / 9
    mean = np.trace(covariance) / 5
    distance = ((covariance - mean * np.eye(5)) ** 2).sum() / 5
    noise = sum(((np.outer(row, row) - covariance) ** 2).sum() / 5 for row in centred) / 9**2
    assert transferability.ledoit_wolf(centred, covariance) == pytest.approx(min(noise, distance) / distance)


def test_the_fisher_information_is_that_of_the_features_that_matter() -> None:
    rng = np.random.default_rng(4)
    labels = np.arange(200) % 2
    features = rng.normal(size=(200, 4))
    features[:, 2] += 0.8 * labels
    found = transferability.fisher(features, labels)
    assert found is not None and found.argmax() == 2
    again = transferability.fisher(10 * features + 3, labels)
    assert again == pytest.approx(found, rel=1e-3)


def test_the_gradient_of_a_head_of_two_classes_by_hand() -> None:
    """With one feature and two classes the head is a logistic regression, whose slope is found on its own."""
    features, labels = np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.array([0, 1, 1, 1])

    def loss(parts: Array) -> float:
        slope, bias = parts  # half of it for one class, minus half for the other
        scores = (slope * features[:, 0] + bias) * np.where(labels == 1, 1, -1)
        return float(np.log1p(np.exp(-scores)).sum() + slope**2 / 4)

    slope, bias = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    wrong = labels - 1 / (1 + np.exp(-(slope * features[:, 0] + bias)))
    assert transferability.fisher(features, labels) == pytest.approx(
        [np.mean((wrong * slope) ** 2)], rel=1e-2
    )


def test_regret_by_hand() -> None:
    scores, order = np.array([40.0, 80.0, 60.0, 70.0]), np.array([0, 2, 3, 1])
    assert [float(transferability.regret(scores, order, k)) for k in (1, 2, 3, 4)] == [50.0, 25.0, 12.5, 0.0]
    assert transferability.regret(np.zeros(2), np.array([0, 1]), 1) == 0.0
    both = transferability.regret(np.array([scores, 2 * scores]), np.array([order, order[::-1]]), 1)
    assert both.tolist() == [50.0, 0.0]


def test_ndcg_by_its_formula() -> None:
    """Sum of gain / log2(place + 1), over that of the best order: places 1, 2, 3."""
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    worst = 1 / math.log2(2) + 2 / math.log2(3) + 3 / math.log2(4)
    relevance = np.array([1.0, 2.0, 3.0])
    assert transferability.ndcg(relevance, np.array([0, 1, 2])) == pytest.approx(worst / best)
    assert transferability.ndcg(relevance, np.array([2, 1, 0])) == 1.0
    assert transferability.ndcg(np.zeros(2), np.array([0, 1])) == 1.0


@pytest.mark.parametrize("k", [1, 2, 3])
def test_chance_is_the_mean_over_all_orders(k: int) -> None:
    scores = np.array([40.0, 80.0, 60.0, 70.0])
    orders = [np.array(order) for order in itertools.permutations(range(4))]
    mean = np.mean([transferability.regret(scores, order, k) for order in orders])
    assert transferability.expected_regret(scores, k) == pytest.approx(mean)
    mean = np.mean([transferability.ndcg(scores, order) for order in orders])
    assert transferability.expected_ndcg(scores) == pytest.approx(mean)


def test_tokens_that_are_shared() -> None:
    half = transferability.shared({"a": 1, "b": 1}, {"b": 1, "c": 1})
    assert half == pytest.approx(0.5)
    few = transferability.shared({"a": 99, "b": 1}, {"b": 1, "c": 99})
    assert 0 < few < 0.05
