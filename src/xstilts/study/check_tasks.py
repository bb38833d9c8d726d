"""What is wrong with the tasks and languages that a study names, with the arms that train on them and the
controls of its targets, and with where labels and settings come from.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xstilts import families
from xstilts import tasks as registry
from xstilts.data import languages
from xstilts.data.task import TEST_TRANSLATED, Task
from xstilts.errors import TaskError, did_you_mean
from xstilts.plain import first_of
from xstilts.study import declared
from xstilts.study.claim import CONTROLS, FAMILY
from xstilts.study.problems import Place, Problem, near
from xstilts.study.study import BENCHMARKS, Arm, MixingTable, StudyFile, expand, task_name

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
    if not families.find(target.family).trained:
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
        if not families.find(target.family).labelled:
            yield Problem(place, f"'{name}' is masked text, which has no score.", "Use it in an arm.")
            continue
        yield from _not_zero_shot(study, name, target)
    for name in study.target.trained_by:
        if found and name not in found:
            what = "is no target of the study."
            yield Problem((*TRAINED_BY, name), what, near(name, found, "The targets are"))
        elif name in found and not families.find(found[name].family).trained:
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


def without_rows(task: Task, place: Place) -> Problem:
    """What is said of a task that another one trains."""
    what = f"'{task.name}' has no training rows of its own: '{task.trained_by}' trains it."
    return Problem(place, what, f"Name '{task.trained_by}'.")


def bad_languages(
    wanted: tuple[str, ...] | None, found: Mapping[str, Task], place: Place
) -> Iterator[Problem]:
    """Codes that no language has, or none of the tasks."""
    had = sorted({code for task in found.values() for code in task.languages})
    for code in wanted or ():
        if code not in languages.by_code() and code not in had:
            yield Problem(place, f"no language has the code '{code}'.", languages.way_out(code))
        elif found and code not in had:
            now = languages.near(code, had) or f"They have {first_of(had, 20)}."
            yield Problem(place, f"none of the tasks has the language '{code}'.", now)
    for name, task in found.items():
        if set(wanted or ()) & set(had) and not set(wanted or ()) & set(task.languages):
            yield Problem(place, f"leave nothing of '{name}'.", f"It has {first_of(task.languages, 20)}.")
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


def controls_of(study: StudyFile, target: Task) -> tuple[str, ...]:
    """The controls among the study's references that a target can have."""
    return tuple(name for name in study.references if name in CONTROLS and not _refusal(name, target))


def _refusal(control: str, target: Task) -> str:
    """Why a target cannot have a control; empty if it can."""
    if not families.find(target.family).pictured:
        return "it is about text alone"
    if control == "caption-only" and not target.captions:
        return "its rows have no captions"
    translated = target.made is not None or (target.files and TEST_TRANSLATED in target.files.patterns)
    if control == "translate-test" and not translated:
        return "its release keeps no translations of the evaluated rows"
    return ""


def check_controls(study: StudyFile) -> Iterator[Problem]:
    """References are named once; each control has a target that can have it."""
    place: Place = ("references",)
    found = found_tasks(study, expand(study.target.tasks))
    for name in dict.fromkeys(study.references):
        if study.references.count(name) > 1:
            yield Problem(place, f"names '{name}' more than once.", "Remove the others.")
        if name in CONTROLS and not any(not _refusal(name, target) for target in found.values()):
            why = "; ".join(f"'{one}': {_refusal(name, target)}" for one, target in found.items())
            what = f"'{name}' is a control of targets about images, and no target can have it"
            yield Problem(place, f"{what}{f' ({why})' if why else ''}.", "Take it out, or add such a target.")


def check_arms(study: StudyFile) -> Iterator[Problem]:
    """The tasks that an arm trains, in languages that they have, in shares that sum to one."""
    for name, arm in study.intermediate.arms.items():
        place: Place = ("intermediate", "arms", name)
        # `NAME = []` trains nothing, and so does an empty `none`; any other table names its tasks.
        stated = arm.model_fields_set or ({"tasks"} if name == "none" else {})
        if not arm.tasks and stated != {"tasks"} and arm.after is None:
            now = f'Write tasks = ["mnli"], or {name} = [] for the arm that trains nothing.'
            yield Problem((*place, "tasks"), "is missing.", now)
        yield from bad_tasks(study, arm.tasks, place)
        found = found_tasks(study, arm.tasks)
        for one, trained in found.items():
            if not families.find(trained.family).trained:
                yield Problem(place, f"'{one}' is a retrieval task, which trains nothing.", "Take it out.")
            elif trained.trained_by is not None:
                yield without_rows(trained, place)
            if not families.find(trained.family).labelled and arm.labels == "shuffled":
                yield Problem((*place, "labels"), f"'{one}' has no labels to shuffle.", "Take it out.")
        if arm.examples is not None and "examples" in arm.recipe:
            yield Problem((*place, "recipe", "examples"), "is stated a second time.", "Leave one out.")
        yield from _bad_rows(study, arm, found, place)
        yield from _bad_mixing(arm, found, (*place, "mixing"))
        yield from _bad_replay(study, arm, found, (*place, "replay"))


def _bad_rows(study: StudyFile, arm: Arm, found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Languages, their shares, and translations."""
    here = (*place, "languages")
    if isinstance(arm.languages, dict):
        yield from _bad_shares(arm.languages, here)
        if not isinstance(study.intermediate_overrides(arm).get("examples"), int):
            what = "are shares of a fixed number of examples, which is missing."
            yield Problem(here, what, "Write examples = 10_000.")
        of_languages = sorted({language.family for language in languages.all_languages()})
        for key in arm.languages:
            if key.startswith(FAMILY) and (family := key.removeprefix(FAMILY)) not in of_languages:
                what = f"no language family named '{family}'."
                yield Problem(here, what, near(family, of_languages))
    stated = None if arm.languages is None else tuple(arm.languages)
    codes = None if stated is None else tuple(code for code in stated if not code.startswith(FAMILY))
    if arm.translated:
        if arm.languages is None:
            yield Problem(here, "is missing: into which languages?", 'Write languages = ["de"].')
        for one, trained in found.items():
            if not families.find(trained.family).labelled:
                yield Problem(
                    (*place, "translated"), f"'{one}' has no labels to be translated with.", "Take it out."
                )
        for code in codes or ():
            if code not in languages.by_code():
                yield Problem(here, f"no language has the code '{code}'.", languages.way_out(code))
    elif codes or codes == stated:
        yield from bad_languages(codes, found, here)


def _bad_mixing(arm: Arm, found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Shares belong to several labelled tasks."""
    if arm.mixing == "size":
        return
    labelled = [name for name, task in found.items() if families.find(task.family).labelled]
    if len(arm.tasks) < 2:
        yield Problem(place, "mixes nothing: the arm has one task or none.", "Leave it out.")
    elif found and len(labelled) < len(arm.tasks):
        text = next((name for name in found if name not in labelled), "")
        what = f"'{text}' is masked text, which has no share among labelled tasks."
        yield Problem(place, what, f'Write replay = {{ tasks = ["{text}"], share = 0.5 }}.')
    if isinstance(arm.mixing, MixingTable) and arm.mixing.shares is not None:
        shares, here = arm.mixing.shares, (*place, "shares")
        tasks = [task_name(name) for name in arm.tasks]
        named = [task_name(name) for name in shares]
        for name in named:
            if name not in tasks:
                what = f"the arm does not train '{name}'."
                yield Problem(here, what, near(name, tasks, "The arm has"))
        for name in tasks:
            if name not in named:
                yield Problem(here, f"has no share of '{name}'.", "Give every task of the arm one.")
        yield from _bad_shares(shares, here)


def _bad_replay(study: StudyFile, arm: Arm, found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Masked text beside labelled tasks."""
    if arm.replay is None:
        return
    here = (*place, "tasks")
    if not arm.replay.tasks:
        yield Problem(here, "is missing.", 'Name masked text, such as tasks = ["wikipedia"].')
    yield from bad_tasks(study, arm.replay.tasks, here)
    replayed = found_tasks(study, arm.replay.tasks)
    for name, task in replayed.items():
        if families.find(task.family).labelled:
            yield Problem(here, f"'{name}' is no masked text.", "Put it into the tasks of the arm.")
        if name in found:
            yield Problem(here, f"'{name}' is a task of the arm already.", "Take it out of one of them.")
    yield from bad_languages(arm.replay.languages, replayed, (*place, "languages"))
    if not arm.tasks or (found and all(not families.find(task.family).labelled for task in found.values())):
        what = "there is nothing beside it: the arm has no labelled task."
        yield Problem(place, what, "Put the masked text into the tasks of the arm.")


def _bad_shares(shares: Mapping[str, float], place: Place) -> Iterator[Problem]:
    if any(share < 0 for share in shares.values()):
        yield Problem(place, "has a negative share.")
    elif abs(sum(shares.values()) - 1) > 1e-6:
        yield Problem(place, f"must sum to 1, got {sum(shares.values()):g}.")


def check_origins(study: StudyFile) -> Iterator[Problem]:
    """Origins are of settings that the file states."""
    for key in study.origins:
        here: Any = study
        for part in key.split("."):
            known = list(here) if isinstance(here, dict) else []
            if isinstance(here, BaseModel):
                known = sorted(here.model_fields_set - {"path"})
            if part not in known:
                what = f"the study does not state '{key}'."
                yield Problem(("origins", key), what, near(part, known))
                break
            here = getattr(here, part) if isinstance(here, BaseModel) else here[part]
