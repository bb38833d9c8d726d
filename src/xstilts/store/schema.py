"""What the JSON files of a finished step look like, as far as anything reads them.

A checksum tells that a file is what was written, not who wrote it: a store may come from elsewhere, or from a
release that knew no checksums. So values are looked at before anybody counts on them. Keys beside these are
left alone.
"""

import json
from collections.abc import Hashable
from functools import cache
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from xstilts.study.sources import Source

T = TypeVar("T")

_BELOW = ("", ".", "..")


def _below(name: str) -> str:
    """A path that stays below the folder that it starts from."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or set(name.split("/")) & set(_BELOW):
        raise ValueError("is no path below the step's folder")
    return name


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0)]


class File(_Shape):
    """What a record says of a file beside it."""

    size: Count
    sha256: str


class Score(_Shape):
    """A development score, in percent, of so many examples."""

    metric: str
    value: float
    chance: float
    n: Count


class Hardware(_Shape):
    """What a step ran on."""

    gpu: str | None = None
    processor: str | None = None


class Computer(Hardware):
    """What the numbers of a step depend on besides its specification."""

    instructions: str | None = None
    threads: Count | None = None
    torch: str | None = None


class Record(_Shape):
    """record.json."""

    seconds: Amount = 0.0
    train_seconds: Amount = 0.0
    tokens: Count = 0
    forward_flops_per_token: Amount = 0
    parameters: Count = 0
    parameters_without_embeddings: Count = 0
    hardware: Hardware = Hardware()
    computed_on: list[Computer] = Field(default_factory=list)
    processes: Count = 1
    micro_tokens: Count | None = None
    software: dict[str, str | None] = Field(default_factory=dict)
    source_score: dict[str, Score] = Field(default_factory=dict)
    sources: list[Source] = Field(default_factory=list)
    files: dict[Annotated[str, AfterValidator(_below)], File] = Field(default_factory=dict)


class LanguageScore(_Shape):
    """What was measured in a language."""

    value: float
    n: Count
    layers: list[float] = Field(default_factory=list)


class ScoresFile(_Shape):
    """scores.json."""

    languages: dict[str, LanguageScore]


class Point(_Shape):
    """A line of curve.jsonl."""

    update: Count
    loss: float | None = None
    development: float | None = None


def wrong(value: Any, shape: type[Any]) -> str:
    """Where a value is not of that shape, and how; "" if it is."""
    try:
        made(value, shape)
    except ValueError as error:
        return str(error)
    return ""


def made(value: Any, shape: type[T]) -> T:
    """Plain values as what they describe, also a dataclass. ValueError that says where they do not."""
    try:
        adapter: TypeAdapter[T] = _adapter(cast(Hashable, shape))
        found = adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else str(first["msg"])) from error
    return found


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)
