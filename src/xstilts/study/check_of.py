"""What is wrong with what claims are `of`, and with the distances of a study: they must be there.

Whether a language has a distance is known before anything is trained, but for those of the evaluated rows.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from xstilts import lab
from xstilts.data import typology
from xstilts.data.languages import all_languages
from xstilts.data.task import Task
from xstilts.errors import InputError
from xstilts.study.check_claims import targets_by_name
from xstilts.study.claim import DISTANCES, MEASURED, MEASURES, OVER_AXIS, SLOPES, Claim, Plain
from xstilts.study.problems import Place, Problem
from xstilts.study.study import StudyFile

LEAST_FAMILIES = 4
"""Of which a slope needs the languages: three that are left say something when one is left out."""
SPARE = 3
"""Languages more than coefficients, the intercept among them."""
OF_SCORES = ("retention", "best_difference", *SLOPES)
"""Quantities that make sense of a score alone."""


BETWEEN = (*typology.TYPOLOGY, "script")
"""Distances that any two languages have."""


def check_of(study: StudyFile) -> Iterator[Problem]:
    """Claims are of what goes with their quantity; distances are those that can be told."""
    targets = targets_by_name(study)
    for number, distance in enumerate(study.distances):
        place: Place = ("distances", number)
        if distance in study.distances[:number]:
            yield Problem(place, f"names '{distance}' twice.", "Take one out.")
        yield from _bad_source(distance, place)
    for number, claim in enumerate(study.claims):
        place = ("claims", number, "of")
        yield from _bad_pair(claim, place)
        if claim.distance and claim.quantity in SLOPES:
            yield from _bad_source(claim.distance, place)
            for name in claim.targets or targets:
                if name in targets:
                    yield from _too_few(study, claim, targets[name], name, place)
        if claim.to == "seen" and (claim.quantity not in SLOPES or claim.distance not in BETWEEN):
            what = f"goes with {' and '.join(SLOPES)} of {', '.join(BETWEEN)} only."
            yield Problem(("claims", number, "to"), what, "Take it out.")
        if claim.measured in SLOPES and not claim.distance:
            yield from _unplanted(claim, targets, place)
        if claim.measure != "score":
            for name in (*(claim.targets or ()), *(claim.against_targets or ())):
                if name in targets and targets[name].family not in MEASURED:
                    what = f"answers of '{name}' have no {claim.measure}."
                    yield Problem(place, what, f"Name targets of the kinds {', '.join(MEASURED)}.")


def _bad_pair(claim: Claim, place: Place) -> Iterator[Problem]:
    """A quantity with what it cannot be of."""
    of_plain = claim.of in get_args(Plain)
    if claim.of != "score" and of_plain and claim.quantity not in OVER_AXIS:
        what = f"belongs to the quantities {' and '.join(OVER_AXIS)} only."
        yield Problem(place, what, "Take it out.")
    elif claim.of in MEASURES and claim.quantity in OF_SCORES:
        yield Problem(place, f"the quantity {claim.quantity} is of scores only.", "Take it out.")
    elif claim.of in DISTANCES and claim.quantity not in SLOPES:
        what = f"the quantity {claim.quantity} is over no distance."
        yield Problem(place, what, f"Write quantity = {' or '.join(map(repr, SLOPES))}.")


def _unplanted(claim: Claim, targets: Mapping[str, Task], place: Place) -> Iterator[Problem]:
    """Natural languages have distances of many kinds, and no planted one."""
    asked = [targets[name] for name in claim.targets or targets if name in targets]
    if asked and not any(code in lab.LANGUAGES for task in asked for code in task.languages):
        what = "is missing: only the languages of the lab have a planted distance."
        yield Problem(place, what, f"Name one of {', '.join(DISTANCES)}.")


def _bad_source(name: str, place: Place) -> Iterator[Problem]:
    """What tells the distance is not there."""
    if name in typology.TYPOLOGY and typology.folder() is None:
        what = f"the distance '{name}' needs the package {typology.PACKAGE}, which is not there."
        yield Problem(place, what, typology.INSTALL)


def _too_few(study: StudyFile, claim: Claim, task: Task, name: str, place: Place) -> Iterator[Problem]:
    """Languages or families of which the distance is known."""
    every = {one.code: one for one in all_languages()}
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
    every = {one.code: one for one in all_languages()}
    told = {code for code, one in every.items() if (one.size if distance == "resources" else one.script)}
    return tuple(code for code in codes if {source, code} <= told)
