"""Classification of a text or a pair of texts: the summary state is read, the labels are chosen among."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Pair
from xstilts.families.items import Item, Layout, Numbers, tokenize


@dataclass(frozen=True)
class Classification:
    """Text pairs with one label each (XNLI, PAWS-X, MNLI, QQP, ...)."""

    name: str = "classification"
    version: int = 1
    axis: str = "outputs"

    def outputs(self, layout: Layout) -> int:
        """One output per label."""
        return len(layout.labels)

    def encode(self, examples: Sequence[Pair], tokenizer: object, layout: Layout) -> list[Item]:
        """One item per example, cut with `longest_first`; DataError if a label is none of the layout's."""
        index = Numbers(layout)
        sequences = tokenize(
            tokenizer, [row.text for row in examples], [row.text2 for row in examples], layout.max_length
        )
        return [
            Item((ids,), (second,), ([layout.summary_of(len(ids))],), [index[example.label]], row)
            for row, (example, (ids, second)) in enumerate(zip(examples, sequences, strict=True))
        ]

    def decode(
        self,
        examples: Sequence[Pair],
        items: Sequence[Item],
        scores: Sequence[NDArray[np.float32]],
        layout: Layout,
    ) -> list[str]:
        """The label with the highest score; ties go to the lower index."""
        return [layout.labels[int(score[0].argmax())] for score in scores]

    def gold(self, example: Pair) -> str:
        """The label."""
        return example.label

    def majority(self, training: Sequence[Pair], examples: Sequence[Pair]) -> list[str]:
        """The most frequent label of the training data, for every example."""
        counts = Counter(row.label for row in training)
        best = min(counts, key=lambda label: (-counts[label], label))
        return [best] * len(examples)

    def shuffled(self, examples: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
        """Labels permuted over the examples."""
        order = rng.permutation(len(examples))
        return [replace(row, label=examples[other].label) for row, other in zip(examples, order, strict=True)]


FAMILY = Classification()
