"""The use of a task: which of its rows, resolved to everything that decides what they are."""

from typing import Literal

from pydantic import Field

from xstilts.study.specification import Specification, added

View = Literal["all", "shuffled", "text", "image", "caption", "translated"]


class Development(Specification):
    """The source language's development rows of a task: what model selection may look at."""

    split: str
    language: str
    data: str


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
    def title(self) -> str:
        """The task, and the view if it is a control's."""
        return self.task if self.view == "all" else f"{self.task}-{self.view}"
