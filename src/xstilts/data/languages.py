"""Every language once: code, name, family, script and size, read from `languages.csv`.

The families are those of XTREME (Hu et al. 2020), in which Basque and Korean stand alone; the script is that
of the data. The size is roughly the number of Wikipedia articles in millions of early 2020, and empty for the
languages that XTREME does not have. `also` holds what others write for a language: the three-letter codes of
ISO 639-2 and 639-3, older codes, other names. The languages of the embedded lab have private codes (`x-...`).
"""

import csv
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from xstilts.errors import InputError, did_you_mean


@dataclass(frozen=True, slots=True)
class Language:
    """A language; `script` is an ISO 15924 code, `size` millions of Wikipedia articles or None."""

    code: str
    name: str
    family: str
    script: str
    size: float | None
    also: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def by_code() -> Mapping[str, Language]:
    """All languages by their codes, sorted."""
    text = files("xstilts.data").joinpath("languages.csv").read_text(encoding="utf-8")
    found = [
        Language(code, name, family, script, float(size) if size else None, tuple(also.split()))
        for code, name, family, script, size, also in list(csv.reader(text.splitlines()))[1:]
    ]
    return {language.code: language for language in sorted(found, key=lambda language: language.code)}


def all_languages() -> tuple[Language, ...]:
    """All languages, sorted by code."""
    return tuple(by_code().values())


@lru_cache(maxsize=1)
def by_word() -> Mapping[str, Language]:
    """All languages by their codes, their names and what others write, in small letters: none means two."""
    return {
        word.casefold(): language
        for language in all_languages()
        for word in (*language.also, language.name, language.code)
    }


def find(code: str) -> Language:
    """The language with that code; InputError if there is none."""
    if code not in by_code():
        raise InputError(f"language '{code}'", "no such language code.", way_out(code))
    return by_code()[code]


def way_out(code: str) -> str:
    """What to do about a code that no language has."""
    return f"{near(code)} `xstilts languages` lists all.".strip()


def near(word: str, codes: Collection[str] | None = None) -> str:
    """The code, of all or of these, that a name, another code or a locale means, as a question; "" if none.

    >>> near("German"), near("zho_Hans"), near("pt-BR"), near("Farsi")
    ("Did you mean 'de'?", "Did you mean 'zh'?", "Did you mean 'pt'?", "Did you mean 'fa'?")
    """
    known = by_code() if codes is None else codes
    words = {name: language.code for name, language in by_word().items() if language.code in known}
    folded = word.strip().casefold()
    for form in (folded, re.split(r"[-_ (,]", folded)[0]):
        if form in words and words[form] != word:
            return f"Did you mean '{words[form]}'?"
    if hint := did_you_mean(word, known):
        return hint
    name = re.search("'(.+)'", did_you_mean(folded, (one for one in words if len(one) > 3)))
    return f"Did you mean '{words[name[1]]}'?" if name else ""
