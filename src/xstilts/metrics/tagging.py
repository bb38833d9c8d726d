"""Metrics of tag sequences: XTREME's span F1, and the accuracy of single tags.

XTREME scores part-of-speech tags as if they were named entities, with seqeval's span F1: a run of equal tags
is one span. The rule is that of seqeval 0.0.12, which reproduces the averages of XTREME's own unit test
(later versions drop the first letter of a tag that has no prefix, so that CCONJ and SCONJ become one type).
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import PredictionError
from xstilts.metrics.metric import Metric, Numbers, check_counts, f1, ratio

Integers = NDArray[np.int64]
_PREFIXES = "OBIES."
_O, _B, _I, _E, _S, _DOT, _OTHER = range(7)
_TYPES = defaultdict[str, int](count().__next__)
"""A number for each type of tags, as they come."""


def _span_statistics(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], language: str
) -> Numbers:
    """(correct, predicted, gold) spans of each sentence; a span counts where it ends."""
    check_counts("span_f1", gold, predicted)
    gold_spans, predicted_spans = (_spans(tuple(map(tuple, each))) for each in (gold, predicted))
    _, left, right = np.intersect1d(
        gold_spans[:, 2], predicted_spans[:, 2], assume_unique=True, return_indices=True
    )
    same = (gold_spans[left, :2] == predicted_spans[right, :2]).all(axis=1)
    sentences = (gold_spans[left[same], 3], predicted_spans[:, 3], gold_spans[:, 3])
    counts = [np.bincount(sentence, minlength=len(gold)) for sentence in sentences]
    return np.column_stack(counts).astype(np.float64)


@lru_cache(maxsize=2)  # the gold ones, with which predictions are compared again and again
def _spans(sentences: tuple[tuple[str, ...], ...]) -> Integers:
    """The spans of a file as rows (type, first, last, sentence), positions counted through the whole file.

    As the official code does, sentences are joined with an `O` after each, and a span is recorded at its end
    with the latest beginning, whether or not that beginning belongs to it (odd tags such as `.-X`).
    """
    codes = [_codes(sentence) for sentence in sentences]
    start = np.array([(_O, _TYPES[""])])  # the official one: prefix O and an empty type
    table = np.concatenate([start, *codes])
    (before, kind_before), (prefix, kind) = table[:-1].T, table[1:].T
    changes = kind != kind_before
    ends = _any_of(before, _E, _S) | (_any_of(before, _B, _I) & _any_of(prefix, _B, _S, _O))
    ends |= ~_any_of(before, _O, _DOT) & changes
    starts = _any_of(prefix, _B, _S) | (_any_of(before, _E, _S, _O) & _any_of(prefix, _E, _I))
    starts |= ~_any_of(prefix, _O, _DOT) & changes
    latest = np.maximum.accumulate(np.where(starts, np.arange(len(prefix)), 0))
    last = np.flatnonzero(ends) - 1
    sentence = np.repeat(np.arange(len(codes)), list(map(len, codes)))
    return np.column_stack([kind[last], latest[last], last, sentence[last]])


def _any_of(prefixes: Integers, *wanted: int) -> NDArray[np.bool_]:
    """Which prefixes are among those wanted: `np.isin`, which for few tags costs more than all the rest."""
    table = np.zeros(_OTHER + 1, dtype=np.bool_)
    table[list(wanted)] = True
    return table[prefixes]


@lru_cache(maxsize=2**15)
def _codes(tags: tuple[str, ...]) -> Integers:
    """The prefix and the type of each tag, and of an `O` after them: [N + 1, 2]."""
    return np.array([_code(tag) for tag in (*tags, "O")])


@cache
def _code(tag: str) -> tuple[int, int]:
    """The prefix and the type of a tag: its first character, and what follows its last hyphen."""
    if not tag:
        raise PredictionError("metric 'span_f1'", "a tag is empty.", "Give every token a tag.")
    prefix = _PREFIXES.find(tag[0])
    return (_OTHER if prefix < 0 else prefix), _TYPES[tag.rsplit("-", 1)[-1]]


def _token_statistics(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], language: str
) -> Numbers:
    """(equal tags, tags) of each sentence."""
    check_counts("token_accuracy", gold, predicted)
    rows = []
    for number, (right, answer) in enumerate(zip(gold, predicted, strict=True)):
        if len(right) != len(answer):
            what = f"sentence {number} has {len(right)} tokens and {len(answer)} predicted tags."
            raise PredictionError("metric 'token_accuracy'", what, "Predict one tag for each token.")
        rows.append((sum(a == b for a, b in zip(right, answer, strict=True)), len(right)))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


SPAN_F1 = Metric("span_f1", _span_statistics, f1, width=3)
"""XTREME's F1 for part-of-speech tags and named entities; one sequence of tags for each sentence."""

TOKEN_ACCURACY = Metric("token_accuracy", _token_statistics, ratio)
"""The share of tokens with the right tag; stands beside the span F1, which is no accuracy."""
