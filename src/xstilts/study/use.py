"""The use of a task: which of its rows, resolved to everything that decides what they are; and how the tasks
of one phase are mixed.
"""

from typing import Literal

from pydantic import Field

from xstilts import families
from xstilts.families.items import Family
from xstilts.study.specification import Specification, added

View = Literal["all", "shuffled", "text", "image", "caption", "translated"]


class Development(Specification):
    """The source language's development rows of a task: what model selection may look at.

    `metric_code` is a digest of a user's own metric, if that chooses among checkpoints.
    """

    split: str
    language: str
    data: str
    metric_code: str = added("")


class Use(Specification):
    """Rows of one split of a task, in some languages, and the facts of the task that decide the numbers.

    `data[i]` is the identity of the rows in `languages[i]`: a Hub revision, the checksum of local files, or
    the lab's version. `label_set` stands in arg-max order. `examples` caps the rows of the whole use: a
    random subset chosen by the phase's seed, nested; `fraction` does so relative to what there is. With
    `shares`, as many as there are languages, the `examples` are divided among the languages, and what is
    taken of one is left out of the others, so that each of several parallel rows is met once. With
    `labels = "shuffled"` the labels are permuted among the rows. Of rows about images, `images` is the
    identity of their files, if they are read, and `view` what is shown of the rows: a control's is less than
    "all" (`xstilts.families.visual.viewed`).
    """

    task: str
    task_version: int = Field(ge=1)
    family: str
    family_version: int = Field(ge=1)
    label_set: tuple[str, ...] = ()
    split: str
    languages: tuple[str, ...]
    data: tuple[str, ...]
    labels: Literal["gold", "shuffled"] = "gold"
    examples: int | None = Field(default=None, ge=1)
    development: Development | None = None
    fraction: float | None = added(None, gt=0, le=1)
    shares: tuple[float, ...] = added(())
    view: View = added("all")
    images: str = added("")

    @property
    def kind(self) -> Family:
        """The family itself, which states what is true of it."""
        return families.find(self.family)

    @property
    def title(self) -> str:
        """The task, and the view if it is a control's."""
        return self.task if self.view == "all" else f"{self.task}-{self.view}"


Rule = Literal["size", "limit", "temperature", "uniform", "shares"]


class Mixture(Specification):
    """The shares of the tasks of a phase, as a rule over their sizes.

    A task with n examples is drawn in proportion to n ("size"), to min(n, `limit`) ("limit": T5's
    examples-proportional mixing, Raffel et al. 2020, section 3.5.2), to n^(1/`temperature`)
    ("temperature", the same section), like every other ("uniform"), or as `shares` says, which stand in the
    order of the phase's labelled uses and sum to 1. `replay` is the share of all updates that go to masked
    text instead; several masked tasks share it in proportion to their size.
    """

    rule: Rule = "size"
    limit: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, gt=0)
    shares: tuple[float, ...] = ()
    replay: float = Field(default=0.0, ge=0, lt=1)
