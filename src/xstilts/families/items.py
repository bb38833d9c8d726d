"""Items: the model's inputs, made by a family from examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.errors import DataError, did_you_mean

IGNORED = -100
"""A gold index that no loss is taken of."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What encoding depends on besides the example.

    `max_length` and `stride` count tokens; `summary` says which token stands for the whole sequence
    ("first" for encoders, "last" for decoders); `nulls` says that a question may have no answer.
    """

    labels: tuple[str, ...] = ()
    max_length: int = 256
    stride: int = 128
    summary: str = "first"
    nulls: bool = False

    def summary_of(self, length: int) -> int:
        """The position of the summary token in a sequence of `length` tokens."""
        return 0 if self.summary == "first" else length - 1


class Numbers(dict[str, int]):
    """The number of each label, that is its place in a layout; DataError for what is none of the labels."""

    def __init__(self, layout: Layout) -> None:
        super().__init__((label, number) for number, label in enumerate(layout.labels))

    def __missing__(self, label: str) -> int:
        what = f"a row has the label {label!r}, which is none of the {len(self)} labels of its task."
        raise DataError("labels", what, did_you_mean(str(label), self) or "Correct the row or the task file.")


@dataclass(frozen=True, slots=True)
class Item:
    """A unit of the loss: one sequence, or the sequences that compete in a multiple choice.

    sequences: token ids, special tokens included
    second:    for each sequence, where its second segment begins (its length if there is none)
    reads:     for each sequence, the positions whose states the head reads
    gold:      one index per decision (see the family's axis), or IGNORED
    example:   the row of the example that it comes from
    note:      what decoding needs to map reads back (character offsets), if anything
    """

    sequences: tuple[list[int], ...]
    second: tuple[int, ...]
    reads: tuple[list[int], ...]
    gold: list[int]
    example: int
    note: Any = None


def tokenize(
    tokenizer: Any, first: Sequence[str], second: Sequence[str | None], max_length: int
) -> list[tuple[list[int], int]]:
    """The token ids of texts and pairs, each with the place where its second segment begins.

    That place is the sequence's length if it has no second segment. Sequences are cut to `max_length` tokens
    as transformers' `longest_first` does.
    """
    found: list[tuple[list[int], int]] = [([], 0)] * len(first)
    for paired in (False, True):
        rows = [row for row, text in enumerate(second) if (text is not None) is paired]
        if not rows:
            continue
        encoding = tokenizer(
            [first[row] for row in rows],
            [second[row] for row in rows] if paired else None,
            truncation="longest_first",
            max_length=max_length,
            return_attention_mask=False,
        )
        for position, row in enumerate(rows):
            segments = encoding.sequence_ids(position)
            start = segments.index(1) if 1 in segments else len(segments)
            found[row] = (encoding["input_ids"][position], start)
    return found
