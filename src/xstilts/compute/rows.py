"""From the use of a task in a specification to its examples, and to columns on disk.

Rows are encoded once, part by part, and mapped by every process that needs them:

    store/data/<key>/<column>.bin     numbers of one column, without a header
    store/data/<key>/about.json       their types and checksums, the axis, the names of images

The key says everything that the numbers depend on. A folder that is damaged or cut short is made again.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from xstilts import families
from xstilts.compute import pretrained
from xstilts.compute.context import Context
from xstilts.compute.data import Encoded, apportion, generator
from xstilts.compute.model import Model
from xstilts.compute.pixels import Album
from xstilts.errors import BackboneError, DataError
from xstilts.families.items import Item, Layout
from xstilts.families.text import TEXT_FAMILIES, TextReadout
from xstilts.metrics import Metric
from xstilts.study.use import Use

PART = 10_000
"""Rows that are encoded together; no more of them stand in memory at once."""

Parts = Iterable[tuple[int, Encoded]]
"""Encoded parts, each after the number of rows that it was made of."""

COLUMNS = tuple(field.name for field in fields(Encoded) if field.name not in ("axis", "names", "album"))


def mapped(folder: Path, key: str, parts: Callable[[], Parts], album: Album | None) -> tuple[Encoded, int]:
    """The columns with that key below the folder, which are made of the parts if they are not there.

    Beside them stands the number of rows that the parts were made of.
    """
    place = folder / key
    if (found := _read(place, album)) is None:
        shutil.rmtree(place, ignore_errors=True)
        beside = folder / f".{key}.{os.getpid()}.{secrets.token_hex(4)}"
        folder.mkdir(exist_ok=True)
        beside.mkdir()
        try:
            _write(beside, parts())
            if not place.exists():  # another process may have been faster, with the same
                beside.rename(place)
        except OSError:
            if not place.exists():
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        found = _read(place, album)
    assert found is not None, "columns that were just written"
    return found


def parted(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Rows in lists of at most `PART`."""
    left = iter(rows)
    while part := list(islice(left, PART)):
        yield part


def _write(folder: Path, parts: Parts) -> None:
    """Append the parts, column by column; where a column counts another's numbers, from where that ended."""
    names: list[str] = []
    axis, rows, types, ends = "", 0, dict[str, str](), dict.fromkeys(COLUMNS, 0)
    files = {name: (folder / f"{name}.bin").open("wb") for name in COLUMNS}
    digests = {name: hashlib.sha256() for name in COLUMNS}
    try:
        for count, part in parts:
            axis, first = part.axis, not rows
            rows += count
            for name, file in files.items():
                column: NDArray[Any] = getattr(part, name)
                if name.endswith("_at"):
                    column, ends[name] = column + ends[name], int(column[-1]) + ends[name]
                    column = column if first else column[1:]
                elif name == "images":
                    column = (column + len(names)).astype(column.dtype)
                elif name == "example":
                    column = (column + rows - count).astype(column.dtype)
                types[name] = column.dtype.str
                written = np.ascontiguousarray(column).tobytes()
                digests[name].update(written)
                file.write(written)
            names += part.names
    finally:
        for file in files.values():
            file.close()
    checks = {name: digest.hexdigest() for name, digest in digests.items()}
    about = {"axis": axis, "rows": rows, "types": types, "names": names, "sha256": checks}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _read(folder: Path, album: Album | None) -> tuple[Encoded, int] | None:
    """The columns in a folder; None if they are not there, or not what was written."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        columns = {}
        for name in COLUMNS:
            path = folder / f"{name}.bin"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != about["sha256"][name]:
                    return None
            kind = np.dtype(about["types"][name])
            empty = path.stat().st_size == 0  # which cannot be mapped
            columns[name] = np.zeros(0, kind) if empty else np.asarray(np.memmap(path, kind, "r"))
        encoded = Encoded(axis=about["axis"], names=tuple(about["names"]), album=album, **columns)
        return encoded, int(about["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


MASKED_HEAD = "masked"
"""All masked texts share one head, with what is read out as text: the language model's."""

VERSIONS = (1, tokenizers.__version__)
"""Of how rows become columns, beside those of the families: part of the key of columns on disk."""


def head_name(use: Use, readout: str = "head") -> str:
    """The name of the head that serves a use of a task; what is read out as text has the language model's."""
    if not use.kind.labelled or (readout == "text" and use.family in TEXT_FAMILIES):
        return MASKED_HEAD
    return use.task.replace(".", "_").replace("/", "_")


def examples(use: Use, context: Context, seed: int) -> Iterable[Any]:
    """The rows of a use, in the order of the source; with a cap, a random subset that the seed chooses.

    Subsets are nested: for the same seed a smaller cap gives a part of what a larger one gives. With shares
    of languages the same positions are chosen as with one language, and divided among them: where the
    languages are translations of each other, only the language of a row depends on its share. Rows come one
    after the other where that is possible, and are read twice if there is a cap. Raises DataError if a
    language has fewer rows than its share.
    """
    rows = _shared(use, context, seed) if use.shares else _capped(use, context, seed)
    if use.labels == "shuffled":
        return families.find(use.family).shuffled(list(rows), generator("labels", seed, use.task))
    return rows


def _capped(use: Use, context: Context, seed: int) -> Iterable[Any]:
    """With a cap rows are read twice, first to be counted; what is slow to make or seen whole once."""
    in_memory = use.kind.pictured or context.places.task(use.task).made is not None
    source = context.examples if in_memory else context.stream

    def read() -> Iterable[Any]:
        return chain.from_iterable(source(use, language) for language in use.languages)

    if use.examples is None and use.fraction is None:
        return read()
    rows = list(read()) if in_memory else None
    count = sum(1 for _ in rows or read())
    limit = use.examples if use.fraction is None else max(1, round(use.fraction * count))
    kept = np.ones(count, bool)
    if limit is not None and limit < count:
        kept[generator("examples", seed, use.task).permutation(count)[limit:]] = False
    return compress(rows or read(), kept)


def asked(rows: Sequence[Any], limit: int | None) -> Sequence[Any]:
    """At most so many rows of a language to be evaluated, in their order.

    A hash of a row's id, or of its number where it has none, decides: so every model is asked the same rows,
    translations are of the same rows, and a smaller limit gives a part of what a larger one gives.
    """
    if limit is None or limit >= len(rows):
        return rows
    keys = (row.id or str(number) for number, row in enumerate(rows))
    ranks = [hashlib.sha256(key.encode()).digest() for key in keys]
    return [rows[number] for number in sorted(sorted(range(len(rows)), key=ranks.__getitem__)[:limit])]


def _shared(use: Use, context: Context, seed: int) -> list[Any]:
    assert use.examples is not None, "shares are of a number of examples"
    found: list[Any] = []
    start = 0
    counts = apportion(use.shares, use.examples).tolist()
    for language, count in zip(use.languages, counts, strict=True):
        rows = context.examples(use, language)
        if count > len(rows):
            what = f"needs {count:,} rows of {use.task} in '{language}'; there are {len(rows):,}."
            raise DataError(context.step.name, what, "Lower `examples`, or the share.")
        order = generator("examples", seed, use.task).permutation(len(rows))
        kept = np.take(order, range(start, start + count), mode="wrap")
        found += [rows[position] for position in sorted(kept)]
        start += count
    return found


@dataclass(frozen=True)
class Prepared:
    """Examples of one task with their items and columns, and the task's metric where it is scored."""

    family: str
    layout: Layout
    examples: Sequence[Any]
    items: Sequence[Item]
    encoded: Encoded
    metric: Metric | None = None


def prepare(
    rows: Sequence[Any],
    family_name: str,
    words: Any,
    layout: Layout,
    metric: Metric | None = None,
    album: Album | None = None,
) -> Prepared:
    """Encode rows to be predicted, with that tokenizer: items are kept, for decoding needs them."""
    family = families.read_out(family_name, layout)
    asking = family.questions if isinstance(family, TextReadout) else family.encode
    items = asking(rows, words, layout)
    columns = _columns(items, family.axis, album, decoded=True)
    return Prepared(family_name, layout, rows, items, columns, metric)


@dataclass(frozen=True)
class Reader:
    """How a model reads the rows of tasks.

    Their columns are encoded by the first step that needs them and mapped from the store's disk by all others
    that read them alike, whatever has trained their models.
    """

    context: Context
    model: Model
    layout: Layout

    def asked(self, rows: Sequence[Any], use: Use, language: str, limit: int | None = None) -> Prepared:
        """What `prepare` makes of the rows of a language that `asked` has chosen with that limit.

        Items hold what decoding needs of them and no more.
        """
        album, words = self.context.album(use, self.model.preparation), self.model.tokenizer

        def parts() -> Parts:
            for part in parted(rows):
                yield len(part), prepare(part, use.family, words, self.layout, album=album).encoded

        data = use.data[use.languages.index(language)]
        own = use.changed(languages=(language,), data=(data,))
        encoded, _ = self._mapped(["asked", limit], own, parts, album)
        items = [encoded.item(number) for number in range(len(encoded))]
        return Prepared(use.family, self.layout, rows, items, encoded)

    def trained(self, use: Use, seed: int) -> tuple[Encoded, int]:
        """The columns of the rows that a phase is trained on, and how many rows they are.

        They are encoded in parts, so that neither rows nor items nor columns stand in memory at once.
        """
        album = self.context.album(use, self.model.preparation)

        def parts() -> Parts:
            for rows in parted(examples(use, self.context, seed)):
                yield len(rows), columns_of(rows, use.family, self.model.tokenizer, self.layout, album)

        drawn = seed if use.examples or use.fraction or use.shares or use.labels == "shuffled" else None
        return self._mapped(["trained", drawn], use, parts, album)

    def _mapped(
        self, chosen: list[Any], use: Use, parts: Callable[[], Parts], album: Album | None
    ) -> tuple[Encoded, int]:
        """The columns of rows of a use, chosen in that way, on the store's disk."""
        rows = use.model_dump(mode="json", exclude={"development"})
        words = pretrained.tokenizer_identity(self.model.tokenizer)
        key = [VERSIONS, chosen, rows, words, repr(self.layout), album is not None]
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return mapped(self.context.store.root / "data", name, parts, album)


def columns_of(
    rows: Sequence[Any], family_name: str, words: Any, layout: Layout, album: Album | None = None
) -> Encoded:
    """The columns of rows to be trained on, with that tokenizer."""
    family = families.read_out(family_name, layout)
    return _columns(family.encode(rows, words, layout), family.axis, album)


def _columns(items: Sequence[Item], axis: str, album: Album | None, *, decoded: bool = False) -> Encoded:
    """The columns of items; BackboneError if they are about images and there is no album for the model."""
    if album is None and any(names for item in items for names in item.images):
        what = "reads text alone, and rows that it is given are about images."
        now = "Give its backbone eyes: `vision = { size = 32, patch = 16 }`."
        raise BackboneError("the model", what, now)
    return Encoded.of(items, axis, album, decoded=decoded)


def has_nulls(metric: str) -> bool:
    """Whether a question may have no answer: so it is where the metric is SQuAD 2.0's."""
    return metric.startswith("squad2")
