"""What a study's answer rests on: said with it at the top of the page, in the abstract and in the terminal.

Whoever reads no further than the answer must not take "no effect" for a finding where runs collapsed, tasks
were not learned, leaks were not looked for, cells are missing, or each arm was trained once.
"""

from collections.abc import Iterator

from xstilts.report import sections
from xstilts.report.claims import count
from xstilts.report.collapse import Collapses, collapses
from xstilts.report.effects import Effects
from xstilts.report.leaks import leaks
from xstilts.report.results import language
from xstilts.store import Store

SHOWN = 3  # of what a sentence lists


def answer(effects: Effects, store: Store) -> tuple[str, list[str]]:
    """The study's answer in a sentence, and the sentences that have to be read with it."""
    found = collapses(effects)
    told = [*_collapsed(found), *_at_chance(found), *_study(effects, store)]
    if found.runs and len(found.runs) == found.trained and not _untrained(effects):
        return "This study has no answer: no run learned its target.", told
    return sections.answer(effects), told


def _untrained(effects: Effects) -> bool:
    """Whether something was measured that needs no training on a target."""
    plan, store = effects.results.plan, effects.results.store
    cells = [cell for cell in plan.cells if not cell.reference and plan.evaluation(cell).trained_by is None]
    return any(store.folder(cell.evaluation) is not None for cell in cells)


def _collapsed(found: Collapses) -> Iterator[str]:
    if found.runs:
        places = dict.fromkeys(f"{run.cell.target} after {run.arm}" for run in found.runs)
        text = f"{len(found.runs)} of {count(found.trained, 'run')} collapsed (no better than guessing)"
        pairs = [one for one in found.comparisons if one.target != "mean"]
        empty = sum(one.without is None for one in pairs)
        rest = (
            f"; of the differences to none {len(pairs)} contain them, {empty} nothing else" if pairs else ""
        )
        yield f"{text}: {_listed(list(places))}{rest}."
    if found.partial:
        part = found.partial[0]
        yield (
            f"{count(len(found.partial), 'run')} learned in part: {part.cell.target} after {part.arm} "
            f"{part.notes[0]}{', and others' if len(found.partial) > 1 else ''}."
        )


def _at_chance(found: Collapses) -> Iterator[str]:
    targets: dict[str, dict[str, None]] = {}
    for one in found.languages:
        targets.setdefault(one.target, {})[language(one.language).name] = None
    for target, names in targets.items():
        yield f"On {target} runs that learned the source language are at chance in {_listed(list(names))}."


def _study(effects: Effects, store: Store) -> Iterator[str]:
    """What was not learned, not audited, not measured, not repeated."""
    results = effects.results
    plan = results.plan
    unlearned = [f"{one.task} ({one.arm})" for one in sections.own_scores(plan, store) if not one.learned]
    if unlearned:
        yield f"Intermediate tasks that were not learned: {_listed(unlearned)}."
    audit = leaks(plan, store)
    if audit.audit is None:
        yield "Nobody looked for leaks, or the study or its data have changed since (xstilts audit)."
    elif found := audit.chosen("leak"):
        yield f"The leak audit found {count(len(found), 'leak')} that the study does not allow."
    elif not audit.audit.looked:
        yield "The leak audit could compare no rows."
    elif unseen := audit.audit.unseen:
        yield f"The leak audit did not look at {count(len(unseen), 'thing')}: {_listed(list(unseen))}."
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    seeds = {cell.seed for cell in plan.cells if not cell.reference}
    if len(seeds) == 1:
        yield "One seed: no interval covers what another training would give."
    elif plan.trained_once:
        yield "Each intermediate phase was trained once: no interval covers what another one would give."


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
