"""The tasks of the package, one file each, and how a task is found: by its name, or by the path of its file.

A task's name is the name of its file, which binds `TASK`: there is no list to edit.
"""

import importlib
import importlib.util
import pkgutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from xstilts import metrics
from xstilts.data.task import NO_COMMIT, Task, find_commit, is_commit, own_code
from xstilts.disk import is_file
from xstilts.errors import TaskError, did_you_mean


def names() -> tuple[str, ...]:
    """The names of all tasks of the package, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find(name: str, relative_to: Path | None = None) -> Task:
    """The task of that name, or the task in that file (`./mytask.py`, relative to the study's folder).

    Raises TaskError if there is none, or if the file binds no `TASK`.
    """
    if name.endswith(".py"):
        path = Path(name) if relative_to is None else relative_to / name
        path = path.expanduser().resolve()
        return _find_file(path, path.stat().st_mtime_ns if is_file(path) else 0)
    return of_package(name)


@lru_cache(maxsize=256)
def of_package(name: str) -> Task:
    """The task of that name that comes with the package; TaskError if there is none."""
    if name not in names():
        now = f"{did_you_mean(name, names())} `xstilts tasks` lists all.".strip()
        raise TaskError(f"task '{name}'", f"no task named '{name}'.", now)
    task: Task = importlib.import_module(f"xstilts.tasks.{name}").TASK
    return replace(task, name=name)


@lru_cache(maxsize=256)
def _find_file(path: Path, changed: int) -> Task:
    """The task in a file, which is read anew when it has changed: in a notebook it may."""
    if not is_file(path):
        raise TaskError(str(path), "no such task file.", "Name a Python file that binds TASK.")
    spec = importlib.util.spec_from_file_location(f"xstilts_user_task_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with own_code(path):
        spec.loader.exec_module(module)
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise TaskError(
            str(path), "binds no TASK.", "Write `TASK = Task(...)`; docs/adding-a-task.md shows one."
        )
    if task.measure is not None:
        _check_measure(task, path)
    elif task.metric and task.metric not in metrics.names():
        now = f"{did_you_mean(task.metric, metrics.names())} There are {', '.join(metrics.names())}.".strip()
        raise TaskError(str(path), f"no metric '{task.metric}'.", now)
    elif task.metric:
        with own_code(path):
            metrics.of(task)
    for hub in () if task.hub is None else task.hub.sources:
        if not is_commit(hub.revision):
            what = f"the revision {hub.revision!r} of {hub.dataset} {NO_COMMIT}"
            raise TaskError(str(path), what, find_commit("dataset", hub.dataset, hub.revision))
    return replace(task, name=path.stem, path=path)


def _check_measure(task: Task, path: Path) -> None:
    """A metric of the user's own is one, and has a name of its own, which the task gives."""
    own = task.measure
    if not isinstance(own, metrics.Metric):
        what = f"`measure` is no metric but {own!r:.60}."
        raise TaskError(str(path), what, "Write metrics.mean_of(NAME, score): docs/adding-a-task.md.")
    if own.name != task.metric or own.name in metrics.names():
        what = f"`metric` is {task.metric!r}, and `measure` is called {own.name!r}."
        raise TaskError(str(path), what, "Give both one name, which no metric of the package has.")
