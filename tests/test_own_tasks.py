"""Faults in a user's own task file are told with the line of it, and once."""

import shutil
from pathlib import Path

import pytest

from xstilts import tasks as registry
from xstilts.data import loader
from xstilts.errors import DataError, TaskError
from xstilts.study.load import load
from xstilts.study.plan import plan
from xstilts.study.sources import look

EXAMPLE = Path(__file__).parents[1] / "examples" / "own-task"
STUDY = """
name = "own"
question = "Does it?"
references = ["majority"]
[backbones]
lab = { model = "lab" }
[intermediate.arms]
none = []
[target]
tasks = ["./mytask.py"]
[target.recipe]
max_length = 64
"""


def written(folder: Path, old: str, new: str) -> Path:
    """The example's task with a part of its text replaced, beside its data."""
    shutil.copytree(
        EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "backbone"), dirs_exist_ok=True
    )
    text = (EXAMPLE / "mytask.py").read_text()
    assert old in text
    path = folder / "mytask.py"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (
            'family="classification"',
            'family="classificaton"',
            "TASK = Task(",
            "no family 'classificaton'. Did you mean 'classification'? There are classification, choice",
        ),
        ('("de", "en")', '("en")', "TASK = Task(", "`languages` must be a tuple, got 'en'. Write ('en',)."),
        (
            '("train.csv",)',
            '"train.csv"',
            'patterns={"train"',
            "`files.patterns['train']` must be a tuple, got 'train.csv'.",
        ),
        (
            "import csv",
            "import csv\nx = 1 / 0",
            "x = 1 / 0",
            "ZeroDivisionError: division by zero, in `x = 1 / 0`.",
        ),
        ("import csv", "import csv\nx = (", "x = (", "SyntaxError: '(' was never closed"),
        ("import csv", "import csv\nopen('no')", "open('no')", "FileNotFoundError: "),
        ('metric="accuracy"', 'metrics="accuracy"', "TASK = Task(", "TypeError: "),
    ],
)
def test_a_fault_of_the_file(tmp_path: Path, old: str, new: str, line: str, said: str) -> None:
    path = written(tmp_path, old, new)
    with pytest.raises(TaskError) as raised:
        registry.find(str(path))
    where, _, what = str(raised.value).partition(": ")
    number = int(where.removeprefix(f"{path}:"))
    rows = path.read_text().splitlines()
    assert line in rows[number - 1] or line in rows[number]  # `files=Files(` stands before its `patterns`
    assert said in what


def test_an_unknown_metric_is_told_with_those_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, 'metric="accuracy"', 'metric="acuracy"')
    with pytest.raises(TaskError, match="no metric 'acuracy'"):
        registry.find(str(path))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('row["text"]', 'row["txt"]', 'row["txt"]', "KeyError: 'txt', in `yield Pair("),
        ("(path,) = paths", "(path,) = paths; assert 1 == 2", "assert 1", "AssertionError, in `"),
        (
            "(path,) = paths",
            "(path,) = paths; raise RuntimeError('x')",
            "RuntimeError",
            "RuntimeError: x, in `",
        ),
        ("yield Pair", "return Pair", "", "`read` gives no rows but Pair. Write `yield` before each row."),
    ],
)
def test_a_fault_in_read_is_told_once(tmp_path: Path, old: str, new: str, line: str, said: str) -> None:
    path = written(tmp_path, old, new)
    (tmp_path / "study.toml").write_text(STUDY)
    made = plan(load(tmp_path / "study.toml"))
    (error,) = look(made.steps, made.places)[1]
    number = next((n for n, row in enumerate(path.read_text().splitlines(), 1) if line and line in row), None)
    assert str(error).startswith(f"{path}:{number}: " if number else f"{path}: ")
    assert said in str(error)


def test_what_is_wrong_with_a_file_is_told_of_the_file(tmp_path: Path) -> None:
    made = registry.find(str(written(tmp_path, "import csv", "import csv")))
    (tmp_path / "dev.csv").write_bytes(b"text,label\nGood,praise\nGut caf\xe9,praise\n")
    with pytest.raises(DataError, match=r"dev\.csv:3: is not UTF-8 .* in Latin-1: 'Gut café,praise'"):
        loader.load(made, "dev", "en")
    (tmp_path / "dev.csv").write_bytes("text,label\nGood,praise\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"dev\.csv:1: is not UTF-8 but UTF-16"):
        loader.load(made, "dev", "en")
    (tmp_path / "dev.csv").write_text("text,label\nGood,prais\n")
    with pytest.raises(DataError, match=r"dev\.csv:2: the label 'prais' is not one of"):
        loader.load(made, "dev", "en")
