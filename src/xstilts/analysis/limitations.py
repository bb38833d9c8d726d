"""What a reader must keep in mind before believing a number of a study."""

from collections.abc import Iterator, Sequence

from xstilts.analysis.collapse import Collapses
from xstilts.analysis.effects import EFFECT, Effects
from xstilts.analysis.methods import OwnScore
from xstilts.analysis.results import language
from xstilts.analysis.wording import count
from xstilts.plain import by_key


def limitations(effects: Effects, own_scores: Sequence[OwnScore], collapses: Collapses) -> Iterator[str]:
    """State each limitation in a sentence."""
    results, plan = effects.results, effects.results.plan
    if not plan.cells:
        return
    seeds = {cell.seed for cell in plan.cells if not cell.reference}
    if len(seeds) == 1:
        yield "One seed: the intervals cover the choice of test examples only, not that of the seed."
    elif len(seeds) < 5:
        borrows = "each comparison borrows from the others of this study what they know of it"
        yield f"{len(seeds)} seeds tell little about their own spread; {borrows}."
    if results.missing:
        yield f"{len(results.missing)} of {count(len(plan.cells), 'cell')} are missing."
    for score in (score for score in own_scores if not score.learned):
        nothing = "its effects say nothing about the task"
        yield f"The arm {score.arm} did not learn {score.task} (at chance): {nothing}."
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
        yield (
            f"Half of the comparisons can detect effects of {half:.1f} points or more in four of five "
            "repetitions; smaller ones may exist where none is seen."
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
