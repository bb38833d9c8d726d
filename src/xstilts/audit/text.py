"""Texts made comparable: normal form, the parts of an example, shingles, MinHash signatures.

Two texts are the same if they have the same normal form. How alike two are is the Jaccard similarity of their
sets of shingles (Broder 1997, On the resemblance and containment of documents), and how much of one stands in
another the share of its shingles that do. MinHash signatures agree in
each place with that probability; cut into bands they find candidates without comparing all pairs (Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, section 3.4). Candidates are then compared exactly.
"""

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Bitext, Choice, Example, Pair, Question, Seen, Tagged, Text

ALIKE = 0.7
"""Jaccard similarity from which two texts count as nearly the same: of sixty letters, one word is changed."""

BANDS, WIDTH = 20, 4
"""A pair at ALIKE is a candidate with probability 1 - (1 - 0.7 ** 4) ** 20 = 0.996."""

SHINGLE, DENSE_SHINGLE = 5, 3
"""Characters of a shingle: in scripts of letters, and in those whose signs are syllables or words."""

TELLING = 20
"""The weight from which a text is telling."""

GRAM, DENSE_GRAM, WINDOW, DENSE_WINDOW = 9, 4, 12, 4
"""Characters of a gram and grams of a window: texts that share WINDOW + GRAM - 1 = TELLING letters, or seven
signs of a dense script, share a fingerprint."""

HELD = 0.8
"""The share of a text's shingles in another one, from which it counts as contained there."""

_MARKUP = re.compile("</?[a-zA-Z][^<>]*>")
_DENSE = re.compile("[\u2e80-\U0010ffff]+")
_SENTENCE = re.compile(r"(?<=[.!?။])\s+|(?<=[。！？।])|\n+")

Parts = tuple[str, ...]
Signatures = NDArray[np.uint32]
Numbers = NDArray[np.uint64]


class _Signs(dict[int, str]):
    """What becomes of each character, found when it is first met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        kept = unicodedata.category(sign)[0] in "LMNS" and sign not in "`´▁"
        base = "".join(part for part in unicodedata.normalize("NFD", sign) if not _is_accent(part))
        self[code] = (base if len(base) < 2 else sign) if kept else ""
        return self[code]


def _is_accent(sign: str) -> bool:
    """Whether it is a mark that many leave out: accents, Arabic and Hebrew vowels; not a vowel of Hindi."""
    place = unicodedata.combining(sign)
    return 10 <= place < 84 or place >= 200


_SIGNS = _Signs()


def normal(text: str) -> str:
    """Unicode NFKC, case folded, without white space, punctuation, accents, HTML; other signs alone stay.

    >>> normal("Ｈe said: “Don't!”") == normal("<p>he said do n&#39;t</p>")
    True
    >>> normal("Ở Huế") == normal("o Hue"), normal("가다")
    (True, '가다')
    """
    if "<" in text or "&" in text:
        text = _MARKUP.sub("", html.unescape(text)) or text
    return unicodedata.normalize("NFKC", text).casefold().translate(_SIGNS) or text.strip().replace("\0", "")


def weight(text: str) -> int:
    """How long a normal form is, in letters; a sign of a dense script counts for three.

    >>> weight("dog"), weight("犬")
    (3, 3)
    """
    return len(text) if text.isascii() else 3 * len(text) - 2 * len(_DENSE.sub("", text))


def telling(text: str) -> bool:
    """Whether a normal form is so long that it hardly recurs by chance."""
    return len(text) >= TELLING or weight(text) >= TELLING


def parts(example: Example) -> Iterator[Parts]:
    """The texts of an example as they are: one or two; of a bitext a pair for each translation; of a text
    about images the text and their names."""
    match example:
        case Pair() | Text():
            yield (example.text,) if example.text2 is None else (example.text, example.text2)
        case Choice():
            yield (example.context, " / ".join(sorted(example.options)))
        case Tagged():
            yield (" ".join(example.tokens),)
        case Question():
            yield (example.context, example.question)
        case Seen():
            yield (example.text, " ".join(example.images))
        case Bitext():
            yield from ((example.source[one], example.target[two]) for one, two in example.gold)


def forms(example: Example, piece: Parts) -> Parts:
    """The normal forms of the parts of an example.

    Of the names of images a hash: names that look alike are names of different images.
    """
    if isinstance(example, Seen):
        return normal(piece[0]), hashlib.sha256(piece[1].encode()).hexdigest()
    return tuple(map(normal, piece))


def pieces(example: Example, form: Parts) -> Parts:
    """The normal forms of an example's texts, of which another may hold each at another place."""
    if isinstance(example, Choice):
        return (form[0], *sorted(map(normal, example.options)))
    return form


def sentences(example: Example) -> list[str]:
    """The sentences of an unlabelled text, if it has several."""
    if not isinstance(example, Text):
        return []
    texts = [example.text, *([example.text2] if example.text2 else [])]
    found = [one for text in texts for one in _SENTENCE.split(text) if one]
    return found if len(found) > len(texts) else []


def _shingles(texts: Sequence[str]) -> tuple[Numbers, NDArray[np.int64]]:
    """The hashed shingles of all texts, and where those of each begin; a text that is too short is one."""
    codes, lengths, spaces = _codes(texts, SHINGLE - 1)
    sizes = np.array([DENSE_SHINGLE if weight(text) > 2 * len(text) else SHINGLE for text in texts], np.int64)
    counts = np.maximum(1, lengths - sizes + 1)
    at = np.cumsum(counts) - counts
    starts = np.cumsum(spaces) - spaces
    places = np.repeat(starts - at, counts) + np.arange(counts.sum())
    dense = np.repeat(sizes == DENSE_SHINGLE, spaces)
    return _hashes(codes, SHINGLE, DENSE_SHINGLE, dense)[places], at


def _codes(texts: Sequence[str], gap: int) -> tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]:
    """The signs of all texts, zeros after each; how many each text has; and with the zeros."""
    lengths, zeros = np.array([len(text) for text in texts], np.int64), "\0" * gap
    joined = (zeros.join(texts) + zeros).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(joined, np.uint32).astype(np.uint64), lengths, lengths + gap


def _hashes(codes: Numbers, size: int, dense_size: int, dense: NDArray[np.bool_]) -> Numbers:
    """A hash of the signs from each on, so many or, of a dense script, fewer.

    At the end every bit is made to depend on many others, as SplitMix64 does.
    """
    values = codes.copy()
    for place in range(1, size):
        after = np.roll(codes, -place)
        if place >= dense_size:
            after[dense] = 0
        values = values * np.uint64(0x9E3779B97F4A7C15) + after
    values ^= values >> np.uint64(31)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(29)
    return values


@lru_cache(maxsize=1)
def _multipliers() -> Numbers:
    drawn = np.random.Generator(np.random.PCG64(20_050_130)).integers(2**63, size=BANDS * WIDTH)
    return (drawn.astype(np.uint64) << np.uint64(1)) | np.uint64(1)


def signatures(rows: Sequence[Parts], step: int = 4_000) -> Signatures:
    """The MinHash signatures of rows of normal forms, [rows, BANDS * WIDTH]."""
    made = np.empty((len(rows), BANDS * WIDTH), np.uint32)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        values, at = _shingles([text for row in some for text in row])
        first = np.concatenate([[0], np.cumsum([len(row) for row in some])[:-1]])
        for place, factor in enumerate(_multipliers()):
            mixed = ((values * factor) >> np.uint64(32)).astype(np.uint32)
            made[start : start + step, place] = np.minimum.reduceat(mixed, at[first])
    return made


def bands(made: Signatures) -> Iterator[Numbers]:
    """For each band a number for every row: rows with equal numbers are candidates."""
    factors = _multipliers()[:WIDTH]
    for start in range(0, BANDS * WIDTH, WIDTH):
        numbers = np.zeros(len(made), np.uint64)
        for place in range(WIDTH):
            numbers = (numbers ^ made[:, start + place]) * factors[place]
        yield numbers


@lru_cache(maxsize=5_000)
def _set(text: str) -> frozenset[int]:
    return frozenset(_shingles([text])[0].tolist())


def fingerprints(texts: Sequence[str]) -> tuple[Numbers, NDArray[np.int64]]:
    """The fingerprints of normal forms, and for each the place of its text."""
    values, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    start, letters = 0, 0
    for end, text in enumerate(texts, 1):
        letters += len(text)
        if letters >= 100_000 or end == len(texts):
            some, places = _fingerprints(texts[start:end])
            values.append(some)
            owners.append(places + start)
            start, letters = end, 0
    return np.concatenate(values), np.concatenate(owners)


def _fingerprints(texts: Sequence[str]) -> tuple[Numbers, NDArray[np.int64]]:
    codes, _, spaces = _codes(texts, WINDOW)
    owners = np.repeat(np.arange(len(texts)), spaces)
    left = np.cumsum(spaces)[owners] - WINDOW - np.arange(len(codes))
    dense = codes >= ord("\u2e80")
    values = _hashes(codes, GRAM, DENSE_GRAM, dense)
    whole = left >= np.where(dense, DENSE_GRAM, GRAM)
    values[~whole] = np.iinfo(np.uint64).max
    chosen = np.where(dense, _least(values, DENSE_WINDOW), _least(values, WINDOW)) & whole
    return values[chosen], owners[chosen]


def _least(values: Numbers, window: int) -> NDArray[np.bool_]:
    """Whether each value is the least of a window that it stands in."""
    least = values
    for place in range(1, window):
        least = np.minimum(least, np.roll(values, -place))
    most = least
    for place in range(1, window):
        most = np.maximum(most, np.roll(least, place))
    return np.asarray(most == values)


def holds(one: Parts, other: Parts) -> bool:
    """Whether all texts of one row stand in those of the other: each in one of them, or joined in any order.

    Of a short row they must be half of the other: what is short stands in long texts by chance.
    """
    size = sum(map(weight, one))
    if size < TELLING or (size < 2 * TELLING and 2 * size < sum(map(weight, other))):
        return False
    longest = sorted(one, key=len, reverse=True)
    if len(one) == len(other):
        rest = list(other)
        for text in longest:
            place = next((place for place, there in enumerate(rest) if _within(text, there)), None)
            if place is None:
                break
            del rest[place]
        if not rest:
            return True
    joined = "".join(other)
    if len(one) == 1:
        return _within(one[0], joined)
    return left_over(one, other) is not None


def left_over(one: Parts, other: Parts) -> str | None:
    """The texts of a row without those of another that stand in it; None if one of these does not."""
    rest = "".join(other)
    for text in sorted(one, key=len, reverse=True):
        if text not in rest:
            return None
        rest = rest.replace(text, "\0", 1)
    return rest


def covers(one: Parts, other: Parts) -> bool:
    """Whether the texts of one row all stand in the other, and make up the most of each of its texts."""
    if not holds(one, other):
        return False
    return all(
        sum(weight(text) for text in one if _within(text, there)) >= HELD * weight(there) for there in other
    )


def _within(text: str, other: str) -> bool:
    """Whether a text stands in another, as it is or nearly."""
    if text in other:
        return bool(text)
    if not telling(text) or len(other) > 10 * len(text):
        return False
    ours = _set(text)
    return len(ours & _set(other)) >= HELD * len(ours)


def similarity(one: str, other: str) -> float:
    """The Jaccard similarity of the shingles of two normal forms, 0 to 1."""
    if one == other:
        return 1.0
    ours, theirs = _set(one), _set(other)
    return len(ours & theirs) / len(ours | theirs)


def alike(one: Parts, other: Parts) -> bool:
    """Whether every part of a row is nearly the same as one of the other's, in order or swapped.

    Part by part, because a long context makes two different questions about it look alike. Short parts must
    be the same: in them one changed word changes everything.
    """
    if len(one) != len(other):
        return False
    return any(
        all(
            ours == theirs or (telling(ours) and telling(theirs) and similarity(ours, theirs) >= ALIKE)
            for ours, theirs in zip(one, order, strict=True)
        )
        for order in (other, other[::-1])
    )
