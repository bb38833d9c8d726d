"""From the use of a task in a specification to its examples and encoded items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xstilts import families
from xstilts.errors import BackboneError, DataError
from xstilts.families.items import Item, Layout
from xstilts.families.text import TEXT_FAMILIES, Text
from xstilts.runner.context import Context
from xstilts.runner.data import Encoded, generator
from xstilts.runner.pixels import Album
from xstilts.runner.schedule import apportion
from xstilts.study.use import Use

MASKED_HEAD = "masked"
"""All masked texts share one head, with what is read out as text: the language model's."""


PART = 10_000
"""Rows that are encoded together."""


def head_name(use: Use, readout: str = "head") -> str:
    """The name of the head that serves a use of a task; what is read out as text has the language model's."""
    if use.family == "masked" or (readout == "text" and use.family in TEXT_FAMILIES):
        return MASKED_HEAD
    return use.task.replace(".", "_").replace("/", "_")


def examples(use: Use, context: Context, seed: int) -> list[Any]:
    """The rows of a use, in the order of the source; with a cap, a random subset that the seed chooses.

    Subsets are nested: for the same seed a smaller cap gives a part of what a larger one gives. With shares
    of languages the same positions are chosen as with one language, and divided among them: where the
    languages are translations of each other, only the language of a row depends on its share. Raises
    DataError if a language has fewer rows than its share.
    """
    if use.shares:
        rows = _shared(use, context, seed)
    else:
        rows = [row for language in use.languages for row in context.examples(use, language)]
        limit = use.examples if use.fraction is None else max(1, round(use.fraction * len(rows)))
        if limit is not None and limit < len(rows):
            kept = generator("examples", seed, use.task).permutation(len(rows))[:limit]
            rows = [rows[position] for position in sorted(kept)]
    if use.labels == "shuffled":
        rows = families.find(use.family).shuffled(rows, generator("labels", seed, use.task))
    return rows


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
    items: list[Item]
    encoded: Encoded
    metric: str = ""


def prepare(
    rows: Sequence[Any],
    family_name: str,
    tokenizer: Any,
    layout: Layout,
    metric: str = "",
    album: Album | None = None,
) -> Prepared:
    """Encode rows to be predicted: items are kept, for decoding needs them."""
    family = families.read_out(family_name, layout)
    asking = family.questions if isinstance(family, Text) else family.encode
    items = asking(rows, tokenizer, layout)
    return Prepared(family_name, layout, rows, items, _columns(items, family.axis, album), metric)


def encode(
    rows: Sequence[Any], family_name: str, tokenizer: Any, layout: Layout, album: Album | None = None
) -> Encoded:
    """Encode rows to be trained on: columns only, in parts, so that items never stand in memory at once."""
    family = families.read_out(family_name, layout)
    return Encoded.join(
        [
            _columns(family.encode(rows[start : start + PART], tokenizer, layout), family.axis, album)
            for start in range(0, len(rows), PART)
        ]
    )


def _columns(items: Sequence[Item], axis: str, album: Album | None) -> Encoded:
    """The columns of items; BackboneError if they are about images and there is no album for the model."""
    if album is None and any(names for item in items for names in item.images):
        what = "reads text alone, and rows that it is given are about images."
        now = "Give its backbone eyes: `vision = { size = 32, patch = 16 }`."
        raise BackboneError("the model", what, now)
    return Encoded.of(items, axis, album)


def has_nulls(metric: str) -> bool:
    """Whether a question may have no answer: so it is where the metric is SQuAD 2.0's."""
    return metric.startswith("squad2")
