"""Columns, batches and the schedule against naive references."""

from collections import Counter
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from xstilts.compute.context import MICRO_TOKENS
from xstilts.compute.data import Encoded, collate, generator, passes, split
from xstilts.compute.device import OVERHEAD
from xstilts.compute.distributed import Ranks
from xstilts.compute.objective import Objective
from xstilts.compute.training_data import Schedule
from xstilts.families.items import IGNORED, Item
from xstilts.families.masked import Vocabulary
from xstilts.study.recipe import Recipe
from xstilts.study.use import Mixture

PAD = 99


def _items(seed: int, count: int) -> list[Item]:
    """Items of one task with one to three sequences each, some of them with reads."""
    rng = generator("items", seed)

    def numbers(low: int, high: int, size: int) -> list[int]:
        return rng.integers(low, high, size).tolist()

    found = []
    for row in range(count):
        lengths = numbers(1, 8, rng.integers(1, 4))
        sequences = tuple(numbers(0, 50, n) for n in lengths)
        second = tuple(int(rng.integers(1, n + 1)) for n in lengths)
        reads = tuple(numbers(0, n, rng.integers(0, 4)) for n in lengths)
        gold = rng.choice([IGNORED, 0, 1, 2], rng.integers(0, 4)).tolist()
        found.append(Item(sequences, second, reads, gold, row))
    return found


def items(least: int = 1) -> st.SearchStrategy[list[Item]]:
    return st.builds(_items, st.integers(0, 10**6), st.integers(least, 6))


def decoded(data: Encoded) -> list[Item]:
    """The items that columns hold, taken out one at a time."""
    found = []
    for row in range(len(data)):
        sequences = range(data.sequence_at[row], data.sequence_at[row + 1])
        found.append(
            Item(
                tuple(data.tokens[data.token_at[s] : data.token_at[s + 1]].tolist() for s in sequences),
                tuple(int(data.second[s]) for s in sequences),
                tuple(data.reads[data.read_at[s] : data.read_at[s + 1]].tolist() for s in sequences),
                data.gold[data.gold_at[row] : data.gold_at[row + 1]].tolist(),
                row,
            )
        )
    return found


@settings(max_examples=150, deadline=None)
@given(rows=items(0))
def test_columns_hold_the_items(rows: list[Item]) -> None:
    data = Encoded.of(rows, "outputs")
    assert decoded(data) == rows
    assert data.longest.tolist() == [max(map(len, row.sequences)) for row in rows]
    assert data.cost.tolist() == [max(map(len, row.sequences)) * len(row.sequences) for row in rows]


@settings(max_examples=150, deadline=None)
@given(rows=items(), axis=st.sampled_from(["outputs", "reads", "none"]), data=st.data())
def test_a_batch_is_that_of_a_naive_reference(rows: list[Item], axis: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=1, max_size=8))
    encoded = Encoded.of(rows, axis)
    batch = collate(encoded, np.asarray(chosen), PAD)
    sequences = [ids for row in chosen for ids in rows[row].sequences]
    width = max(map(len, sequences))
    assert batch.ids.tolist() == [ids + [PAD] * (width - len(ids)) for ids in sequences]
    assert batch.attention.tolist() == [[1] * len(ids) + [0] * (width - len(ids)) for ids in sequences]
    second = [start for row in chosen for start in rows[row].second]
    assert batch.types.tolist() == [
        [int(start <= place < len(ids)) for place in range(width)]
        for ids, start in zip(sequences, second, strict=True)
    ]
    reads = [positions for row in chosen for positions in rows[row].reads]
    assert list(zip(batch.row.tolist(), batch.column.tolist(), strict=True)) == [
        (row, position) for row, positions in enumerate(reads) for position in positions
    ]
    gold = [index for row in chosen for index in rows[row].gold]
    assert batch.gold.tolist() == gold
    assert encoded.decisions(np.asarray(chosen)) == sum(index != IGNORED for index in gold)
    per_item = [sum(map(len, rows[row].reads)) for row in chosen]
    assert batch.reads.tolist() == per_item
    assert batch.real_tokens == sum(map(len, sequences))
    if axis == "reads":
        assert batch.group is not None
        assert batch.place is not None
        wanted = [(group, place) for group, count in enumerate(per_item) for place in range(count)]
        assert list(zip(batch.group.tolist(), batch.place.tolist(), strict=True)) == wanted
    else:
        assert batch.group is None
        assert batch.place is None
    for name in ("ids", "attention", "types", "row", "column", "gold"):
        assert getattr(batch, name).dtype == torch.int64


@settings(max_examples=150, deadline=None)
@given(rows=items(), budget=st.integers(1, 60))
def test_micro_batches_keep_the_budget_and_the_order(rows: list[Item], budget: int) -> None:
    data = Encoded.of(rows, "reads")
    parts = list(split(data, np.arange(len(rows)), budget))
    assert [item for part in parts for item in part] == list(range(len(rows)))
    for number, part in enumerate(parts):
        padded = collate(data, part, PAD).ids.numel()
        assert padded <= budget or len(part) == 1
        if number + 1 < len(parts):  # no batch could have taken one more
            assert collate(data, np.append(part, part[-1] + 1), PAD).ids.numel() > budget


def _sized(lengths: Any, axis: str = "outputs") -> Encoded:
    return Encoded.of([Item(([5] * n,), (n,), ([0],), [0], row) for row, n in enumerate(lengths)], axis)


def _lengths(count: int, seed: int = 0) -> list[int]:
    """Lengths of sentence pairs as they are: log-normal around 30 tokens, up to 128."""
    rng = generator("lengths", seed)
    return np.clip(rng.lognormal(3.3, 0.5, count), 5, 128).astype(int).tolist()


def _schedule(tasks: list[Encoded], seed: int = 3, **size: Any) -> Schedule:
    return Schedule.of(tasks, seed, Recipe(**({"epochs": 2.0} | size)))


SIZES = [{"batch_size": 8}, {"batch_tokens": 512}]


@pytest.mark.parametrize("size", SIZES, ids=["size", "tokens"])
def test_every_item_comes_exactly_once_in_every_epoch(size: dict[str, int]) -> None:
    tasks = [_sized(_lengths(300)), _sized(_lengths(70, 1))]
    schedule = _schedule(tasks, **size)
    one = _schedule(tasks, epochs=1.0, **size).total
    epochs = [range(one), range(one, schedule.total)]
    orders = []
    for epoch in epochs:
        seen = [(task, item) for update in epoch for task, part in [schedule.at(update)] for item in part]
        assert sorted(seen) == [(task, item) for task, data in enumerate(tasks) for item in range(len(data))]
        orders.append(seen)
    assert orders[0] != orders[1]


@pytest.mark.parametrize("size", SIZES, ids=["size", "tokens"])
def test_batches_are_a_pure_function_of_seed_and_update(size: dict[str, int]) -> None:
    tasks = [_sized(_lengths(120)), _sized(_lengths(50, 1))]
    straight = _schedule(tasks, epochs=3.0, **size)
    wanted = [straight.at(update) for update in range(straight.total)]
    order = generator("visits").permutation(straight.total)
    jumping = _schedule(tasks, epochs=None, updates=straight.total, **size)
    for update in order:
        task, part = jumping.at(int(update))
        assert task == wanted[update][0]
        assert part.tolist() == wanted[update][1].tolist()
    other = _schedule(tasks, seed=4, **size)
    assert [other.at(u)[1].tolist() for u in range(9)] != [wanted[u][1].tolist() for u in range(9)]


def test_batches_are_full_and_keep_the_budget() -> None:
    data = _sized(_lengths(600))
    by_tokens = _schedule([data], batch_tokens=512)
    tokens = [data.longest[by_tokens.at(u)[1]].sum() for u in range(by_tokens.total)]
    assert max(tokens) <= 512
    assert np.mean(tokens) > 0.85 * 512
    by_size = _schedule([data], batch_size=32)
    assert Counter(len(by_size.at(u)[1]) for u in range(by_size.total)) == {32: 36, 24: 2}


@pytest.mark.parametrize("size", [{"batch_size": 32}, {"batch_tokens": 2048}], ids=["size", "tokens"])
def test_padding_is_rare_and_batches_are_random(size: dict[str, int]) -> None:
    data = _sized(_lengths(8000))
    schedule = _schedule([data], epochs=1.0, **size)
    real = padded = 0
    means, spread = [], []
    for update in range(schedule.total):
        _, part = schedule.at(update)
        padded += data.longest[part].max() * len(part)
        real += data.longest[part].sum()
        means.append(data.longest[part].mean())
        spread.append(np.ptp(part))
    assert 1 - real / padded < 0.2
    assert np.mean(spread) > 4000, "the items of a batch come from everywhere"
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.2, "nor do batches grow longer"


def _epochs(data: Encoded, seed: int, count: int, size: dict[str, int]) -> list[list[Any]]:
    """The batches of so many epochs."""
    schedule = _schedule([data], seed, epochs=float(count), **size)
    every = [schedule.at(update)[1] for update in range(schedule.total)]
    ends = [place + 1 for place, seen in enumerate(np.cumsum([*map(len, every)])) if seen % len(data) == 0]
    return [every[start:end] for start, end in pairwise([0, *ends])]


def _mates(batches: list[Any]) -> set[tuple[int, int]]:
    return {pair for batch in batches for pair in combinations(sorted(batch.tolist()), 2)}


@pytest.mark.parametrize("size", [{"batch_size": 32}, {"batch_tokens": 1024}], ids=["size", "tokens"])
@pytest.mark.parametrize("count", [33, 100, 300, 2_000, 20_000])
def test_batches_are_random_at_every_size(count: int, size: dict[str, int]) -> None:
    """Who meets whom, in which epoch and with which seed, is nearly chance, and padding is rare."""
    data = _sized(_lengths(count))
    first, second = _epochs(data, 3, 2, size)
    (other,) = _epochs(data, 4, 1, size)
    mates = _mates(first)
    for again in (_mates(second), _mates(other)):
        chance = len(again) / (count * (count - 1) / 2)
        assert len(mates & again) / len(mates) < chance + 0.08
    real = padded = 0
    for batch in first:
        parts, _ = Ranks().share(data, batch, MICRO_TOKENS, OVERHEAD)
        assert sorted(item for part in parts for item in part) == sorted(batch)
        real += data.longest[batch].sum()
        padded += sum(data.longest[part].max() * len(part) for part in parts)
    assert 1 - real / padded < 0.2


@pytest.mark.parametrize("count", [33, 100, 300, 2_000, 20_000])
def test_every_item_weighs_the_same_in_the_mean(count: int) -> None:
    """The mean loss of a small batch gives each of its items more weight; any item may be in it."""
    data = _sized(_lengths(count))
    epochs = _epochs(data, 3, max(3, 20_000 // count), {"batch_size": 32})
    weight, small = np.zeros(count), np.zeros(count)
    for batches in epochs:
        for batch in batches:
            weight[batch] += 1 / len(batch) / len(batches) / len(epochs)
            small[batch] += len(batch) < 32
    by_length = np.argsort(data.longest, kind="stable")
    for tenth in np.array_split(by_length, 10 if count > 100 else 3):
        assert weight[tenth].mean() * count == pytest.approx(1, abs=0.25)
    longest = by_length[-count // 3 :]
    assert small[longest].sum() == pytest.approx(small.sum() / 3, rel=0.25)


def test_tasks_that_are_mixed_do_not_begin_with_their_shortest_items() -> None:
    tasks = [_sized(_lengths(640)), _sized(_lengths(640, 1))]
    recipe = Recipe(updates=80, batch_size=8)
    schedule = Schedule.of(tasks, 3, recipe, Mixture(rule="uniform"), [False, False])
    seen = [schedule.at(update) for update in range(80)]
    lengths = [tasks[task].longest[part].mean() for task, part in seen]
    assert np.mean(lengths) == pytest.approx(np.mean(_lengths(640)), rel=0.1), "half an epoch of each"


@settings(max_examples=150, deadline=None)
@given(rows=items(), budget=st.integers(1, 60), overhead=st.integers(0, 30))
def test_passes_keep_the_budget_and_cost_no_more_than_others(
    rows: list[Item], budget: int, overhead: int
) -> None:
    """Compared are all ways to cut the items by length, where the budget cuts no more."""
    data = Encoded.of(rows, "reads")
    every = np.arange(len(rows))

    def cost(parts: list[NDArray[np.int64]]) -> int:
        return sum(collate(data, part, PAD).ids.numel() + overhead for part in parts)

    parts = list(passes(data, every, budget, overhead))
    assert sorted(item for part in parts for item in part) == every.tolist()
    padded = [collate(data, part, PAD).ids.numel() for part in parts]
    assert all(size <= budget or len(part) == 1 for size, part in zip(padded, parts, strict=True))
    by_length = every[np.argsort(data.width, kind="stable")]
    ways = (
        np.split(by_length, cuts)
        for number in range(len(rows))
        for cuts in combinations(range(1, len(rows)), number)
    )
    assert cost(list(passes(data, every, 10_000, overhead))) == min(map(cost, ways))


def test_items_are_joined_where_their_padding_costs_less_than_a_pass() -> None:
    data = _sized([20, 5, 19, 5, 20, 5])
    assert [part.tolist() for part in passes(data, np.arange(6), 1000, 2)] == [[1, 3, 5], [2, 0, 4]]
    assert [part.tolist() for part in passes(data, np.arange(6), 1000, 0)] == [[1, 3, 5], [2], [0, 4]]
    assert len(list(passes(data, np.arange(6), 1000, 44))) == 2, "three times 15 more are 45"
    assert len(list(passes(data, np.arange(6), 1000, 46))) == 1


def test_an_item_meets_other_items_in_another_epoch() -> None:
    data = _sized(_lengths(4000))
    schedule = _schedule([data], batch_size=16)
    half = schedule.total // 2
    with_zero = []
    for epoch in (range(half), range(half, schedule.total)):
        (company,) = [set(part.tolist()) for u in epoch for _, part in [schedule.at(u)] if 0 in part]
        with_zero.append(company - {0})
    assert len(with_zero[0] & with_zero[1]) < 8


def test_tasks_come_in_proportion_to_their_size_and_all_the_time() -> None:
    tasks = [_sized([20] * 600), _sized([20] * 200)]
    schedule = _schedule(tasks, epochs=1.0, batch_size=4)
    drawn = np.asarray([schedule.at(update)[0] for update in range(schedule.total)])
    assert np.bincount(drawn).tolist() == [150, 50]
    assert all(10 < half.sum() < 40 for half in np.split(drawn, 2))


def test_parts_of_epochs() -> None:
    data = [_sized([10] * 100)]
    assert _schedule(data, epochs=1.0, batch_size=10).total == 10
    assert _schedule(data, epochs=2.5, batch_size=10).total == 25
    assert _schedule(data, epochs=0.25, batch_size=10).total == 2
    assert _schedule(data, epochs=0.001, batch_size=10).total == 1
    assert _schedule(data, epochs=None, updates=37, batch_size=10).total == 37


def test_an_item_above_the_budget_comes_alone() -> None:
    schedule = _schedule([_sized([100, 10, 10, 10])], epochs=1.0, batch_tokens=32)
    batches = [schedule.at(update)[1].tolist() for update in range(schedule.total)]
    assert [0] in batches
    assert sorted(map(len, batches)) == [1, 3]


HIDING = Objective("encoder", Vocabulary(size=1000, mask=4, special=(0, 1, 2, 3, 4)))


@settings(max_examples=100, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_hidden_tokens_are_read_and_are_the_gold(lengths: list[int], seed: int) -> None:
    rng = generator("tokens", seed)
    rows = [
        Item((rng.integers(0, 30, n).tolist(),), (int(rng.integers(1, n + 1)),), ([],), [], row)
        for row, n in enumerate(lengths)
    ]
    data, chosen = Encoded.of(rows, "outputs"), generator("chosen", seed).permutation(len(rows))
    found = decoded(HIDING.hide(data, chosen, 0.3, generator("mask", seed)))
    again = decoded(HIDING.hide(data, chosen, 0.3, generator("mask", seed)))
    assert found == again
    for item, row in zip(found, chosen, strict=True):
        (ids,), (was,), (read,) = item.sequences, rows[row].sequences, item.reads
        assert item.second == rows[row].second
        assert [was[place] for place in read] == item.gold
        assert [ids[p] for p in range(len(ids)) if p not in read] == [
            was[p] for p in range(len(ids)) if p not in read
        ]
        assert not set(item.gold) & set(HIDING.words.special)


def test_generators_depend_on_every_part_of_their_name() -> None:
    draws = {
        generator(*parts).integers(2**60)
        for parts in [("order", 1, 2), ("order", 2, 1), ("order", 1), ("batches", 1, 2), ("order", 12)]
    }
    assert len(draws) == 5
    assert generator("order", 1, 2).integers(1000) == generator("order", 1, 2).integers(1000)
