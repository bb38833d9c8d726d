"""What a phase sees: shares of tasks and languages, nested subsets, replay; the sequence for three seeds.

A change that is meant to move the sequences writes their file anew:
`python tests/compute/test_training_data.py`.
"""

import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toybox import PLACES, Box, phase, use

from xstilts.compute.context import Context
from xstilts.compute.data import Encoded, apportion
from xstilts.compute.rows import examples
from xstilts.compute.training_data import Mixed, Schedule
from xstilts.errors import DataError
from xstilts.families.items import Item
from xstilts.store import Store
from xstilts.study.phase import Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Step
from xstilts.study.use import Mixture, Use

GOLDEN = Path(__file__).parents[1] / "golden" / "sequences.json"
BOTH = ("de", "en")
TEXTS = use("texts", languages=BOTH)


def mixed(*uses: Use, seed: int = 1, recipe: dict[str, Any] | None = None, **mixture: Any) -> Phase:
    fields = {"updates": None, "epochs": 2.0, "batch_tokens": None, "batch_size": 4} | (recipe or {})
    found = Mixture(**mixture) if mixture else None
    return phase(*uses, seed=seed, **fields).changed(mixture=found)


PHASES = {
    "by size": mixed(use("pairs"), use("tags", examples=20)),
    "uniform": mixed(use("pairs"), use("tags", examples=20), rule="uniform"),
    "a limit": mixed(use("pairs"), use("tags", examples=20), rule="limit", limit=30),
    "a temperature": mixed(use("pairs"), use("tags", examples=20), rule="temperature", temperature=2.0),
    "shares": mixed(use("pairs"), use("tags"), rule="shares", shares=(0.75, 0.25)),
    "replay": mixed(use("pairs"), TEXTS, replay=0.4),
    "replay at fixed updates": mixed(use("pairs"), TEXTS, recipe={"epochs": None, "updates": 20}, replay=0.4),
    "a fraction": mixed(use("pairs", fraction=0.25)),
    "a cap": mixed(use("pairs", examples=24)),
    "shares of languages": mixed(use("pairs", languages=BOTH, examples=40, shares=(0.25, 0.75))),
}


def context(step: Phase, root: Path) -> Context:
    return Context(Store(root), Step(step), root, root, PLACES, lambda event: None)


def rows_of(one: Phase, root: Path) -> list[list[Any]]:
    return [list(examples(part, context(one, root), one.seed)) for part in one.uses]


def sequence(one: Phase, root: Path) -> list[list[str]]:
    """What each update sees: the texts of its rows, after the name of the task."""
    rows = rows_of(one, root)
    tasks = [
        Encoded.of(
            [Item(([5] * len(str(row)),), (9,), ([0],), [0], n) for n, row in enumerate(part)], "reads"
        )
        for part in rows
    ]
    masked = [part.family == "masked" for part in one.uses]
    schedule = Schedule.of(tasks, one.seed, one.recipe, one.mixture, masked)
    seen = (schedule.at(update) for update in range(schedule.total))
    return [[one.uses[task].task, *(str(rows[task][item]) for item in items)] for task, items in seen]


def digests(one: Phase, root: Path) -> dict[str, Any]:
    """The sequence for three seeds: how many updates each task has, and a checksum of every row in order."""
    found = {}
    for seed in (1, 2, 3):
        updates = sequence(one.changed(seed=seed), root)
        text = json.dumps(updates)
        counts = Counter(update[0] for update in updates)
        found[str(seed)] = {"updates": dict(counts), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return found


@pytest.mark.parametrize("name", PHASES)
def test_the_sequence_of_examples_is_that_of_the_golden_file(name: str, tmp_path: Path) -> None:
    found = digests(PHASES[name], tmp_path)
    assert found == json.loads(GOLDEN.read_text())[name]
    assert len({one["sha256"] for one in found.values()}) == 3


def _sized(*sizes: int) -> list[Encoded]:
    return [
        Encoded.of([Item(([5] * 7,), (7,), ([0],), [0], row) for row in range(n)], "reads") for n in sizes
    ]


@pytest.mark.parametrize(
    ("mixture", "wanted"),
    [
        ({"rule": "size", "replay": 0.5}, [300, 100, 400]),
        ({"rule": "uniform"}, [400, 400]),
        ({"rule": "limit", "limit": 600}, [533, 267]),
        ({"rule": "temperature", "temperature": 2.0}, [507, 293]),
        ({"rule": "shares", "shares": (0.1, 0.9)}, [80, 720]),
        ({"rule": "shares", "shares": (0.1, 0.9), "replay": 0.25}, [60, 540, 200]),
    ],
)
def test_every_task_gets_its_share_of_the_updates(mixture: dict[str, Any], wanted: list[int]) -> None:
    tasks = _sized(900, 300, 50)[: len(wanted)]
    masked = [False, False, True][: len(wanted)]
    schedule = Schedule.of(tasks, 3, Recipe(updates=800, batch_size=8), Mixture(**mixture), masked)
    seen = [schedule.at(update)[0] for update in range(schedule.total)]
    assert [seen.count(task) for task in range(len(wanted))] == wanted
    halves = [seen[:400].count(task) for task in range(len(wanted))]
    assert all(
        abs(half - all_ / 2) < 5 * np.sqrt(all_ / 4) for half, all_ in zip(halves, wanted, strict=True)
    )


def test_a_task_goes_through_all_its_rows_before_any_comes_again() -> None:
    schedule = Schedule.of(
        _sized(40, 24), 1, Recipe(updates=60, batch_size=8), Mixture(rule="uniform"), [False, False]
    )
    order = [schedule.at(update) for update in range(60)]
    for task, size in enumerate((40, 24)):
        items = [int(item) for here, batch in order if here == task for item in batch]
        for epoch in range(len(items) // size):
            assert sorted(items[epoch * size : (epoch + 1) * size]) == list(range(size))


def test_the_order_is_a_function_of_seed_and_update() -> None:
    tasks, recipe, mixture = _sized(60, 33), Recipe(epochs=3.0, batch_size=4), Mixture(rule="uniform")
    straight = Schedule.of(tasks, 1, recipe, mixture, [False, False])
    jumping = Schedule.of(tasks, 1, recipe, mixture, [False, False])
    wanted = [straight.at(update) for update in range(straight.total)]
    for update in reversed(range(straight.total)):
        assert jumping.at(update)[0] == wanted[update][0]
        assert jumping.at(update)[1].tolist() == wanted[update][1].tolist()


def test_replay_lengthens_a_phase_of_epochs_and_shares_one_of_updates() -> None:
    tasks, alone = _sized(80, 1000), _sized(80)
    recipe, replay = Recipe(epochs=3.0, batch_size=8), Mixture(replay=0.5)
    assert Schedule.of(alone, 1, recipe).total == 30
    assert Schedule.of(tasks, 1, recipe, replay, [False, True]).total == 60
    fixed = Schedule.of(tasks, 1, Recipe(updates=30, batch_size=8), replay, [False, True])
    assert Counter(fixed.at(update)[0] for update in range(30)) == {0: 15, 1: 15}


def test_several_masked_texts_share_the_replay_by_size() -> None:
    mixture = Mixture(rule="uniform", replay=0.5)
    schedule = Mixed(_sized(10, 10, 30), 1, Recipe(updates=8), mixture, [False, True, True])
    assert schedule.shares().tolist() == [0.5, 0.125, 0.375]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(sum), st.integers(0, 10_000))
def test_whole_numbers_in_proportion(weights: list[float], total: int) -> None:
    shares = np.array(weights) / sum(weights)
    counts = apportion(shares, total)
    assert counts.sum() == total
    assert (abs(counts - shares * total) < 1 + 1e-6).all()


def test_subsets_are_nested(tmp_path: Path) -> None:
    def rows(**cap: Any) -> set[str]:
        (found,) = rows_of(mixed(use("pairs", **cap)), tmp_path)
        return {row.id for row in found}

    whole = rows()
    assert rows(examples=7) < rows(examples=20) < rows(fraction=0.5) < whole
    assert len(rows(fraction=0.5)) == round(len(whole) / 2)


def test_shares_of_languages_keep_the_positions(tmp_path: Path) -> None:
    """Where rows are translations of each other, only the language changes with the shares."""

    def rows(*shares: float) -> dict[str, set[int]]:
        one = mixed(use("pairs", languages=BOTH, examples=40, shares=shares))
        found: dict[str, set[int]] = {"de": set(), "en": set()}
        for row in rows_of(one, tmp_path)[0]:
            language, number = row.id.split("-")
            found[language].add(int(number))
        return found

    (alone,) = rows_of(mixed(use("pairs", examples=40)), tmp_path)
    positions = {int(row.id.split("-")[1]) for row in alone}
    for german in (0.0, 0.1, 0.5, 1.0):
        found = rows(german, 1 - german)
        assert len(found["de"]) == round(40 * german)
        assert found["de"] | found["en"] == positions
    assert rows(0.1, 0.9)["de"] < rows(0.5, 0.5)["de"]


def test_a_share_beyond_what_there_is_is_refused(tmp_path: Path) -> None:
    one = mixed(use("pairs", languages=BOTH, examples=10_000, shares=(0.5, 0.5)))
    with pytest.raises(DataError, match=r"needs 5,000 rows of pairs in 'de'; there are \d+"):
        rows_of(one, tmp_path)


def test_a_mixture_trains_alike_whatever_the_micro_batch(tmp_path: Path) -> None:
    curves = []
    for micro_tokens in (10_000, 40):
        store = Store(tmp_path / str(micro_tokens))
        store.prepare()
        box, one = Box(store), mixed(use("pairs"), TEXTS, recipe={"epochs": 0.5}, replay=0.5)
        box.compute(one.parent)  # type: ignore[arg-type]
        box.compute(one, micro_tokens=micro_tokens)
        curves.append([point["loss"] for point in box.curve(one)])
    assert curves[0] == pytest.approx(curves[1], abs=1e-5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        golden = {name: digests(one, Path(folder)) for name, one in PHASES.items()}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
