"""A model that is divided among processes learns what it learns whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as processes
from eight import Folder, columns, opened
from ranked import DIVIDED, together
from torch.distributed.fsdp import FSDPModule
from toybox import Box, phase

from formats import TEXT_NAMES
from xstilts.compute import train
from xstilts.compute.data import collate
from xstilts.compute.distributed import Ranks, fill, placed
from xstilts.compute.model import Model, loss_sum
from xstilts.compute.state import adamw
from xstilts.compute.work import ALONE
from xstilts.study.recipe import Adapter, Recipe

CPU = torch.device("cpu")


@pytest.fixture
def _one(tmp_path: Path) -> Iterator[None]:
    """A group of one process, which has all parts."""
    meeting = processes.FileStore(str(tmp_path / "ranks"), 1)  # type: ignore[attr-defined]
    processes.init_process_group("gloo", store=meeting, rank=0, world_size=1)
    yield
    processes.destroy_process_group()


def _learned(model: Model, families: list[str]) -> list[float]:
    """The losses of some updates."""
    losses, optimizer = [], adamw(model, Recipe(learning_rate=1e-4))
    for family in families * 2:
        data = columns(model, family)
        batch = collate(data, np.arange(len(data)), model.pad)
        loss = loss_sum(model(batch, family), batch) / data.decisions(np.arange(len(data)))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


@pytest.mark.usefixtures("_one")
@pytest.mark.parametrize("name", TEXT_NAMES)
def test_every_format_can_be_divided(name: str, real_format: Folder) -> None:
    families = ["classification", "masked"]
    wanted, model = (opened(real_format(name), *families) for _ in range(2))
    names = [one for one, _ in model.named_parameters()]
    whole = placed(model, Ranks(0, 1, divides=True), CPU)
    assert whole is not model
    divided = [one for one, part in model.named_modules() if isinstance(part, FSDPModule)]
    assert len(divided) > 1, "layers, not the model alone"
    assert _learned(model, families) == pytest.approx(_learned(wanted, families), rel=1e-5)
    fill(whole, model)
    assert [one for one, _ in whole.named_parameters()] == names
    data = columns(wanted, "classification")
    batch = collate(data, np.arange(len(data)), wanted.pad)
    found, expected = (one.eval()(batch, "classification") for one in (whole, wanted))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


PHASES = {
    "one row for two": phase("pairs", updates=8, batch_size=1, batch_tokens=None),
    "text and pairs with an adapter": phase("texts", "pairs", updates=8, adapter=Adapter(rank=4)),
}


@pytest.mark.parametrize("name", sorted(PHASES))
def test_a_divided_model_learns_what_a_whole_one_learns(first: Box, box: Box, name: str) -> None:
    alone = first.curve(PHASES[name])
    together(box, PHASES[name], DIVIDED)
    shared = box.curve(PHASES[name])
    assert [one["loss"] for one in shared] == pytest.approx([one["loss"] for one in alone], abs=1e-5)
    assert [one["tokens"] for one in shared] == [one["tokens"] for one in alone]


class StoppedError(Exception):
    """Raised by the test in place of whatever stops a run."""


@pytest.mark.parametrize("divided_first", [True, False])
def test_what_was_begun_divided_goes_on_whole_and_the_other_way_round(
    first: Box, box: Box, divided_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(event: Any) -> None:
        if event["update"] == 6:
            raise StoppedError

    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    trained = phase("pairs", updates=12, evaluations=4, select="best")
    alone = first.curve(trained)
    before, after = (DIVIDED, ALONE) if divided_first else (ALONE, DIVIDED)
    with pytest.raises(StoppedError):
        together(box, trained, before, save_seconds=0, report=stop)
    updates: list[int] = []
    together(box, trained, after, report=lambda event: updates.append(event["update"]))
    assert updates[0] == 6, "the update in which it was stopped had not been kept"
    found = box.curve(trained)
    for quantity in ("loss", "development"):
        assert [point[quantity] for point in found if quantity in point] == pytest.approx(
            [point[quantity] for point in alone if quantity in point], abs=1e-5
        )
