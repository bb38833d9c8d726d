"""What is wrong with the claims of a study: they must speak of what it measures."""

from collections.abc import Collection, Iterator

from xstilts.errors import TaskError, did_you_mean
from xstilts.study.benchmark import expand
from xstilts.study.check_tasks import bad_languages, find_task
from xstilts.study.claim import COMPARING, REFERENCES, Claim
from xstilts.study.problems import Place, Problem
from xstilts.study.study import Study, task_name


def check_claims(study: Study) -> Iterator[Problem]:
    """Claims speak of arms, references, targets and languages of the study."""
    for number, claim in enumerate(study.claims):
        place: Place = ("claims", number)
        if not claim.says:
            yield Problem((*place, "says"), "is missing.", "Say in a sentence what is claimed.")
        yield from _bad_arms(study, claim, place)
        if claim.quantity in COMPARING:
            yield from _bad_against(study, claim, place)
        if claim.quantity == "gain_over_random":
            yield from _bad_random(study, claim, place)
        yield from _bad_targets(study, claim, place)


def _bad_arms(study: Study, claim: Claim, place: Place) -> Iterator[Problem]:
    arms = study.intermediate.arms
    if not claim.arms:
        yield Problem((*place, "arms"), "is missing.", f"Name some of {', '.join(arms)}.")
    for name in claim.arms:
        if name not in arms:
            yield Problem((*place, "arms"), f"no arm named '{name}'.", _near(name, arms))


def _bad_against(study: Study, claim: Claim, place: Place) -> Iterator[Problem]:
    here, arms = (*place, "against"), study.intermediate.arms
    if claim.against in REFERENCES:
        if claim.against not in study.references:
            now = f'Write references = ["{claim.against}"].'
            yield Problem(here, f"the study does not measure the reference '{claim.against}'.", now)
    elif claim.against not in arms:
        yield Problem(here, f"no arm named '{claim.against}'.", _near(claim.against, [*arms, *REFERENCES]))
    elif claim.against in claim.arms:
        yield Problem(here, f"compares the arm '{claim.against}' with itself.", "Take it out of `arms`.")


def _bad_random(study: Study, claim: Claim, place: Place) -> Iterator[Problem]:
    """Both sides of the difference must be measured with random weights too."""
    if claim.against in REFERENCES:
        what = f"is a difference of arms; '{claim.against}' is a reference."
        yield Problem((*place, "against"), what, "Name an arm.")
        return
    if "random" not in study.references:
        what = "the study does not measure the reference 'random'."
        yield Problem((*place, "quantity"), what, 'Write references = ["random"].')
    for name in (*claim.arms, claim.against):
        if name in study.intermediate.arms and name not in study.random_arms:
            what = f"the arm '{name}' is not measured with random weights."
            yield Problem((*place, "quantity"), what, f"Add it: random_arms = [..., '{name}'].")


def _bad_targets(study: Study, claim: Claim, place: Place) -> Iterator[Problem]:
    found = {}
    for name in expand(study.target.tasks):
        try:
            found[task_name(name)] = find_task(study, name)
        except TaskError:
            found.clear()
            break  # told where targets are checked
    for name in claim.targets or ():
        if found and name not in found:
            yield Problem((*place, "targets"), f"no target named '{name}'.", _near(name, found))
    if isinstance(claim.languages, tuple):
        yield from bad_languages(claim.languages, found, (*place, "languages"))


def _near(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"There are {', '.join(known)}."
