"""What every specification is: a frozen value that refuses unknown fields, and an identity made from content.

The fingerprint is a hash of canonical JSON: sorted keys, defaults written out, every parent replaced by its
own fingerprint. A field that is added in a later release is declared with `added(default)`; while it holds
that default it is left out, so results computed before it existed stay valid.
"""

import hashlib
import json
from functools import cache, cached_property
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

FINGERPRINT_LENGTH = 16


def added(neutral: Any, **constraints: Any) -> Any:
    """A field added after the first release: left out of the fingerprint while it holds `neutral`."""
    return Field(default=neutral, json_schema_extra={"added": True}, **constraints)


class Specification(BaseModel):
    """A frozen value; unknown fields are errors, and types are taken literally ("3" is no number)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def changed(self, **fields: Any) -> Self:
        """The same with other values, validated; `model_copy` would keep the cached identity."""
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**(own | fields))

    @cached_property
    def canonical(self) -> str:
        """Canonical JSON of what is hashed: every field but those added later and still neutral."""
        hashed = (
            f'"{name}":{_canonical(value)}'
            for name, neutral in _fields(type(self))
            if (value := getattr(self, name)) != neutral
        )
        return "{" + ",".join(hashed) + "}"


class Identified(Specification):
    """A specification that is computed: it has a version, raised by hand when its computation changes."""

    version: ClassVar[int]

    @cached_property
    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of version and canonical content."""
        text = f"{type(self).version}:{self.canonical}"
        return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]


_ALWAYS = object()
"""The neutral value of a field that was there from the first: no value equals it."""


@cache
def _fields(model: type[Specification]) -> tuple[tuple[str, Any], ...]:
    """The names of the fields, sorted, each with the value that leaves it out."""
    fields = sorted(model.model_fields.items())
    return tuple(
        (name, field.default if field.json_schema_extra == {"added": True} else _ALWAYS)
        for name, field in fields
    )


_plain = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def _canonical(value: Any) -> str:
    """Sorted keys, no spaces, Unicode as it is; a computed specification stands as its fingerprint."""
    match value:
        case Identified():
            return f'"{value.fingerprint}"'
        case Specification():
            return value.canonical
        case tuple():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case _:
            return _plain(value)
