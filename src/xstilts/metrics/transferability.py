"""How promising frozen features are for a task, and how good an order of candidates was: pure functions.

N rows, D features, C classes. Features are any states of a model that is not trained; labels are numbers.
"""

from collections.abc import Mapping
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

BOUNDS = (1e-10, 1e10)
"""Of the prior's precision over that of the noise, in units of the largest squared singular value: where the
features explain a label without rest, the evidence has no maximum between."""


def logme(features: Array, labels: Labels) -> float | None:
    """The logarithm of the maximum evidence of a linear model, for each row, averaged over the classes.

    You et al. 2021 (arXiv 2102.11005): whether a row is of the class is explained by y = Fw + noise with
    w ~ N(0, 1/alpha) and noise ~ N(0, 1/beta), and the evidence p(y | F, alpha, beta) maximised over both.
    They iterate; here it is a search in one dimension, for with t = alpha / beta the best beta is known.
    None where there is one class only.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        return None
    left, singular, _ = np.linalg.svd(np.asarray(features, np.float64), full_matrices=False)
    squares = singular**2
    if squares.max(initial=0.0) == 0:
        return None
    return float(np.mean([_evidence(left, squares, labels == one) for one in classes]))


def _evidence(left: Array, squares: Array, labels: NDArray[np.bool_]) -> float:
    """The log evidence of one class, for each row, at its maximum."""
    rows, target = len(labels), labels.astype(np.float64)
    aligned = (left.T @ target) ** 2
    rest = max(0.0, float(target @ target - aligned.sum()))

    def profile(logs: Array) -> Array:
        ratio = np.exp(logs)[:, None]
        kept = ratio / (ratio + squares)
        error = rest + (aligned * kept).sum(axis=1)
        fit = rows / 2 * (np.log(rows / (2 * np.pi * error)) - 1)
        return np.asarray(fit + np.log(kept).sum(axis=1) / 2)

    low, high = np.log(squares.max()) + np.log(BOUNDS)
    for _ in range(6):
        places = np.linspace(low, high, 65)
        best = int(profile(places).argmax())
        low, high = places[max(0, best - 1)], places[min(64, best + 1)]
    return float(profile(np.array([(low + high) / 2]))[0]) / rows


def h_score(features: Array, labels: Labels, shrinkage: float | None = None) -> float | None:
    """The trace of cov(f)^-1 cov(E[f | y]) (Bao et al. 2019): the spread that classes explain.

    With few rows cov(f) cannot be inverted to any use, so it is drawn towards a multiple of the identity, by
    Ledoit and Wolf's (2004) share unless `shrinkage` names one, and the trace is taken times one less that
    share (Ibrahim et al. 2022, arXiv 2110.06893). A shrinkage of 0 is the score as Bao et al. have it. None
    where there is one class only.
    """
    classes, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return None
    centred = np.asarray(features, np.float64) - np.mean(features, axis=0, dtype=np.float64)
    rows, width = centred.shape
    covariance = centred.T @ centred / rows
    scale = float(np.trace(covariance)) / width
    if scale == 0:
        return None
    share = ledoit_wolf(centred, covariance) if shrinkage is None else shrinkage
    shrunk = (1 - share) * covariance + share * scale * np.eye(width)
    means = np.zeros((len(classes), width))
    np.add.at(means, numbers, centred)
    means /= counts[:, None]
    between = (means * counts[:, None]).T @ means / rows
    return float((1 - share) * np.trace(np.linalg.pinv(shrunk, rcond=1e-12, hermitian=True) @ between))


def ledoit_wolf(centred: Array, covariance: Array) -> float:
    """The share of the identity that makes a covariance of few rows least wrong (Ledoit and Wolf 2004)."""
    rows, width = centred.shape
    squared = float((covariance**2).sum())
    distance = (squared - float(np.trace(covariance)) ** 2 / width) / width
    noise = (float(((centred**2).sum(axis=1) ** 2).sum()) / rows - squared) / rows / width
    return 1.0 if distance <= 0 else min(1.0, max(0.0, noise) / distance)


def fisher(features: Array, labels: Labels) -> Array | None:
    """The diagonal of the empirical Fisher information of the features, [D]: a task's embedding.

    After the task embeddings of Vu et al. 2020 (arXiv 2005.00770), who take it of all weights; here it is of
    the states that a linear head reads. Features are standardised, the head is a multinomial regression with
    the penalty |W|^2 / 2, and what is averaged over the rows is the squared gradient of the log-likelihood of
    the right label by each feature. None where there is one class only.
    """
    from scipy.optimize import minimize

    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        return None
    spread = np.std(features, axis=0, dtype=np.float64)
    inputs = (features - np.mean(features, axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1.0)
    rows, width = inputs.shape
    right = np.eye(len(classes))[numbers]

    def errors(weights: Array, bias: Array) -> tuple[Array, float]:
        scores = inputs @ weights + bias
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return np.exp(logs) - right, -float(logs[np.arange(rows), numbers].sum())

    def loss(flat: Array) -> tuple[float, Array]:
        weights, bias = flat[: width * len(classes)].reshape(width, -1), flat[width * len(classes) :]
        wrong, value = errors(weights, bias)
        slope = inputs.T @ wrong + weights
        value += float((weights**2).sum()) / 2
        return value / rows, np.concatenate([slope.ravel(), wrong.sum(axis=0)]) / rows

    start = np.zeros((width + 1) * len(classes))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    weights, bias = found[: width * len(classes)].reshape(width, -1), found[width * len(classes) :]
    gradients = errors(weights, bias)[0] @ weights.T
    return np.asarray((gradients**2).mean(axis=0))


def cosine(one: Array, other: Array) -> float:
    """The cosine of the angle between two vectors; 0 if one of them is 0."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0


def shared(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """How alike two bags of tokens are: one less the Jensen-Shannon divergence of their shares, in bits.

    >>> shared({"a": 1, "b": 1}, {"a": 2, "b": 2}), shared({"a": 1}, {"b": 3})
    (1.0, 0.0)
    """
    names = sorted(one.keys() | other.keys())
    both = np.array([[bag.get(name, 0) for name in names] for bag in (one, other)], np.float64)
    both /= both.sum(axis=1, keepdims=True)
    mean = both.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(both > 0, both * np.log2(both / mean), 0.0)
    return float(1 - parts.sum() / 2)


def regret(scores: Array, order: Labels, k: int) -> Array:
    """What is lost, in percent of the best score, by trying only the first `k` candidates of an order.

    As in Poth et al. 2021 and Schulte et al. 2024: the best of those that are tried is taken. The candidates
    are the last axis of both, as in all functions below.

    >>> float(regret(np.array([50.0, 80.0, 60.0]), np.array([2, 0, 1]), 1))
    25.0
    """
    best = scores.max(axis=-1)
    tried = np.take_along_axis(scores, order[..., :k], axis=-1).max(axis=-1)
    return np.asarray(100 * np.divide(best - tried, best, out=np.zeros_like(best), where=best > 0))


def expected_regret(scores: Array, k: int) -> Array:
    """The mean regret over all orders: what chance loses.

    >>> float(expected_regret(np.array([50.0, 100.0]), 1))
    25.0
    """
    ranked, n = -np.sort(-scores, axis=-1), scores.shape[-1]
    best = ranked[..., 0]
    sets = [comb(n - 1 - place, k - 1) / comb(n, k) for place in range(n)]  # in which this is the best
    lost = best - ranked @ np.array(sets)
    return np.asarray(100 * np.divide(lost, best, out=np.zeros_like(best), where=best > 0))


def ndcg(relevance: Array, order: Labels) -> Array:
    """The normalised discounted cumulative gain of an order (Jarvelin and Kekalainen 2002), linear gains.

    1 if the order is that of falling relevance; also where nothing is relevant.

    >>> round(float(ndcg(np.array([0.0, 1.0]), np.array([0, 1]))), 4)
    0.6309
    """
    return _gained(relevance, np.take_along_axis(relevance, order, axis=-1) @ _discounts(relevance))


def expected_ndcg(relevance: Array) -> Array:
    """The mean of `ndcg` over all orders.

    >>> round(float(expected_ndcg(np.array([0.0, 1.0]))), 4)
    0.8155
    """
    return _gained(relevance, relevance.mean(axis=-1) * _discounts(relevance).sum())


def _discounts(relevance: Array) -> Array:
    return np.asarray(1 / np.log2(np.arange(relevance.shape[-1]) + 2))


def _gained(relevance: Array, gain: Array) -> Array:
    """The gain of an order over that of the best one."""
    ideal = -np.sort(-relevance, axis=-1) @ _discounts(relevance)
    return np.asarray(np.divide(gain, ideal, out=np.ones_like(ideal), where=ideal > 0))
