"""A study with a model of the Hub, computed: an adapter before the targets; one target with, one without."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import xstilts
from conftest import World
from xstilts.compute import work
from xstilts.store import Store
from xstilts.study.plan import Plan

from .hub import TOKEN, Hub, served

REVISION = "c0ffee0000000000000000000000000000c0ffee"
SHAPE = """
    name = "scratch"
    question = "Nothing"
    references = []
    [backbones.scratch]
    architecture = "xlm-roberta"
    shape = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16 }
    tokenizer = { tasks = ["./words.py"], vocabulary = 100 }
    [intermediate.arms]
    none = []
    [target]
    tasks = ["./search.py"]
"""
STUDY = """
    name = "shared"
    question = "Does mood help temper?"
    references = ["majority"]
    [backbones.tiny]
    model = "org/tiny"
    revision = "c0ffee0000000000000000000000000000c0ffee"
    [intermediate.recipe]
    updates = 60
    max_length = 16
    stride = 4
    learning_rate = 0.02
    dropout = 0.0
    precision = "fp32"
    adapter = { method = "lora", rank = 2 }
    [intermediate.arms]
    none = []
    mood = ["./mood.py"]
    [target]
    seeds = [1, 2]
    tasks = ["./mood.py", "./temper.py", "./search.py"]
    [target.recipe]
    updates = 60
    max_length = 16
    stride = 4
    learning_rate = 0.02
    dropout = 0.0
    precision = "fp32"
    [target.recipes.temper]
    adapter = { method = "lora", rank = 2 }
    [[claims]]
    says = "Mood helps temper"
    arms = ["mood"]
    targets = ["temper"]
"""


@dataclass(frozen=True)
class Computed:
    """The study, its folder, its store, and the folder of its backbone."""

    study: xstilts.Study
    path: Path
    store: Path
    base: Path

    @property
    def plan(self) -> Plan:
        return self.study.planned(self.store)[0]


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computed]:
    """All steps are in the store, with all checkpoints."""
    root = tmp_path_factory.mktemp("shared")
    world = World(root / "world")
    world.folder.mkdir()
    for name in ("mood", "temper"):
        world.task(
            name,
            family="classification",
            example="Pair",
            row='Pair(line.split("\\t")[0], None, line.split("\\t")[1])',
            metric="accuracy",
            facts='labels=("no", "yes"),',
        )
    world.task("words", family="masked", example="Text", row="Text(line)", splits='("train",)')
    world.task(
        "search",
        family="retrieval",
        example="Bitext",
        row="Bitext((line,), (line,), ((0, 0),))",
        metric="retrieval_accuracy",
        facts='trained_by="",',
        splits='("test",)',
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root / "cache"))
        _compute(xstilts.Study.load(world.study(text=SHAPE, name="scratch.toml")), root / "first")
        (made,) = (root / "first" / "steps").glob("xlm-roberta-*/checkpoint")
        base = root / "cache" / "models--org--tiny" / "snapshots" / REVISION
        base.parent.mkdir(parents=True)
        made.rename(base)
        path = world.study(text=STUDY)
        study = xstilts.Study.load(path)
        _compute(study, root / "store")
        yield Computed(study, path, root / "store", base)


def _compute(study: xstilts.Study, folder: Path) -> None:
    kept = Store(folder)
    kept.prepare()
    plan, _ = study.planned(folder)
    for step in plan.steps:
        work.compute(step, kept, plan.places, lambda event: None)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub that huggingface_hub talks to, with a token for the organization `org`."""
    with served(tmp_path / "hub") as found:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", found.address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield found
