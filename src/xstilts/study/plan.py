"""The plan: the steps that answer a study, each once, and the cells that read them.

Two arms that share an intermediate phase, two targets that share a training, two studies in one store: what
has the same content has the same fingerprint and is one step.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from xstilts import metrics
from xstilts.data import code
from xstilts.data.task import Task, Wording
from xstilts.errors import InputError, InputErrors, StudyError
from xstilts.families.text import PROMPTABLE
from xstilts.plain import by_key, first_of
from xstilts.study.architecture import check_kinds, writes
from xstilts.study.backbone import Backbone
from xstilts.study.check_tasks import controls_of
from xstilts.study.claim import CONTROLS, OF_EVERY_ARM, PROMPTED
from xstilts.study.phase import Evaluation, Inference, Phase, Prompt, chain
from xstilts.study.recipe import Recipe, overridden
from xstilts.study.resolve import Resolver
from xstilts.study.step import Places, Step
from xstilts.study.study import Arm, StudyFile, expand, task_name
from xstilts.study.use import Mixture, Use

ASKED_IN = {
    "readout": "the words of the readout",
    "source language": "the prompts of the source language",
    "test language": "the prompts of the language of each row",
}


@dataclass(frozen=True)
class Cell:
    """A row of the plan. `reference` is empty, "majority" (no backbone, no arm, seed 0), "random", a control.

    `evaluation` and `phases` (the intermediate first) are fingerprints of steps.
    """

    backbone: str
    arm: str
    target: str
    seed: int
    reference: str
    evaluation: str
    phases: tuple[str, ...]

    @property
    def named(self) -> dict[str, str | int]:
        """What tells the cell from all others, by the names of columns."""
        return {name: getattr(self, name) for name in ("backbone", "arm", "target", "seed", "reference")}


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which each follows what it needs, cells in the order of the file, and places.

    `errors` is empty but in a draft: what of the data or the backbones is missing.
    """

    study: StudyFile
    steps: tuple[Step, ...]
    cells: tuple[Cell, ...]
    places: Places
    notes: tuple[str, ...] = ()
    errors: tuple[InputError, ...] = ()

    @cached_property
    def by_fingerprint(self) -> dict[str, Step]:
        """The steps by fingerprint."""
        return {step.fingerprint: step for step in self.steps}

    @cached_property
    def trained_once(self) -> tuple[str, ...]:
        """The arms of which several seeds share the intermediate phase, so that its chance is no seed's."""
        first: dict[tuple[str, str, str], int] = {}
        shared = (
            cell.arm
            for cell in self.cells
            for phase in self.intermediate(cell)
            if first.setdefault((cell.backbone, cell.arm, phase), cell.seed) != cell.seed
        )
        return tuple(dict.fromkeys(shared))

    @cached_property
    def users(self) -> Counter[str]:
        """How many cells rest on each phase and each evaluation: above one, it is shared."""
        return Counter(step for cell in self.cells for step in (*cell.phases, cell.evaluation))

    @cached_property
    def names(self) -> dict[str, str]:
        """How each step is called where people read it, by fingerprint; no two alike.

        The name of a step says its tasks and its seed. Where several have the same, what tells them apart
        stands behind it: the backbone, the arm or the reference that needs it, else its fingerprint.
        """
        users = by_key(
            (step, (cell, step in self.intermediate(cell)))
            for cell in self.cells
            for step in (*cell.phases, cell.evaluation)
        )
        names = {}
        for name, steps in by_key((step.name, step.fingerprint) for step in self.steps).items():
            parts = [_apart(users.get(step, [])) for step in steps]
            chosen: list[int] = []
            for number, values in enumerate(zip(*parts, strict=True)):
                if (
                    len({tuple(part[place] for place in chosen) for part in parts}) < len(steps)
                    and len(set(values)) > 1
                ):
                    chosen.append(number)
            shown = [", ".join(part[number] for number in chosen if part[number]) for part in parts]
            for step, more in zip(steps, shown, strict=True):
                told = more if shown.count(more) == 1 else f"{more}, {step}".removeprefix(", ")
                names[step] = f"{name} ({told})" if told else name
        return names

    def evaluation(self, cell: Cell) -> Evaluation:
        """The evaluation that a cell reads."""
        specification = self.by_fingerprint[cell.evaluation].specification
        assert isinstance(specification, Evaluation)
        return specification

    def intermediate(self, cell: Cell) -> tuple[str, ...]:
        """The phases of a cell before that which trains its target, where one does."""
        return cell.phases if self.evaluation(cell).trained_by is None else cell.phases[:-1]

    def chain(self, cell: Cell) -> list[Step]:
        """The phases of a cell and its evaluation, in their order."""
        return [self.by_fingerprint[step] for step in (*cell.phases, cell.evaluation)]


def _apart(users: Sequence[tuple[Cell, bool]]) -> tuple[str, ...]:
    """What may tell a step from others of its name, of the cells that need it, and whether as an intermediate
    phase: backbone, reference, arm, and the target of what is trained for one."""
    cells = [cell for cell, _ in users]
    targets = "" if any(before for _, before in users) else _some(cell.target for cell in cells)
    return (
        _some(cell.backbone for cell in cells),
        _some({"random": "random weights"}.get(cell.reference, cell.reference) for cell in cells),
        _some(f"arm {cell.arm}" if cell.arm else "" for cell in cells),
        f"target {targets}" if targets else "",
    )


def _some(values: Iterable[str]) -> str:
    """The different ones among the values, or the first and the number of the others."""
    return first_of(dict.fromkeys(filter(None, values)), 1)


@dataclass(frozen=True)
class _ResolvedTarget:
    """A target, resolved; `asked` is its evaluation without a model, which is the majority reference."""

    name: str
    recipe: Recipe
    asked: Evaluation
    thresholds: Use | None
    wordings: tuple[Wording | None, ...] = ()
    controls: Mapping[str, "_ResolvedTarget"] = field(default_factory=dict)

    def evaluation(self, model: Backbone | Phase, recipe: Recipe) -> Evaluation:
        asked = recipe.changed(layer=None) if self.asked.use.kind.trained else recipe
        inference = Inference(**{name: getattr(asked, name) for name in Inference.model_fields})
        return self.asked.changed(model=model, inference=inference, thresholds=self.thresholds)


def plan(study: StudyFile, data: Path | None = None, images: Path | None = None) -> Plan:
    """All steps and cells of a study, with its data in that folder or on the Hub, and images in the other.

    Raises InputErrors with everything that is missing: data folder, files, backbone folders.
    """
    found = draft(study, data, images)
    if found.errors:
        raise InputErrors(found.errors)
    return found


def draft(study: StudyFile, data: Path | None = None, images: Path | None = None) -> Plan:
    """The plan, to be looked at, with everything that is missing in `errors`.

    The steps that need what is missing have no true fingerprints.
    """
    resolver = Resolver(study, data, images)
    backbones = {name: resolver.backbone(name, table) for name, table in study.backbones.items()}
    uses = {name: resolver.training(arm) for name, arm in study.intermediate.arms.items()}
    targets = [_target(study, resolver, resolver.task(name)) for name in expand(study.target.tasks)]
    if any(target.asked.examples is not None for target in targets):
        most = f"at most {study.target.test_examples:,} test rows of each language are asked"
        resolver.notes.insert(0, f"{most} (`target.test_examples`), but all of retrieval")
    builder = _Builder(study, uses, targets)
    for name, backbone in backbones.items():
        builder.add_backbone(name, backbone)
        if {*study.references} & {*PROMPTED} and writes(backbone, resolver.places):
            builder.add_prompted(name, backbone)
    if "majority" in study.references:
        builder.add_majority()
    asked = {cell.reference for cell in builder.cells}
    asking = [one for one in study.references if one in PROMPTED and one not in asked]
    if asking and study.target.tasks:
        lacks, add = f"a target of the families {', '.join(PROMPTABLE)}", "one"
        if not any(writes(backbone, resolver.places) for backbone in backbones.values()):
            lacks, add = "a backbone that writes text", "a decoder or an encoder-decoder"
        what = f"{' and '.join(map(repr, asking))} need {lacks}, and the study has none."
        now = f"Add {add}, or take them out of `references`."
        resolver.errors.append(StudyError(f"{study.shown}: references", what, now))
    if told := [one for one in study.references if one in PROMPTED and one in asked]:
        resolver.notes.insert(0, f"{' and '.join(told)}: asked in {ASKED_IN[study.prompts]} (`prompts`)")
    resolver.errors += _never_asked(study, builder.cells)
    resolver.errors += check_kinds(study.shown, builder.steps.values(), resolver.places)
    drafted = Plan(
        study,
        tuple(builder.steps.values()),
        tuple(builder.cells),
        resolver.places,
        tuple(dict.fromkeys(resolver.notes)),
        tuple({str(error): error for error in resolver.errors}.values()),
    )
    if not drafted.trained_once:
        return drafted
    once = "one intermediate training of each arm for all seeds (`intermediate.seeds`)"
    return replace(drafted, notes=(f"{once}: its own chance is in no interval", *drafted.notes))


def _never_asked(study: StudyFile, cells: Sequence[Cell]) -> Iterator[StudyError]:
    """An error for each backbone that a claim names and that cannot be what the claim compares with."""
    for number, claim in enumerate(study.claims, start=1):
        for reference in (one for one in claim.opponents if one in PROMPTED):
            asked = {cell.backbone for cell in cells if cell.reference == reference}
            for name in dict.fromkeys((*(claim.backbones or ()), claim.against_backbone)):
                if name and asked and name not in asked:
                    what = f"'{reference}' cannot ask the backbone '{name}', which writes no text."
                    where = f"{study.shown}: claims[{number}]"
                    yield StudyError(where, what, f"Name others: {', '.join(sorted(asked))}.")


def _mixture(arm: Arm, uses: tuple[Use, ...]) -> Mixture | None:
    """How the arm mixes its tasks; None for all rows of all of them in every epoch."""
    replay, mixing = 0.0 if arm.replay is None else arm.replay.share, arm.mixing
    if isinstance(mixing, str):
        return None if mixing == "size" and not replay else Mixture(rule=mixing, replay=replay)
    if mixing.limit is not None:
        return Mixture(rule="limit", limit=mixing.limit, replay=replay)
    if mixing.temperature is not None:
        return Mixture(rule="temperature", temperature=mixing.temperature, replay=replay)
    by_task = {task_name(name): share for name, share in (mixing.shares or {}).items()}
    shares = tuple(by_task[use.task] for use in uses if use.kind.labelled)
    return Mixture(rule="shares", shares=shares, replay=replay)


def _target(study: StudyFile, resolver: Resolver, task: Task) -> _ResolvedTarget:
    metric, recipe = metrics.of(task), study.target_recipe(task.name)
    trained_by, use = resolver.target_training(task), resolver.target(task)
    asked = Evaluation(
        model=None,
        use=use,
        trained_by=trained_by,
        metric=metric.name,
        metric_version=metric.version,
        metric_code=code.of_metric(task),
        inference=None,
        examples=study.target.test_examples if use.kind.trained else None,
    )
    thresholds = resolver.thresholds(task, use) if metric.name == "mining_f1" else None
    target = _ResolvedTarget(task.name, recipe, asked, thresholds, resolver.wordings(task, use))
    controls = {}
    for reference in controls_of(study, task):
        view, training = CONTROLS[reference], trained_by
        if training is not None and reference not in OF_EVERY_ARM:
            training = resolver.viewed(task, training, view)
        shown = asked.changed(use=resolver.viewed(task, use, view), trained_by=training)
        controls[reference] = replace(target, asked=shown)
    return replace(target, controls=controls)


def _trained_with(recipe: Recipe) -> Recipe:
    """The recipe as a phase has it: the cap stands in its uses, the layer in the evaluation."""
    return recipe.changed(examples=None, layer=None)


class _Builder:
    """Collects steps and cells; a step that is there already is not added again."""

    def __init__(
        self, study: StudyFile, uses: Mapping[str, tuple[Use, ...]], targets: list[_ResolvedTarget]
    ) -> None:
        self.study, self.uses, self.targets = study, uses, targets
        self.steps: dict[str, Step] = {}
        self.cells: list[Cell] = []

    def add_backbone(self, name: str, backbone: Backbone) -> None:
        """The cells of a backbone: arms x seeds x targets, and those of its references."""
        for reference in ("", *self.study.references):
            for arm in self._arms_of(reference):
                for seed, parent_seed in self._seeds():
                    random = reference == "random"
                    start = backbone.changed(weights="random", seed=seed) if random else backbone
                    self._add(name, arm, self._trained(name, start, arm, parent_seed), seed, reference)

    def add_prompted(self, name: str, backbone: Backbone) -> None:
        """The cells of a backbone that is asked in words: of every target that can be, with every seed."""
        for reference in (one for one in self.study.references if one in PROMPTED):
            for target in self.targets:
                trained_by, family = target.asked.trained_by, target.asked.use.family
                if family not in PROMPTABLE or (reference != "prompted" and trained_by is None):
                    continue
                recipe = overridden(target.recipe, self.study.backbones[name].recipe)
                written = recipe.changed(
                    readout="text", attention="causal"
                )  # none but a causal one can be asked
                for seed in self.study.target.seeds:
                    prompt = Prompt(wordings=target.wordings)
                    if reference != "prompted" and trained_by is not None:
                        rows = trained_by.changed(examples=None, fraction=None, development=None)
                        prompt = prompt.changed(shots=self.study.shots, use=rows, seed=seed)
                    asked = target.evaluation(backbone, written).changed(trained_by=None, prompt=prompt)
                    evaluation = self._step(asked)
                    self.cells.append(Cell(name, "none", target.name, seed, reference, evaluation, ()))

    def add_majority(self) -> None:
        """One cell for each target: no model, so neither backbone nor arm nor seed."""
        for target in self.targets:
            evaluation = self._step(target.asked)
            self.cells.append(Cell("", "", target.name, 0, "majority", evaluation, ()))

    def _seeds(self) -> Iterator[tuple[int, int]]:
        """(seed of the target phase, seed of the intermediate phase)."""
        intermediate, target = self.study.intermediate_seeds, self.study.target.seeds
        if not self.targets:
            return ((seed, seed) for seed in intermediate)
        return zip(target, intermediate * (len(target) // len(intermediate)), strict=True)

    def _arms_of(self, reference: str) -> Iterable[str]:
        """The arms that are measured as a reference; all, where there is none."""
        if reference and (not self.targets or reference in ("majority", *PROMPTED)):
            return ()
        if not reference or reference in OF_EVERY_ARM:
            return self.uses
        return self.study.random_arms if reference == "random" else ("none",)

    def _trained(self, backbone: str, start: Backbone, arm: str, seed: int) -> Backbone | Phase:
        """What an arm makes of a backbone; the `none` of a reference, which may be no arm, leaves it."""
        stated, uses = self.study.intermediate.arms.get(arm, Arm()), self.uses.get(arm, ())
        parent = start if stated.after is None else self._trained(backbone, start, stated.after, seed)
        if not uses:
            return parent
        recipe = overridden(self.study.intermediate_recipe(stated), self.study.backbones[backbone].recipe)
        mixture = _mixture(stated, uses)
        return Phase(parent=parent, uses=uses, recipe=_trained_with(recipe), seed=seed, mixture=mixture)

    def _add(self, name: str, arm: str, model: Backbone | Phase, seed: int, reference: str = "") -> None:
        if not self.targets:
            self._step(model)
        overrides = self.study.backbones[name].recipe
        controlled = [one.controls[reference] for one in self.targets if reference in one.controls]
        for target in controlled if reference in CONTROLS else self.targets:
            trained, recipe = model, overridden(target.recipe, overrides)
            if (use := target.asked.trained_by) is not None:
                trained = Phase(parent=model, uses=(use,), recipe=_trained_with(recipe), seed=seed)
            evaluation = self._step(target.evaluation(trained, recipe))
            phases = tuple(one.fingerprint for one in chain(trained) if isinstance(one, Phase))[::-1]
            self.cells.append(Cell(name, arm, target.name, seed, reference, evaluation, phases))

    def _step(self, specification: Backbone | Phase | Evaluation) -> str:
        """Add a step after those that it needs; gives its fingerprint."""
        step = Step(specification)
        if step.fingerprint not in self.steps:
            if step.parent is not None:
                self._step(step.parent.specification)
            self.steps[step.fingerprint] = step
        return step.fingerprint
