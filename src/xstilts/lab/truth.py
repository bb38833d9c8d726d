"""The truth table: where intermediate training should help in the lab, where it should harm, and why.

An expectation is declared through skills. An intermediate task helps a target with which it shares an
*operation*, a skill that both must perform on the same kind of input; shared vocabulary or shared format are
no reason (the feasibility rounds found neither to help). Supertagging harms what needs the states that it
overwrites. Everything else is expected to do nothing that exceeds the noise.
"""

from xstilts import task

OPERATIONS = ("inference by edits", "question answering", "supertags", "parts of speech", "names", "scripts")
"""Skills that are operations: sharing one of them is expected to help."""

HARMED_BY_SUPERTAGS = ("parts of speech", "sentence meaning")
"""Skills that supertagging is known to harm (three of three seeds in the feasibility rounds)."""


def expected(intermediate: str, target: str) -> str:
    """What training on `intermediate` does to zero-shot scores on `target`: "help", "none" or "harm"."""
    return _judged(intermediate, target)[0]


def reason(intermediate: str, target: str) -> str:
    """Why, in a few words."""
    return _judged(intermediate, target)[1]


def _judged(intermediate: str, target: str) -> tuple[str, str]:
    own, needed = task.find(intermediate).skills, task.find(target).skills
    shared = [skill for skill in own if skill in needed and skill in OPERATIONS]
    if intermediate == target:
        return "help", "the same task with more data"
    if shared:
        return "help", f"shared operation: {', '.join(shared)}"
    harmed = [skill for skill in needed if skill in HARMED_BY_SUPERTAGS]
    if "supertags" in own and harmed:
        return "harm", f"supertagging overwrites what {harmed[0]} needs"
    return "none", "no shared operation"
