"""Rows that are in another language than their file is said to be in.

An id may name the language ("korean-123", as in TyDiQA). Otherwise the script tells it, and within a script
the function words, which make up a third to a half of running text. A text in which neither speaks clearly
counts as what its file says: names, quotations and borrowed words are no other language.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from xstilts.audit.match import Texts
from xstilts.data.languages import all_languages, by_code, by_word
from xstilts.plain import by_key

SHARE = 0.15
"""The share of a text's words that must be function words of another language, for the text to be in it."""

WORDS = 100
"""Words of a text that are looked at, from its beginning."""

LETTERS = 4
"""Letters from which a script tells a language."""

_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff]+[^\W\d_]*)*")
_TOKEN = re.compile(r"[^\W\d_]+")
_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")

_SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "Arab": ("ARABIC",),
    "Beng": ("BENGALI",),
    "Cyrl": ("CYRILLIC",),
    "Deva": ("DEVANAGARI",),
    "Geor": ("GEORGIAN",),
    "Grek": ("GREEK",),
    "Gujr": ("GUJARATI",),
    "Guru": ("GURMUKHI",),
    "Hans": ("CJK",),
    "Hebr": ("HEBREW",),
    "Jpan": ("KANA", "CJK"),
    "Kore": ("HANGUL",),
    "Latn": ("LATIN",),
    "Mlym": ("MALAYALAM",),
    "Mymr": ("MYANMAR",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Thai": ("THAI",),
}
"""The scripts of languages.csv, as the Unicode names of their letters begin; KANA is both kana."""


def others(rows: Texts, said: str) -> dict[str, list[int]]:
    """The numbers of the rows in other languages than `said`, by language; of one in no table, by ids."""
    named = _named(rows.ids, said)
    told = (
        (named.get(number) or next((code for text in parts if (code := other(text, said))), None), number)
        for number, parts in enumerate(rows.texts)
    )
    return by_key((code, number) for code, number in told if code is not None)


def _named(ids: Sequence[str], said: str) -> dict[int, str]:
    """Rows whose ids name another language, by its name; by a code of two or three letters, if all ids have
    one at that place."""
    tokens = [tuple(_TOKEN.findall(_INSIDE.sub(" ", name).casefold())) for name in ids]
    words = by_word()
    names = {word: code for word, code in words.items() if len(word) > 3}
    found = {number: names[token] for number, row in enumerate(tokens) for token in row if token in names}
    for place in range(min(map(len, tokens), default=0)):
        column = [words.get(row[place], "") for row in tokens]
        if said in column and all(column):
            found |= dict(enumerate(column))
    return {number: code for number, code in found.items() if code != said}


def other(text: str, said: str) -> str | None:
    """The language of a text if it is clearly another than `said`.

    >>> other("Wann wurde die Stadt von den Römern gegründet?", "en")
    'de'
    >>> other("서울의 인구는 얼마인가?", "en")
    'ko'
    >>> other("The motto of the city is 'Gloria in excelsis'.", "en") is None
    True
    """
    if said not in by_code():
        return None
    own = by_code()[said]
    scripts = _scripts(text)
    script, count = scripts.most_common(1)[0] if scripts else ("", 0)
    if count < LETTERS or 2 * count <= scripts.total():
        return None
    if script not in _SCRIPTS[own.script]:
        # The language of a text in a script that is not that of the language it is said to be in.
        known = [
            one
            for one in all_languages()
            if script == _SCRIPTS[one.script][0] and one.code.startswith("x-") == own.code.startswith("x-")
        ]
        hits = _hits(_words(text), "")
        if script == "LATIN":  # in which all others write names and quotations
            known = [one for one in known if hits[one.code] >= 3]
        return max(known, key=lambda one: (hits[one.code], one.size or 0)).code if known else None
    return _by_words(_words(text), said) if said in _function_words() else None


def _by_words(words: Sequence[str], said: str) -> str | None:
    """The language that words are clearly in, other than `said`, whose script they are in."""
    hits = _hits(words, said)
    ours = sum(word in _function_words()[said] for word in words)
    for code, count in hits.most_common(1):
        few = count >= 2 and not ours and len(words) >= 5
        if (few or (count >= 3 and count >= 2 * ours)) and count >= SHARE * len(words):
            return code
    return None


def _scripts(text: str) -> Counter[str]:
    """How many letters of a text are in each script; with kana among them, ideographs count as kana."""
    if text.isascii():
        return Counter(LATIN=sum(map(str.isalpha, text)))
    found = Counter(filter(None, map(_script, text)))
    if 20 * found["KANA"] > found.total():
        found["KANA"] += found.pop("CJK", 0)
    return found


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text[: 20 * WORDS]).lower())[:WORDS]


def _hits(words: Sequence[str], said: str) -> Counter[str]:
    """How many words are function words of each language, but not of `said`."""
    speakers = _speakers()
    return Counter(code for word in words if said not in (codes := speakers.get(word, ())) for code in codes)


@cache
def _script(sign: str) -> str:
    """The script of a letter; nothing for other signs."""
    script = unicodedata.name(sign, "").partition(" ")[0] if sign.isalpha() else ""
    return "KANA" if script in ("HIRAGANA", "KATAKANA") else script


@cache
def _function_words() -> dict[str, frozenset[str]]:
    text = files("xstilts").joinpath("audit/function_words.toml").read_text(encoding="utf-8")
    return {code: frozenset(words.split()) for code, words in tomllib.loads(text).items()}


@cache
def _speakers() -> dict[str, list[str]]:
    """The languages of each function word."""
    return by_key((word, code) for code, words in _function_words().items() for word in words)
