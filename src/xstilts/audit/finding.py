"""What an audit finds, as values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from xstilts.study.allowed import Allowed

Severity = Literal["leak", "note"]
Kind = Literal[
    "target_labels",
    "language_seen",
    "selection",
    "rows",
    "parallel",
    "selected_on",
    "text_seen",
    "part_seen",
]

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

    def leaks(self, allowed: tuple[Allowed, ...]) -> list[Finding]:
        """The leaks that nothing allows."""
        return [one for one in self.findings if one.severity == "leak" and reason(one, allowed) is None]

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
    def amount(self) -> str:
        """The rows in words: of the language with most of them, if there are several."""
        one = self.finding
        if not one.of:
            return ""
        most = "up to " if len(self.languages) > 1 else ""
        near = f", {one.near} of them nearly the same" if one.near else ""
        usual = f"; {one.usual:.1%} of training rows repeat another one" if one.usual else ""
        return f"{most}{one.rows:,} of {one.of:,} rows ({one.share:.1%}{near}{usual})"


def groups(audit: Audit, allowed: tuple[Allowed, ...]) -> list[FindingGroup]:
    """The findings, those of several languages together; leaks first, then what is allowed, then notes."""
    together: dict[tuple[Any, ...], list[Finding]] = {}
    for one in audit.findings:
        key = (one.kind, one.severity, one.task, one.split, one.where, one.steps)
        together.setdefault(key, []).append(one)
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
