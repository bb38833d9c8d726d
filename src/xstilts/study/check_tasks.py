"""What is wrong with the tasks and languages that a study names, and with where their labels come from."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from xstilts import tasks as registry
from xstilts.data import languages
from xstilts.data.task import Task
from xstilts.errors import TaskError, did_you_mean
from xstilts.study import declared
from xstilts.study.benchmark import BENCHMARKS, expand
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile, task_name

TRAINED_BY: Place = ("target", "trained_by")


def find_task(study: StudyFile, name: str) -> Task:
    """The task that a study calls so: one that it declares, one of the package, or one in a file, whose path
    starts from the study's folder. TaskError if there is none."""
    if name in study.tasks:
        return declared.task(name, study.tasks[name], study.path)
    return registry.find(name, study.folder)


def trainer(study: StudyFile, target: Task) -> Task | None:
    """The task whose training rows train this one; None for retrieval, which nothing trains.

    It is the one that the study names, else the one that the task's file names, else the task itself.
    TaskError if there is none of that name.
    """
    if target.family == "retrieval":
        return None
    if target.name in study.target.trained_by:
        return find_task(study, study.target.trained_by[target.name])
    if target.trained_by is None:
        return target
    if target.name in study.tasks:
        return find_task(study, target.trained_by)
    return registry.find(target.trained_by, target.path.parent if target.path else None)


def check_tokenizers(study: StudyFile) -> Iterator[Problem]:
    """The tasks whose text a tokenizer learns."""
    for name, table in study.backbones.items():
        if table.tokenizer is not None:
            place: Place = ("backbones", name, "tokenizer")
            if not table.tokenizer.tasks:
                yield Problem((*place, "tasks"), "is missing.", "Name the tasks whose text it learns.")
            yield from bad_tasks(study, table.tokenizer.tasks, (*place, "tasks"))
            found = found_tasks(study, table.tokenizer.tasks)
            yield from bad_languages(table.tokenizer.languages, found, (*place, "languages"))


def check_targets(study: StudyFile) -> Iterator[Problem]:
    """The tasks that are evaluated, each trained in its source language only."""
    place: Place = ("target", "tasks")
    own = tuple(name for name in study.target.tasks if name not in BENCHMARKS)
    yield from bad_tasks(study, own, place)
    found = found_tasks(study, expand(study.target.tasks))
    wanted = study.target.languages
    yield from bad_languages(wanted, found, ("target", "languages"))
    for name, target in found.items():
        if target.family == "masked":
            yield Problem(place, f"'{name}' is masked text, which has no score.", "Use it in an arm.")
            continue
        yield from _not_zero_shot(study, name, target)
    for name in study.target.trained_by:
        if found and name not in found:
            way_out = did_you_mean(name, found) or f"The targets are {', '.join(found)}."
            yield Problem((*TRAINED_BY, name), "is no target of the study.", way_out)
        elif name in found and found[name].family == "retrieval":
            yield Problem((*TRAINED_BY, name), "is retrieval, which nothing trains.", "Take it out.")


def _not_zero_shot(study: StudyFile, name: str, target: Task) -> Iterator[Problem]:
    """Training rows must be there, of the same kind, and in the source language of what is evaluated."""
    chosen = name in study.target.trained_by
    place: Place = (*TRAINED_BY, name) if chosen else ("target", "tasks")
    try:
        trained_by = trainer(study, target)
    except TaskError as error:
        by = study.target.trained_by.get(name, target.trained_by)
        yield Problem(place, f"'{name}' is trained by '{by}': {error.what}", error.now)
        return
    if trained_by is None:
        return
    if chosen and trained_by.trained_by is not None:
        yield without_rows(trained_by, place)
    if trained_by.source_language != target.source_language:
        other = f"'{trained_by.name}' in '{trained_by.source_language}'"
        what = f"'{name}' has the source language '{target.source_language}', but is trained by {other}."
        yield Problem(place, what, "Zero-shot evaluation trains in the source language only.")
    if trained_by.family != target.family or trained_by.labels != target.labels:
        what = f"'{name}' is trained by '{trained_by.name}', which has another family or other labels."
        now = "Name a task of the same kind." if chosen else "Correct `trained_by` of the task."
        if trained_by.family == target.family and set(trained_by.labels) == set(target.labels):
            now = f"Give the labels in its order: {', '.join(trained_by.labels)}."
        yield Problem(place, what, now)


def without_rows(one: Task, place: Place) -> Problem:
    """What is said of a task that another one trains."""
    what = f"'{one.name}' has no training rows of its own: '{one.trained_by}' trains it."
    return Problem(place, what, f"Name '{one.trained_by}'.")


def bad_languages(
    wanted: tuple[str, ...] | None, found: Mapping[str, Task], place: Place
) -> Iterator[Problem]:
    """Codes that no language has, or none of the tasks."""
    codes = {language.code for language in languages.all_languages()}
    had = sorted({code for one in found.values() for code in one.languages})
    for code in wanted or ():
        if code not in codes and code not in had:
            now = f"{languages.near(code)} `xstilts languages` lists all.".strip()
            yield Problem(place, f"no language has the code '{code}'.", now)
        elif found and code not in had:
            now = languages.near(code, had) or f"They have {_some(had)}."
            yield Problem(place, f"none of the tasks has the language '{code}'.", now)
    for name, one in found.items():
        if set(wanted or ()) & set(had) and not set(wanted or ()) & set(one.languages):
            yield Problem(place, f"leave nothing of '{name}'.", f"It has {_some(one.languages)}.")
    if wanted == ():
        yield Problem(place, "an empty grid: no language.", "Leave the key out to take all.")


def bad_tasks(study: StudyFile, names: tuple[str, ...], place: Place) -> Iterator[Problem]:
    """Tasks that there are not, or that stand there twice."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(place, f"names '{name}' more than once.", "Remove the others.")
        if name in study.tasks:
            continue  # check_declared tells what is wrong with it
        try:
            find_task(study, name)
        except TaskError as error:
            near = did_you_mean(name, [*study.tasks, *(BENCHMARKS if place == ("target", "tasks") else ())])
            is_file = name.endswith(".py")
            what = f"{error.where}: {error.what}" if is_file else error.what
            yield Problem(place, what, near or error.now)
            continue
        if name.endswith(".py") and Path(name).stem in (*registry.names(), *study.tasks):
            whose = "that the study declares" if Path(name).stem in study.tasks else "of the package"
            yield Problem(place, f"'{name}' has the name of a task {whose}.", "Rename the file.")


def found_tasks(study: StudyFile, names: Collection[str]) -> dict[str, Task]:
    """Those of the tasks that there are, by the names that messages use."""
    found = {}
    for name in names:
        try:
            found[task_name(name)] = find_task(study, name)
        except TaskError:
            continue  # told by bad_tasks
    return found


def _some(codes: Collection[str]) -> str:
    shown = list(codes)
    return ", ".join(shown) if len(shown) <= 20 else ", ".join(shown[:20]) + f" and {len(shown) - 20} more"
