"""What is wrong with a study that has the right shape: grids without cells, recipes of nothing, seeds that do
not pair, backbones that name no source. Data is not looked at.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError

from xstilts.errors import did_you_mean
from xstilts.study import models
from xstilts.study.arm import Arm, Overrides
from xstilts.study.backbone import bundled
from xstilts.study.benchmark import expand
from xstilts.study.check_allowed import check_allowed
from xstilts.study.check_arms import check_arms, check_origins
from xstilts.study.check_axes import check_axes
from xstilts.study.check_claims import check_claims
from xstilts.study.check_names import check_names
from xstilts.study.check_of import check_of
from xstilts.study.check_tasks import check_targets, check_tokenizers
from xstilts.study.check_vision import check_eyes
from xstilts.study.check_visual import check_controls
from xstilts.study.problems import Place, Problem, problems
from xstilts.study.recipe import NOT_OF_A_BACKBONE, Recipe, merged
from xstilts.study.study import BackboneTable, StudyFile, model_folder, recipe_of, task_name

T = TypeVar("T")
TOO_LARGE = 2**63

CHECKS: tuple[Callable[[StudyFile], Iterator[Problem]], ...]


def check(study: StudyFile, told: Collection[Place] = ()) -> list[Problem]:
    """Everything that is wrong, but for what stands at, above or below a place that was `told` already."""
    found = [problem for one in CHECKS for problem in one(study)]
    return [problem for problem in found if not any(_related(problem.place, place) for place in told)]


def _related(place: Place, other: Place) -> bool:
    shared = min(len(place), len(other))
    return place[:shared] == other[:shared]


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
                now = did_you_mean(name, arms) or f"There are {', '.join(sorted(arms))}."
                yield Problem(("random_arms",), f"no arm named '{name}'.", now)


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
        elif table.architecture is not None:
            if table.tokenizer is None:
                now = 'Write tokenizer = { tasks = ["..."], vocabulary = 8000 }.'
                yield Problem((*place, "tokenizer"), "is missing: a backbone from scratch needs one.", now)
            if table.revision is not None:
                yield Problem((*place, "revision"), "belongs to a model of the Hub only.", "Remove it.")
        else:
            yield from _check_model(study, table, place)


def _check_model(study: StudyFile, table: BackboneTable, place: Place) -> Iterator[Problem]:
    """A bundled name, a folder, or a Hub name with a revision."""
    for key, given in (("shape", table.shape), ("tokenizer", table.tokenizer)):
        if given:
            yield Problem((*place, key), "belongs to an `architecture` from scratch only.", "Remove it.")
    model = str(table.model)
    local = model in bundled() or model_folder(study, model) is not None
    if local and table.revision is not None:
        yield Problem((*place, "revision"), "belongs to a model of the Hub only.", "Remove it.")
    if not local and table.revision is None:
        if "/" in model:
            what = f"is missing for '{model}', a model of the Hub."
            yield Problem((*place, "revision"), what, models.pin(model))
        else:
            known = bundled()
            beside = (
                f"There are {', '.join(known)}; a folder begins with ./, a model of the Hub is OWNER/NAME."
            )
            now = models.near(model, known) or beside
            yield Problem((*place, "model"), f"no bundled backbone named '{model}'.", now)


def _check_tasks(study: StudyFile) -> Iterator[Problem]:
    """An arm that is a table names its tasks; `NAME = []` trains nothing, and so does an empty `none`."""
    for name, arm in study.intermediate.arms.items():
        stated = arm.model_fields_set or ({"tasks"} if name == "none" else {})
        if not arm.tasks and stated != {"tasks"} and arm.after is None:
            now = f'Write tasks = ["mnli"], or {name} = [] for the arm that trains nothing.'
            yield Problem(("intermediate", "arms", name, "tasks"), "is missing.", now)


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
            now = did_you_mean(arm.after, arms) or f"There are {', '.join(arms)}."
            yield Problem(place, f"no arm named '{arm.after}'.", now)
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
                now = did_you_mean(name, used) or f"There are {', '.join(sorted(used)) or 'none'}."
                yield Problem((part, "recipes", name), f"is used by nothing: it needs {user}.", now)
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


CHECKS = (
    _check_grid,
    check_names,
    _check_backbones,
    check_eyes,
    check_tokenizers,
    check_arms,
    _check_tasks,
    _check_alike,
    _check_order,
    check_targets,
    check_controls,
    _check_seeds,
    _check_recipes,
    check_axes,
    check_claims,
    check_of,
    check_allowed,
    check_origins,
)
