"""Several processes that train one phase together get the numbers that one process gets."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ranked import DIVIDED, TWO, together
from toybox import Box, phase

from xstilts.compute.context import Means
from xstilts.compute.data import Encoded
from xstilts.compute.distributed import Ranks
from xstilts.errors import StepError
from xstilts.families.items import Item

PHASES = {
    "pairs": phase("pairs", updates=8, batch_size=16, batch_tokens=None),
    "several": phase("tags", "texts", updates=8),
    "best": phase("pairs", updates=8, evaluations=4, select="best"),
}


@pytest.mark.parametrize("means", [TWO, DIVIDED], ids=["two", "divided"])
@pytest.mark.parametrize("name", sorted(PHASES))
def test_two_processes_lose_what_one_loses(first: Box, box: Box, name: str, means: Means) -> None:
    trained = PHASES[name]
    alone = first.curve(trained)
    record = together(box, trained, means)
    shared = box.curve(trained)
    assert (record["processes"], record["divided"]) == (2, means.divide)
    assert [point["update"] for point in shared] == [point["update"] for point in alone]
    assert [point["tokens"] for point in shared] == [point["tokens"] for point in alone]
    for quantity in ("loss", "development"):
        found = [point[quantity] for point in shared if quantity in point]
        expected = [point[quantity] for point in alone if quantity in point]
        assert found == pytest.approx(expected, abs=1e-5)


def test_it_does_not_matter_into_how_many_parts_an_update_is_cut(first: Box, box: Box) -> None:
    trained = PHASES["pairs"]
    together(box, trained, TWO, micro_tokens=64)
    alone, shared = first.curve(trained), box.curve(trained)
    assert [one["loss"] for one in shared] == pytest.approx([one["loss"] for one in alone], abs=1e-5)


def test_a_process_that_dies_fails_the_step_and_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def watched(*arguments: Any, **settings: Any) -> subprocess.Popen[bytes]:
        opened.append(popen(*arguments, **settings))
        return opened[-1]

    def kill(event: Mapping[str, Any]) -> None:
        opened[0].send_signal(signal.SIGKILL)
        opened[0].wait()

    monkeypatch.setattr(subprocess, "Popen", watched)
    monkeypatch.setattr("xstilts.compute.train.REPORT_SECONDS", 0.0)
    with pytest.raises(StepError, match="one of its 2 processes ended too early"):
        together(box, PHASES["pairs"], TWO, report=kill)


def test_the_others_leave_with_the_first(tmp_path: Path) -> None:
    read, write = os.pipe()
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from xstilts.compute import work; work.end_with_parent(); time.sleep(60)",
        ],
        stdin=read,
    )
    os.close(read)
    os.close(write)
    assert other.wait(60) == 1


def item(length: int) -> Item:
    return Item(([0] * length,), (length,), ([0],), [0], 0)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("tokens", [8, 30, 1000])
def test_every_item_falls_to_one_process(size: int, tokens: int) -> None:
    data = Encoded.of([item(length) for length in (2, 3, 3, 4, 6, 7, 9)], "outputs")
    items = np.array([0, 2, 3, 6])
    found = [Ranks(rank, size).share(data, items, tokens) for rank in range(size)]
    assert sorted(int(one) for own, _ in found for part in own for one in part) == items.tolist()
    assert all(bool(idle) is not bool(own) for own, idle in found), "all average gradients"
    divided = [Ranks(rank, size, divides=True).share(data, items, tokens) for rank in range(size)]
    assert [[part.tolist() for part in own] for own, _ in divided] == [
        [part.tolist() for part in own] for own, _ in found
    ]
    assert len({len(own) + len(idle) for own, idle in divided}) == 1, "all make as many passes"


def test_alone_nothing_is_summed() -> None:
    model = torch.nn.Linear(2, 2)
    assert Ranks().replica(model) is model
    assert Ranks().total([1.5, 2], torch.device("cpu")) == [1.5, 2]
