"""A study with a model of the Hub, computed: an adapter before the targets; one target with, one without."""

import json
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import xstilts
from xstilts.compute import work
from xstilts.store import Store
from xstilts.study.plan import Plan

from .hub import TOKEN, Hub, served

REVISION = "c0ffee0000000000000000000000000000c0ffee"
TASK = """
    from xstilts.data.examples import {kind}
    from xstilts.data.task import Files, Task

    def _read(paths, language):
        for line in paths[0].read_text().splitlines():
            text, label = line.split("\\t")
            yield {kind}({row})

    SPLITS = ("train", "dev", "test")

    TASK = Task(
        languages=("de", "en", "fr"), {facts}
        files=Files(patterns={{s: (f"{name}-{{s}}-{{{{lang}}}}.tsv",) for s in SPLITS}}, read=_read),
        description="A test", citation="Nobody", licence="None",
    )
"""
LABELLED = ("Pair", "text, None, label", 'family="classification", metric="accuracy", labels=("no", "yes"),')
TASKS = {
    "mood": LABELLED,
    "temper": LABELLED,
    "words": ("Text", "text", 'family="masked", metric="",'),
    "search": (
        "Bitext",
        "(text,), (text,), ((0, 0),)",
        'family="retrieval", metric="retrieval_accuracy", trained_by="",',
    ),
}
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

ON_FOLDER = """
    # written in {folder}/notes
    name = "local"
    question = "Nothing"
    references = ["majority"]
    [backbones.mine]
    model = "{folder}/enc"
    [intermediate.arms]
    none = []
    [target]
    seeds = [1]
    tasks = ["./mood.py"]
    [target.recipe]
    updates = 2
    max_length = 16
    stride = 4
    precision = "fp32"
    adapter = {{ method = "lora", rank = 2 }}
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
    for name, (kind, row, facts) in TASKS.items():
        _write_task(root, name, kind, row, facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root / "cache"))
        _compute(_study(root / "scratch.toml", SHAPE), root / "first")
        (made,) = (root / "first" / "steps").glob("xlm-roberta-*/checkpoint")
        base = root / "cache" / "models--org--tiny" / "snapshots" / REVISION
        base.parent.mkdir(parents=True)
        made.rename(base)
        study = _study(root / "study.toml", STUDY)
        _compute(study, root / "store")
        yield Computed(study, root / "study.toml", root / "store", base)


@pytest.fixture(scope="session")
def on_folder(computed: Computed) -> Computed:
    """An adapter on a folder that holds more than a model: notes, a token, paths, other labels."""
    root = computed.path.parent
    base = root / "someone" / "enc"
    shutil.copytree(computed.base, base)
    (base / "notes.txt").write_text("private")
    (base / "trainer_state.json").write_text('{"hub_token": "hf_secret"}')
    _change(
        base / "tokenizer_config.json",
        {
            "tokenizer_file": f"{base}/tokenizer.json",
            "special_tokens_map_file": "C:\\Users\\someone\\map.json",
        },
    )
    labels = {"id2label": {"0": "yes", "1": "no"}, "label2id": {"yes": 0, "no": 1}}
    nested = {"made": {"from": ["/home/someone/corpus.txt", "~/someone", "books"], "token": "hf_secret"}}
    _change(base / "config.json", {"_name_or_path": str(base), **nested, **labels})
    study = _study(root / "local.toml", textwrap.dedent(ON_FOLDER).format(folder=base.parent))
    _compute(study, root / "third")
    return Computed(study, root / "local.toml", root / "third", base)


def _change(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _study(path: Path, text: str) -> xstilts.Study:
    path.write_text(textwrap.dedent(text))
    return xstilts.Study.load(path)


def _write_task(folder: Path, name: str, kind: str, row: str, facts: str) -> None:
    """A task file with rows beside it: the number tells the label, which are trained in English."""
    (folder / f"{name}.py").write_text(
        textwrap.dedent(TASK).format(name=name, kind=kind, row=row, facts=facts)
    )
    for split in ("train", "dev", "test"):
        for code in ("de", "en", "fr"):
            if kind == "Pair" and (split, code) in (("train", "de"), ("train", "fr")):
                continue
            count = 1 if kind == "Bitext" else 4
            rows = [f"{split} {row} {code}\t{('no', 'yes')[row % 2]}\n" for row in range(count)]
            (folder / f"{name}-{split}-{code}.tsv").write_text("".join(rows))


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
