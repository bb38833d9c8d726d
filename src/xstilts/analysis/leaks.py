"""What the leak audit found, for the page. It is read from the store; nothing is looked at here."""

from collections.abc import Sequence
from dataclasses import dataclass

from xstilts.audit.audit import stored
from xstilts.audit.finding import MEANINGS, Audit, FindingGroup, groups, summary, unused
from xstilts.store import Store
from xstilts.study.plan import Plan


@dataclass(frozen=True)
class Leaks:
    """The audit of a plan as the page shows it; `audit` is None if the plan was not audited."""

    audit: Audit | None
    groups: Sequence[FindingGroup] = ()
    unused: Sequence[str] = ()
    summary: str = ""

    def chosen(self, status: str) -> list[FindingGroup]:
        """The findings that are a `leak`, `allowed` or a `note`."""
        return [one for one in self.groups if one.status == status]

    def meaning(self, group: FindingGroup) -> str:
        """The kind of a finding in words."""
        return MEANINGS[group.finding.kind]


def leaks(plan: Plan, store: Store) -> Leaks:
    """The audit that the store holds of a plan."""
    found = stored(plan, store)
    if found is None:
        return Leaks(None)
    study = plan.study
    return Leaks(found, groups(found, study.allowed), unused(found, study), summary(found, study))
