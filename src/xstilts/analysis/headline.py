"""What a study says first: its answer in a sentence, and what has to be read with it.

Both stand at the top of the page, in the abstract and in the terminal. Whoever reads no further than the
answer must not take "no effect" for a finding where runs collapsed, tasks were not learned, leaks were not
looked for, cells are missing, or each arm was trained once.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from xstilts.analysis.collapse import Collapses
from xstilts.analysis.effects import EFFECT
from xstilts.analysis.methods import Leaks, OwnScore
from xstilts.analysis.results import Results, language
from xstilts.analysis.transfer import MEAN, MapCell
from xstilts.analysis.wording import count
from xstilts.plain import by_key, first_of

Maps = Mapping[str, Sequence[MapCell]]


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
    if unlearned := [f"{one.task} ({one.arm})" for one in own_scores if not one.learned]:
        yield f"Intermediate tasks that were not learned: {first_of(unlearned)}."
    if leaks.audit is None:
        yield "Nobody looked for leaks, or the study or its data have changed since (xstilts audit)."
    elif found := leaks.chosen("leak"):
        yield f"The leak audit found {count(len(found), 'leak')} that the study does not allow."
    elif not leaks.audit.looked:
        yield "The leak audit could compare no rows."
    elif unseen := leaks.audit.unseen:
        yield f"The leak audit did not look at {count(len(unseen), 'thing')}: {first_of(unseen)}."
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    seeds = {cell.seed for cell in plan.cells if not cell.reference}
    if len(seeds) == 1:
        yield "One seed: no interval covers what another training would give."
    elif plan.trained_once:
        yield "Each intermediate phase was trained once: no interval covers what another one would give."
