"""What a study says first: its answer in a sentence, and what has to be read with it; and at the end its
limitations: what a reader must keep in mind before believing a number.

The first two stand at the top of the page, in the abstract and in the terminal. Whoever reads no further than
the answer must not take "no effect" for a finding where runs collapsed, tasks were not learned, leaks were
not looked for, cells are missing, or each arm was trained once.
"""

import itertools
from collections.abc import Iterator, Sequence

from xstilts.analysis.collapse import Collapses
from xstilts.analysis.effects import EFFECT, Effects
from xstilts.analysis.methods import Leaks, OwnScore
from xstilts.analysis.results import Line, Results, language
from xstilts.analysis.transfer import MEAN, Maps
from xstilts.analysis.wording import WHOLE, count
from xstilts.plain import by_key, first_of

LENDERS = 2  # other arms without which none lends what it knows of seeds


def answer(results: Results, maps: Maps, collapses: Collapses) -> str:
    """State what the arms do to the targets, as far as it is known."""
    if not results.plan.cells:
        return "This study trains and measures no target."
    if collapses.runs and len(collapses.runs) == collapses.trained and not _untrained(results):
        return "This study has no answer: no run learned its target."
    cells = [
        cell
        for cell in itertools.chain(*maps.values())
        if cell.column != MEAN and not cell.line.reference and cell.line.arm != EFFECT.against
    ]
    measured = [cell for cell in cells if cell.kind == "effect"]
    if not measured:
        if not cells or not any(line.arm == EFFECT.against and not line.reference for line in results.lines):
            return f"This study compares no arm with the arm {EFFECT.against}."
        return "There is no comparison with the arm none in the store yet."
    strong = [cell for cell in measured if cell.strong]
    helped, hurt = ([cell for cell in strong if (cell.value > 0) == helps] for helps in (True, False))
    emptied = {(one.arm, one.target) for one in collapses.comparisons if one.without is None}
    empty = sum((results.name_of(cell.line), cell.column) in emptied for cell in measured if not cell.strong)
    silent = len(measured) - len(strong) - empty
    text = f"Of {count(len(measured), 'pair')} of an intermediate arm and a target, {len(helped)} "
    text += f"{_verb(len(helped), 'help')}, {len(hurt)} {_verb(len(hurt), 'hurt')} and {silent} "
    text += f"{_verb(silent, 'show')} no effect that exceeds the noise"
    if empty:
        text += f"; {empty} cannot be judged, for nothing is left without runs that collapsed"
    for word, found in (("help", helped), ("harm", hurt)):
        if found:
            cell = max(found, key=lambda cell: abs(cell.value))
            where = f"{results.name_of(cell.line)} on {cell.column}"
            text += f"; the largest {word} is {where}, {cell.text} points {cell.interval}"
    missing = sum(cell.kind == "missing" for cell in cells)
    return text + (f"; {count(missing, 'pair')} {_verb(missing, 'wait')} for results." if missing else ".")


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _untrained(results: Results) -> bool:
    """Whether something was measured that needs no training on a target."""
    plan = results.plan
    cells = [cell for cell in plan.cells if not cell.reference and plan.evaluation(cell).trained_by is None]
    return any(results.store.folder(cell.evaluation) is not None for cell in cells)


def of_runs(found: Collapses) -> Iterator[str]:
    """State which runs collapsed, learned in part, or guess in some languages."""
    if found.runs:
        places = dict.fromkeys(f"{run.cell.target} after {run.arm}" for run in found.runs)
        text = f"{len(found.runs)} of {count(found.trained, 'run')} collapsed (no better than guessing)"
        text += f": {first_of(places)}"
        if pairs := [one for one in found.comparisons if one.target != MEAN]:
            empty = sum(one.without is None for one in pairs)
            text += f"; of the differences to none {len(pairs)} contain them, {empty} nothing else"
        yield f"{text}."
    if found.partial:
        part = found.partial[0]
        yield (
            f"{count(len(found.partial), 'run')} learned in part: {part.cell.target} after {part.arm} "
            f"{part.notes[0]}{', and others' if len(found.partial) > 1 else ''}."
        )
    targets = by_key((one.target, language(one.language).name) for one in found.languages)
    for target, names in targets.items():
        where = first_of(dict.fromkeys(names))
        yield f"On {target} runs that learned the source language are at chance in {where}."


def of_study(results: Results, own_scores: Sequence[OwnScore], leaks: Leaks) -> Iterator[str]:
    """State what was not learned, not audited, not measured, not repeated."""
    plan = results.plan
    unlearned = [f"{one.task} ({one.arm}{one.which})" for one in own_scores if one.outcome != "learned"]
    if unlearned:
        yield f"Intermediate tasks that were not learned: {first_of(unlearned)}."
    if leaks.audit is None:
        yield "Nobody looked for leaks, or the study or its data have changed since (xstilts audit)."
    elif found := leaks.chosen("leak"):
        yield f"The leak audit found {count(len(found), 'leak')} that the study does not allow."
    elif not leaks.audit.looked:
        yield "The leak audit could compare no rows."
    elif unseen := leaks.audit.unseen:
        things = first_of(unseen, between="; ")
        yield f"The leak audit did not look at {count(len(unseen), 'thing')}: {things}."
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    seeds = {cell.seed for cell in plan.cells if not cell.reference}
    if len(seeds) == 1:
        yield "One seed: no interval covers what another training would give."
    elif alone := _with_one_seed(results):
        where = first_of([f"{results.name_of(line)} on {target}" for line, target in alone])
        nothing = "what another training would give is in no interval, unless other arms lend it"
        yield f"Only one of {len(seeds)} seeds is measured of {where}: {nothing}."
    if len(seeds) > 1 and plan.trained_once:
        yield "Each intermediate phase was trained once: no interval covers what another one would give."
    if alone_there := [one.name for one in results.targets if one.languages == (one.source,)]:
        told = f"{_verb(len(alone_there), 'tell')} nothing of zero-shot transfer"
        yield f"Evaluated in the source language alone: {first_of(alone_there)}, which {told}."


def _with_one_seed(results: Results) -> list[tuple[Line, str]]:
    """The arms and targets of whose several trainings only one is measured so far."""
    found = []
    for place, cells in results.by_place.items():
        planned, missing = (
            {cell.evaluation for cell in some} for some in (cells, results.missing.intersection(cells))
        )
        if not place[0].reference and len(planned) > 1 == len(planned - missing):
            found.append(place)
    return found


def limitations(effects: Effects, own_scores: Sequence[OwnScore], collapses: Collapses) -> Iterator[str]:
    """State each limitation in a sentence."""
    results, plan = effects.results, effects.results.plan
    if not plan.cells:
        return
    seeds = {cell.seed for cell in plan.cells if not cell.reference}
    if len(seeds) == 1:
        yield "One seed: the intervals cover the choice of test examples only, not that of the seed."
    elif len(seeds) < 5:
        few = ": the intervals are wide for that"
        if sum(not line.reference for line in results.lines) > LENDERS:
            few = "; comparisons borrow from at least two others on the same target what these know of it"
        yield f"{len(seeds)} seeds tell little about their own spread{few}."
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    for score in (score for score in own_scores if score.outcome != "learned"):
        nothing = "its effects say nothing about the task"
        if score.learned:
            nothing = "its effects are not those of the task alone"
        yield f"The arm {score.arm} did not learn {score.task} ({score.outcome}): {nothing}."
    yield from _not_learned(collapses)
    for target in results.targets:
        had = {line.reference for line, name in results.planned if name == target.name}
        if target.family == "visual" and not had & {"shuffled-images", "text-only"}:
            neither = "neither shuffled-images nor text-only is measured beside it"
            yield f"Nothing tells whether the images of {target.name} are used: {neither}."
    arms = [line for line in results.lines if not line.reference and line.arm != EFFECT.against]
    found = [effects.estimate(EFFECT, line, target.name) for target in results.targets for line in arms]
    if sizes := sorted(one.smallest_effect for one in found if one is not None):
        half = sizes[len(sizes) // 2]
        told, unseen = f"effects of {half:.1f} points or more", "smaller ones"
        if half > WHOLE:
            told, unseen = f"no effect below {WHOLE} points", "effects"
        yield (
            f"Half of the comparisons can detect {told} in four of five repetitions; "
            f"{unseen} may exist where none is seen."
        )
    if len(results.backbones) == 1:
        yield "One backbone: nothing is known about another pretraining run."
    if all(code.startswith("x-") for target in results.targets for code in target.languages):
        yield "The languages and tasks are synthetic: what holds here need not hold in natural languages."
    yield from plan.notes


def _not_learned(found: Collapses) -> Iterator[str]:
    """A sentence for every arm and target with collapsed runs, with languages at chance, learned in part."""
    for (arm, target), runs in by_key(((one.arm, one.cell.target), one) for one in found.runs).items():
        which = _seeds(sorted(run.cell.seed for run in runs))
        yield f"After the arm {arm}, {target} was not learned with {which} (at chance in the source)."
    for (arm, target), languages in by_key(((one.arm, one.target), one) for one in found.languages).items():
        names = ", ".join(f"{language(one.language).name} ({_seeds(one.seeds)})" for one in languages)
        yield f"After the arm {arm}, {target} was learned, but is at chance in {names}."
    for (arm, target), parts in by_key(((one.arm, one.cell.target), one) for one in found.partial).items():
        notes = "; ".join(f"seed {one.cell.seed} {one.notes[0]}" for one in parts)
        yield f"After the arm {arm}, {target} was learned in part: {notes}."


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
