"""The kinds of task: how an example becomes token ids, which states a head reads, how scores become answers.

A family is a module of this package which binds `FAMILY`. Its `axis` says along which axis of the head's
scores the choice is made, so that one head and one cross-entropy serve all of them:

- "outputs": each state that is read gives one decision among the head's outputs (classification, tagging,
  masked language modelling);
- "reads": the states read in one item compete, once for each of the head's outputs (the options of a
  multiple choice; the first and the last token of a span).

Nothing here knows a model or imports torch; a tokenizer is handed in.
"""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xstilts.families.items import Item, Layout
from xstilts.families.text import TEXT_FAMILIES, TextReadout

Tokenizer = Any
"""A fast tokenizer of transformers."""

Prediction = Any
"""What a family predicts for one example: a label, an index, tags, an answer's text."""


class Family(Protocol):
    """What each family module's FAMILY offers; `version` is raised when its numbers change."""

    name: str
    version: int
    axis: str

    def outputs(self, layout: Layout) -> int:
        """The number of outputs of the head."""

    def encode(self, examples: Sequence[Any], tokenizer: Tokenizer, layout: Layout) -> list[Item]:
        """The model's inputs, in the order of the examples; an example may give several items."""

    def decode(
        self,
        examples: Sequence[Any],
        items: Sequence[Item],
        scores: Sequence[NDArray[np.float32]],
        layout: Layout,
    ) -> list[Prediction]:
        """One prediction per example; `scores[i]` is [reads, outputs] of item i."""

    def gold(self, example: Any) -> Prediction:
        """What is right, in the form that the metrics take."""

    def majority(self, training: Sequence[Any], examples: Sequence[Any]) -> list[Prediction]:
        """The predictions of a system that sees only how often each answer is right in training."""

    def shuffled(self, examples: Sequence[Any], rng: np.random.Generator) -> list[Any]:
        """The same examples with their answers exchanged among them: a control without information."""


def find(name: str) -> Family:
    """The family of that name."""
    family: Family = importlib.import_module(f"xstilts.families.{name}").FAMILY
    return family


def read_out(name: str, layout: Layout) -> Family | TextReadout:
    """The family as a layout reads it out: by a head, or in text."""
    return TextReadout(find(name)) if layout.readout == "text" and name in TEXT_FAMILIES else find(name)
