"""From the use of a task in a specification to its examples and encoded items."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import numpy as np
import tokenizers

from xstilts import families
from xstilts.compute import tokenizer
from xstilts.compute.columns import Parts, mapped, parted
from xstilts.compute.context import Context
from xstilts.compute.data import Encoded, generator
from xstilts.compute.model import Model
from xstilts.compute.pixels import Album
from xstilts.compute.schedule import apportion
from xstilts.errors import BackboneError, DataError
from xstilts.families.items import Item, Layout
from xstilts.families.text import TEXT_FAMILIES, TextReadout
from xstilts.metrics import Metric
from xstilts.study.use import Use

MASKED_HEAD = "masked"
"""All masked texts share one head, with what is read out as text: the language model's."""

VERSIONS = (1, tokenizers.__version__)
"""Of how rows become columns, beside those of the families: part of the key of columns on disk."""


def head_name(use: Use, readout: str = "head") -> str:
    """The name of the head that serves a use of a task; what is read out as text has the language model's."""
    if use.family == "masked" or (readout == "text" and use.family in TEXT_FAMILIES):
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
    in_memory = use.family == "visual" or context.places.task(use.task).made is not None
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
    items = _questions(rows, family_name, words, layout)
    axis = families.read_out(family_name, layout).axis
    return Prepared(family_name, layout, rows, items, _columns(items, axis, album), metric)


def prepare_once(  # noqa: PLR0913, PLR0917 (what columns depend on)
    rows: Sequence[Any],
    use: Use,
    language: str,
    limit: int | None,
    context: Context,
    model: Model,
    layout: Layout,
) -> Prepared:
    """What `prepare` makes of the rows of a language that `asked` has chosen with that limit.

    Their columns are encoded by the first evaluation that needs them and mapped from the store's disk by all
    others, whatever has trained their models. Items hold what decoding needs of them and no more.
    """
    album, axis = context.album(use, model.preparation), families.read_out(use.family, layout).axis

    def parts() -> Parts:
        for part in parted(rows):
            items = _questions(part, use.family, model.tokenizer, layout)
            yield len(part), _columns(items, axis, album, decoded=True)

    data = use.data[use.languages.index(language)]
    key = ["asked", limit], use.changed(languages=(language,), data=(data,))
    encoded, _ = _mapped(key, parts, context, model, layout, album)
    items = [encoded.item(number) for number in range(len(encoded))]
    return Prepared(use.family, layout, rows, items, encoded)


def encode(use: Use, context: Context, seed: int, model: Model, layout: Layout) -> tuple[Encoded, int]:
    """The columns of the rows that a phase is trained on, and how many rows they are.

    They are encoded in parts and mapped from the store's disk, so that neither rows nor items nor columns
    stand in memory at once, and workers share them.
    """
    album = context.album(use, model.preparation)

    def parts() -> Parts:
        for rows in parted(examples(use, context, seed)):
            yield len(rows), columns_of(rows, use.family, model.tokenizer, layout, album)

    drawn = seed if use.examples or use.fraction or use.shares or use.labels == "shuffled" else None
    return _mapped((["trained", drawn], use), parts, context, model, layout, album)


def _mapped(
    chosen: tuple[list[Any], Use],
    parts: Callable[[], Parts],
    context: Context,
    model: Model,
    layout: Layout,
    album: Album | None,
) -> tuple[Encoded, int]:
    """The columns of rows of a use, chosen in that way, on the store's disk."""
    how, use = chosen
    rows, words = use.model_dump(mode="json", exclude={"development"}), tokenizer.identity(model.tokenizer)
    key = [VERSIONS, how, rows, words, repr(layout), album is not None]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    return mapped(context.store.root / "data", name, parts, album)


def columns_of(
    rows: Sequence[Any], family_name: str, words: Any, layout: Layout, album: Album | None = None
) -> Encoded:
    """The columns of rows to be trained on, with that tokenizer."""
    family = families.read_out(family_name, layout)
    return _columns(family.encode(rows, words, layout), family.axis, album)


def _questions(rows: Sequence[Any], family_name: str, words: Any, layout: Layout) -> list[Item]:
    """The items of rows to be predicted."""
    family = families.read_out(family_name, layout)
    asking = family.questions if isinstance(family, TextReadout) else family.encode
    return asking(rows, words, layout)


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
