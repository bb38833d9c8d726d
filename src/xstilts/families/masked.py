"""Masked language modelling, on texts (MLM) and on translation pairs (TLM; Conneau and Lample 2019).

Which tokens are masked is drawn anew each time an item is used (`mask`); the drawn tokens' states are read
and the vocabulary is chosen among. 80 % of them become the mask token, 10 % a random token, 10 % stay
(Devlin et al. 2019, section 3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Caption, Text
from xstilts.families.items import Family, Item, Layout, Scores, tokenize


@dataclass(frozen=True)
class Vocabulary:
    """What masking needs to know of a tokenizer."""

    size: int
    mask: int
    special: tuple[int, ...]


class Masked(Family):
    """Unlabelled text, or parallel text."""

    name = "masked"
    labelled = False
    width = 0  # those of the vocabulary, which the head takes from the model

    def encode(self, examples: Sequence[Text], tokenizer: object, layout: Layout) -> list[Item]:
        """One item per text or pair, a caption's with its images; nothing is masked yet."""
        sequences = tokenize(
            tokenizer, [row.text for row in examples], [row.text2 for row in examples], layout.max_length
        )
        shown = [(row.images,) if isinstance(row, Caption) else ((),) for row in examples]
        return [
            Item((ids,), (second,), ([],), [], row, images=shown[row])
            for row, (ids, second) in enumerate(sequences)
        ]

    def decode(
        self, examples: Sequence[Text], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[tuple[int, ...]]:
        """For each item, the most likely token at each masked place."""
        return [tuple(int(best) for best in score.argmax(axis=1)) for score in scores]

    def gold(self, example: Text) -> str:
        """The text; its gold tokens depend on what is masked."""
        return example.text


def mask(
    tokens: NDArray[np.int32], vocabulary: Vocabulary, rate: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Tokens with some of them hidden, and the flat positions that were drawn (at least one if any can be).

    Special tokens are never drawn. `tokens` may hold several sequences one after the other.
    """
    allowed = ~np.isin(tokens, vocabulary.special)
    drawn = np.flatnonzero(allowed & (rng.random(len(tokens)) < rate))
    if not len(drawn) and allowed.any():
        drawn = rng.choice(np.flatnonzero(allowed), size=1)
    hidden = tokens.copy()
    fate = rng.random(len(drawn))
    hidden[drawn[fate < 0.8]] = vocabulary.mask
    swapped = drawn[fate >= 0.9]
    hidden[swapped] = rng.integers(vocabulary.size, size=len(swapped), dtype=np.int32)
    return hidden, drawn


FAMILY = Masked()
