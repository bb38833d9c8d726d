"""The account of a study: what was trained, how and on what, what it cost, what failed, whom to cite."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from xstilts.analysis.permutation import above_chance
from xstilts.analysis.results import ARM, Results, line_of
from xstilts.analysis.wording import count, metric_label
from xstilts.audit.audit import stored
from xstilts.audit.finding import Audit, FindingGroup, groups, summary, unused
from xstilts.data.task import TRANSLATED
from xstilts.plain import by_key
from xstilts.store import Record, Store
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase, chain
from xstilts.study.plan import Plan
from xstilts.study.sources import Part, Source, grouped, parts_of, source
from xstilts.study.step import Step
from xstilts.study.use import Mixture, Use


@dataclass(frozen=True)
class Failed:
    """A step that failed, and the cells that miss it."""

    name: str
    fingerprint: str
    message: str
    cells: int


@dataclass(frozen=True)
class Spending:
    """What one kind of step has cost so far."""

    kind: str
    done: int
    planned: int
    seconds: float
    tokens: int


def failures(plan: Plan, store: Store) -> list[Failed]:
    """Steps that failed when last tried, with the number of cells that wait for them."""
    return [
        Failed(step.name, step.fingerprint, failure.message, plan.users[step.fingerprint])
        for step in plan.steps
        if (failure := store.failure(step.fingerprint)) is not None and store.folder(step.fingerprint) is None
    ]


def _recorded(plan: Plan, store: Store) -> list[tuple[Step, Record]]:
    """The steps that are done, with their records; a shared step counts once."""
    return [(step, record) for step in plan.steps if (record := store.record(step.fingerprint)) is not None]


def costs(plan: Plan, store: Store) -> list[Spending]:
    """What was spent on the steps of the plan that are done, by kind."""
    found, done = [], by_key((step.kind, record) for step, record in _recorded(plan, store))
    for kind in ("backbone", "phase", "evaluation"):
        records = done.get(kind, [])
        seconds, tokens = (sum(record.get(name, 0) for record in records) for name in ("seconds", "tokens"))
        if planned := sum(step.kind == kind for step in plan.steps):
            found.append(Spending(kind, len(records), planned, seconds, tokens))
    return found


def machines(plan: Plan, store: Store) -> list[str]:
    """The computers that steps ran on, with the versions that they used."""
    found = []
    for _, record in _recorded(plan, store):
        hardware, software = record.get("hardware", {}), record.get("software", {})
        if device := hardware.get("gpu") or hardware.get("processor"):
            versions = {name: software.get(name) for name in ("xstilts", "torch", "transformers")}
            used = [f"{name} {version}" for name, version in versions.items() if version]
            found.append(", ".join([device, *used]))
    return list(dict.fromkeys(found))


def differences(plan: Plan, store: Store) -> list[str]:
    """What besides the study makes numbers of some steps unlike those of others, in a paragraph, if anything.

    Devices, instruction sets, threads, versions of torch, processes, smaller micro-batches, and steps that
    one kind of computer began and another one continued. Records of earlier releases do not tell.
    """
    facts: list[tuple[str, str]] = []
    notes, continued, smaller = list[str](), list[str](), 0
    for step, record in _recorded(plan, store):
        computers = [_computer(computer) for computer in record.get("computed_on", ())]
        facts += dict.fromkeys(fact for computer in computers for fact in computer.items())
        if step.kind == "phase":
            facts.append(("numbers of processes", str(record.get("processes", 1))))
        if len(computers) > 1:
            first, *others = [", ".join(computer.values()) for computer in computers]
            continued.append(f"{step.name} was begun on {first}, and continued on {'; '.join(others)}.")
        smaller += record.get("micro_tokens") is not None
    for kind, values in by_key(facts).items():
        steps = Counter(values)
        if len(steps) > 1:
            each = ", ".join(f"{value} ({count(number, 'step')})" for value, number in steps.items())
            notes.append(f"Steps were computed with different {kind}: {each}.")
    if smaller:
        notes.append(f"{count(smaller, 'step')} had a smaller micro-batch for want of memory.")
    notes += continued
    why = "Sums then differ in their last digits, and training makes such differences larger."
    return [" ".join([*notes, why])] if notes else []


def _computer(computer: Mapping[str, Any]) -> dict[str, str]:
    """What numbers depend on of a computer: of one with a GPU, not its processor."""
    parts = {"devices": computer.get("gpu") or computer.get("processor")}
    if not computer.get("gpu"):
        parts["instruction sets"] = computer.get("instructions")
        parts["numbers of threads"] = count(computer.get("threads") or 1, "thread")
    parts["versions of torch"] = computer.get("torch") and f"torch {computer['torch']}"
    return {kind: value for kind, value in parts.items() if value}


def recipes(plan: Plan) -> list[dict[str, str]]:
    """The settings of the phases, one row for each that differs in more than the seed and the parent."""
    phases = [step.specification for step in plan.steps if isinstance(step.specification, Phase)]
    rows = by_key((tuple(recipe_row(phase).items()), phase.seed) for phase in phases)
    return [dict(row) | {"seeds": ", ".join(map(str, sorted({*seeds})))} for row, seeds in rows.items()]


def recipe_row(phase: Phase) -> dict[str, str]:
    """The settings of a phase, but for its seed."""
    recipe = phase.recipe
    labelled = [use for use in phase.uses if use.family != "masked"] or phase.uses
    return {
        "tasks": " + ".join(use.title for use in phase.uses),
        "labels": "shuffled" if any(use.labels == "shuffled" for use in phase.uses) else "gold",
        "mixing": _mixing(phase.mixture),
        "languages": _languages(labelled),
        "examples": _examples(labelled),
        "rate": f"{recipe.learning_rate:g}",
        "length": count(recipe.updates, "update") if recipe.updates else f"{recipe.epochs:g} epochs",
        "batch": f"{recipe.batch_size} examples" if recipe.batch_size else f"{recipe.batch_tokens} tokens",
        "window": f"{recipe.max_length}",
        "schedule": f"{recipe.warmup:.0%} warm-up, {recipe.decay}",
        "precision": recipe.precision + (f", {recipe.threads} threads" if recipe.threads > 1 else ""),
        "selection": recipe.select,
    }


def _mixing(mixture: Mixture | None) -> str:
    """How several tasks share the updates; "" where every epoch has all rows."""
    if mixture is None:
        return ""
    match mixture.rule:
        case "limit":
            rule = f"by size up to {mixture.limit:,}"
        case "temperature":
            rule = f"temperature {mixture.temperature:g}"
        case "shares":
            rule = " : ".join(f"{100 * share:g}" for share in mixture.shares)
        case "size" | "uniform":
            rule = {"size": "by size", "uniform": "evenly"}[mixture.rule]
    return f"{rule}; {mixture.replay:.0%} masked text" if mixture.replay else rule


def _languages(uses: Sequence[Use]) -> str:
    """One by its code, several by their number, shares outright."""
    translated = ", translated" if any(use.split == TRANSLATED for use in uses) else ""
    if uses[0].shares:
        shares = zip(uses[0].languages, uses[0].shares, strict=True)
        return ", ".join(f"{code} {100 * share:g} %" for code, share in shares) + translated
    codes = sorted({code for use in uses for code in use.languages})
    return (codes[0] if len(codes) == 1 else count(len(codes), "language")) + translated


def _examples(uses: Sequence[Use]) -> str:
    if fractions := [use.fraction for use in uses if use.fraction is not None]:
        return f"{100 * max(fractions):g} %"
    caps = [use.examples for use in uses if use.examples is not None]
    return f"{max(caps):,}" if caps else "all"


def models(plan: Plan, store: Store) -> list[tuple[str, str]]:
    """The backbones with what they are, and how large, as far as the phases on them have told.

    Of the path of a folder only its last name is told.
    """
    found = []
    for name, backbone in backbones(plan).items():
        phases = [cell.phases[-1] for cell in plan.cells if cell.backbone == name and cell.phases]
        table = plan.study.backbones.get(name)
        if backbone.model is not None:
            origin = f"{backbone.model} at revision {backbone.revision}"
        elif backbone.checksum is not None:
            folder = last_name((table and table.model) or "") or "a folder"
            origin = f"{folder} with checksum {backbone.checksum[:19]}…"
        else:
            origin = f"{backbone.architecture} from scratch, seed {backbone.seed}"
        records = [store.record(phase) or {} for phase in dict.fromkeys(phases)]
        found.append((name, "; ".join([origin, *_size(records)])))
    return found


def last_name(path: str) -> str:
    """The name of the folder or file that a path ends with."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def _size(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What architectures are matched by; the operations are the median of the phases."""
    told = [record for record in records if "forward_flops_per_token" in record]
    if not told:
        return []
    every, bare = told[0]["parameters"], told[0]["parameters_without_embeddings"]
    operations = median(record["forward_flops_per_token"] for record in told)
    return [
        f"{_millions(every)} million parameters, {_millions(bare)} without embeddings",
        f"{_millions(operations)} million operations for a token in a forward pass",
    ]


def _millions(number: float) -> str:
    return f"{number / 1e6:,.{0 if number >= 1e8 else 2}f}"


def backbones(plan: Plan) -> dict[str, Backbone]:
    """The backbones of the arms, by the names that the study gives them."""
    found: dict[str, Backbone] = {}
    for cell in plan.cells:
        last = [*chain(plan.evaluation(cell).model)][-1:]
        if not cell.reference and last and isinstance(last[0], Backbone):
            found.setdefault(cell.backbone, last[0])
    return found


def sources(plan: Plan, store: Store) -> list[Source]:
    """What the rows of the study's steps are read from: as the records tell, or as they would be now."""
    found: dict[Part, Source] = {}
    for _, record in _recorded(plan, store):
        for told in record.get("sources", ()):
            known = {name: told[name] for name in Source.__dataclass_fields__}
            one = Source(**known | {"files": tuple(told["files"])})
            found[Part(one.task, one.split, one.language, one.data)] = one
    return [found.get(part) or source(part, plan.places) for part in parts_of(plan.steps)]


DATA = ("task", "split", "languages", "read from", "how many", "in the release, if others")


def data_rows(sources: Sequence[Source]) -> list[tuple[str, ...]]:
    """The table of what rows are read from; its columns are DATA."""
    return [
        (one.task, one.split, one.languages, one.read, one.rows or "not counted", one.release)
        for one in grouped(sources)
    ]


def task_names(plan: Plan) -> list[str]:
    """Names of all tasks that are trained on or evaluated, sorted."""
    uses = [use for step in plan.steps for use in getattr(step.specification, "uses", ())]
    return sorted({use.task for use in uses} | {cell.target for cell in plan.cells})


def citations(plan: Plan) -> list[tuple[str, str]]:
    """Tasks with their sources, sorted by name; tasks with the same citation together."""
    found = by_key((plan.places.task(name).citation, name) for name in task_names(plan))
    return [(", ".join(tasks), citation) for citation, tasks in found.items()]


@dataclass(frozen=True)
class OwnScore:
    """How well an arm learned one of its own tasks: in percent, on the source language's development data.

    The score is the mean of all trainings; `at_chance` has the seeds of those that did not learn the task:
    one among others that did can decide what the arm seems to do.
    """

    arm: str
    task: str
    metric: str
    value: float
    chance: float
    n: int
    seeds: int
    at_chance: tuple[int, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether it is above chance by more than two standard errors, or perfect where chance is not."""
        return above_chance(self.value, self.chance, self.n)

    @property
    def outcome(self) -> str:
        """Write 'learned', 'at chance', or 'at chance with seeds 1, 3' where the others learned it."""
        return f"at chance{self.which}" if self.at_chance or not self.learned else "learned"

    @property
    def which(self) -> str:
        """Write ' with seed 3' where only some of the trainings did not learn it, else ''."""
        if not self.learned or not self.at_chance:
            return ""
        return f" with seed{'s' * (len(self.at_chance) > 1)} {', '.join(map(str, self.at_chance))}"


def own_scores(results: Results) -> list[OwnScore]:
    """For every arm of a backbone the scores of its own tasks, the means over seeds."""
    told = by_key(
        ((results.name_of(line_of(cell)), task), (phase, (cell.seed, score)))
        for cell in results.plan.cells
        if cell.arm and not cell.reference
        for phase in results.plan.intermediate(cell)
        for task, score in sorted((results.store.record(phase) or {}).get("source_score", {}).items())
    )
    found = []
    for (arm, task), by_phase in told.items():
        trainings = [*dict(reversed(by_phase)).values()]  # the first seed of a training that several share
        scores = [score for _, score in trainings]
        value, chance = (sum(score[key] for score in scores) / len(scores) for key in ("value", "chance"))
        at_chance = [
            seed for seed, one in trainings if not above_chance(one["value"], one["chance"], one["n"])
        ]
        metric, n = metric_label(scores[0]["metric"]), scores[0]["n"]
        found.append(OwnScore(arm, task, metric, value, chance, n, len(scores), tuple(sorted(at_chance))))
    return found


def seen(results: Results) -> list[tuple[str, tuple[str, ...]]]:
    """For every arm the evaluated languages that its chains have seen with labels, besides the source."""
    rows = results.table.filter(reference=ARM, seen_with_labels=True).select("arm", "target", "language")
    own = {target.name: target.source for target in results.targets}
    found = by_key((arm, code) for arm, target, code in rows.iter_rows() if code != own[target])
    return [(arm, tuple(sorted({*codes}))) for arm, codes in found.items()]


@dataclass(frozen=True)
class Leaks:
    """What the leak audit of a plan found, as the page shows it; `audit` is None if there was none."""

    audit: Audit | None
    groups: Sequence[FindingGroup] = ()
    unused: Sequence[str] = ()
    summary: str = ""

    def chosen(self, status: str) -> list[FindingGroup]:
        """The findings that are a `leak`, `allowed` or a `note`."""
        return [one for one in self.groups if one.status == status]


def leaks(plan: Plan, store: Store) -> Leaks:
    """The audit that the store holds of a plan; nothing is looked at here."""
    audit, study = stored(plan, store), plan.study
    if audit is None:
        return Leaks(None)
    return Leaks(audit, groups(audit, study.allowed), unused(audit, study), summary(audit, study))
