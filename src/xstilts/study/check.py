"""What is wrong with a study that has the right shape: grids without cells, recipes of nothing, seeds that do
not pair, backbones that name no source. Data is not looked at.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import eq
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from xstilts.data.task import NO_COMMIT, find_commit, is_commit
from xstilts.study import models
from xstilts.study.architecture import KINDS, type_of
from xstilts.study.backbone import EYES, VisionTable, bundled
from xstilts.study.check_claims import check_claims
from xstilts.study.check_declared import check_declared
from xstilts.study.check_tasks import (
    check_arms,
    check_controls,
    check_origins,
    check_targets,
    check_tokenizers,
)
from xstilts.study.problems import HUB_MODEL, NAME_RULE, Place, Problem, near, problems, wrong_name
from xstilts.study.recipe import NOT_OF_A_BACKBONE, Recipe, merged, recipe_of
from xstilts.study.study import (
    Arm,
    BackboneTable,
    Overrides,
    StudyFile,
    expand,
    local_model,
    model_folder,
    task_name,
)


def check_axes(study: StudyFile) -> Iterator[Problem]:
    """Axes have names of their own, arms of the study, and at least two different values."""
    names, arms = [axis.name for axis in study.axes], study.intermediate.arms
    for number, axis in enumerate(study.axes):
        place: Place = ("axes", number)
        here = (*place, "arms")
        if not axis.name:
            yield Problem((*place, "name"), "is missing.", "Say what the numbers are.")
        elif axis.name in names[:number]:
            yield Problem((*place, "name"), f"a second axis named '{axis.name}'.", "Rename one.")
        if not axis.arms:
            yield Problem(here, "is missing.", "Write arms = { NAME = NUMBER, ... }.")
        for name, value in axis.arms.items():
            if name not in arms:
                yield Problem((*here, name), f"no arm named '{name}'.", near(name, arms))
            if axis.scale == "log" and value <= 0:
                what = f"must be greater than 0 on a logarithmic scale, got {value:g}."
                yield Problem((*here, name), what, 'Take the arm out, or write scale = "linear".')
        for group in axis.groups or ("",) if axis.arms else ():
            if len(set(axis.curve(group).values())) < 2:
                of = f" of the group '{group}'" if group else ""
                what = f"the arms{of} all have the same value."
                yield Problem(here, what, "An axis needs two different ones.")
        for arm, group in axis.group.items():
            at = (*place, "group", arm)
            if arm not in axis.arms:
                yield Problem(at, f"the axis has no arm named '{arm}'.", near(arm, axis.arms))
            elif not group:
                yield Problem(at, "the name of a group is empty.", "Leave the arm out: it joins every group.")


def check_allowed(study: StudyFile) -> Iterator[Problem]:
    """It names a kind, a reason, and a target of the study or none."""
    targets = [task_name(name) for name in expand(study.target.tasks)]
    for number, allowed in enumerate(study.allowed):
        place: Place = ("allowed", number)
        if allowed.kind is None:
            yield Problem((*place, "kind"), "is missing.", "`xstilts audit` tells the kind of each leak.")
        if not allowed.why:
            yield Problem((*place, "why"), "is missing.", "Say why it is meant; the report repeats it.")
        if allowed.task is not None and allowed.task not in targets:
            what = f"no target named '{allowed.task}'."
            yield Problem((*place, "task"), what, near(allowed.task, targets))


def check_names(study: StudyFile) -> Iterator[Problem]:
    """Names of the study, its backbones, arms and axes: files, folders and rows of tables are called by them,
    so none may lead anywhere else, or be no value. What a task is called says its file.
    """
    names: list[tuple[Place, str]] = [(("name",), study.name)] if study.name else []
    names += [(("backbones", name), name) for name in study.backbones]
    names += [(("intermediate", "arms", name), name) for name in study.intermediate.arms]
    names += [(("axes", number, "name"), axis.name) for number, axis in enumerate(study.axes) if axis.name]
    for place, name in names:
        if wrong := wrong_name(name):
            yield Problem(place, f"cannot be a name: {wrong}.", NAME_RULE)


def _bad_source(source: BackboneTable | VisionTable, folder: Path | None, place: Place) -> Iterator[Problem]:
    """A model of the Hub has a commit, and a name of the Hub, after which a folder in its cache is called.

    A model that is in a folder, and what is none, has no revision.
    """
    model, revision, here = source.model, source.revision, (*place, "revision")
    if model is None or folder is not None:
        if revision is not None:
            yield Problem(here, "belongs to a model of the Hub only.", "Remove it.")
    elif revision is None:
        yield Problem(here, f"is missing for '{model}', a model of the Hub.", models.pin(model))
    else:
        if not HUB_MODEL.fullmatch(model) or ".." in model:
            yield Problem((*place, "model"), f"{model!r} is no name of the Hub.", "A model is OWNER/NAME.")
        if not is_commit(revision):
            yield Problem(here, f"{revision!r} {NO_COMMIT}", find_commit("model", model, revision))


def check_eyes(study: StudyFile) -> Iterator[Problem]:
    """A patch embedding or a vision encoder, joined to a text encoder that has no eyes yet."""
    for name, table in study.backbones.items():
        eyes = table.vision
        if eyes is None:
            continue
        place: Place = ("backbones", name, "vision")
        if eyes.model is None:
            if eyes.size is None or eyes.patch is None:
                now = "Write { size = 224, patch = 16 }, or name a vision encoder: { model = ... }."
                yield Problem(place, "needs `size` and `patch`, or a `model`.", now)
            elif eyes.size % eyes.patch:
                yield Problem((*place, "patch"), f"{eyes.size} is no multiple of {eyes.patch}.")
        elif eyes.size is not None or eyes.patch is not None:
            what = "has `size` or `patch` beside `model`, which has its own."
            yield Problem(place, what, "Leave them out.")
        yield from _bad_source(eyes, model_folder(study, eyes.model or ""), place)
        folder = local_model(study, str(table.model))
        known = type_of(folder) if table.architecture is None and folder is not None else table.architecture
        kind = KINDS.get(known or "")
        if kind not in (None, "encoder"):
            what = f"is joined to text encoders only, and the model is of the kind {kind}."
            yield Problem(place, what, "Leave it out.")
        elif folder is not None and (folder / EYES).is_file():
            yield Problem(place, f"'{table.model}' has eyes already.", "Leave it out.")


T = TypeVar("T")
TOO_LARGE = 2**63


def check(study: StudyFile, told: Collection[Place] = ()) -> list[Problem]:
    """Everything that is wrong, but for what stands at, above or below a place that was `told` already."""
    found = [problem for one in CHECKS for problem in one(study)]
    return [one for one in found if not any(all(map(eq, one.place, place)) for place in told)]


def _check_grid(study: StudyFile) -> Iterator[Problem]:
    """A study needs a name, a question, a backbone, an arm, and something to train or to evaluate."""
    for key, given in (("name", study.name), ("question", study.question)):
        if not given:
            yield Problem((key,), "is missing.", f'Write {key} = "...".')
    if not study.backbones:
        yield Problem(("backbones",), "an empty grid: no backbone.", "Name one under [backbones].")
    arms = study.intermediate.arms
    if not arms:
        now = "Name one under [intermediate.arms]; `none = []` is the arm that trains nothing."
        yield Problem(("intermediate", "arms"), "an empty grid: no arm.", now)
    elif not study.target.tasks and not any(arm.tasks for arm in arms.values()):
        yield Problem(("target", "tasks"), "an empty grid: no target and nothing to train.", "Name a target.")
    if "random" in study.references and study.target.tasks:
        for name in study.random_arms:
            if arms and name not in arms and name != "none":
                yield Problem(("random_arms",), f"no arm named '{name}'.", near(name, sorted(arms)))


def _check_seeds(study: StudyFile) -> Iterator[Problem]:
    """Seeds are natural numbers, differ, and pair."""
    parts = {"intermediate": study.intermediate.seeds, "target": study.target.seeds}
    for part, seeds in parts.items():
        if seeds is None:
            continue
        if not seeds:
            yield Problem((part, "seeds"), "an empty grid: no seed.", "Name one: seeds = [1].")
        if len(set(seeds)) < len(seeds):
            yield Problem((part, "seeds"), f"names a seed twice: {list(seeds)}.", "Remove one.")
        if any(seed < 0 for seed in seeds):
            yield Problem((part, "seeds"), f"must not be negative, got {list(seeds)}.")
        if any(seed >= TOO_LARGE for seed in seeds):
            yield Problem((part, "seeds"), f"must be below {TOO_LARGE}.")
    first, second = len(study.intermediate_seeds), len(study.target.seeds)
    if study.target.tasks and first not in (0, 1, second):
        what = f"{first} seeds do not pair with {second} target seeds."
        now = "Leave it out: each target seed then has a chain of its own."
        yield Problem(("intermediate", "seeds"), what, now)


def _check_backbones(study: StudyFile) -> Iterator[Problem]:
    """One source each, and no two alike."""
    yield from _repeated(study.backbones, lambda table: table.model_dump_json(), ("backbones",))
    for name, table in study.backbones.items():
        place: Place = ("backbones", name)
        if (table.model is None) == (table.architecture is None):
            now = "Name a `model`, or an `architecture` with its `shape` and `tokenizer`."
            yield Problem(place, "needs exactly one of `model` and `architecture`.", now)
            continue
        if table.architecture is not None:
            if table.tokenizer is None:
                now = 'Write tokenizer = { tasks = ["..."], vocabulary = 8000 }.'
                yield Problem((*place, "tokenizer"), "is missing: a backbone from scratch needs one.", now)
            yield from _bad_source(table, None, place)
            continue
        for key, given in (("shape", table.shape), ("tokenizer", table.tokenizer)):
            if given:
                what = "belongs to an `architecture` from scratch only."
                yield Problem((*place, key), what, "Remove it.")
        model = str(table.model)
        folder = local_model(study, model)
        if folder is not None or table.revision is not None or "/" in model:
            yield from _bad_source(table, folder, place)
        else:
            known = bundled()
            now = models.near(model, known) or (
                f"There are {', '.join(known)}; a folder begins with ./, a model of the Hub is OWNER/NAME."
            )
            yield Problem((*place, "model"), f"no bundled backbone named '{model}'.", now)


def _check_alike(study: StudyFile) -> Iterator[Problem]:
    """No two arms with the same content."""

    def content(arm: Arm) -> str:
        fields = arm.model_dump() | {"tasks": sorted(arm.tasks), "recipe": study.intermediate_overrides(arm)}
        if isinstance(arm.languages, tuple):
            fields["languages"] = sorted(arm.languages)
        nothing = not arm.tasks and arm.model_fields_set == {"tasks"}
        return "" if nothing else json.dumps(fields, sort_keys=True, default=str)

    yield from _repeated(study.intermediate.arms, content, ("intermediate", "arms"))


def _check_order(study: StudyFile) -> Iterator[Problem]:
    """An arm comes after another one, and none after itself."""
    arms = study.intermediate.arms
    for name, arm in arms.items():
        place: Place = ("intermediate", "arms", name, "after")
        if arm.after is None:
            continue
        if arm.after not in arms:
            yield Problem(place, f"no arm named '{arm.after}'.", near(arm.after, arms))
        elif not arm.tasks:
            yield Problem(place, "an arm without tasks trains nothing after another.", "Give it tasks.")
        else:
            before = [name]
            while (one := arms[before[-1]].after) in arms and one not in before:
                before.append(one)
            if one == name:
                circle = " after ".join([*before, name])
                yield Problem(place, f"comes after itself: {circle}.", "Break the circle.")


def _repeated(things: Mapping[str, T], content: Callable[[T], str], place: Place) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, thing in things.items():
        other = first.setdefault(content(thing), name)
        if other != name:
            yield Problem((*place, name), f"has the same content as '{other}'.", "Remove one.")


def _check_recipes(study: StudyFile) -> Iterator[Problem]:
    """Every recipe that will be used is one, and every recipe that is stated will be used."""
    intermediate, target = study.intermediate, study.target
    alone = {task_name(arm.tasks[0]) for arm in intermediate.arms.values() if len(arm.tasks) == 1}
    targets = {task_name(name) for name in expand(target.tasks)}
    parts = (
        ("intermediate", intermediate.recipe, intermediate.recipes, alone, "an arm of this task alone"),
        ("target", target.recipe, target.recipes, targets, "a target"),
    )
    for part, common, recipes, used, user in parts:
        yield from _bad_recipe(common, {}, (part, "recipe"))
        for name, recipe in recipes.items():
            if name not in used:
                what = f"is used by nothing: it needs {user}."
                yield Problem((part, "recipes", name), what, near(name, sorted(used)))
            yield from _bad_recipe(recipe, common, (part, "recipes", name))
    for name, backbone in study.backbones.items():
        here: Place = ("backbones", name, "recipe")
        for key in [key for key in backbone.recipe if key in NOT_OF_A_BACKBONE]:
            yield Problem((*here, key), "is the same for all backbones.", "Set it for arms or targets.")
        yield from _bad_recipe(backbone.recipe, {}, here)
    for name, arm in intermediate.arms.items():
        under = study.intermediate_overrides(arm.changed(recipe={}))
        yield from _bad_recipe(arm.recipe, under, ("intermediate", "arms", name, "recipe"))


def _bad_recipe(recipe: Overrides, under: Overrides, place: Place) -> Iterator[Problem]:
    """What `recipe` makes wrong when it is laid over `under`, which has its own place."""
    before = {problem.place for problem in _recipe_problems(under)}
    for problem in _recipe_problems(merged(under, recipe)):
        own = problem.place[0] in recipe if problem.place else bool(recipe) and () not in before
        if own:
            yield Problem((*place, *problem.place), problem.what, problem.now)


def _recipe_problems(fields: Overrides) -> list[Problem]:
    try:
        recipe_of(fields)
    except ValidationError as error:
        return problems(error, Recipe)
    return []


CHECKS: tuple[Callable[[StudyFile], Iterator[Problem]], ...] = (
    _check_grid,
    check_names,
    check_declared,
    _check_backbones,
    check_eyes,
    check_tokenizers,
    check_arms,
    _check_alike,
    _check_order,
    check_targets,
    check_controls,
    _check_seeds,
    _check_recipes,
    check_axes,
    check_claims,
    check_allowed,
    check_origins,
)
