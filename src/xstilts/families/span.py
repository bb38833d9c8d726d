"""Extractive question answering: context tokens compete to be the first and the last of the answer.

Long contexts are read in overlapping windows. The summary token stands for "no answer in this window" and is
the first state read, so index 0 of a decision means none (as in Devlin et al. 2019, section 4.3).
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Answer, Question
from xstilts.families.items import Family, Item, Layout, Scores, separator
from xstilts.plain import by_key

MAX_QUESTION = 64
"""Tokens kept of a question (jiant and the BERT scripts: max_query_length 64)."""

MAX_ANSWER = 30
"""Tokens of an answer at the most (jiant and the BERT scripts: max_answer_length 30)."""


_JOINER, _NON_JOINER = "\u200d", "\u200c"


def whole_end(text: str, end: int, bound: int) -> int:
    """Where a token ends in a text, `bound` being where the next one starts.

    A tokenizer that composes characters (NFC, NFKC, SentencePiece's rules) or drops accents (BERT's) gives
    the end of the base character: the marks, jamo and modifiers after it belong to the token too. White
    space, punctuation and signs such as marks of direction do not.
    """
    for place in range(end, bound):
        character = text[place]
        if character.isspace():
            break
        kind = unicodedata.category(character)
        if (
            kind[0] in "LMN"
            or kind == "Sk"
            or character == _JOINER
            or "\U000e0020" <= character <= "\U000e007f"
        ):
            end = place + 1
        elif character != _NON_JOINER:
            break
    return end


def whole_tokens(text: str, offsets: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The character offsets of all tokens of a text, in their order, with the ends of `whole_end`."""
    given = list(offsets)
    starts = sorted({start for start, end in given if start < end})
    return [(start, _whole(text, end, starts) if start < end else end) for start, end in given]


def _whole(text: str, end: int, starts: Sequence[int]) -> int:
    after = bisect_left(starts, end)
    return whole_end(text, end, starts[after] if after < len(starts) else len(text))


def _trim(context: str, start: int, end: int) -> tuple[int, int]:
    """Character offsets without the white space that some tokenizers count to the token after it."""
    while start < end and context[start].isspace():
        start += 1
    return start, end


def _room(tokenizer: Any, layout: Layout) -> tuple[int, int]:
    """The overlap of two windows and the tokens of a question, such that every window moves forward.

    A question that is cut may have one token more than it was cut to (a marker of its first word).
    """
    room = layout.max_length - tokenizer.num_special_tokens_to_add(pair=True)
    stride = max(0, min(layout.stride, layout.max_length // 2, room - 4))
    return stride, max(1, min(MAX_QUESTION, room - stride - 2))


def _short_questions(examples: Sequence[Question], tokenizer: Any, longest: int) -> list[str]:
    encoding = tokenizer(
        [row.question for row in examples],
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
    )
    return [
        row.question
        if len(offsets) <= longest
        else row.question[: whole_tokens(row.question, offsets)[longest - 1][1]]
        for row, offsets in zip(examples, encoding["offset_mapping"], strict=True)
    ]


def _window(encoding: Any, window: int, row: int, context: str, layout: Layout) -> Item:
    """A window of a context, with the offsets of its tokens but for what the tokenizer composed."""
    ids, segments = encoding["input_ids"][window], encoding.sequence_ids(window)
    reads, offsets = [layout.summary_of(len(ids))], [(0, 0)]
    for position, offset in enumerate(encoding["offset_mapping"][window]):
        start, end = _trim(context, *offset) if segments[position] == 1 else (0, 0)
        if start < end:
            reads.append(position)
            offsets.append((start, end))
    second = segments.index(1) if 1 in segments else len(ids)
    return Item((ids,), (second,), (reads,), [0, 0], row, offsets)


class Span(Family):
    """Questions whose answers are spans of a context (SQuAD, XQuAD, MLQA, TyDiQA-GoldP, ...)."""

    name = "span"
    tokens = 200  # as SQuAD
    version = 2
    axis = "reads"
    width = 2  # two scores per token: first and last of the answer

    def encode(self, examples: Sequence[Question], tokenizer: Any, layout: Layout) -> list[Item]:
        """One item per window; `note` holds the reads' character offsets, (0, 0) for the summary."""
        if not examples:
            return []
        stride, longest = _room(tokenizer, layout)
        between = separator(tokenizer)
        encoding = tokenizer(
            [text + between for text in _short_questions(examples, tokenizer, longest)],
            [row.context for row in examples],
            truncation="only_second",
            max_length=layout.max_length,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
        )
        windows = by_key(
            (row, _window(encoding, window, row, examples[row].context, layout))
            for window, row in enumerate(encoding["overflow_to_sample_mapping"])
        )
        items: list[Item] = []
        for row, own in windows.items():
            context, answers = examples[row].context, examples[row].answers
            starts = sorted({start for item in own for start, _ in item.note[1:]})
            for item in own:
                item.note[1:] = [(start, _whole(context, end, starts)) for start, end in item.note[1:]]
            # Gold are the reads where the first gold answer begins and ends. White space around it is no part
            # of it, as it is no part of a token; nor are signs that the tokenizer drops, such as marks of
            # direction. What it drops is seen in all windows of a context together.
            held = (offsets for item in own for offsets in item.note[1:])
            answer = answer_tokens(answers[0], held) if answers else (0, 0)
            items += [replace(item, gold=_gold_reads(*answer, item.note)) for item in own]
        return items

    def decode(
        self, examples: Sequence[Question], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[str]:
        """The text of the best span over all windows; the empty text if "no answer" wins and is allowed."""
        best: list[tuple[float, str]] = [(-np.inf, "")] * len(examples)
        null = np.full(len(examples), np.inf)
        for item, score in zip(items, scores, strict=True):
            null[item.example] = min(null[item.example], float(score[0].sum()))
            value, first, last = best_span(score[1:, 0], score[1:, 1])
            if value > best[item.example][0]:
                text = examples[item.example].context[item.note[first + 1][0] : item.note[last + 1][1]]
                best[item.example] = (value, text)
        return ["" if layout.nulls and null[row] > value else text for row, (value, text) in enumerate(best)]

    def gold(self, example: Question) -> tuple[Answer, ...]:
        """The gold answers."""
        return example.answers

    def majority(self, training: Sequence[Question], examples: Sequence[Question]) -> list[str]:
        """The first words of the context, as many as the median gold answer of training has.

        Empty if most training questions have no answer.
        """
        lengths = [len(row.answers[0].text.split()) for row in training if row.answers]
        if len(lengths) * 2 < len(training):
            return [""] * len(examples)
        words = int(np.median(lengths))
        return [" ".join(example.context.split()[:words]) for example in examples]

    def shuffled(self, examples: Sequence[Question], rng: np.random.Generator) -> list[Question]:
        """For every answerable question, an answer of as many words at a random place of its context."""
        return [_misplaced(row, rng) if row.answers else row for row in examples]


def best_span(
    first: NDArray[np.float32], last: NDArray[np.float32], longest: int = MAX_ANSWER
) -> tuple[float, int, int]:
    """The highest sum of a first and a last score, first <= last < first + longest; -inf if there is none."""
    if not len(first):
        return -np.inf, 0, 0
    width = min(longest, len(first))
    padded = np.concatenate([last, np.full(width - 1, -np.inf, dtype=last.dtype)])
    sums = first[:, None] + np.lib.stride_tricks.sliding_window_view(padded, width)
    start, extent = divmod(int(sums.argmax()), width)
    return float(sums[start, extent]), start, start + extent


def answer_tokens(answer: Answer, offsets: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The character offsets of an answer without what none of the tokens holds: white space around it, and
    signs that the tokenizer drops. The empty span if nothing is left."""
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    end = start + len(answer.text.strip())
    held = [(one, two) for one, two in offsets if two > start and one < end]
    if start >= end or not held:
        return start, start
    return max(start, min(one for one, _ in held)), min(end, max(two for _, two in held))


def _gold_reads(start: int, end: int, offsets: list[tuple[int, int]]) -> list[int]:
    """The reads that hold the characters from `start` to `end`; [0, 0] if there are none in the window."""
    if start == end:
        return [0, 0]
    first = next((at for at in range(1, len(offsets)) if offsets[at][1] > start), 0)
    last = next((at for at in range(len(offsets) - 1, 0, -1) if offsets[at][0] < end), 0)
    inside = first and last and offsets[first][0] <= start and offsets[last][1] >= end and first <= last
    return [first, last] if inside else [0, 0]


def _misplaced(row: Question, rng: np.random.Generator) -> Question:
    words = row.context.split()
    length = max(1, len(row.answers[0].text.split()))
    first = int(rng.integers(max(1, len(words) - length + 1)))
    at = 0
    for word in words[:first]:
        at = row.context.index(word, at) + len(word)
    start = row.context.index(words[first], at)
    end = start
    for word in words[first : first + length]:
        end = row.context.index(word, end) + len(word)
    return replace(row, answers=(Answer(row.context[start:end], start),))


FAMILY = Span()
