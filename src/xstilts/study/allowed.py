"""What a study allows on purpose that the leak audit would refuse."""

from typing import Literal

from xstilts.study.specification import Specification

Kind = Literal["target_labels", "language_seen", "selection", "rows", "parallel", "selected_on"]
"""The kinds of leak; `xstilts.audit.finding` says what each means."""


class Allowed(Specification):
    """`[[allowed]]`: a kind of leak that is meant, on one target or (without `task`) on all, and why."""

    kind: Kind | None = None
    task: str | None = None
    why: str = ""

    def covers(self, kind: str, task: str) -> bool:
        """Whether a leak of this kind on this target is meant."""
        return self.kind == kind and self.task in (None, task)
