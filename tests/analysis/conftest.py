"""The example study, measured whole and with gaps; and what the lab planted in it."""

from collections.abc import Iterator

import pytest

from xstilts.analysis import planted

from . import numbered
from .example import World, make

TRUTH = {("lab_nli", "lab_nli"): "help", ("lab_nli", "lab_pairs"): "help", ("lab_ccg", "lab_tatoeba"): "harm"}


@pytest.fixture(scope="module", autouse=True)
def truth() -> Iterator[None]:
    """The lab's planted effects, as they are for the example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planted, "expected", lambda *pair: (TRUTH.get(pair, "none"), "said so"))
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everything measured, three seeds."""
    return make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def torn_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One seed; two cells failed."""
    return make(tmp_path_factory.mktemp("torn"), (1,), (("nli", "lab_ner"), ("tags", "lab_pairs")))


@pytest.fixture(scope="session")
def numbered_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A study with axes; three seeds."""
    return numbered.make(tmp_path_factory.mktemp("numbered"))
