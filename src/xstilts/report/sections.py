"""The words and tables of the page: what is said of a study besides its charts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.report.charts import heat_cells
from xstilts.report.claims import count
from xstilts.report.collapse import above_chance, collapses
from xstilts.report.drawing import metric_label
from xstilts.report.effects import EFFECT, Effects
from xstilts.report.results import Results, language
from xstilts.store import Store
from xstilts.study.phase import seen_with_labels
from xstilts.study.plan import Cell, Plan


@dataclass(frozen=True)
class OwnScore:
    """How well an arm learned one of its own tasks: in percent, on the source language's development data."""

    arm: str
    task: str
    metric: str
    value: float
    chance: float
    n: int
    seeds: int

    @property
    def learned(self) -> bool:
        """Whether it is above chance by more than two standard errors of a share of n examples."""
        return above_chance(self.value, self.chance, self.n)


def answer(effects: Effects) -> str:
    """The study's answer in a sentence, as far as it is known."""
    pairs, missing = _pairs(effects)
    if not effects.results.plan.cells:
        return "This study trains and measures no target."
    if not pairs:
        return "There is no comparison with the arm none in the store yet."
    strong = [pair for pair in pairs if pair[2]["strong"]]
    helped = [pair for pair in strong if pair[2]["value"] > 0]
    hurt = [pair for pair in strong if pair[2]["value"] < 0]
    guessed = {
        (one.name.removesuffix(f" − {EFFECT.against}"), one.target)
        for one in collapses(effects).comparisons
        if one.without is None
    }
    empty = sum(pair[:2] in guessed for pair in pairs if not pair[2]["strong"])
    silent = len(pairs) - len(strong) - empty
    text = f"Of {count(len(pairs), 'pair')} of an intermediate arm and a target, {len(helped)} "
    text += f"{_verb(len(helped), 'help')}, {len(hurt)} {_verb(len(hurt), 'hurt')} and {silent} "
    text += f"{_verb(silent, 'show')} no effect that exceeds the noise"
    if empty:
        text += f"; {empty} cannot be judged, for nothing is left without runs that collapsed"
    for word, found in (("help", helped), ("harm", hurt)):
        if found:
            line, target, cell = max(found, key=lambda pair: abs(pair[2]["value"]))
            text += f"; the largest {word} is {line} on {target}, {cell['text']} points {cell['interval']}"
    return text + (f"; {count(missing, 'pair')} {_verb(missing, 'wait')} for results." if missing else ".")


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _pairs(effects: Effects) -> tuple[list[tuple[str, str, dict[str, Any]]], int]:
    """(arm, target, cell of the heat map) of every difference but random weights'; the number missing."""
    results = effects.results
    names = {target.name for target in results.targets}
    found, missing = [], 0
    for backbone in backbones(results):
        arms = {line.arm for line in results.lines if line.backbone == backbone and not line.reference}
        for cell in heat_cells(effects, backbone):
            if cell["column"] not in names or cell["row"] not in arms - {EFFECT.against}:
                continue
            missing += cell["kind"] == "missing"
            if cell["kind"] == "effect":
                shown = cell["row"] if len(backbones(results)) == 1 else f"{cell['row']} on {backbone}"
                found.append((shown, cell["column"], cell))
    return found, missing


def backbones(results: Results) -> tuple[str, ...]:
    """The backbones of the study, in its order."""
    return tuple(dict.fromkeys(line.backbone for line in results.lines if not line.reference))


def own_scores(plan: Plan, store: Store) -> list[OwnScore]:
    """For every arm the scores of its own tasks, the means over seeds."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in plan.cells:
        if cell.reference or not cell.arm:
            continue
        for fingerprint in _intermediate(plan, cell):
            record = store.record(fingerprint) or {}
            for task, score in sorted(record.get("source_score", {}).items()):
                found.setdefault((cell.arm, task), {})[fingerprint] = score
    return [_own(arm, task, list(scores.values())) for (arm, task), scores in found.items()]


def _own(arm: str, task: str, scores: Sequence[Any]) -> OwnScore:
    value, chance = (sum(score[key] for score in scores) / len(scores) for key in ("value", "chance"))
    first = scores[0]
    return OwnScore(arm, task, metric_label(first["metric"]), value, chance, first["n"], len(scores))


def _intermediate(plan: Plan, cell: Cell) -> tuple[str, ...]:
    """The phases of a cell before the one that trains its target; a retrieval target has none of its own."""
    return cell.phases if plan.evaluation(cell).trained_by is None else cell.phases[:-1]


def seen(results: Results) -> list[tuple[str, tuple[str, ...]]]:
    """For every arm the evaluated languages that its chains have seen with labels, besides the source."""
    found: dict[str, set[str]] = {}
    for cell in results.plan.cells:
        if not cell.reference:
            evaluation = results.plan.evaluation(cell)
            own = results.target(cell.target).source
            others = set(seen_with_labels(evaluation.model)) & set(evaluation.use.languages) - {own}
            found.setdefault(cell.arm, set()).update(others)
    return [(arm, tuple(sorted(codes))) for arm, codes in found.items() if codes]


def limitations(effects: Effects, store: Store) -> Iterator[str]:
    """What a reader must keep in mind before believing a number."""
    results, plan = effects.results, effects.results.plan
    if not plan.cells:
        return
    seeds = sorted({cell.seed for cell in plan.cells if not cell.reference})
    if len(seeds) == 1:
        yield "One seed: the intervals cover the choice of test examples only, not that of the seed."
    elif len(seeds) < 5:
        yield (
            f"{len(seeds)} seeds tell little about their own spread; each comparison borrows from the others "
            "of this study what they know of it."
        )
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    for score in own_scores(plan, store):
        if not score.learned:
            yield (
                f"The arm {score.arm} did not learn {score.task} (at chance): its effects say nothing about "
                "the task."
            )
    yield from _not_learned(effects)
    yield from _unproven(results)
    if (smallest := _smallest(effects)) is not None:
        yield (
            f"Half of the comparisons can detect effects of {smallest:.1f} points or more in four of five "
            "repetitions; smaller ones may exist where none is seen."
        )
    if len(backbones(results)) == 1:
        yield "One backbone: nothing is known about another pretraining run."
    if all(code.startswith("x-") for target in results.targets for code in target.languages):
        yield "The languages and tasks are synthetic: what holds here need not hold in natural languages."
    yield from plan.notes


def _not_learned(effects: Effects) -> Iterator[str]:
    """A sentence for every arm and target with collapsed runs, with languages at chance, learned in part."""
    found = collapses(effects)
    seeds: dict[tuple[str, str], set[int]] = {}
    for run in found.runs:
        seeds.setdefault((run.arm, run.cell.target), set()).add(run.cell.seed)
    for (arm, target), own in seeds.items():
        which = f"seed{'s' if len(own) > 1 else ''} {', '.join(map(str, sorted(own)))}"
        yield f"After the arm {arm}, {target} was not learned with {which} (at chance in the source)."
    languages: dict[tuple[str, str], list[str]] = {}
    for one in found.languages:
        which = language(one.language).name + f" (seed{'s' if len(one.seeds) > 1 else ''} {one.seeds[0]}"
        which += "".join(f", {seed}" for seed in one.seeds[1:]) + ")"
        languages.setdefault((one.arm, one.target), []).append(which)
    for (arm, target), names in languages.items():
        yield f"After the arm {arm}, {target} was learned, but is at chance in {', '.join(names)}."
    notes: dict[tuple[str, str], list[str]] = {}
    for part in found.partial:
        notes.setdefault((part.arm, part.cell.target), []).append(f"seed {part.cell.seed} {part.notes[0]}")
    for (arm, target), told in notes.items():
        yield f"After the arm {arm}, {target} was learned in part: {'; '.join(told)}."


def _unproven(results: Results) -> Iterator[str]:
    """A sentence for every target about images without a control that would tell whether they are used."""
    for target in results.targets:
        had = {line.reference for line, name in results.planned if name == target.name}
        if target.family == "visual" and not had & {"shuffled-images", "text-only"}:
            yield (
                f"Nothing tells whether the images of {target.name} are used: neither shuffled-images nor "
                "text-only is measured beside it."
            )


def _smallest(effects: Effects) -> float | None:
    lines = [line for line in effects.results.lines if not line.reference and line.arm != EFFECT.against]
    found = [effects.estimate(EFFECT, line, one.name) for one in effects.results.targets for line in lines]
    sizes = sorted(one.smallest_effect for one in found if one is not None)
    return sizes[len(sizes) // 2] if sizes else None
