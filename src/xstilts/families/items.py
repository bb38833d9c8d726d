"""What every family is, and items: the model's inputs, which it makes of examples."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.task import Wording
from xstilts.errors import DataError, did_you_mean

IGNORED = -100
"""A gold index that no loss is taken of."""

Tokenizer = Any
"""A fast tokenizer of transformers."""

Scores = Sequence[NDArray[np.float32]]
"""The scores of items, one array for each."""

Prediction = Any
"""What a family predicts for one example: a label, an index, tags, an answer's text."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What encoding depends on besides the example.

    `max_length` and `stride` count tokens; `summary` says which token stands for the whole sequence, and
    `pieces` which sub-token stands for a word ("first", or "last" where only it has seen all of them);
    `nulls` says that a question may have no answer. With the readout "text", answers are written: `target`
    says whether after the question ("inside": decoders) or by a decoder of their own ("beside"), which is
    given the token `start` first; where images have tokens among those of the text, each has the tokens
    `image`, and a question ends with `closing`. The tokens `shots`, which `max_length` does not count, stand
    before every question. The question is worded by `wording`, or as the readout does.
    """

    labels: tuple[str, ...] = ()
    max_length: int = 256
    stride: int = 128
    summary: str = "first"
    nulls: bool = False
    pieces: str = "first"
    readout: str = "head"
    target: str = "inside"
    start: int = 0
    image: tuple[int, ...] = ()
    shots: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    wording: Wording | None = None

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
    targets:   for each sequence, what a decoder beside the encoder is given, whose states are then read
    images:    for each sequence, the names of the images that it is about
    """

    sequences: tuple[list[int], ...]
    second: tuple[int, ...]
    reads: tuple[list[int], ...]
    gold: list[int]
    example: int
    note: Any = None
    targets: tuple[list[int], ...] = ()
    images: tuple[tuple[str, ...], ...] = ()


class Family:
    """A kind of task. Most have rows with one label each, which are read off the summary state.

    `version` is raised when its numbers change; `axis` is where the choice is made (see the package). It is
    `labelled` unless it is text alone, which is trained on and never scored; `trained` if a head answers,
    which training makes; `pictured` if its rows are about images. Rows whose label is `unlabelled` say
    nothing of what is right. `tokens` are those of a row, roughly, where
    only the number of rows is known; of images none are counted, for what a model makes of pixels differs.
    """

    name: str
    version: int = 1
    axis: str = "outputs"
    labelled: bool = True
    trained: bool = True
    pictured: bool = False
    unlabelled: str | None = None
    width: int | None = None
    tokens: int = 40  # as MNLI

    def outputs(self, layout: Layout) -> int:
        """The number of outputs of the head: its `width`, or one for each label."""
        return len(layout.labels) if self.width is None else self.width

    def texts(self, example: Any) -> tuple[str, str | None]:
        """The text of an example, or its pair of texts."""
        return example.text, example.text2

    def encode(self, examples: Sequence[Any], tokenizer: Tokenizer, layout: Layout) -> list[Item]:
        """The model's inputs, in the order of the examples; an example may give several items.

        One per example, cut with `longest_first`; DataError if a label is none of the layout's.
        """
        index, texts = Numbers(layout), [self.texts(example) for example in examples]
        first, second = [one for one, _ in texts], [two for _, two in texts]
        return [
            Item(
                (ids,),
                (start,),
                ([layout.summary_of(len(ids))],),
                [IGNORED if example.label == self.unlabelled else index[example.label]],
                row,
                images=(example.images,) if self.pictured else (),
            )
            for row, (example, (ids, start)) in enumerate(
                zip(examples, tokenize(tokenizer, first, second, layout.max_length), strict=True)
            )
        ]

    def decode(
        self, examples: Sequence[Any], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[Prediction]:
        """One prediction per example; `scores[i]` is [reads, outputs] of item i.

        The label with the highest score; ties go to the lower index.
        """
        return [layout.labels[int(score[0].argmax())] for score in scores]

    def gold(self, example: Any) -> Prediction:
        """What is right, in the form that the metrics take."""
        return example.label

    def majority(self, training: Sequence[Any], examples: Sequence[Any]) -> list[Prediction]:
        """The predictions of a system that sees only how often each answer is right in training."""
        return [most_frequent(row.label for row in training if row.label != self.unlabelled)] * len(examples)

    def shuffled(self, examples: Sequence[Any], rng: np.random.Generator) -> list[Any]:
        """The same examples with their answers exchanged among them: a control without information."""
        order = rng.permutation(len(examples))
        return [replace(row, label=examples[other].label) for row, other in zip(examples, order, strict=True)]


def most_frequent(labels: Iterable[Any]) -> Any:
    """The label that occurs most often; of equal ones the first in their own order."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def tokenize(
    tokenizer: Any, first: Sequence[str], second: Sequence[str | None], max_length: int
) -> list[tuple[list[int], int]]:
    """The token ids of texts and pairs, each with the place where its second segment begins.

    That place is the sequence's length if it has no second segment. Sequences are cut to `max_length` tokens
    as transformers' `longest_first` does. What has no token at all becomes one unknown token.
    """
    between = separator(tokenizer) if any(text is not None for text in second) else ""
    found: list[tuple[list[int], int]] = [([], 0)] * len(first)
    for paired in (False, True):
        rows = [row for row, text in enumerate(second) if (text is not None) is paired]
        if not rows:
            continue
        encoding = tokenizer(
            [first[row] + between if paired else first[row] for row in rows],
            [second[row] for row in rows] if paired else None,
            truncation="longest_first",
            max_length=max_length,
            return_attention_mask=False,
        )
        for position, row in enumerate(rows):
            segments = encoding.sequence_ids(position)
            start = segments.index(1) if 1 in segments else len(segments)
            ids = encoding["input_ids"][position] or [unknown(tokenizer)]
            found[row] = (ids, max(1, start))
    return found


def unknown(tokenizer: Any) -> int:
    """The token for what has none of its own; without an unknown token, the one that ends a text."""
    known = (getattr(tokenizer, f"{name}_token_id", None) for name in ("unk", "eos", "pad"))
    return int(next((token for token in known if token is not None), 0))


def separator(tokenizer: Any) -> str:
    """What must stand after the first text of a pair: a new line where the tokenizer puts nothing there."""
    pair, single = (tokenizer.num_special_tokens_to_add(pair=paired) for paired in (True, False))
    if pair > single:
        return ""
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a", "b"))
    return "\n" if tokenizer("a", "b")["input_ids"][-len(one + two) :] == one + two else ""


def glue(tokenizer: Any) -> str:
    """What joins a word to the text before it where words are tokenized one by one.

    A space for tokenizers that count it to the word (byte-level ones), nothing for those that add it
    themselves or drop it.
    """
    whole, first, bare, spaced = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a b", "a", "b", " b")
    )
    return " " if first + spaced == whole != first + bare else ""


def frame(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens before and after a single text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    start = next(at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]
