"""What is wrong with the arms of a study: tasks that train nothing, shares that do not sum to one, and where
settings are said to come from.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from xstilts.data import languages
from xstilts.data.task import Task
from xstilts.errors import did_you_mean
from xstilts.study.arm import FAMILY, Arm, MixingTable
from xstilts.study.check_tasks import bad_languages, bad_tasks, found_tasks, without_rows
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile, task_name


def check_arms(study: StudyFile) -> Iterator[Problem]:
    """The tasks that an arm trains, in languages that they have, in shares that sum to one."""
    for name, arm in study.intermediate.arms.items():
        place: Place = ("intermediate", "arms", name)
        yield from bad_tasks(study, arm.tasks, place)
        found = found_tasks(study, arm.tasks)
        for one, trained in found.items():
            if trained.family == "retrieval":
                yield Problem(place, f"'{one}' is a retrieval task, which trains nothing.", "Take it out.")
            elif trained.trained_by is not None:
                yield without_rows(trained, place)
            if trained.family == "masked" and arm.labels == "shuffled":
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
        examples = study.intermediate_overrides(arm).get("examples") if arm.examples is None else arm.examples
        if not isinstance(examples, int):
            what = "are shares of a fixed number of examples, which is missing."
            yield Problem(here, what, "Write examples = 10_000.")
        families = {language.family for language in languages.all_languages()}
        for key in arm.languages:
            if key.startswith(FAMILY) and (family := key.removeprefix(FAMILY)) not in families:
                now = did_you_mean(family, families) or f"There are {', '.join(sorted(families))}."
                yield Problem(here, f"no language family named '{family}'.", now)
    stated = None if arm.languages is None else tuple(arm.languages)
    codes = None if stated is None else tuple(code for code in stated if not code.startswith(FAMILY))
    if arm.translated:
        if arm.languages is None:
            yield Problem(here, "is missing: into which languages?", 'Write languages = ["de"].')
        for one, trained in found.items():
            if trained.family == "masked":
                yield Problem(
                    (*place, "translated"), f"'{one}' has no labels to be translated with.", "Take it out."
                )
        known = {language.code for language in languages.all_languages()}
        for code in codes or ():
            if code not in known:
                now = f"{languages.near(code)} `xstilts languages` lists all.".strip()
                yield Problem(here, f"no language has the code '{code}'.", now)
    elif codes or codes == stated:
        yield from bad_languages(codes, found, here)


def _bad_mixing(arm: Arm, found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Shares belong to several labelled tasks."""
    if arm.mixing == "size":
        return
    labelled = [name for name, one in found.items() if one.family != "masked"]
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
                now = did_you_mean(name, tasks) or f"The arm has {', '.join(tasks)}."
                yield Problem(here, f"the arm does not train '{name}'.", now)
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
    for name, one in replayed.items():
        if one.family != "masked":
            yield Problem(here, f"'{name}' is no masked text.", "Put it into the tasks of the arm.")
        if name in found:
            yield Problem(here, f"'{name}' is a task of the arm already.", "Take it out of one of them.")
    yield from bad_languages(arm.replay.languages, replayed, (*place, "languages"))
    if not arm.tasks or (found and all(one.family == "masked" for one in found.values())):
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
            known = _stated(here)
            if part not in known:
                now = did_you_mean(part, known) or f"There are {', '.join(known) or 'none'}."
                yield Problem(("origins", key), f"the study does not state '{key}'.", now)
                break
            here = getattr(here, part) if isinstance(here, BaseModel) else here[part]


def _stated(here: object) -> Collection[str]:
    """The keys that the file states in a table."""
    if isinstance(here, BaseModel):
        return sorted(here.model_fields_set - {"path"})
    return list(here) if isinstance(here, dict) else ()
