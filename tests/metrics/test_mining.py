"""Mining: neighbours in blocks, margins, greedy pairs, the threshold, repeated sentences."""

import tracemalloc

import numpy as np
import pytest

from xstilts import metrics
from xstilts.data.examples import Bitext
from xstilts.metrics import mining
from xstilts.metrics.mining import Vectors

RNG = np.random.Generator(np.random.PCG64(7))


def vectors(rows: int, hidden: int = 8) -> Vectors:
    return RNG.standard_normal((rows, hidden)).astype(np.float32)


def naive(source: Vectors, target: Vectors, k: int) -> list[tuple[int, int, float]]:
    """The same by loops over a whole matrix of cosines."""
    cosine = mining.unit(source) @ mining.unit(target).T
    across = [sorted(row, reverse=True)[:k] for row in cosine.tolist()]
    down = [sorted(column, reverse=True)[:k] for column in cosine.T.tolist()]
    proposals = []
    for one in range(len(source)):
        for two in range(len(target)):
            mean = (np.mean(across[one]) + np.mean(down[two])) / 2
            near = cosine[one, two] >= across[one][-1], cosine[one, two] >= down[two][-1]
            proposals.append((one, two, float(cosine[one, two] / mean), near))
    best = []
    for side in (0, 1):
        for row in range(len((source, target)[side])):
            own = [pair for pair in proposals if pair[side] == row and pair[3][side]]
            best.append(max(own, key=lambda pair: pair[2]))
    found: list[tuple[int, int, float]] = []
    for one, two, score, _ in sorted(best, key=lambda pair: -pair[2]):
        if score > 0 and all(one != other[0] and two != other[1] for other in found):
            found.append((one, two, score))
    return found


@pytest.mark.parametrize(("rows", "columns"), [(7, 9), (9, 7), (30, 41), (3, 2), (1, 1)])
def test_candidates_are_those_of_the_plain_definition(rows: int, columns: int) -> None:
    source, target = vectors(rows), vectors(columns)
    target[: min(rows, columns)] += 2 * source[: min(rows, columns)]
    wanted = naive(source, target, 4)
    found = mining.candidates(source, target)
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == [row[:2] for row in wanted]
    np.testing.assert_allclose(found.score, [row[2] for row in wanted], rtol=1e-4)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = mining.unit(vectors(50)), mining.unit(vectors(31))
    whole = mining.search(source, target, 4)
    monkeypatch.setattr(mining, "BLOCK", 100)
    found = mining.search(source, target, 4)
    cosine = source @ target.T
    for similarity, wanted in ((found.forward, cosine), (found.backward, cosine.T)):
        np.testing.assert_allclose(similarity, -np.sort(-wanted, axis=1)[:, :4], rtol=1e-5)
    assert (found.forward_rows == whole.forward_rows).all()
    assert (found.backward_rows == whole.backward_rows).all()


@pytest.mark.parametrize("block", [2, 5, 100])
def test_of_equal_neighbours_the_first_come_first(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "BLOCK", block * 3)
    source = np.array([[0, 1], [1, 0], [1, 0], [0, 1], [1, 0]], np.float32)
    target = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    found = mining.search(source, target, 2)
    assert found.backward_rows.tolist() == [[1, 2], [1, 2], [0, 3]]
    assert found.forward_rows.tolist() == [[2, 0], [0, 1], [0, 1], [2, 0], [0, 1]]


def test_memory_is_a_few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "BLOCK", 2**16)
    source, target = vectors(3000, 4), vectors(3000, 4)
    tracemalloc.start()
    mining.candidates(source, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000, "the whole matrix would take four times as much"


def test_a_zero_vector_is_paired_with_nothing() -> None:
    source = np.array([[1, 0], [0, 0]], np.float32)
    found = mining.candidates(source, np.array([[1, 0.1], [0, 0]], np.float32))
    assert (found.source.tolist(), found.target.tolist()) == ([0], [0])


def test_a_repeated_sentence_is_mined_with_its_last_vector_and_never_found() -> None:
    """Row 2 says what row 0 says; it takes the partner of row 0 from the others, and is dropped."""
    bitext = Bitext(("x", "y", "x"), ("p", "q"), ((0, 0), (1, 1)))
    rows = np.array([[1, 0], [0.1, 1], [0, 1], [1, 0], [0, 1]], np.float32)
    found = mining.mine(bitext, rows)
    assert (found.source.tolist(), found.target.tolist()) == ([1], [0])


def test_the_threshold_lies_between_the_last_right_pair_and_the_next() -> None:
    assert mining.best_threshold([0.9, 0.7, 0.5, 0.1], [True, True, False, False], 2) == pytest.approx(0.6)
    assert mining.best_threshold([0.5, 0.9, 0.1, 0.7], [False, True, False, True], 2) == pytest.approx(0.6)


def test_the_threshold_where_nothing_is_right_and_where_everything_is() -> None:
    assert mining.best_threshold([], [], 3) == 0
    assert mining.best_threshold([0.4, 0.2], [False, False], 3) == 0
    assert mining.best_threshold([0.5, 0.25], [True, True], 2) == 0.25


def test_pairs_from_the_threshold_on_are_extracted_and_scored() -> None:
    bitext = Bitext(("a", "b", "c", "d"), ("p", "q", "r"), ((0, 2), (1, 0), (3, 1)))
    found = mining.Candidates(
        np.array([0, 3, 2, 1]), np.array([2, 1, 0, 2]), np.array([0.9, 0.8, 0.5, 0.1], np.float32)
    )
    lowest = mining.threshold(found, bitext)
    assert lowest == pytest.approx(0.65)
    predicted = mining.extract(found, lowest, 4)
    assert predicted == [(2,), (), (), (1,)]
    gold = mining.gold_rows(bitext)
    assert gold == [(2,), (0,), (), (1,)]
    metric = metrics.find("mining_f1")
    assert metric.value(metric.statistics(gold, predicted, "de").sum(axis=0)) == pytest.approx(80)


def test_gold_rows_are_sorted_and_distinct() -> None:
    assert mining.gold_rows(Bitext(("a",), ("p", "q"), ((0, 1), (0, 0), (0, 1)))) == [(0, 1)]
