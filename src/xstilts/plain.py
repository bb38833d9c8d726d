"""What others wrote: JSON and TOML as plain values, or an error of the text; text for a terminal; groups.

The standard readers give up in several ways on texts that were made to break them: at nesting deeper than the
interpreter's stack, at numbers of thousands of digits. Both are told here as what they are, errors of the
text. Half of a surrogate pair, which JSON can spell, is no character: it could be written nowhere.
"""

import json
import re
import sys
import tomllib
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

_MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]")
DEEP = "nested too deeply"
DEEPEST, MOST_DOTS = 100, 2000
"""Levels of a TOML table, and dots on one of its lines: the time to read `a.a.a` grows with their square."""

LONG = "a number with too many digits"


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises json.JSONDecodeError, and nothing else, if it is none."""
    try:
        value = json.loads(text)
        if _MAY_BE_HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise json.JSONDecodeError(DEEP, text, 0) from error
    except UnicodeEncodeError as error:
        raise json.JSONDecodeError("half of a surrogate pair", text, 0) from error
    except ValueError as error:
        raise json.JSONDecodeError(LONG, text, 0) from error
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """The table of a TOML text. Raises tomllib.TOMLDecodeError, and nothing else, if it is none."""
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise tomllib.TOMLDecodeError(f"a line with more than {MOST_DOTS:,} dots")
    try:
        table = tomllib.loads(text)
        _check_depth(table)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError(DEEP) from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        raise tomllib.TOMLDecodeError(LONG) from error
    return table


TOML_RULES = {
    "Invalid value": "A text stands in quotes; true and false are written small.",
    "Expected '='": "A line is KEY = VALUE, or a [table].",
    "Invalid statement": "A line is KEY = VALUE, or a [table].",
    "Unclosed array": "A list ends with ].",
    "Unclosed inline table": "A table in braces ends with }, on the line on which it begins.",
    "Unescaped '\\'": "In double quotes a backslash is written twice; in single quotes it is itself.",
    "Illegal character": "A text ends, with the quote with which it begins, on the same line.",
    "Unterminated string": "A text ends with the quote with which it begins.",
    "Expected newline": "After a value the line ends.",
}
"""The rule of TOML that was broken, by the beginning of what the reader says."""

_HEADER, _KEY = re.compile(r"\s*(\[\[?[^\[\]]+\]\]?)\s*(?:#.*)?"), re.compile(r"\s*([\w.\"'-]+)\s*=")


def toml_hint(text: str, error: tomllib.TOMLDecodeError) -> str:
    """How to mend a text that is no TOML: what stands twice and where, or the line and the rule it breaks."""
    said, rows = str(error), text.splitlines()
    place = re.search(r"at line (\d+)", said)
    number = int(place[1]) if place else len(rows)
    header, first, twice = "", dict[tuple[str, str], int](), ""
    for count, row in enumerate(rows[:number], 1):
        if table := _HEADER.fullmatch(row):
            header = f"{table[1]} {count}" if table[1].startswith("[[") else table[1]
        key = table or _KEY.match(row)
        if key and (before := first.setdefault((header, key[1]), count)) < count:
            twice = f"{key[1]} stands in line {before} and again in line {count}: leave one out."
    if twice and said.startswith(("Cannot", "Duplicate")):
        return twice
    if not 0 < number <= len(rows):
        return ""
    rule = next((rule for words, rule in TOML_RULES.items() if said.startswith(words)), "")
    return f"The line is: {rows[number - 1].strip()[:80]}" + (f" -- {rule}" if rule else "")


def undecodable(rows: Iterable[bytes]) -> tuple[int, str, str] | None:
    """The number of the first line that is not UTF-8, what it is instead, and what to do; None if all are."""
    for number, raw in enumerate(rows, 1):
        start = raw[:100]
        zeros = [at for at, byte in enumerate(start) if not byte]
        # In UTF-16 signs below 256 have a zero each, all on the same side.
        utf16 = 3 * len(zeros) >= len(start) > 1 or (len(zeros) > 1 and len({at % 2 for at in zeros}) == 1)
        if number == 1 and (start[:2] in (b"\xff\xfe", b"\xfe\xff") or utf16):
            return number, "is not UTF-8 but UTF-16.", "Convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW."
        if number == 1 and start[:2] == b"\x1f\x8b":
            return number, "is not text but compressed by gzip.", "Let its name end in .gz, or unpack it."
        if number == 1 and start[:4] == b"PK\x03\x04":
            return number, "is not text but a zip archive.", "Unpack it."
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            around = raw[max(0, error.start - 20) : error.start + 20].decode("latin-1").strip()
            what = f"is not UTF-8 ({error.reason} at byte {error.start} of the line; in Latin-1: {around!r})."
            return number, what, "Convert it: iconv -f LATIN1 -t UTF-8 FILE > NEW, if it is Latin-1."
    return None


def _check_depth(value: Any) -> None:
    """RecursionError if tables and lists hold one another at more than DEEPEST levels."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [each for one in inner for each in one if isinstance(each, dict | list)]
        if not level:
            return
    raise RecursionError


def printable(text: str) -> str:
    """Text for a terminal: signs that could steer it, or turn the direction of what follows, as their codes.

    >>> printable("an \\x1b[31marm")
    'an \\\\x1b[31marm'
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Control characters but the line feed, halves of surrogate pairs, and signs that turn the direction."""


def say(text: str) -> None:
    """A message for people: standard error."""
    print(printable(text), file=sys.stderr, flush=True)


Key = TypeVar("Key")
Value = TypeVar("Value")


def by_key(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """The second of each pair by the first, in the order in which these first occur."""
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def first_of(names: Collection[str], shown: int = 3, between: str = ", ") -> str:
    """The first names of many, and how many more there are."""
    more = len(names) - shown
    return between.join(list(names)[:shown]) + (f" and {more:,} more" if more > 0 else "")
