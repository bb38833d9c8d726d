"""What is wrong with the claims of a study, and with its distances: they must speak of what it measures.

Whether a language has a distance is known before anything is trained, but for those of the evaluated rows.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from xstilts import lab
from xstilts.data import typology
from xstilts.data.languages import by_code
from xstilts.data.task import Task
from xstilts.errors import InputError
from xstilts.families.text import PROMPTABLE
from xstilts.study.check_tasks import bad_languages, controls_of, found_tasks
from xstilts.study.claim import (
    COMPARING,
    CONTROLS,
    DISTANCES,
    FAMILY,
    MEASURED,
    MEASURES,
    OVER_AXIS,
    PROMPTED,
    REFERENCES,
    SLOPES,
    Claim,
    Plain,
)
from xstilts.study.problems import Place, Problem, near
from xstilts.study.study import Axis, StudyFile, expand

LEAST_VALUES = 5
"""Different values that two curves need: the larger has three parameters, and one value is left out."""
LEAST_FAMILIES = 4
"""Of which a slope needs the languages: three that are left say something when one is left out."""
SPARE = 3
"""Languages more than coefficients, the intercept among them."""
OF_SCORES = ("retention", "best_difference", *SLOPES)
"""Quantities that make sense of a score alone."""
BETWEEN = (*typology.TYPOLOGY, "script")
"""Distances that any two languages have."""


def check_claims(study: StudyFile) -> Iterator[Problem]:
    """Claims speak of arms, references, axes, targets and languages of the study, and are of what goes with
    their quantity; distances are those that can be told."""
    names = expand(study.target.tasks)
    targets = found_tasks(study, names)
    if len(targets) < len(names):  # one of them is wrong, which is told where targets are checked
        targets = {}
    for number, distance in enumerate(study.distances):
        if distance in study.distances[:number]:
            yield Problem(("distances", number), f"names '{distance}' twice.", "Take one out.")
        yield from _bad_source(distance, ("distances", number))
    for number, claim in enumerate(study.claims):
        place: Place = ("claims", number)
        if not claim.says:
            yield Problem((*place, "says"), "is missing.", "Say in a sentence what is claimed.")
        if claim.about and claim.relation != "=":
            yield Problem((*place, "about"), 'goes with the relation "=" only.', "Write `margin` instead.")
        if claim.quantity in OVER_AXIS:
            yield from _bad_axis(study, claim, place)
        else:
            yield from _bad_arms(study, claim, place)
        yield from _bad_against(study, claim, place)
        if claim.measured == "gain_over_random":
            yield from _bad_random(study, claim, place)
        yield from _bad_backbones(study, claim, place)
        yield from _bad_targets(claim, targets, place)
        yield from _bad_measured(study, claim, targets, place)
        yield from _bad_of(study, claim, targets, place)


def _bad_arms(study: StudyFile, claim: Claim, place: Place) -> Iterator[Problem]:
    arms = study.intermediate.arms
    if not claim.arms:
        yield Problem((*place, "arms"), "is missing.", f"Name some of {', '.join(arms)}.")
    for name in claim.arms:
        if name not in arms:
            yield Problem((*place, "arms"), f"no arm named '{name}'.", near(name, arms))
    if claim.quantity == "best_difference":
        if len(set(claim.arms)) == 1:
            yield Problem((*place, "arms"), "the best of one arm is no choice.", "Name several.")
        for key in ("against_targets", "against_languages"):
            if getattr(claim, key) is not None:
                yield Problem((*place, key), "does not go with best_difference.", "Take it out.")
    for key, given in (("axis", claim.axis), ("group", claim.group)):
        if given:
            what = f"belongs to the quantities {' and '.join(OVER_AXIS)} only."
            yield Problem((*place, key), what, "Take it out.")


def _bad_axis(study: StudyFile, claim: Claim, place: Place) -> Iterator[Problem]:
    axes = {axis.name: axis for axis in study.axes}
    if claim.arms:
        yield Problem((*place, "arms"), "are those of the axis.", "Take it out.")
    if claim.axis not in axes:
        what = f"no axis named '{claim.axis}'." if claim.axis else "is missing."
        yield Problem((*place, "axis"), what, near(claim.axis, axes) if axes else "Write [[axes]].")
        return
    axis = axes[claim.axis]
    if claim.group and claim.group not in axis.groups:
        now = near(claim.group, axis.groups) if axis.groups else "The axis has none."
        yield Problem((*place, "group"), f"no group named '{claim.group}'.", now)
        return
    if claim.quantity == "fit_advantage":
        if axis.scale != "log":
            yield Problem(
                (*place, "axis"), f"'{axis.name}' is not logarithmic.", 'Write scale = "log" there.'
            )
        values = len(set(axis.curve(claim.group).values()))
        if values < LEAST_VALUES:
            what = f"{values} different values cannot tell one curve from another."
            yield Problem((*place, "axis"), what, f"Give it {LEAST_VALUES} or more.")


def arms_of(study: StudyFile, claim: Claim) -> tuple[str, ...]:
    """The arms that a claim is about: those that it names, or those of its axis."""
    axis = next((axis for axis in study.axes if axis.name == claim.axis), Axis())
    return tuple(axis.curve(claim.group)) if claim.quantity in OVER_AXIS else claim.arms


def _bad_against(study: StudyFile, claim: Claim, place: Place) -> Iterator[Problem]:
    here, arms = (*place, "against"), study.intermediate.arms
    if claim.measured not in COMPARING:
        if claim.against != "none":
            yield Problem(here, f"the quantity {claim.measured} compares with nothing.", "Take it out.")
        return
    if not claim.opponents:
        yield Problem(here, "names nothing to compare with.", "Leave the key out to compare with `none`.")
    for name in dict.fromkeys(claim.opponents):
        if claim.opponents.count(name) > 1:
            yield Problem(here, f"names '{name}' more than once.", "Remove the others.")
        if name in REFERENCES:
            if name not in study.references:
                now = f'Write references = ["{name}"].'
                yield Problem(here, f"the study does not measure the reference '{name}'.", now)
        elif name not in arms:
            yield Problem(here, f"no arm named '{name}'.", near(name, [*arms, *REFERENCES]))
        elif name in arms_of(study, claim):
            now = "Name an arm that is not on the axis." if claim.axis else "Take it out of `arms`."
            yield Problem(here, f"compares the arm '{name}' with itself.", now)


def _bad_random(study: StudyFile, claim: Claim, place: Place) -> Iterator[Problem]:
    """Both sides of the difference must be measured with random weights too."""
    for name in claim.opponents:
        if name in REFERENCES:
            what = f"is a difference of arms; '{name}' is a reference."
            yield Problem((*place, "against"), what, "Name an arm.")
            return
    if "random" not in study.references:
        what = "the study does not measure the reference 'random'."
        yield Problem((*place, "quantity"), what, 'Write references = ["random"].')
    for name in (*arms_of(study, claim), *claim.opponents):
        if name in study.intermediate.arms and name not in study.random_arms:
            what = f"the arm '{name}' is not measured with random weights."
            yield Problem((*place, "quantity"), what, f"Add it: random_arms = [..., '{name}'].")


def _bad_backbones(study: StudyFile, claim: Claim, place: Place) -> Iterator[Problem]:
    known = study.backbones
    for name in claim.backbones or ():
        if name not in known:
            yield Problem((*place, "backbones"), f"no backbone named '{name}'.", near(name, known))
    other, here = claim.against_backbone, (*place, "against_backbone")
    if claim.backbones == ():
        yield Problem((*place, "backbones"), "names no backbone.", "Leave the key out to speak of all.")
    if not other:
        return
    if other not in known:
        yield Problem(here, f"no backbone named '{other}'.", near(other, known))
    elif other in (claim.backbones or known):
        yield Problem(here, f"compares the backbone '{other}' with itself.", "Name others in `backbones`.")
    if claim.quantity in OVER_AXIS or claim.quantity == "best_difference":
        yield Problem(here, f"does not go with {claim.quantity}.", "Take it out.")


def _bad_targets(claim: Claim, found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    for key, targets in (("targets", claim.targets), ("against_targets", claim.against_targets)):
        for name in targets or ():
            if found and name not in found:
                yield Problem((*place, key), f"no target named '{name}'.", near(name, found))
    at = (*place, "against_targets")
    if claim.against_targets == ():
        yield Problem(at, "names no target.", "Leave the key out to subtract nothing.")
    elif claim.against_targets and not claim.targets:
        yield Problem(at, "needs `targets`, from which it is subtracted.", "Name them.")
    for name in claim.against_targets or ():
        if name in (claim.targets or ()):
            yield Problem(at, f"compares the target '{name}' with itself.", "Take it out of one list.")
    named = (*(claim.targets or found), *(claim.against_targets or ()))
    asked = {name: found[name] for name in named if name in found}
    for key, spoken in (("languages", claim.languages), ("against_languages", claim.against_languages)):
        if isinstance(spoken, tuple):
            yield from _bad_languages(spoken, asked, (*place, key))
    at = (*place, "against_languages")
    if claim.against_languages is not None and claim.against_languages == claim.languages:
        yield Problem(at, "subtracts from the languages what they are.", "Name others.")
    elif claim.against_languages == "others" and not isinstance(claim.languages, tuple):
        what = "'others' are those that a list of `languages` leaves out."
        yield Problem(at, what, "Name some languages or families there.")


def _bad_measured(
    study: StudyFile, claim: Claim, found: Mapping[str, Task], place: Place
) -> Iterator[Problem]:
    """Targets that are named, and that a reference which is compared with does not measure, or whose answers
    have no certainty."""
    here, named = (*place, "targets"), (*(claim.targets or ()), *(claim.against_targets or ()))
    for task in [found[name] for name in named if name in found]:
        for reference in [one for one in claim.opponents if one in study.references]:
            if reference in CONTROLS and reference not in controls_of(study, task):
                what = f"'{task.name}' is not measured with the control '{reference}'."
                yield Problem(here, what, "Name targets about images.")
            if reference in PROMPTED and task.family not in PROMPTABLE:
                what = f"'{reference}' cannot ask about '{task.name}', a task of the family {task.family}."
                yield Problem(here, what, f"Name targets of the families {', '.join(PROMPTABLE)}.")
        if claim.measure != "score" and task.family not in MEASURED:
            what = f"answers of '{task.name}' have no {claim.measure}."
            yield Problem((*place, "of"), what, f"Name targets of the kinds {', '.join(MEASURED)}.")


def _bad_languages(spoken: tuple[str, ...], found: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Codes as everywhere; and families of which no target has a language."""
    families = [word.removeprefix(FAMILY) for word in spoken if word.startswith(FAMILY)]
    codes = tuple(word for word in spoken if not word.startswith(FAMILY))
    if codes or not families:
        yield from bad_languages(codes, found, place)
    every = by_code()
    had = {every[code].family for task in found.values() for code in task.languages if code in every}
    known = {language.family for language in every.values()}
    for family in families:
        if family not in known:
            yield Problem(place, f"no language family named '{family}'.", near(family, sorted(had)))
        elif found and family not in had:
            what = f"none of the tasks has a language of the family '{family}'."
            yield Problem(place, what, f"They have {', '.join(sorted(had))}.")


def _bad_of(study: StudyFile, claim: Claim, targets: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """What a quantity cannot be of, and distances that are not told, or of too few languages."""
    here, of_plain = (*place, "of"), claim.of in get_args(Plain)
    if claim.of != "score" and of_plain and claim.quantity not in OVER_AXIS:
        what = f"belongs to the quantities {' and '.join(OVER_AXIS)} only."
        yield Problem(here, what, "Take it out.")
    elif claim.of in MEASURES and claim.quantity in OF_SCORES:
        yield Problem(here, f"the quantity {claim.quantity} is of scores only.", "Take it out.")
    elif claim.of in DISTANCES and claim.quantity not in SLOPES:
        what = f"the quantity {claim.quantity} is over no distance."
        yield Problem(here, what, f"Write quantity = {' or '.join(map(repr, SLOPES))}.")
    asked = {name: targets[name] for name in claim.targets or targets if name in targets}
    if claim.distance and claim.quantity in SLOPES:
        yield from _bad_source(claim.distance, here)
        for name, task in asked.items():
            yield from _too_few(study, claim, task, name, here)
    if claim.to == "seen" and (claim.quantity not in SLOPES or claim.distance not in BETWEEN):
        what = f"goes with {' and '.join(SLOPES)} of {', '.join(BETWEEN)} only."
        yield Problem((*place, "to"), what, "Take it out.")
    natural = all(code not in lab.LANGUAGES for task in asked.values() for code in task.languages)
    if claim.measured in SLOPES and not claim.distance and asked and natural:
        what = "is missing: only the languages of the lab have a planted distance."
        yield Problem(here, what, f"Name one of {', '.join(DISTANCES)}.")


def _bad_source(name: str, place: Place) -> Iterator[Problem]:
    """What tells the distance is not there."""
    if name in typology.TYPOLOGY and typology.folder() is None:
        what = f"the distance '{name}' needs the package {typology.PACKAGE}, which is not there."
        yield Problem(place, what, typology.INSTALL)


def _too_few(study: StudyFile, claim: Claim, task: Task, name: str, place: Place) -> Iterator[Problem]:
    """Languages or families of which the distance is known."""
    every = by_code()
    asked = claim.languages if isinstance(claim.languages, tuple) else ()
    codes = tuple(
        code
        for code in task.languages
        if (study.target.languages is None or code in study.target.languages)
        and (code != task.source_language or claim.languages == "all" or code in asked)
        and (not asked or code in asked or (code in every and f"family:{every[code].family}" in asked))
    )
    try:
        known = _known(claim.distance, task.source_language, codes)
    except InputError:
        return  # told above
    families = {every[code].family for code in known if code in every}
    if len(known) < SPARE + 2 or len(families) < LEAST_FAMILIES:
        what = f"a slope needs {SPARE + 2} languages of {LEAST_FAMILIES} families; "
        what += f"'{name}' has a distance of this kind for {len(known)} of {len(families)}."
        yield Problem(place, what, "Name other targets, languages or another distance.")


def _known(distance: str, source: str, codes: tuple[str, ...]) -> Mapping[str, float] | tuple[str, ...]:
    """The languages that have such a distance; of one that evaluated rows tell, all."""
    if distance in typology.TYPOLOGY:
        return {} if typology.folder() is None else typology.distances(distance, source, codes)
    if distance not in ("script", "resources"):
        return codes
    told = {code for code, one in by_code().items() if (one.size if distance == "resources" else one.script)}
    return tuple(code for code in codes if {source, code} <= told)
