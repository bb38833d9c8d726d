"""The truth table: where training on one task of the lab should help another, harm it, or do neither.

It follows from the skills that the tasks declare, before anything is measured. A shared skill should help: it
is the same operation on the same kind of change, under another set of labels or in another wording. What
harms was seen in the lab's feasibility study, and in Phang et al. (2020, section 4), where tagging as an
intermediate task costs retrieval most.
"""

from xstilts.tasks import find, names

EFFECTS = ("help", "none", "harm")
PREFIX = "lab_"

# A skill that the intermediate task trains, one that the target needs, and why the first is bad for it.
_HARMS: tuple[tuple[str, str, str], ...] = (
    ("supertags", "alignment of sentences", "supertags follow the word order of English, not what is said"),
    ("supertags", "parts of speech", "supertags tie words to the word order of English"),
    ("finding an argument", "alignment of sentences", "the upper layers learn to point at places in a text"),
)


def expected(intermediate: str, target: str) -> str:
    """What the lab planted for a pair of its tasks: "help", "none" or "harm".

    >>> expected("lab_nli", "lab_entail"), expected("lab_ccg", "lab_pos"), expected("lab_qa", "lab_ner")
    ('help', 'harm', 'none')
    """
    return _judged(intermediate, target)[0]


def reason(intermediate: str, target: str) -> str:
    """Why that is expected, as a phrase.

    >>> reason("lab_qa", "lab_qa2")
    'both need: finding an argument'
    """
    return _judged(intermediate, target)[1]


def _judged(intermediate: str, target: str) -> tuple[str, str]:
    trained, needed = find(intermediate).skills, find(target).skills
    shared = [skill for skill in trained if skill in needed]
    if shared:
        return "help", f"both need: {', '.join(shared)}"
    for skill, victim, why in _HARMS:
        if skill in trained and victim in needed:
            return "harm", why
    return "none", "no shared skill"


def table() -> list[dict[str, str]]:
    """One row per pair of the lab's tasks that can be trained and of those that are targets."""
    tasks = [find(name) for name in names() if name.startswith(PREFIX)]
    return [
        {
            "intermediate": one.name,
            "target": other.name,
            "expected": expected(one.name, other.name),
            "reason": reason(one.name, other.name),
        }
        for one in tasks
        if one.trained_by is None
        for other in tasks
        if other.family != "masked"
    ]
