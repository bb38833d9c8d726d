"""Retrieval of translations: sentences are embedded by the mean of their token states; there is no head.

As in XTREME (Hu et al. 2020): all tokens are averaged, special ones included; vectors are compared by cosine.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Bitext
from xstilts.families.items import Family, Item, Layout, Scores, tokenize
from xstilts.metrics.mining import unit


class Retrieval(Family):
    """Sentences of two languages, to be matched (Tatoeba) or mined (BUCC)."""

    name = "retrieval"
    axis = "none"
    trained = False
    width = 0  # no head

    def encode(self, examples: Sequence[Bitext], tokenizer: object, layout: Layout) -> list[Item]:
        """One item per sentence: those of `source` first, then those of `target`, of one bitext."""
        (bitext,) = examples
        sentences = [*bitext.source, *bitext.target]
        sequences = tokenize(tokenizer, sentences, [None] * len(sentences), layout.max_length)
        return [Item((ids,), (second,), ([],), [], row) for row, (ids, second) in enumerate(sequences)]

    def decode(
        self, examples: Sequence[Bitext], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[Any]:
        """For each sentence of the source language (`target`), the row of its nearest neighbour in `source`.

        `scores[i]` is the embedding of item i, [hidden].
        """
        (bitext,) = examples
        vectors = np.asarray(scores, dtype=np.float32)
        return nearest(vectors[len(bitext.source) :], vectors[: len(bitext.source)])

    def gold(self, example: Bitext) -> list[int]:
        """For each sentence of `target`, the row of its translation in `source`."""
        translation = {target: source for source, target in example.gold}
        return [translation[row] for row in range(len(example.target))]

    def majority(self, training: Sequence[Any], examples: Sequence[Bitext]) -> list[int]:
        """The same row for every query: right once."""
        (bitext,) = examples
        return [0] * len(bitext.target)


def nearest(queries: NDArray[np.float32], candidates: NDArray[np.float32], block: int = 4096) -> list[int]:
    """For each query the row of the nearest candidate by cosine; of equal candidates the first; 0 stays 0.

    Matrix products may round the same row differently in different columns, so equal rows are told by bytes.
    """
    queries, candidates = unit(queries), unit(candidates)
    seen: dict[bytes, int] = {}
    first = [seen.setdefault(vector.tobytes(), row) for row, vector in enumerate(candidates)]
    found: list[int] = []
    for start in range(0, len(queries), block):
        distance = (candidates**2).sum(axis=1) - 2 * queries[start : start + block] @ candidates.T
        found.extend(first[row] for row in distance.argmin(axis=1))
    return found


FAMILY = Retrieval()
