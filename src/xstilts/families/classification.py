"""Classification of a text or a pair of texts: the summary state is read, the labels are chosen among."""

from collections.abc import Sequence

from xstilts.data.examples import Pair
from xstilts.families.items import Family, Item, Layout, Numbers, tokenize


class Classification(Family):
    """Text pairs with one label each (XNLI, PAWS-X, MNLI, QQP, ...)."""

    name = "classification"

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


FAMILY = Classification()
