"""Inputs made wrong: functions of a random generator, so that every input is known by its number.

A `random.Random` may be Hypothesis' own: then what fails is made smaller by it.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

WORDS = (
    "",
    " ",
    "\0",
    "\n",
    "\r",
    "\t",
    "..",
    ".",
    "../../outside",
    "/outside",
    "~",
    "a/b",
    "a\\b",
    "-",
    "--store",
    "nan",
    "\x1b[31m",
    "\ud800",
    "\u202e",
    "\u2028",
    "\ufeff",
    "\U0010ffff",
    "e\u0301",
    "[/bold]",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n{}",
    "x" * 300,
    "./" + "x" * 300 + ".py",
    "./" + "y" * 300,
    "./other.py",
    "lab_nli",
    "none",
    "en",
    "x-en",
    "all",
    "random",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**400, -0.0, 0.5, 1e-320, 1e308, float("nan"), float("inf"))
DEEP = 3000
"""Levels of nesting: more than Python's own limit of calls."""

Path = tuple[str | int, ...]


def value(rng: Random) -> Any:
    """Something that is rarely right."""
    match rng.randrange(8):
        case 0 | 1 | 2:
            return rng.choice(WORDS)
        case 3 | 4:
            return rng.choice(NUMBERS)
        case 5:
            return rng.choice((True, False, None))
        case 6:
            return [rng.choice(WORDS) for _ in range(rng.randrange(3))]
        case _:
            return {rng.choice(WORDS): rng.choice(NUMBERS) for _ in range(rng.randrange(3))}


def tree(rng: Random, whole: Any) -> Any:
    """A JSON value with one to three places changed; the value given stays as it is."""
    whole = json.loads(json.dumps(whole))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = _places(whole)
        if not places:
            return value(rng)
        whole = _edited(rng, whole, rng.choice(places))
    return whole


def _places(whole: Any) -> list[Path]:
    """Where there is something, the whole left out."""
    found: list[Path] = []
    open_places: list[tuple[Path, Any]] = [((), whole)]
    while open_places:
        place, here = open_places.pop()
        below = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        inner = [((*place, key), one) for key, one in below]
        found += [one for one, _ in inner]
        open_places += inner
    return found


def _edited(rng: Random, whole: Any, place: Path) -> Any:
    holder = whole
    for key in place[:-1]:
        holder = holder[key]
    last: Any = place[-1]
    match rng.randrange(11):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(WORDS)] = holder.pop(last)
        case 2:
            holder[last] = [holder[last]]
        case 3 if isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), holder[last])
        case 4 if isinstance(holder[last], str):
            holder[last] = text(rng, holder[last])
        case 5 if isinstance(holder[last], int | float):
            holder[last] = -holder[last] if rng.random() < 0.5 else str(holder[last])
        case 6 | 7 | 8:
            holder[last] = _from_elsewhere(rng, whole)
        case _:
            holder[last] = value(rng)
    return whole


def _from_elsewhere(rng: Random, whole: Any) -> Any:
    """A copy of another part: what is right in one place and perhaps not in another."""
    here = whole
    for key in rng.choice(_places(whole)) if _places(whole) else ():
        here = here[key]
    return json.loads(json.dumps(here))


def text(rng: Random, whole: str) -> str:
    """A text with some of it cut, doubled, or replaced."""
    start = rng.randint(0, len(whole))
    end = min(len(whole), start + rng.choice((0, 1, 1, 3, 20)))
    return whole[:start] + rng.choice((*WORDS, whole[start:end] * 2)) + whole[end:]


def lines(rng: Random, whole: bytes) -> bytes:
    """A file with lines dropped, doubled, exchanged, or a column more or less."""
    rows = whole.split(b"\n")
    at, other = rng.randrange(len(rows)), rng.randrange(len(rows))
    match rng.randrange(6):
        case 0:
            del rows[at]
        case 1:
            rows.insert(other, rows[at])
        case 2:
            rows[at], rows[other] = rows[other], rows[at]
        case 3:
            rows[at] = rows[at].replace(b"\t", b"", 1)
        case 4:
            rows[at] += b"\tmore"
        case _:
            rows[at] = rng.choice(WORDS).encode("utf-8", "surrogatepass")
    return b"\n".join(rows)


def data(rng: Random, whole: bytes) -> bytes:
    """Bytes with one to four places flipped, cut, doubled, or overwritten."""
    made = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(made))
        end = min(len(made), at + rng.choice((1, 1, 2, 8, 64)))
        match rng.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << rng.randrange(8)
            case 1:
                del made[at:end]
            case 2:
                made[at:at] = made[at:end]
            case 3:
                del made[at:]
            case 4:
                made[at:end] = bytes(rng.randrange(256) for _ in range(end - at))
            case _:
                made[at:at] = rng.choice(
                    (b"\0", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"[", b"\r", b"9" * 20)
                )
    return bytes(made)


def json_text(rng: Random, whole: Any) -> bytes:
    """JSON of a changed value; at times what is no JSON: too deep, numbers too long, broken bytes."""
    match rng.randrange(20):
        case 0:
            return b"[" * (DEEP * 20) + b"]" * (DEEP * 20)
        case 1:
            return b'{"a":' * DEEP + b"1" + b"}" * DEEP
        case 2:
            return b"9" * 5000
        case 3 | 4:
            return data(rng, json.dumps(whole).encode())
        case _:
            made = json.dumps(tree(rng, whole), ensure_ascii=rng.random() < 0.5)
            return made.encode("utf-8", "surrogatepass")


def chosen(rng: Random, whole: bytes, structured: Sequence[Callable[[Random, bytes], bytes]]) -> bytes:
    """Mostly a change that knows the format, at times one that does not."""
    return data(rng, whole) if rng.random() < 0.25 else rng.choice(structured)(rng, whole)


def toml(table: dict[str, Any]) -> bytes:
    """TOML of plain values, each key of the top on a line; what TOML cannot say is written wrongly."""
    made = "".join(f"{_key(key)} = {_toml(one)}\n" for key, one in table.items())
    return made.encode("utf-8", "surrogatepass")


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _toml(one: Any) -> str:
    match one:
        case bool():
            return str(one).lower()
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in one.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, one)) + "]"
        case None:
            return "1979-05-27T07:32:00Z"
        case str():
            return _key(one)
        case _:
            return str(one)
