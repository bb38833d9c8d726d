"""One tiny backbone for all tests of this package, and a store of its own for each test."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from bench import Bench
from toybox import BACKBONE, OF_FAMILY, Box, layout_of, spread

from xstilts import families
from xstilts.compute import checkpoint
from xstilts.compute import model as models
from xstilts.run import launch, local
from xstilts.store import Store

if TYPE_CHECKING:
    from conftest import World


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums over several threads depend on their number; and the tests share the computer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A store that all tests share: what one has trained, another may look at."""
    store = Store(tmp_path_factory.mktemp("store"))
    store.prepare()
    box = Box(store)
    box.compute(BACKBONE)
    return box


@pytest.fixture
def box(first: Box, tmp_path: Path) -> Box:
    """A store of the test's own that holds the backbone and nothing else."""
    store = Store(tmp_path / "store")
    store.prepare()
    folder = first.folder(BACKBONE)
    shutil.copytree(folder, store.root / "steps" / folder.name)
    return Box(store)


@pytest.fixture(scope="session")
def tokenizer(first: Box) -> Any:
    """The tokenizer of the tiny backbone."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(first.checkpoint(BACKBONE))


@pytest.fixture
def model(first: Box) -> models.Model:
    """The tiny backbone with a head for every family, its weights spread as after training."""
    model = checkpoint.load(first.checkpoint(BACKBONE))
    torch.manual_seed(0)
    for family in OF_FAMILY:
        model.add_head(family, family, families.find(family).outputs(layout_of(family)))
    spread(model)
    return model.eval()


@pytest.fixture
def bench(world: "World", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A small study whose work costs nothing."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setattr(launch, "COMPUTE", "fakes:compute")
    monkeypatch.setattr(local, "PACE", dataclasses.replace(local.PACE, busy=0.05))
    return Bench(world, tmp_path / "store")
