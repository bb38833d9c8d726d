"""Multiple choice: each option is a sequence, their summary states compete."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xstilts.data.examples import Choice
from xstilts.families.items import Family, Item, Layout, Scores, most_frequent, tokenize


class MultipleChoice(Family):
    """A context and its possible continuations (HellaSwag, Cosmos QA, CommonsenseQA, XCOPA, ...)."""

    name = "choice"
    tokens = 250  # HellaSwag's four endings have 340, Cosmos QA's 440, CommonsenseQA's five 100
    version = 2
    axis = "reads"
    width = 1  # one score per option

    def encode(self, examples: Sequence[Choice], tokenizer: object, layout: Layout) -> list[Item]:
        """One item per example, with a sequence (context, option) per option."""
        options = [(example.context, option) for example in examples for option in example.options]
        sequences = tokenize(
            tokenizer,
            [context or option for context, option in options],
            [option if context else None for context, option in options],
            layout.max_length,
        )
        items, at = [], 0
        for row, example in enumerate(examples):
            ids, second = zip(*sequences[at : at + len(example.options)], strict=True)
            at += len(example.options)
            reads = tuple([layout.summary_of(len(sequence))] for sequence in ids)
            items.append(Item(ids, second, reads, [example.label], row))
        return items

    def decode(
        self, examples: Sequence[Choice], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[int]:
        """The option with the highest score; ties go to the lower index."""
        return [int(score[:, 0].argmax()) for score in scores]

    def majority(self, training: Sequence[Choice], examples: Sequence[Choice]) -> list[int]:
        """The most frequent position of the right option in the training data.

        Files whose right option always stands at the same place say nothing by that: then the options in
        turn, which are right as often as one of so many.
        """
        labels = [row.label for row in training]
        if len(set(labels)) == 1:
            return [number % len(example.options) for number, example in enumerate(examples)]
        best = most_frequent(labels)
        return [min(best, len(example.options) - 1) for example in examples]

    def shuffled(self, examples: Sequence[Choice], rng: np.random.Generator) -> list[Choice]:
        """A right option drawn at random for every example."""
        return [replace(row, label=int(rng.integers(len(row.options)))) for row in examples]


FAMILY = MultipleChoice()
