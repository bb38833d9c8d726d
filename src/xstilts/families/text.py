"""The readout in text: a language model is asked in words, and its answer is what it finds likeliest.

Where there are labels or options, each is scored by the log-likelihood of its tokens and of the end after
them (rank classification); answers to questions are generated. After shots a decoder's answer ends with the
line, as theirs do. For encoder-decoders this is the text-to-text form of Raffel et al. 2020 (arXiv
1910.10683, section 2.4); decoders get question and answer as one text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from string import Formatter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Choice, Pair, Question, Seen
from xstilts.data.task import TEXTS, Wording
from xstilts.errors import DataError
from xstilts.families.items import IGNORED, Family, Item, Layout, Numbers, frame, glue
from xstilts.families.span import MAX_QUESTION, answer_tokens, whole_tokens

SUMMARIZED = ("classification", "choice", "visual")
"""Families that ask for a label or an option of a whole text."""

TEXT_FAMILIES = (*SUMMARIZED, "span")
"""Families that can be asked and answered in text. A tag sequence has no such form that metrics agree on,
retrieval compares states, and masked text is already what a language model is trained on."""

PROMPTABLE = tuple(TEXTS)
"""Families of which a pretrained language model is asked without a training."""

SINGLE, CHOICE = "text: {text} answer: {answer}", "text: {context} answer: {answer}"
PAIR = "first: {text} second: {text2} answer: {answer}"
QUESTION = "question: {question} context: {context} answer: {answer}"
"""The words of the readout where a layout has no wording, one for rows of each kind."""


class Piece(NamedTuple):
    """A part of a question, whether a space stands before it, and whether it may be cut."""

    text: str
    spaced: bool
    cut: bool


Generated = tuple[str, float]
"""A text that a model wrote, and its log-likelihood."""


@dataclass(frozen=True)
class TextReadout:
    """A family whose answers are read out as text; what is no matter of reading out is the family's own."""

    family: Family
    axis: str = "outputs"

    @property
    def name(self) -> str:
        """That of the family."""
        return self.family.name

    @property
    def generates(self) -> bool:
        """Whether answers are generated: the questions have no options."""
        return self.family.name == "span"

    def encode(self, examples: Sequence[Any], tokenizer: Any, layout: Layout) -> list[Item]:
        """One item per example (of a question, per window of its context) with its right answer."""
        found = []
        for row, prompt, answers, gold in self._asked(examples, tokenizer, layout):
            item = _item(row, prompt, [answers[gold]], layout, _images(examples[row]))
            found.append(item if gold >= 0 else replace(item, gold=[IGNORED] * len(item.gold)))
        return found

    def questions(self, examples: Sequence[Any], tokenizer: Any, layout: Layout) -> list[Item]:
        """The items that are answered: with every option as a sequence; without answer to be generated."""
        return [
            Item((prompt,), (len(prompt),), ([],), [], row)
            if self.generates
            else _item(row, prompt, answers, layout, _images(examples[row]))
            for row, prompt, answers, _ in self._asked(examples, tokenizer, layout)
        ]

    def shots(self, examples: Sequence[Any], tokenizer: Any, layout: Layout) -> tuple[int, ...]:
        """The tokens of examples with their right answers, each on a line, to stand before every question.

        Of a long context the window that holds the answer is shown.
        """
        before, after = frame(tokenizer)
        end, line = len(after) if layout.target == "beside" else 0, _line(tokenizer)
        found: list[int] = []
        for example in examples:
            asked = [
                (prompt, answers[gold])
                for _, prompt, answers, gold in self._asked([example], tokenizer, layout)
            ]
            prompt, answer = max(asked, key=lambda one: len(one[1]))
            found += [*prompt[len(before) : len(prompt) - end], *answer[:-1], *line]
        return tuple(found)

    def decode(
        self, examples: Sequence[Any], items: Sequence[Item], scores: Sequence[Any], layout: Layout
    ) -> list[Any]:
        """The likeliest option; of a question the likeliest text that is not empty, over all windows.

        `scores[i]` has the log-likelihood of each token of the options of item i, [reads], or what was
        generated. Where a question may have no answer, it has none if every window says so.
        """
        if self.generates:
            likeliest: list[Generated] = [("", -np.inf)] * len(examples)
            for item, (text, value) in zip(items, scores, strict=True):
                if text and value > likeliest[item.example][1]:
                    likeliest[item.example] = (text, value)
            return [text for text, _ in likeliest]
        best = [int(option_scores(*each).argmax()) for each in zip(items, scores, strict=True)]
        return best if self.name == "choice" else [layout.labels[one] for one in best]

    def _asked(
        self, examples: Sequence[Any], tokenizer: Any, layout: Layout
    ) -> Iterator[tuple[int, list[int], list[list[int]], int]]:
        """Row, tokens of the question, of each possible answer, and the number of the right one."""
        start = len(frame(tokenizer)[0]) if layout.shots else 0
        for row, prompt, answers, gold in self._questions(examples, tokenizer, layout):
            yield row, [*prompt[:start], *layout.shots, *prompt[start:]], answers, gold

    def _questions(
        self, examples: Sequence[Any], tokenizer: Any, layout: Layout
    ) -> Iterator[tuple[int, list[int], list[list[int]], int]]:
        """The same without the shots."""
        if self.generates:
            yield from _windows(examples, tokenizer, layout)
            return
        index = Numbers(layout)
        named = layout.labels if layout.wording is None else layout.wording.answers
        labels = [] if self.name == "choice" else _answers(named, tokenizer, layout)
        for row, example in enumerate(examples):
            if isinstance(example, Pair | Seen):
                pieces, answers = _pair(*self.family.texts(example), layout), labels
                gold = -1 if example.label == self.family.unlabelled else index[example.label]
            else:
                assert isinstance(example, Choice)
                pieces, gold = _pieces(CHOICE, {"context": example.context}, layout), example.label
                answers = _answers(example.options, tokenizer, layout)
            room = layout.max_length - (max(map(len, answers)) if layout.target == "inside" else 0)
            yield row, _question(pieces, tokenizer, layout, room), answers, gold


def option_scores(item: Item, score: NDArray[np.float32]) -> NDArray[np.float64]:
    """The log-likelihood of each option of an item, from that of each of their tokens, [reads]."""
    ends = np.cumsum([len(reads) for reads in item.reads])[:-1]
    return np.array([float(part.sum()) for part in np.split(score, ends)])


def _pieces(plain: str, texts: Mapping[str, str | None], layout: Layout) -> list[Piece]:
    """The parts of a prompt up to its answer: the words of the layout's template, or of the plain one, and
    the texts of the row, of which one that is None is left out."""
    wording = layout.wording or Wording(plain)
    found: list[Piece] = []
    for words, name, *_ in Formatter().parse(wording.template.removesuffix("{answer}")):
        if words.strip():
            found.append(Piece(words.strip(), words.startswith(" "), cut=False))
        if name is not None and (text := texts[name]) is not None:
            for known, said in wording.phrases:
                text = text.replace(known, said)
            found.append(Piece(text, words.endswith(" "), cut=True))
    return found


def _pair(text: str, text2: str | None, layout: Layout) -> list[Piece]:
    """Those of one text or of two; DataError if the prompt names a second text and there is none."""
    if text2 is None and layout.wording is not None and "text2" in layout.wording.texts:
        what = f"the prompt names {{text2}}, and a row has one text alone: {text[:40]!r}."
        raise DataError("prompts", what, "Correct the prompts of the task file.")
    return _pieces(SINGLE if text2 is None else PAIR, {"text": text, "text2": text2}, layout)


def _images(example: Any) -> tuple[str, ...]:
    return example.images if isinstance(example, Seen) else ()


def _bare(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _line(tokenizer: Any) -> list[int]:
    """What the tokenizer makes of a new line, which may be a space; the end of a text if it makes nothing."""
    return _bare(tokenizer, "\n") or [tokenizer.eos_token_id]


def _answers(texts: Sequence[str], tokenizer: Any, layout: Layout) -> list[list[int]]:
    """The tokens of answers, with the end after each; of the question's room they take half at the most.

    An answer that goes on from shots ends as theirs do; a decoder beside ends its own text.
    """
    inside = layout.target == "inside"
    spaced = layout.wording is None or layout.wording.template.endswith(" {answer}")
    space, longest = glue(tokenizer) if inside and spaced else "", layout.max_length // 2
    end = _line(tokenizer) if inside and layout.shots else [tokenizer.eos_token_id]
    return [[*_bare(tokenizer, space + text)[: longest - len(end)], *end] for text in texts]


def _question(pieces: Sequence[Piece], tokenizer: Any, layout: Layout, room: int) -> list[int]:
    """The tokens of a question; what may be cut is, the longest first, until all fit into `room`."""
    before, after = frame(tokenizer)
    after = after if layout.target == "beside" else []
    space = glue(tokenizer)
    parts = [_bare(tokenizer, space + piece.text if piece.spaced else piece.text) for piece in pieces]
    lengths = np.asarray([len(part) for part in parts])
    free = np.asarray([piece.cut for piece in pieces])
    left = room - len(before) - len(after) - int(lengths[~free].sum())
    if left < 0 and layout.wording is not None:
        what = f"the words of a prompt and its answer take {layout.max_length - left} tokens of the question."
        raise DataError(f"max_length = {layout.max_length}", what, "Raise `max_length` in the recipe.")
    for _ in range(max(0, int(lengths[free].sum()) - left)):
        longest = np.flatnonzero(free)[lengths[free].argmax()]
        lengths[longest] = max(0, lengths[longest] - 1)
    kept = [token for part, length in zip(parts, lengths, strict=True) for token in part[:length]]
    return [*before, *kept, *after]


def _item(
    row: int, prompt: list[int], answers: Sequence[list[int]], layout: Layout, images: tuple[str, ...]
) -> Item:
    """A sequence for each answer; the states that are read are those that guess the answer's tokens.

    Where images have tokens, they stand before the text.
    """
    shown = (images,) * len(answers)
    prompt = [*layout.image * len(images), *prompt, *layout.closing]
    gold = [token for answer in answers for token in answer]
    second = (len(prompt),) * len(answers)
    if layout.target == "beside":
        reads = tuple(list(range(len(answer))) for answer in answers)
        given = tuple([layout.start, *answer[:-1]] for answer in answers)
        return Item((prompt,) * len(answers), second, reads, gold, row, targets=given, images=shown)
    reads = tuple([len(prompt) - 1 + place for place in range(len(answer))] for answer in answers)
    sequences = tuple([*prompt, *answer[:-1]] for answer in answers)
    return Item(sequences, second, reads, gold, row, images=shown)


def _windows(
    examples: Sequence[Question], tokenizer: Any, layout: Layout
) -> Iterator[tuple[int, list[int], list[list[int]], int]]:
    """The windows of each context with what is to be written: the answer if the window holds it, or nothing.

    Windows overlap by the layout's stride, as they do where spans are chosen.
    """
    for row, example in enumerate(examples):
        asked = _bare(tokenizer, example.question)[:MAX_QUESTION]
        question = tokenizer.decode(asked) if len(asked) == MAX_QUESTION else example.question
        texts: dict[str, str | None] = {"question": question, "context": None}
        bare = len(_question(_pieces(QUESTION, texts, layout), tokenizer, layout, layout.max_length))
        longest = min(32, layout.max_length // 4) if layout.target == "inside" else layout.max_length // 2
        width = max(8, layout.max_length - bare - (longest if layout.target == "inside" else 0))
        encoding = tokenizer(example.context, add_special_tokens=False, return_offsets_mapping=True)
        offsets = whole_tokens(example.context, encoding["offset_mapping"])
        step = max(1, width - min(layout.stride, width // 2))
        answer = example.answers[0].text if example.answers else ""
        start, end = answer_tokens(example.answers[0], offsets) if example.answers else (0, 0)
        for first in range(0, max(1, len(offsets) - width + step), step):
            held = offsets[first : first + width]
            low, high = (held[0][0], held[-1][1]) if held else (0, 0)
            text = answer if low <= start and end <= high else ""
            pieces = _pieces(QUESTION, texts | {"context": example.context[low:high]}, layout)
            right = _answers([text], tokenizer, layout)[0]
            right = right if len(right) <= longest else [*right[: longest - 1], right[-1]]
            room = layout.max_length - (longest if layout.target == "inside" else 0)
            yield row, _question(pieces, tokenizer, layout, room), [right], 0
