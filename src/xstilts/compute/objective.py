"""What is hidden of unlabelled text and guessed: the objective with which each kind of model is pretrained.

An encoder guesses masked tokens; an encoder-decoder writes the spans that were cut out (Raffel et al. 2020,
section 3.1.4), or, where its vocabulary has no sentinels, the whole text (Lewis et al. 2020, section 2.2);
a decoder guesses every next token.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.compute.data import Encoded, offsets
from xstilts.errors import BackboneError
from xstilts.families.masked import Vocabulary, mask
from xstilts.study.architecture import Kind

SPAN = 3
"""Mean number of tokens of a span that is cut out (Raffel et al. 2020, section 3.1.4)."""

SENTINEL = "<extra_id_{}>"
"""How T5-like tokenizers call the token that stands for the n-th span."""


@dataclass(frozen=True)
class Objective:
    """How a model's own text is hidden from it.

    `start` is what a decoder beside an encoder is given first, `end` what closes its text.
    """

    kind: Kind
    words: Vocabulary
    start: int = 0
    end: int = 0
    sentinels: tuple[int, ...] = ()

    @classmethod
    def of(cls, kind: Kind, tokenizer: Any, start: int | None) -> "Objective":
        """That of a kind of model with a tokenizer; BackboneError if it lacks the tokens that this needs."""
        names = tokenizer.get_vocab()
        sentinels: tuple[int, ...] = ()  # those of mT5 are marked as beginnings of words
        for name in (f"▁{SENTINEL}", SENTINEL):
            known = (names.get(name.format(number)) for number in range(len(names)))
            sentinels = tuple(token for token in known if token is not None) or sentinels
        special = tuple(sorted(set(tokenizer.all_special_ids)))
        hidden = tokenizer.mask_token_id
        needs = (hidden is None and kind == "encoder") or (
            kind == "encoder-decoder" and not sentinels and hidden is None
        )
        if needs or (kind == "encoder-decoder" and (start is None or tokenizer.eos_token_id is None)):
            what = f"lacks the tokens with which text is hidden from an {kind}."
            now = f"It needs a mask token, or {SENTINEL.format(0)} and so on, a start and an end."
            raise BackboneError("the tokenizer", what, now)
        words = Vocabulary(len(tokenizer), -1 if hidden is None else hidden, special)
        return cls(kind, words, start or 0, tokenizer.eos_token_id or 0, sentinels)

    def hide(self, data: Encoded, items: NDArray[np.int64], rate: float, rng: np.random.Generator) -> Encoded:
        """Some items of the masked family with tokens hidden: what is hidden is read, and gold; images stay.

        All are drawn together, so that how the items are split into batches afterwards changes no number.
        """
        parts = [data.tokens[data.token_at[i] : data.token_at[i + 1]] for i in items]
        second = data.second[items]
        if self.kind == "encoder":
            at, flat = offsets([len(part) for part in parts]), np.concatenate(parts)
            hidden, drawn = mask(flat, self.words, rate, rng)
            row = np.searchsorted(at, drawn, side="right") - 1
            places = np.split(drawn, np.searchsorted(row, np.arange(1, len(parts))))
            return data.seen_with(
                _columns(
                    np.split(hidden, at[1:-1]),
                    second,
                    [place - start for place, start in zip(places, at, strict=False)],
                    [flat[place] for place in places],
                ),
                items,
            )
        if self.kind == "decoder":
            return _columns(
                parts, second, [np.arange(len(part) - 1) for part in parts], [part[1:] for part in parts]
            )
        # Spans cut out; the decoder is given the start token and then what it should have written.
        sources, written = [], []
        for part in parts:
            source, target = _cut(part, self, rate, rng)
            sources.append(source)
            written.append(target)
        start = np.asarray([self.start], np.int32)
        return _columns(
            sources,
            np.asarray([len(source) for source in sources], np.int32),
            [np.arange(len(target)) for target in written],
            written,
            [np.concatenate([start, target[:-1]]) for target in written],
        )


def _columns(
    parts: list[NDArray[np.int32]],
    second: NDArray[np.int32],
    reads: list[NDArray[np.int64]],
    gold: list[NDArray[np.int32]],
    targets: list[NDArray[np.int32]] | None = None,
) -> Encoded:
    """Columns of items of one sequence each."""
    read_at = offsets([len(part) for part in reads])
    return Encoded(
        axis="outputs",
        tokens=np.concatenate(parts),
        token_at=offsets([len(part) for part in parts]),
        second=second,
        reads=np.concatenate(reads).astype(np.int32),
        read_at=read_at,
        gold=np.concatenate(gold).astype(np.int64),
        gold_at=read_at,
        sequence_at=np.arange(len(parts) + 1),
        targets=np.concatenate(targets or [np.zeros(0, np.int32)]),
        target_at=offsets([len(part) for part in targets or []]),
    )


def _cut(
    part: NDArray[np.int32], objective: Objective, rate: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """A text without some spans, each replaced by one token, and what the decoder writes.

    Special tokens stay. Spans have random lengths with mean SPAN; two of them never touch.
    """
    allowed = np.flatnonzero(~np.isin(part, objective.words.special))
    sentinels = objective.sentinels
    if not len(allowed):
        return part, np.asarray([objective.end], np.int32)
    count = max(1, round(rate * len(allowed)))
    spans = max(1, round(count / SPAN))
    if sentinels:
        spans = min(spans, len(sentinels))
    spans = min(spans, count, max(1, len(allowed) - count))
    lengths = _composition(count, spans, rng)
    gaps = _composition(len(allowed) - count + 2, spans + 1, rng)  # the outer two may be empty
    gaps[0], gaps[-1] = gaps[0] - 1, gaps[-1] - 1
    cut = np.zeros(len(part), bool)
    at, starts = 0, []
    for gap, length in zip(gaps, lengths, strict=False):
        starts.append(int(allowed[at + gap]))
        cut[allowed[at + gap : at + gap + length]] = True
        at += gap + length
    kept = ~cut
    kept[starts] = True
    source = part.copy()
    source[starts] = sentinels[: len(starts)] if sentinels else objective.words.mask
    end = np.asarray([objective.end], np.int32)
    if not sentinels:
        return source[kept], np.concatenate([part[allowed], end])
    written: list[NDArray[np.int32]] = []
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else len(part)
        own = np.flatnonzero(cut[start:stop]) + start
        written += [np.asarray([sentinels[number]], np.int32), part[own]]
    return source[kept], np.concatenate([*written, end])


def _composition(total: int, parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A number as the sum of so many parts of at least one, each way of doing so equally likely."""
    inner = np.sort(rng.choice(total - 1, size=parts - 1, replace=False)) + 1
    return np.diff(np.concatenate([[0], inner, [total]]))
