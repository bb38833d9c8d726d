"""What pydantic finds wrong with a table of a study file, in the words of its author."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from xstilts.errors import did_you_mean

Place = tuple[str | int, ...]

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


def problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """One problem for each place; of a union that fails in several ways, what fits its value best."""
    found: dict[Place, Problem] = {}
    details = error.errors(include_url=False)
    for detail in sorted(details, key=_is_other_branch):
        place = _without_branches(detail["loc"], model)
        found.setdefault(place, Problem(place, *_words(dict(detail), place, model)))
    return list(found.values())


def _is_other_branch(detail: Mapping[str, Any]) -> bool:
    """Whether a table is told not to be what else might stand in its place."""
    return isinstance(detail["input"], dict) and detail["type"] in _NO_TABLE


def _words(detail: Mapping[str, Any], place: Place, model: type[BaseModel]) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys(model, place[:-1])
        return "no such key.", did_you_mean(str(place[-1]), known) or f"There are {', '.join(known)}."
    if kind == "literal_error":
        choices = _choices(_annotation(model, place))
        return f"must be one of {_listed(choices)}, got {_shown(value)}.", did_you_mean(str(value), choices)
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, got {_shown(value)}.", ""
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"must be {words} {context[limit]:g}, got {_shown(value)}.", ""
    if kind == "value_error":
        return str(context["error"]), ""
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, got {_shown(value)}.", ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_branches(place: Place, model: type[BaseModel]) -> Place:
    """The keys and indices of a place, without the name of a branch, which pydantic puts after each union."""
    kept: list[str | int] = []
    named = False
    for part in place:
        if not named and _is_union(_annotation(model, tuple(kept))):
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


def _is_union(annotation: Any) -> bool:
    return len([option for option in _options(annotation) if option is not type(None)]) > 1


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _choices(annotation: Any) -> list[str]:
    """The words of a Literal, also inside a union."""
    options = (option for option in _options(annotation) if option is not type(None))
    return [str(word) for option in options for word in get_args(option) if isinstance(word, str)]


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    here = _options(_annotation(model, place))
    return [key for option in here if hasattr(option, "model_fields") for key in option.model_fields]
