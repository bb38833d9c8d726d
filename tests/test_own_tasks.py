"""Faults in a user's own task file are told with the line of it, and once."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

from xstilts import tasks as registry
from xstilts.analysis.results import Line, Results
from xstilts.data import code as task_code
from xstilts.data import loader
from xstilts.errors import DataError, TaskError
from xstilts.store import Store
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


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path, 'licence="CC0 1.0"', 'licence="CC0 1.0", version=2')
    assert registry.find(str(path)).version == 2
    assert registry.find(str(path)) is registry.find(str(path))
    path.write_text(path.read_text().replace("version=2", "version=13"))
    assert registry.find(str(path)).version == 13


def fingerprints(folder: Path, recipe: str = "") -> dict[str, set[str]]:
    """Those of the steps of the example's study, by kind."""
    (folder / "study.toml").write_text(STUDY + recipe)
    steps = plan(load(folder / "study.toml")).steps
    return {kind: {one.fingerprint for one in steps if one.kind == kind} for kind in ("phase", "evaluation")}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('Pair(row["text"], None', 'Pair(row["text"].lower(), None', True),
        ("read=read,", "read=lambda paths, language: list(read(paths, language))[:2],", True),
        ("LABELS = (", "FEWER = 2\nLABELS = (", False),
        ('citation="made up', 'citation="written', False),
        ("import Files, Task", "import Files, Hub, Task", False),
        ("import csv", "import csv\nimport json as csv", True),
        ("TASK = Task(", 'def unused() -> None:\n    """Nothing."""\n\n\nTASK = Task(', False),
    ],
)
def test_what_the_code_of_a_task_reads_is_part_of_the_fingerprint(
    tmp_path: Path, old: str, new: str, *, changes: bool
) -> None:
    written(tmp_path / "before", "TASK", "TASK")
    written(tmp_path / "after", old, new)
    before, after = fingerprints(tmp_path / "before"), fingerprints(tmp_path / "after")
    assert all(before[kind].isdisjoint(after[kind]) == changes for kind in before)
    assert changes or before == after


def test_names_are_followed_to_where_they_are_changed(tmp_path: Path) -> None:
    text = "MOST = 1\n@staticmethod\ndef read(row):\n    return row[:MOST]\nTASK = Task(files=read)\n"
    changes = (("=", "="), ("= 1", "= 2"), ("@static", "@class"), ("TASK", "read.x = 1\nTASK"))
    found = set()
    for number, change in enumerate(changes):
        path = tmp_path / f"{number}.py"
        path.write_text(text.replace(*change, 1))
        found.add(task_code.identity(path, task_code.READS))
    assert len(found) == 4
    path.write_bytes(f"# coding: latin-1\nx = 'é\u0085'\n{text}".encode("latin-1"))
    assert task_code.identity(path, task_code.READS) in found, "nothing uses x"


def test_a_label_that_the_task_has_not_is_told_where_rows_are_read(tmp_path: Path) -> None:
    old = 'readers.label(path, number, row["label"], LABELS)'
    made = registry.find(str(written(tmp_path, old, "'prais'")))
    said = r"dev\.csv: holds a row with the label 'prais', .* Did you mean 'praise'"
    with pytest.raises(DataError, match=said):
        loader.load(made, "dev", "en")


# Metrics of one's own

MANUAL = (Path(__file__).parents[1] / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
SHOWN = "".join(re.findall(r"```python\n(.*?)```", MANUAL.split("## A metric of your own")[1], re.DOTALL))


def with_measure(folder: Path, code: str, name: str, measure: str) -> Path:
    """The example's task, scored by a metric that the code before it defines."""
    path = written(folder, 'metric="accuracy"', f'metric="{name}", measure={measure}')
    path.write_text(path.read_text().replace("TASK = Task(", f"{code}\n\nTASK = Task("))
    (folder / "study.toml").write_text(STUDY)
    return path


def test_the_metrics_of_the_manual_are_metrics(tmp_path: Path) -> None:
    labels = {"complaint": 4, "praise": 2, "request": 1}
    path = with_measure(tmp_path, SHOWN, "complaint_f1", "COMPLAINTS")
    made = plan(load(tmp_path / "study.toml"))
    assert look(made.steps, made.places)[1] == ()
    evaluation = made.evaluation(made.cells[0])
    metric = made.places.metric(evaluation.use, evaluation.metric)
    gold = [label for label, times in labels.items() for _ in range(times)]
    predicted = ["complaint"] * 5 + gold[5:]
    value = metric.value(metric.statistics(gold, predicted, "en").sum(axis=0))
    assert (evaluation.metric, value) == ("complaint_f1", pytest.approx(200 * 4 / (5 + 4)))
    near = runpy.run_path(str(path))["WITHIN_ONE"]
    rows = near.statistics(["1", "5", "3"], ["2", "1", "3"], "en")
    assert near.value(rows.sum(axis=0)) == pytest.approx(200 / 3)


def test_a_metric_of_ones_own_is_computed_and_has_an_interval(tmp_path: Path) -> None:
    """Here of the majority's answers, which no model is needed for."""
    with_measure(tmp_path, SHOWN, "complaint_f1", "COMPLAINTS")
    from xstilts.compute import work

    made, store = plan(load(tmp_path / "study.toml")), Store(tmp_path / "store")
    store.prepare()
    (majority,) = (cell.evaluation for cell in made.cells if cell.reference)
    work.compute(made.by_fingerprint[majority], store, made.places, lambda event: None)
    results = Results(made, store)
    found = results.score(Line("", "", "majority"), "mytask", ("de",))
    assert found is not None
    assert found.observed.tolist() == [pytest.approx(100 * 2 * 80 / (80 + 240))], "a third are complaints"
    assert 1 < found.draws.std() < 5
    assert results.target("mytask").metric == "complaint_f1"


@pytest.mark.parametrize("chooses", [False, True])
def test_the_code_of_a_metric_is_part_of_the_fingerprint_of_evaluations(
    tmp_path: Path, *, chooses: bool
) -> None:
    """And of phases whose checkpoint it chooses."""
    recipe = 'evaluations = 2\nselect = "best"\n' if chooses else "evaluations = 2\n"
    found = []
    for right in (1, 2):
        folder = tmp_path / str(right)
        code = f"M = metrics.mean_of('mine', lambda gold, predicted: float(gold == predicted) / {right})"
        with_measure(folder, f"from xstilts import metrics\n{code}", "mine", "M")
        found.append(fingerprints(folder, recipe))
    assert found[0]["phase"].isdisjoint(found[1]["phase"]) == chooses
    assert found[0]["evaluation"].isdisjoint(found[1]["evaluation"])


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        ("M = 5", "mine", "`measure` is no metric but 5. Write metrics.mean_of(NAME, score)"),
        ("M = metrics.mean_of('other', min)", "mine", "`metric` is 'mine', and `measure` is called 'other'."),
        ("M = metrics.mean_of('accuracy', min)", "accuracy", "`measure` is called 'accuracy'."),
    ],
)
def test_what_is_no_metric_is_told(tmp_path: Path, code: str, name: str, said: str) -> None:
    path = with_measure(tmp_path, f"from xstilts import metrics\n{code}", name, "M")
    with pytest.raises(TaskError) as raised:
        registry.find(str(path))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("int(gold == predicted) / 0", "ZeroDivisionError: division by zero, in `M = "),
        ("2", "'mine' gives 2 for gold"),
    ],
)
def test_a_fault_in_a_metric_is_told_before_anything_runs(tmp_path: Path, score: str, said: str) -> None:
    code = f"from xstilts import metrics\nM = metrics.mean_of('mine', lambda gold, predicted: {score})"
    path = with_measure(tmp_path, code, "mine", "M")
    made = plan(load(tmp_path / "study.toml"))
    (error,) = look(made.steps, made.places)[1]
    assert str(error).startswith(f"{path}:")
    assert said in str(error)
