"""What a report reads of finished steps besides their records: predictions and curves, looked at as read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from xstilts.errors import DamageError
from xstilts.plain import parse_json
from xstilts.store import REPAIR, schema

_TYPES: dict[str, tuple[pl.DataType, ...]] = {
    "language": (pl.String(),),
    "index": (pl.Int32(), pl.Int64()),
    "id": (pl.String(),),
    "cluster": (pl.Int32(), pl.Int64()),
    "gold": (pl.String(),),
    "predicted": (pl.String(),),
    "statistics": (pl.List(pl.Float64()), pl.List(pl.Float32())),
    "doubt": (pl.List(pl.Float32()),),
    "brier": (pl.List(pl.Float32()),),
}
_LABELS: TypeAdapter[Any] = TypeAdapter(list[str | int])
"""Labels by name, or options by their number."""
_Row = Annotated[int, Field(ge=0)]
_Rows = _Row | list[_Row]
_ANSWERS: dict[str, TypeAdapter[Any]] = {
    "tagging": TypeAdapter(list[list[str]]),
    "span gold": TypeAdapter(list[list[str]]),
    "span predicted": TypeAdapter(list[str | None]),
    "retrieval": TypeAdapter(list[_Rows]),
}
"""Of retrieval the row of a sentence; of one that is mined, those that it is paired with."""


def predictions(
    path: Path, columns: Sequence[str], width: int = 0, *, beside: Sequence[str] = ()
) -> pl.DataFrame:
    """These columns of predictions.parquet: a row for each example, `width` numbers in its statistics.

    Those of `beside` are read if they are there. DamageError if one is missing, has other types or holes, or
    numbers that are not finite.
    """
    with _damage(path, "is damaged or cannot be read"):
        known = pl.read_parquet_schema(path) if beside else {}
        frame = pl.read_parquet(path, columns=[*columns, *(name for name in beside if name in known)])
    for column in frame:
        if column.dtype not in _TYPES[column.name] or column.null_count():
            raise DamageError(str(path), f"has no whole column '{column.name}'.", REPAIR)
    if "index" in columns and not frame["index"].is_between(0, len(frame) - 1).all():
        raise DamageError(str(path), "counts its rows wrongly.", REPAIR)
    if "statistics" in columns:
        numbers = frame["statistics"].explode()
        widths = frame["statistics"].list.len().unique().to_list()
        if numbers.null_count() or not numbers.is_finite().all() or widths not in ([width], []):
            raise DamageError(str(path), f"has not {width} numbers for each example.", REPAIR)
    return frame


@contextmanager
def _damage(path: Path, what: str) -> Iterator[None]:
    """What fails to read or parse inside is damage of the file."""
    try:
        yield
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DamageError(str(path), f"{what} ({error}).", REPAIR) from error


def statistics(path: Path, width: int) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Read by language the numbers of the rows [N], increasing, and the metric's statistics [N, `width`]."""
    frame = predictions(path, ("language", "index", "statistics"), width)
    if frame["language"].n_unique() < len(frame["language"].rle()):
        frame = frame.sort("language", maintain_order=True)
    rows = frame["index"].cast(pl.Int64).to_numpy()
    numbers = frame["statistics"].explode().cast(pl.Float64).to_numpy().reshape(len(frame), -1)
    found, start = {}, 0
    for block in frame["language"].rle():
        own = slice(start, start + block["len"])
        start = own.stop
        order = np.argsort(rows[own], kind="stable")
        found[block["value"]] = rows[own][order], numbers[own][order]
    return found


def certainty(path: Path, family: str) -> pl.DataFrame | None:
    """Read each decision: its `language`, of which of its `rows`, `doubt`, `brier`, whether it is `right`.

    None if the file is of an earlier release, or nobody said how sure he was. DamageError if a number lies
    out of its range, or there is not one for each decision.
    """
    frame = predictions(path, ("language", "index"), beside=("doubt", "brier"))
    if not {"doubt", "brier"} <= {*frame.columns} or not frame["doubt"].list.len().sum():
        return None
    frame = frame.hstack(predictions(path, ("gold", "predicted")))
    if family == "tagging":
        with _damage(path, "holds tags that are no JSON"):
            frame = frame.with_columns(pl.col("gold", "predicted").str.json_decode(pl.List(pl.String)))
    else:
        frame = frame.with_columns(pl.col("gold", "predicted").reshape((-1, 1)).arr.to_list())
    columns = ["gold", "predicted", "doubt", "brier"]
    lengths = frame.select(pl.col(columns).list.len())
    if any(not lengths["doubt"].equals(lengths[name]) for name in columns):
        raise DamageError(str(path), "has not one confidence for each decision.", REPAIR)
    found = (
        frame.filter(pl.col("doubt").list.len() > 0)
        .explode(columns)
        .select(
            "language",
            pl.col("index").cast(pl.Int64).alias("rows"),
            pl.col("doubt", "brier").cast(pl.Float64),
            right=(pl.col("gold") == pl.col("predicted")).cast(pl.Float64),
        )
    )
    if found.null_count().sum_horizontal().item() or not (
        found["doubt"].is_between(0, 1).all() and found["brier"].is_between(0, 2.05).all()
    ):
        raise DamageError(str(path), "holds confidences that are none.", REPAIR)
    return found


def values(path: Path, texts: Sequence[str], family: str, column: str) -> list[Any]:
    """Gold or predicted values (`column`) from their JSON. DamageError if one is not what the family says."""
    with _damage(path, "holds an answer that is no JSON"):
        found = [parse_json(text) for text in texts]
    kind = f"{family} {column}" if family == "span" else family
    try:
        _ANSWERS.get(kind, _LABELS).validate_python(found, strict=True)
    except ValidationError as error:
        wrong = found[int(error.errors()[0]["loc"][0])]
        raise DamageError(str(path), f"holds an answer that is none: {wrong!r:.60}.", REPAIR) from error
    return found


def curve(path: Path) -> list[dict[str, Any]]:
    """The points of curve.jsonl. DamageError if one is none."""
    with _damage(path, "is damaged or cannot be read"):
        points = [parse_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if what := schema.wrong(points, list[schema.Point]):
        raise DamageError(str(path), f"is no curve ({what}).", REPAIR)
    return points
