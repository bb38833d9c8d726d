"""What others wrote: JSON and TOML as plain values, or an error of the text; and text for a terminal.

The standard readers give up in several ways on texts that were made to break them: at nesting deeper than the
interpreter's stack, at numbers of thousands of digits. Both are told here as what they are, errors of the
text. Half of a surrogate pair, which JSON can spell, is no character: it could be written nowhere.
"""

import json
import re
import sys
import tomllib
import unicodedata
from typing import Any

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
    return "".join(letter if letter == "\n" or not _steers(letter) else _code(letter) for letter in text)


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs") or letter in _DIRECTIONS


def _code(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def say(text: str) -> None:
    """A message for people: standard error."""
    print(printable(text), file=sys.stderr, flush=True)
