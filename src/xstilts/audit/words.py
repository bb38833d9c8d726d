"""An audit in sentences, for the terminal; and the refusal to train on a leak."""

from collections.abc import Iterator

from xstilts.audit.finding import MEANINGS, Audit, FindingGroup, groups
from xstilts.errors import InputErrors, StudyError
from xstilts.study.study import StudyFile

REMEDIES = {
    "target_labels": "Take these languages out of the arm or of the target",
    "language_seen": "Take these languages out of the arm or of the target",
    "selection": "Select on the source language",
    "rows": "Take the rows out of the training data, or leave the task out",
    "parallel": "Take the rows out of the training data, or leave the task out",
    "selected_on": "Select on other rows",
}


def lines(audit: Audit, study: StudyFile) -> Iterator[str]:
    """The whole audit: what was compared, findings with examples, what was not looked at."""
    yield from (f"Looked at: {rows}." for rows in audit.looked)
    found = groups(audit, study.allowed)
    for one in found:
        yield f"{one.status}: {_told(one)}"
        if one.why is not None:
            yield f"    allowed: {one.why}"
        shown = one.finding.examples[: 1 if one.status == "note" else None]
        yield from (f"    {text}" for text in shown)
    for text in unused(audit, study):
        yield f"Allowed, but not found: {text}."
    for text in audit.unseen:
        yield f"Not looked at: {text}."
    yield summary(audit, study)


def summary(audit: Audit, study: StudyFile) -> str:
    """What was found, in which rows nothing was, and what was not looked at and why."""
    states = [one.status for one in groups(audit, study.allowed)]
    found = ", ".join(f"{states.count(name)} {word}" for name, word in _WORDS if states.count(name))
    if audit.looked:
        told = f"Leak audit: {found or 'nothing found'} in {compared(audit)}."
    else:
        told = f"Leak audit: {found + '; ' * bool(found)}no rows could be compared."
    if audit.unseen:
        more = f"; and {len(audit.unseen) - SHOWN} more" if len(audit.unseen) > SHOWN else ""
        told += f" Not looked at: {'; '.join(audit.unseen[:SHOWN])}{more}."
    return told


def compared(audit: Audit) -> str:
    """How many rows of which targets were compared with how many others."""
    tasks = ", ".join(dict.fromkeys(rows.partition(" ")[0] for rows in audit.looked))
    return (
        f"{audit.evaluated:,} evaluated rows of {tasks}, compared with {audit.trained:,} that train or select"
    )


SHOWN = 3
"""What was not looked at, as far as a summary tells it."""

_WORDS = (("leak", "not allowed"), ("allowed", "allowed by the study"), ("note", "to be noted, no leak"))


def unused(audit: Audit, study: StudyFile) -> list[str]:
    """What the study allows and nothing needs."""
    leaks = [one for one in audit.findings if one.severity == "leak"]
    return [
        f"{one.kind} on {one.task or 'any target'}"
        for one in study.allowed
        if not any(one.covers(leak.kind, leak.task) for leak in leaks)
    ]


def refuse(audit: Audit, study: StudyFile) -> None:
    """Raises InputErrors with every leak that the study does not allow."""
    found = [one for one in groups(audit, study.allowed) if one.status == "leak"]
    if found:
        raise InputErrors(_error(one, study) for one in found)


def _error(group: FindingGroup, study: StudyFile) -> StudyError:
    kind, task = group.finding.kind, group.finding.task
    table = f'[[allowed]] with kind = "{kind}", task = "{task}" and why = "..."'
    now = f"{REMEDIES[kind]}; if it is meant, write {table}. `xstilts audit` shows more."
    return StudyError(f"{study.shown}: leak", f"{_told(group)}.", now)


def _told(group: FindingGroup) -> str:
    one = group.finding
    text = f"{one.task} ({one.split}) in {', '.join(group.languages)}: {MEANINGS[one.kind]} [{one.kind}]"
    text += f": {group.amount}" if one.of else ""
    more = f" and {len(one.steps) - 1} more" if len(one.steps) > 1 else ""
    return f"{text}; from {', '.join(one.where)}; concerns {one.steps[0]}{more}"
