"""What pydantic finds wrong with a table of a study file, in the words of its author."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from xstilts.errors import did_you_mean
from xstilts.plain import by_key

Place = tuple[str | int, ...]

LONGEST = 100
"""Letters of a name. File systems allow 255 bytes, and names stand beside one another."""
NAME_RULE = "Use letters, digits, spaces and any of + - . _"
NO_VALUE = frozenset(("NA", "N/A", "<NA>", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "None"))
"""Names that tables take for missing values: those of pandas.read_csv (`na_values`) that could be one."""
HUB_MODEL = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)

_TYPES = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
}
_NO_TABLE = ("literal_error", "string_type", "tuple_type")
"""What is said of a table where a word or a list may stand too."""

_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place of a table, and what to do now."""

    place: Place
    what: str
    now: str = ""


def near(name: str, known: Collection[str], there: str = "There are") -> str:
    """The known name that was meant, or all of them."""
    return did_you_mean(name, known) or f"{there} {', '.join(known) or 'none'}."


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """One problem for each place; of a union that fails in several ways, what fits its value best."""
    found: dict[Place, Problem] = {}
    details = error.errors(include_url=False)
    for detail in sorted(
        details, key=lambda one: isinstance(one["input"], dict) and one["type"] in _NO_TABLE
    ):
        place = _without_branches(detail["loc"], model)
        found.setdefault(place, Problem(place, *_words(dict(detail), place, model)))
    # What is wrong below a place says more than that it should be something else.
    above = {place[:end] for place in found for end in range(1, len(place))}
    return [problem for place, problem in found.items() if place not in above]


def _words(detail: Mapping[str, Any], place: Place, model: type[BaseModel]) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        here = _options(_annotation(model, place[:-1]))
        fields = [option.model_fields for option in here if hasattr(option, "model_fields")]
        known = [key for keys in fields for key, field in keys.items() if not field.exclude]
        word = str(place[-1])
        if key := _key(word, known):
            return "no such key.", f"Did you mean '{key}'?"
        return "no such key.", _other_table(word, model) or near(word, known)
    if kind == "literal_error":
        options = (get_args(option) for option in _options(_annotation(model, place)))
        choices = [word for words in options for word in words if isinstance(word, str)]
        listed = ", ".join(f"'{word}'" for word in choices)
        return f"must be one of {listed}, got {_shown(value)}.", did_you_mean(str(value), choices)
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, got {_shown(value)}.", _written(kind, value, place)
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"must be {words} {context[limit]:g}, got {_shown(value)}.", ""
    if kind == "value_error":
        return str(context["error"]), ""
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, got {_shown(value)}.", ""


def _key(word: str, known: Iterable[str]) -> str:
    """Which of the known keys is meant by another name of it; "" if none is."""
    written = word.casefold().replace("-", "_")
    synonyms = _synonyms()
    return next((key for key in known if written in (key, *synonyms.get(key, "").split())), "")


@cache
def _synonyms() -> Mapping[str, str]:
    """What others call the keys of a study, by our name, with spaces between."""
    return tomllib.loads(files("xstilts.study").joinpath("synonyms.toml").read_text(encoding="utf-8"))


def _other_table(word: str, model: type[BaseModel]) -> str:
    """The tables of a study file to which a key belongs that stands in another one; "" if there are none."""
    from xstilts.study.recipe import Recipe
    from xstilts.study.study import StudyFile

    if model not in (StudyFile, Recipe):
        return ""
    recipes = {f"[{part}.recipe]": tuple(Recipe.model_fields) for part in ("intermediate", "target")}
    tables = recipes | dict(_tables(StudyFile))
    homes = by_key((key, table) for table, keys in tables.items() if (key := _key(word, keys)))
    told = [f"'{key}' belongs into {' or '.join(known[:3])}" for key, known in homes.items()]
    return f"{', '.join(told)}." if told else ""


def _tables(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The tables of a file, as they are headed there, with their keys."""
    head = f"[{path}]" if path else "the head of the file, before its first [table]"
    yield head, tuple(key for key, field in model.model_fields.items() if not field.exclude)
    for name, field in model.model_fields.items():
        for option in _options(field.annotation):
            inner = get_args(option)[1] if get_origin(option) is dict else option
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                below = f"{name}.NAME" if inner is not option else name
                yield from _tables(inner, f"{path}.{below}".strip("."))


def _written(kind: str, value: Any, place: Place) -> str:
    """How a single value is written where a list or a table belongs."""
    key, text = place[-1], json.dumps(value, ensure_ascii=False, default=str)
    if kind == "tuple_type" and not isinstance(value, dict):
        return f"Write {key} = [{text}]."
    if kind == "model_type" and isinstance(value, str) and place[0] == "backbones":
        return f"Write {key} = {{ model = {text} }}."
    if kind == "model_type" and isinstance(value, str) and key == "adapter":
        return f"Write adapter = {{ method = {text.lower()} }}."
    if kind == "model_type" and isinstance(value, str) and place[:-1] == ("intermediate", "arms"):
        return f"Write {key} = [{text}]."
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_branches(place: Place, model: type[BaseModel]) -> Place:
    """The keys and indices of a place, without the name of a branch, which pydantic puts after each union."""
    kept: list[str | int] = []
    named = False
    for part in place:
        options = set(_options(_annotation(model, tuple(kept)))) - {type(None)}
        if not named and len(options) > 1:
            named = True
        else:
            kept.append(part)
            named = False
    return tuple(kept)


def _annotation(model: Any, place: Place) -> Any:
    """The type that belongs at a place; None if nothing does."""
    here = model
    for part in place:
        here = next((found for found in (_step(option, part) for option in _options(here)) if found), None)
    return here


def _step(option: Any, part: str | int) -> Any:
    if isinstance(option, type) and issubclass(option, BaseModel):
        field = option.model_fields.get(str(part))
        return None if field is None else field.annotation
    arguments = get_args(option)
    if get_origin(option) is dict and isinstance(part, str):
        return arguments[1]
    return arguments[0] if get_origin(option) is tuple and isinstance(part, int) else None


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def wrong_name(name: str) -> str:
    """Why nothing should be called so that names files and rows of tables; "" if it may."""
    bad = sorted({letter for letter in name if letter in "/\\" or unicodedata.category(letter)[0] == "C"})
    reasons = {
        "it is empty": not name.strip(),
        "it begins or ends with a space": name != name.strip(),
        f"it begins with '{name[:1]}'": name[:1] in tuple(".-~=+@"),
        f"it holds {', '.join(map(ascii, bad))}": bool(bad),
        f"it has more than {LONGEST} letters": len(name) > LONGEST,
        "it stands for a missing value in tables": name in NO_VALUE,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")
