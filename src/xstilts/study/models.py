"""Models of the Hub that studies often name, from `models.csv`: full names, commits, sizes, other names.

The commits are those of the bundled studies, and for multilingual BERT the one that most others name. Sizes
are in millions of parameters, `body` without the tables of tokens, as transformers builds the model from its
published configuration. What is not known is empty.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from xstilts.errors import did_you_mean


@dataclass(frozen=True)
class Model:
    """A model; `parameters` and `body` are None, and `revision` is empty, where they are not known."""

    name: str
    revision: str
    parameters: float | None
    body: float | None
    also: tuple[str, ...]


@lru_cache(maxsize=1)
def known() -> dict[str, Model]:
    """The models by their full names."""
    text = files("xstilts.study").joinpath("models.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Model(
            row["name"],
            row["revision"],
            1e6 * float(row["parameters"]) if row["parameters"] else None,
            1e6 * float(row["body"]) if row["body"] else None,
            tuple(row["also"].split()),
        )
        for row in csv.DictReader(text.splitlines())
    }


def pin(name: str) -> str:
    """How to pin the commit of a model of the Hub."""
    if name in known() and (revision := known()[name].revision):
        return f'Pin the commit: revision = "{revision}".'
    return "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions')."


def near(word: str, bundled: Collection[str]) -> str:
    """What a name without owner means: an old name of the Hub, a nickname, a bundled one; "" if nothing."""
    names = {other: model.name for model in known().values() for other in model.also}
    full = names.get(word.casefold())
    if full is None:
        if hint := did_you_mean(word, bundled):
            return hint
        full = next(
            (name for other, name in names.items() if f"'{other}'" in did_you_mean(word, names)), None
        )
    if full is None:
        return ""
    if revision := known()[full].revision:
        return f'Write model = "{full}", revision = "{revision}".'
    return f'On the Hub it is model = "{full}". {pin(full)}'
