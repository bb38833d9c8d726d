"""A folder with a study, users' task files and their data: everything that planning needs, nothing real."""

import os
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xstilts

if TYPE_CHECKING:
    from shell import Shell
    from xstilts.analysis.findings import Findings

SOURCE = Path(xstilts.__file__).parents[1]
"""Where the package lies that is tested: its workers must not take an installed one."""

TASK = """
    from xstilts.data.examples import {example}
    from xstilts.data.task import Files, Task

    def _read(paths, language):
        for line in paths[0].read_text().splitlines():
            yield {row}

    TASK = Task(
        family="{family}", languages=("de", "en", "fr"), metric="{metric}", {facts}
        files=Files(patterns={{s: (f"{name}-{{s}}-{{{{lang}}}}.tsv",) for s in {splits}}}, read=_read),
        description="A test", citation="Nobody", licence="None",
    )
"""

STUDY = """
    name = "small"
    question = "Does mood help?"

    [backbones.scratch]
    architecture = "xlm-roberta"
    shape = { hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16 }
    tokenizer = { tasks = ["./words.py"], vocabulary = 100 }

    [intermediate]
    seeds = [1]
    [intermediate.recipe]
    updates = 2
    max_length = 16
    stride = 4
    [intermediate.arms]
    none = []
    mood = ["./mood.py"]

    [target]
    seeds = [1, 2]
    tasks = ["./mood.py", "./search.py"]
    [target.recipe]
    updates = 2
    max_length = 16
    stride = 4

    [[claims]]
    says = "Mood helps"
    arms = ["mood"]
    targets = ["mood"]
"""


@dataclass(frozen=True)
class World:
    """The folder, and how to write study files into it."""

    folder: Path

    def study(self, *changes: tuple[str, str], text: str = STUDY, name: str = "study.toml") -> Path:
        """The study file with parts of its text replaced."""
        text = textwrap.dedent(text)
        for old, new in changes:
            assert old in text, f"nothing to replace: {old}"
            text = text.replace(old, new)
        path = self.folder / name
        path.write_text(text)
        return path

    def task(self, name: str, **facts: str) -> Path:
        """A task file with its rows beside it."""
        defaults = {"splits": '("train", "dev", "test")', "facts": "", "metric": ""}
        path = self.folder / f"{name}.py"
        path.write_text(textwrap.dedent(TASK).format(name=name, **(defaults | facts)))
        for split in ("train", "dev", "test"):
            for language in ("de", "en", "fr"):
                if split == "train" and language != "en" and facts["family"] == "classification":
                    continue
                count = 1 if facts["family"] == "retrieval" else 4
                rows = [f"{split} {row} {language}\t{('no', 'yes')[row % 2]}" for row in range(count)]
                (self.folder / f"{name}-{split}-{language}.tsv").write_text("\n".join(rows) + "\n")
        return path


@pytest.fixture(autouse=True)
def _no_lease_is_left() -> Iterator[None]:
    """Fail a test that leaves a lease's thread behind: it would go on touching files beside later tests."""
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("lease ")]
    assert not left, f"not released: {', '.join(left)}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three tasks of a user: `mood` (classification), `search` (retrieval), `words` (masked)."""
    made = World(tmp_path / "world")
    made.folder.mkdir()
    made.task(
        "mood",
        family="classification",
        example="Pair",
        row='Pair(line.split("\\t")[0], None, line.split("\\t")[1])',
        metric="accuracy",
        facts='labels=("no", "yes"),',
    )
    made.task("words", family="masked", example="Text", row="Text(line)", splits='("train",)')
    made.task(
        "search",
        family="retrieval",
        example="Bitext",
        row="Bitext((line,), (line,), ((0, 0),))",
        metric="retrieval_accuracy",
        facts='trained_by="",',
        splits='("test",)',
    )
    return made


def fake_report(findings: "Findings", formats: list[str], out: Path) -> list[Path]:
    """In place of the report: a folder, and the names that would be printed."""
    out.mkdir(parents=True, exist_ok=True)
    return [out / one for one in formats]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Shell":
    """Commands in an empty folder, with work that costs nothing (compute/fakes.py) and no report."""
    from shell import Shell
    from xstilts.analysis.findings import Findings
    from xstilts.report import page
    from xstilts.run import launch
    from xstilts.store import Store

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "compute"), prepend=os.pathsep)
    monkeypatch.delenv("XSTILTS_STORE", raising=False)
    monkeypatch.delenv("XSTILTS_DATA", raising=False)
    monkeypatch.setattr(launch, "COMPUTE", "fakes:compute")
    monkeypatch.setattr(page, "write", fake_report)
    told = {"answer": "The answer.", "conditions": ["A condition."]}
    told["known_headline"] = ("The answer.", ["A condition."])
    for name, value in told.items():
        monkeypatch.setattr(Findings, name, value)
    Store(folder / "store").prepare()
    (folder / "store" / "instructions.json").write_text("{}")
    return Shell(capsys, monkeypatch)


@pytest.fixture(scope="session")
def real_format(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a model in the format of a real release (formats.py); for reading alone."""
    root = tmp_path_factory.mktemp("formats")

    def folder(name: str) -> Path:
        from formats import make

        return root / name if (root / name).exists() else make(name, root / name)

    return folder
