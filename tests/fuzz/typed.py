"""Whether values are what their types say: a row that is read must be fit for whatever comes after."""

from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints


def misfit(found: Any, place: str = "row") -> str:
    """Where a value of a dataclass is none of its declared type, or holds half a character; "" if nowhere."""
    for name, kind in _hints(type(found)).items():
        if wrong := _wrong(getattr(found, name), kind, f"{place}.{name}"):
            return wrong
    return ""


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _wrong(found: Any, kind: Any, place: str) -> str:
    if is_dataclass(kind):
        return misfit(found, place) if type(found) is kind else f"{place} is {found!r:.50}"
    if get_origin(kind) is UnionType:
        tried = [_wrong(found, one, place) for one in get_args(kind)]
        return "" if "" in tried else tried[0]
    if get_origin(kind) is tuple:
        inner, *rest = get_args(kind)
        if type(found) is not tuple:
            return f"{place} is {found!r:.50}"
        kinds = [inner] * len(found) if rest == [...] else [inner, *rest]
        return next(
            (bad for one, of in zip(found, kinds, strict=True) if (bad := _wrong(one, of, place))), ""
        )
    if type(found) is not (kind if isinstance(kind, type) else type(None)):
        return f"{place} is {found!r:.50}"
    if isinstance(found, str) and any("\ud800" <= letter <= "\udfff" for letter in found):
        return f"{place} holds half a character: {found!r:.50}"
    return ""
