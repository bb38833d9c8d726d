"""Mining translation pairs from two corpora (BUCC 2018), and the F1 of the pairs that were found.

The rules are XTREME's (Hu et al. 2020; the margin is that of Artetxe and Schwenk 2019). Sentences are
compared by cosine; the score of a pair is its cosine over the mean cosine of both sentences to their nearest
neighbours. Each sentence proposes its best neighbour, pairs are accepted greedily by falling score, each
sentence once, and those from a threshold on are extracted. The threshold is the one with the best F1 on
development pairs.

A sentence that occurs several times in a corpus is mined once, with the vector of its last occurrence; but no
pair of it counts as found, as in the official evaluation.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Bitext
from xstilts.metrics.metric import Metric, Numbers, check_counts, f1

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
NEIGHBOURS = 4
BLOCK = 2**25
"""Similarities that stand in memory at once: 128 MiB."""

Mined = Collection[Hashable]


class Neighbours(NamedTuple):
    """For each row of either side the k highest cosines, falling, and the rows that they are with.

    `forward` and `forward_rows` [n, k] for the source, `backward` and `backward_rows` [m, k] for the target.
    """

    forward: Vectors
    forward_rows: Rows
    backward: Vectors
    backward_rows: Rows


Search = Callable[[Vectors, Vectors, int], Neighbours]
"""Of unit vectors of the source [n, hidden], of the target [m, hidden], and k."""


class Candidates(NamedTuple):
    """Pairs of rows with their scores, falling; each row of either side at most once. All of shape [n]."""

    source: Rows
    target: Rows
    score: Vectors


def unit(vectors: Vectors) -> Vectors:
    """The vectors at length one; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = np.divide(vectors, np.where(length == 0, 1, length), dtype=np.float32)
    return found


def search(source: Vectors, target: Vectors, k: int) -> Neighbours:
    """The k nearest rows of either side for the other, of equal ones the first; at most as many as there are.

    Cosines are computed once for both directions, in blocks of `BLOCK` numbers. Down a column of a block only
    those columns are looked at that hold something nearer than what earlier blocks held.
    """
    across, down = min(k, len(target)), min(k, len(source))
    forward, forward_rows = np.empty((len(source), across), np.float32), np.empty((len(source), across), int)
    backward = np.full((len(target), down), -np.inf, np.float32)
    backward_rows = np.zeros((len(target), down), np.int64)
    block = max(1, BLOCK // len(target))
    for start in range(0, len(source), block):
        products = source[start : start + block] @ target.T
        nearer = np.flatnonzero(products.max(axis=0) > backward[:, -1])
        pool = np.concatenate([backward[nearer], products[:, nearer].T], axis=1)
        rows = np.arange(start - down, start + len(products))
        backward[nearer], at = _highest(pool, down)
        held = np.take_along_axis(backward_rows[nearer], np.minimum(at, down - 1), axis=1)
        backward_rows[nearer] = np.where(at < down, held, rows[at])
        forward[start : start + block], forward_rows[start : start + block] = _highest(products, across)
    return Neighbours(forward, forward_rows, backward, backward_rows)


def _highest(table: Vectors, k: int) -> tuple[Vectors, Rows]:
    """The k highest numbers of each row, falling, and their columns; overwrites the table.

    The maximum is looked for k times, which for a small k is several times as fast as `argpartition`.
    """
    values, columns = np.empty((len(table), k), np.float32), np.empty((len(table), k), np.int64)
    here = np.arange(len(table))
    for nth in range(k):
        best = table.argmax(axis=1)
        values[:, nth], columns[:, nth] = table[here, best], best
        table[here, best] = -np.inf
    return values, columns


def candidates(
    source: Vectors, target: Vectors, neighbours: int = NEIGHBOURS, nearest: Search = search
) -> Candidates:
    """The accepted pairs of two sets of vectors, [n, hidden] and [m, hidden], with scores above 0.

    Memory beyond the vectors: a copy of both, and a few blocks of similarities.
    """
    source, target = unit(source), unit(target)
    forward, forward_rows, backward, backward_rows = nearest(source, target, neighbours)
    source_mean, target_mean = forward.mean(axis=1), backward.mean(axis=1)
    forward_margin = _margin(forward, source_mean[:, None], target_mean[forward_rows])
    backward_margin = _margin(backward, target_mean[:, None], source_mean[backward_rows])
    best, back = forward_margin.argmax(axis=1), backward_margin.argmax(axis=1)
    here, there = np.arange(len(source)), np.arange(len(target))
    left = np.concatenate([here, backward_rows[there, back]])
    right = np.concatenate([forward_rows[here, best], there])
    scores = np.concatenate([forward_margin[here, best], backward_margin[there, back]])
    kept = _greedy(left, right, scores)
    return Candidates(left[kept], right[kept], scores[kept])


def _margin(similarity: Vectors, own: Vectors, other: Vectors) -> Vectors:
    """The ratio margin; 0, which is never accepted, where both means cancel."""
    mean = (own + other) / 2
    found: Vectors = np.divide(similarity, mean, out=np.zeros_like(similarity), where=mean != 0)
    return found


def _greedy(left: Rows, right: Rows, scores: Vectors) -> list[int]:
    """The pairs that are accepted, by falling score, each row of either side once."""
    used_left, used_right, kept = set[int](), set[int](), list[int]()
    for pair in np.argsort(-scores, kind="stable").tolist():
        one, two = int(left[pair]), int(right[pair])
        if scores[pair] > 0 and one not in used_left and two not in used_right:
            used_left.add(one)
            used_right.add(two)
            kept.append(pair)
    return kept


def mine(bitext: Bitext, vectors: Vectors, nearest: Search = search) -> Candidates:
    """The accepted pairs of a bitext, as its rows, without those of sentences that occur several times.

    `vectors` is [sentences of `source` and then of `target`, hidden].
    """
    source, source_once = distinct(bitext.source)
    target, target_once = distinct(bitext.target)
    shift = len(bitext.source)
    found = candidates(vectors[source], vectors[target + shift], nearest=nearest)
    once = source_once[found.source] & target_once[found.target]
    return Candidates(source[found.source[once]], target[found.target[once]], found.score[once])


def distinct(sentences: Sequence[str]) -> tuple[Rows, NDArray[np.bool_]]:
    """For each different sentence, in the order of first rows: its last row, and whether it is the only."""
    counts = Counter(sentences)
    last = {sentence: row for row, sentence in enumerate(sentences)}
    rows = np.array([last[sentence] for sentence in counts], np.int64)
    return rows, np.array([counts[sentence] == 1 for sentence in counts], np.bool_)


def best_threshold(scores: Sequence[float] | Vectors, right: Sequence[bool], gold: int) -> float:
    """The threshold with the best F1 of pairs with these scores, some of them right, against `gold` pairs.

    It lies halfway between the last accepted score and the next; of equal F1 the higher threshold counts, and
    equal scores are told apart by their order. 0 if no pair is right. Where all pairs are best accepted, the
    official code fails; here the threshold is then the lowest score.
    """
    falling = np.asarray(scores, np.float64)
    order = np.argsort(-falling, kind="stable")
    falling, hits = falling[order], np.cumsum(np.asarray(right, np.bool_)[order])
    if not len(hits) or not hits[-1]:
        return 0.0
    best = int(np.argmax(2 * hits / (np.arange(1, len(hits) + 1) + gold)))
    return float((falling[best] + falling[min(best + 1, len(falling) - 1)]) / 2)


def threshold(found: Candidates, bitext: Bitext) -> float:
    """The best threshold for the pairs found in a bitext whose gold pairs are known."""
    gold = set(bitext.gold)
    pairs = zip(found.source.tolist(), found.target.tolist(), strict=True)
    return best_threshold(found.score, [pair in gold for pair in pairs], len(gold))


def extract(found: Candidates, lowest: float, sentences: int) -> list[tuple[int, ...]]:
    """For each of so many source sentences the target rows that it is paired with: none or one."""
    rows: list[tuple[int, ...]] = [()] * sentences
    for source, target, score in zip(*(column.tolist() for column in found), strict=True):
        if score >= lowest:
            rows[source] = (target,)
    return rows


def gold_rows(bitext: Bitext) -> list[tuple[int, ...]]:
    """For each source sentence the target rows that translate it."""
    rows: list[tuple[int, ...]] = [()] * len(bitext.source)
    for source, target in sorted(set(bitext.gold)):
        rows[source] = (*rows[source], target)
    return rows


def _statistics(gold: Sequence[Mined], predicted: Sequence[Mined], language: str) -> Numbers:
    """(correct, predicted, gold) pairs of each source sentence; a pair given twice counts once."""
    check_counts("mining_f1", gold, predicted)
    sides = ((set(right), set(found)) for right, found in zip(gold, predicted, strict=True))
    rows = [(len(right & found), len(found), len(right)) for right, found in sides]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


MINING_F1 = Metric("mining_f1", _statistics, f1, width=3)
"""An example is a source sentence; gold and predicted are the target rows that it is paired with, mostly none
or one. Sentences with neither add nothing and may be left out."""
