"""What an audit finds: as values, in sentences for the terminal, and as a refusal to train on a leak."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from xstilts.errors import InputErrors, StudyError
from xstilts.plain import by_key, first_of
from xstilts.study.study import Allowed, LeakKind, StudyFile

Severity = Literal["leak", "note"]
Kind = Literal[LeakKind, "text_seen", "part_seen"]

MEANINGS: dict[Kind, str] = {
    "target_labels": "labels of the target itself in a language that is called zero-shot",
    "language_seen": "labels of another task in a language that is called zero-shot",
    "selection": "development rows in another language than the source choose the checkpoint",
    "rows": "evaluated rows in labelled training data",
    "parallel": "evaluated rows whose translation is in labelled training data",
    "selected_on": "evaluated rows, or their translations, choose the checkpoint or the threshold",
    "text_seen": "evaluated rows in training data without labels, or with labels not seen to tell theirs",
    "part_seen": "a part of evaluated rows (a context, a premise) in training data, not the whole rows",
}
"""The kinds of finding. The last two are never a leak."""

TAKE_OUT = "Take the rows out of the training data, or leave the task out"
REMEDIES = {
    "selection": "Select on the source language",
    "selected_on": "Select on other rows",
} | dict.fromkeys(("target_labels", "language_seen"), "Take these languages out of the arm or of the target")


@dataclass(frozen=True)
class Finding:
    """Rows of one language of an evaluation, or the language itself, that a chain has seen.

    `where` names the training data (`mnli train en`), `steps` the evaluations. `rows` of `of` rows are
    concerned, `near` of them as near duplicates only; all three are 0 where a language was seen and not rows.
    Of rows in another language than their file says, they are rows of that file.
    `usual` is the share of rows that repeat another one within the training data itself, where it mattered.
    """

    kind: Kind
    severity: Severity
    task: str
    split: str
    language: str
    where: tuple[str, ...]
    steps: tuple[str, ...]
    rows: int = 0
    near: int = 0
    of: int = 0
    usual: float = 0.0
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of evaluated rows, 0 to 1."""
        return self.rows / self.of if self.of else 0.0


@dataclass(frozen=True)
class Audit:
    """All findings of a plan, how many rows were compared, which of the evaluated ones those were, and what
    could not be looked at and why."""

    findings: tuple[Finding, ...]
    evaluated: int
    trained: int
    looked: tuple[str, ...]
    unseen: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class FindingGroup:
    """Findings that differ in their language only, for readers: `languages` with the rows of each."""

    finding: Finding
    languages: Mapping[str, tuple[int, int]]
    why: str | None

    @property
    def status(self) -> str:
        """`leak`, `allowed` or `note`."""
        return "allowed" if self.why is not None else self.finding.severity

    @property
    def meaning(self) -> str:
        """The kind in words."""
        return MEANINGS[self.finding.kind]

    @property
    def amount(self) -> str:
        """The rows in words: of the language with most of them, if there are several."""
        finding = self.finding
        if not finding.of:
            return ""
        most = "up to " if len(self.languages) > 1 else ""
        near = f", {finding.near} of them nearly the same" if finding.near else ""
        usual = f"; {finding.usual:.1%} of training rows repeat another one" if finding.usual else ""
        return f"{most}{finding.rows:,} of {finding.of:,} rows ({finding.share:.1%}{near}{usual})"


def groups(audit: Audit, allowed: tuple[Allowed, ...]) -> list[FindingGroup]:
    """The findings, those of several languages together; leaks first, then what is allowed, then notes."""
    together = by_key(
        ((one.kind, one.severity, one.task, one.split, one.where, one.steps), one) for one in audit.findings
    )
    found = []
    for alike in together.values():
        worst = max(alike, key=lambda one: one.share)
        examples = tuple(dict.fromkeys(text for one in (worst, *alike) for text in one.examples))[:3]
        languages = {one.language: (one.rows, one.of) for one in alike}
        found.append(FindingGroup(replace(worst, examples=examples), languages, reason(worst, allowed)))
    return sorted(found, key=lambda group: ("leak", "allowed", "note").index(group.status))


def reason(finding: Finding, allowed: tuple[Allowed, ...]) -> str | None:
    """Why a leak is allowed; None for one that is not, and for notes, which need no permission."""
    if finding.severity == "note":
        return None
    return next((one.why for one in allowed if one.covers(finding.kind, finding.task)), None)


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
        tasks = ", ".join(dict.fromkeys(rows.partition(" ")[0] for rows in audit.looked))
        rows = f"{audit.evaluated:,} evaluated rows of {tasks}, compared with {audit.trained:,}"
        told = f"Leak audit: {found or 'nothing found'} in {rows} that train or select."
    else:
        told = f"Leak audit: {found + '; ' * bool(found)}no rows could be compared."
    if audit.unseen:
        more = f"; and {len(audit.unseen) - SHOWN} more" if len(audit.unseen) > SHOWN else ""
        told += f" Not looked at: {'; '.join(audit.unseen[:SHOWN])}{more}."
    return told


SHOWN = 3
"""What was not looked at, as far as a summary tells it."""

_WORDS = (("leak", "not allowed"), ("allowed", "allowed by the study"), ("note", "to be noted, no leak"))


def unused(audit: Audit, study: StudyFile) -> list[str]:
    """What the study allows and nothing needs."""
    leaks = [(finding.kind, finding.task) for finding in audit.findings if finding.severity == "leak"]
    return [
        f"{allowed.kind} on {allowed.task or 'any target'}"
        for allowed in study.allowed
        if not any(allowed.covers(*leak) for leak in leaks)
    ]


def refuse(audit: Audit, study: StudyFile) -> None:
    """Raises InputErrors with every leak that the study does not allow."""
    found = [one for one in groups(audit, study.allowed) if one.status == "leak"]
    if found:
        shown = f"{study.shown}: leak"
        raise InputErrors(StudyError(shown, f"{_told(one)}.", _remedy(one.finding)) for one in found)


def _remedy(leak: Finding) -> str:
    table = f'[[allowed]] with kind = "{leak.kind}", task = "{leak.task}" and why = "..."'
    what = REMEDIES.get(leak.kind, TAKE_OUT)
    return f"{what}; if it is meant, write {table}. `xstilts audit` shows more."


def _told(group: FindingGroup) -> str:
    finding = group.finding
    rows = f"{finding.task} ({finding.split}) in {', '.join(group.languages)}"
    text = f"{rows}: {group.meaning} [{finding.kind}]"
    text += f": {group.amount}" if finding.of else ""
    return f"{text}; from {', '.join(finding.where)}; concerns {first_of(finding.steps, 1)}"
