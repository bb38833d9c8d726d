"""Every language once: code, name, family, script and size, read from `languages.csv`.

The families are those of XTREME (Hu et al. 2020), in which Basque and Korean stand alone; the script is that
of the data. The size is roughly the number of Wikipedia articles in millions of early 2020, and empty for the
languages that XTREME does not have. The languages of the embedded lab have private codes (`x-...`).
"""

import csv
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


def all_languages() -> tuple[Language, ...]:
    """All languages, sorted by code."""
    return tuple(_table().values())


def find(code: str) -> Language:
    """The language with that code; InputError if there is none."""
    table = _table()
    if code not in table:
        near = did_you_mean(code, table) or _by_name(code)
        raise InputError(
            f"language '{code}'", "no such language code.", f"{near} `xstilts languages` lists all.".strip()
        )
    return table[code]


def _by_name(word: str) -> str:
    codes = {language.name.lower(): language.code for language in all_languages()}
    return f"Did you mean '{codes[word.lower()]}'?" if word.lower() in codes else ""


@lru_cache(maxsize=1)
def _table() -> dict[str, Language]:
    text = files("xstilts.data").joinpath("languages.csv").read_text(encoding="utf-8")
    found = [
        Language(row["code"], row["name"], row["family"], row["script"], _size(row["size"]))
        for row in csv.DictReader(text.splitlines())
    ]
    return {language.code: language for language in sorted(found, key=lambda language: language.code)}


def _size(text: str) -> float | None:
    return float(text) if text else None
