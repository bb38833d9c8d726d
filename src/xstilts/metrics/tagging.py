"""Metrics of tag sequences: XTREME's span F1, and the accuracy of single tags.

XTREME scores part-of-speech tags as if they were named entities, with seqeval's span F1: a run of equal tags
is one span. The rule is that of seqeval 0.0.12, which reproduces the averages of XTREME's own unit test
(later versions drop the first letter of a tag that has no prefix, so that CCONJ and SCONJ become one type).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xstilts.errors import PredictionError
from xstilts.metrics.metric import Metric, Numbers, check_counts, f1, ratio

Integers = NDArray[np.int64]
_PREFIXES = "OBIES."
_O, _B, _I, _E, _S, _DOT, _OTHER = range(7)


def _span_statistics(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], language: str
) -> Numbers:
    """(correct, predicted, gold) spans of each sentence; a span counts where it ends."""
    check_counts("span_f1", gold, predicted)
    types = {"": 0}
    gold_spans, predicted_spans = _spans(gold, types), _spans(predicted, types)
    _, left, right = np.intersect1d(
        gold_spans[:, 2], predicted_spans[:, 2], assume_unique=True, return_indices=True
    )
    same = (gold_spans[left, :2] == predicted_spans[right, :2]).all(axis=1)
    sentences = (gold_spans[left[same], 3], predicted_spans[:, 3], gold_spans[:, 3])
    counts = [np.bincount(sentence, minlength=len(gold)) for sentence in sentences]
    return np.column_stack(counts).astype(np.float64)


def _spans(sentences: Sequence[Sequence[str]], types: dict[str, int]) -> Integers:
    """The spans of a file as rows (type, first, last, sentence), positions counted through the whole file.

    As the official code does, sentences are joined with an `O` after each, and a span is recorded at its end
    with the latest beginning, whether or not that beginning belongs to it (odd tags such as `.-X`).
    """
    flat = [tag for sentence in sentences for tag in (*sentence, "O")]
    codes = {tag: _code(tag, types) for tag in dict.fromkeys(flat)}
    table = np.array([codes[tag] for tag in flat], dtype=np.int64).reshape(-1, 2)
    prefix, kind = table[:, 0], table[:, 1]
    before, kind_before = np.roll(prefix, 1), np.roll(kind, 1)
    before[:1], kind_before[:1] = _O, types[""]  # the official start: prefix O and an empty type
    changes = kind != kind_before
    ends = _any_of(before, _E, _S) | (_any_of(before, _B, _I) & _any_of(prefix, _B, _S, _O))
    ends |= ~_any_of(before, _O, _DOT) & changes
    starts = _any_of(prefix, _B, _S) | (_any_of(before, _E, _S, _O) & _any_of(prefix, _E, _I))
    starts |= ~_any_of(prefix, _O, _DOT) & changes
    latest = np.maximum.accumulate(np.where(starts, np.arange(len(flat)), 0))
    last = np.flatnonzero(ends) - 1
    lengths = np.array([len(sentence) + 1 for sentence in sentences], dtype=np.int64)
    sentence = np.repeat(np.arange(len(sentences)), lengths)
    return np.column_stack([kind[last], latest[last], last, sentence[last]])


def _any_of(prefixes: Integers, *wanted: int) -> NDArray[np.bool_]:
    """Which prefixes are among those wanted: `np.isin`, which for few tags costs more than all the rest."""
    table = np.zeros(_OTHER + 1, dtype=np.bool_)
    table[list(wanted)] = True
    return table[prefixes]


def _code(tag: str, types: dict[str, int]) -> tuple[int, int]:
    """The prefix and the type of a tag: its first character, and what follows its last hyphen."""
    if not tag:
        raise PredictionError("metric 'span_f1'", "a tag is empty.", "Give every token a tag.")
    prefix = _PREFIXES.find(tag[0])
    return (_OTHER if prefix < 0 else prefix), types.setdefault(tag.rsplit("-", 1)[-1], len(types))


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
