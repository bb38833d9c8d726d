"""Reading a study file: TOML, checked against what a study may say, with all errors at once."""

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xstilts import tasks as registry
from xstilts.data.task import Task
from xstilts.disk import is_file, is_folder
from xstilts.errors import InputErrors, StudyError, TaskError, did_you_mean
from xstilts.plain import parse_toml, toml_hint, undecodable
from xstilts.study import check_tasks
from xstilts.study.check import check
from xstilts.study.problems import Place, Problem, near, problems
from xstilts.study.study import StudyFile, expand

IS_A_STUDY = (
    "A study is a TOML file with `name`, `question`, [backbones], [intermediate.arms] and [target]: "
    "`xstilts studies lab-quickstart --copy mine.toml` writes one to start from."
)


def bundled() -> dict[str, Path]:
    """The study files that come with the package, by name."""
    folder = Path(str(files("xstilts.studies")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(name_or_path: str | Path) -> StudyFile:
    """The study of that name among the bundled ones, or in that file.

    Raises InputErrors with everything that is wrong with the file, each with its place and a way out; data
    is not looked at, which is `plan`'s to do.
    """
    path, shown = _find(str(name_or_path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(shown, f"cannot be read ({error.strerror}).") from error
    if wrong := undecodable(content.splitlines()):
        what, now = wrong[1:] if path.suffix == ".toml" else ("is no study.", IS_A_STUDY)
        raise StudyError(f"{shown}:{wrong[0]}", what, now)
    text = content.decode("utf-8-sig")
    try:
        table = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        if path.suffix != ".toml":
            raise StudyError(shown, "is no study.", IS_A_STUDY) from error
        raise StudyError(shown, f"is not TOML: {error}.", toml_hint(text, error)) from error
    return parse(table, path, shown)


def find_task(name: str) -> Task:
    """The task of that name, in that file, or, as FILE:NAME, of a study, which may declare it.

    Raises TaskError if there is none, and what `load` raises.
    """
    if name.endswith(".toml"):
        raise TaskError(name, "is a study, not a task.", f"Name one of its tasks: {name}:NAME.")
    file, _, own = name.rpartition(":")
    if file.endswith(".toml"):
        study = load(file)
        if own not in study.tasks:
            raise TaskError(file, f"declares no task '{own}'.", near(own, study.tasks))
        return check_tasks.find_task(study, own)
    return registry.find(name)


def tasks_of(study: StudyFile) -> dict[str, Task]:
    """The tasks that a study declares, then all others that it names, by name."""
    arms = study.intermediate.arms.values()
    named = [*study.tasks, *expand(study.target.tasks), *study.target.trained_by.values()]
    named += [task for arm in arms for task in (*arm.tasks, *(arm.replay.tasks if arm.replay else ()))]
    named += [task for table in study.backbones.values() if table.tokenizer for task in table.tokenizer.tasks]
    return check_tasks.found_tasks(study, dict.fromkeys(named))


def parse(table: Mapping[str, Any], path: Path, shown: str) -> StudyFile:
    """The study of a table with the keys of a study file; paths in it start from the folder of `path`.

    Raises InputErrors as `load` does; `shown` is how messages call the file.
    """
    if not isinstance(table, Mapping):
        now = "Give a mapping with the keys of a study file: name, question, backbones and so on."
        raise StudyError(shown, f"is no study, but {table!r:.40}.", now)
    if not table.keys() & StudyFile.model_fields.keys():
        raise StudyError(shown, "is no study: it has none of the keys of one.", IS_A_STUDY)
    study, found = _validate(_spelled_out(dict(table)))
    study = study.changed(path=path)
    found = found + check(study, {problem.place for problem in found})
    if found:
        raise InputErrors(StudyError(f"{shown}: {_dotted(one.place)}", one.what, one.now) for one in found)
    return study


def _find(name: str) -> tuple[Path, str]:
    """The file, and how messages call it."""
    path = Path(name).expanduser()
    if name in bundled():
        return bundled()[name], f"{name}.toml"
    if not name.strip():
        raise StudyError("study", "is named by nothing.", "`xstilts studies` lists those of the package.")
    if is_file(path):
        return path.resolve(), name
    if is_folder(path):
        now = f"In it: {', '.join(toml)}." if (toml := _beside(path / "x")) else IS_A_STUDY
        raise StudyError(name, "is a folder, no study.", now)
    if path.suffix == ".toml" or len(path.parts) > 1:
        now = f"In this folder: {', '.join(toml)}." if (toml := _beside(path)) else ""
        raise StudyError(name, "no such study file.", now)
    near = f"Did you mean '{name}.toml'?" if is_file(path.with_name(f"{path.name}.toml")) else ""
    near = near or did_you_mean(name, [*bundled(), *_beside(path)])
    way_out = f"{near} `xstilts studies` lists all; a path ends in .toml.".strip()
    raise StudyError(f"study '{name}'", f"no study named '{name}'.", way_out)


def _beside(path: Path) -> list[str]:
    return sorted(str(other) for other in path.parent.glob("*.toml")) if is_folder(path.parent) else []


def _spelled_out(table: dict[str, Any]) -> dict[str, Any]:
    """The table with every arm that is a list of tasks written as a table."""
    intermediate = table.get("intermediate")
    arms = intermediate.get("arms") if isinstance(intermediate, dict) else None
    if not isinstance(intermediate, dict) or not isinstance(arms, dict):
        return table
    tables = {name: {"tasks": arm} if isinstance(arm, list) else arm for name, arm in arms.items()}
    return table | {"intermediate": intermediate | {"arms": tables}}


def _validate(table: dict[str, Any]) -> tuple[StudyFile, list[Problem]]:
    """The study without what is wrong in it, so that what remains can be checked too; and what is wrong."""
    found: list[Problem] = []
    while True:
        try:
            return StudyFile.model_validate_json(json.dumps(table, default=_plain)), found
        except ValidationError as error:
            new = problems(error, StudyFile)
        table = json.loads(json.dumps(table, default=_plain))
        found += new
        removed: set[Place] = set()
        for place in (problem.place for problem in new):
            if not any(place[: len(one)] == one for one in removed):  # else it went with that
                removed |= _remove(table, place)
        if not removed:
            return StudyFile(), found


def _plain(value: Any) -> Any:
    """What Python has beside what TOML has: numbers and arrays of numpy, ranges; all else as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, range) else str(value)


def _remove(table: dict[str, Any], place: Place) -> set[Place]:
    """Take the key at `place` out of the table; of a list with a wrong item, or what is no table, the whole.

    An arm or a task stays, empty, for others may name it. Gives the place of what was taken out.
    """
    holders: list[Any] = []
    here: Any = table
    for part in place:
        known = here if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        if part not in known:
            break
        holders.append(here)
        here = here[part]
    while holders and isinstance(holders[-1], list):
        holders.pop()
    if holders:
        above, last = place[: len(holders) - 1], place[len(holders) - 1]
        del holders[-1][last]
        if above in (("intermediate", "arms"), ("tasks",)):
            holders[-1][last] = {}
    return {place[: len(holders)]} if holders else set()


def _dotted(place: Place) -> str:
    """`claims[2].arms` for ("claims", 1, "arms"): readers count from one."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
