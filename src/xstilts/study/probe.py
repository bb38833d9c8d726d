"""The probe: what the frozen states of a model tell of some rows of a task, to choose before training."""

from typing import ClassVar, Literal

from pydantic import Field

from xstilts.study.phase import Model
from xstilts.study.specification import Identified
from xstilts.study.use import Use

PROBE_VERSION = 1


class Probe(Identified):
    """Forward passes of a model over at most `rows` of the rows of a use, drawn among them by the seed.

    It asks for "labels": LogME and H-score of the states, by the labels of the rows; or for the "task": what
    the task looks like to the model, by its texts, its labels and its tokens. Lengths are in tokens.
    """

    version: ClassVar[int] = PROBE_VERSION

    kind: Literal["probe"] = "probe"
    asks: Literal["labels", "task"]
    model: Model
    use: Use
    rows: int = Field(ge=2)
    seed: int = Field(ge=0)
    max_length: int
    stride: int
    attention: Literal["causal", "bidirectional"] = "causal"
    threads: int = Field(default=1, ge=1, le=1024)
