"""What cards are made of: a block of YAML, and Markdown."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

TAGS = ("xstilts", "cross-lingual-transfer", "intermediate-task-training")
CODE = re.compile("[a-z]{2,3}")
"""What the Hub takes for the code of a language; those of the lab are none."""


def front(facts: dict[str, Any]) -> str:
    """The block that the Hub reads; what is empty is left out."""
    from huggingface_hub import CardData

    return f"---\n{CardData(**{name: value for name, value in facts.items() if value}).to_yaml()}\n---"


def plain(text: str) -> str:
    """One line, without what Markdown would take for a tag, a link or the end of a cell."""
    return " ".join(text.split()).replace("|", "/").replace("<", "&lt;").replace("](", "]\\(")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ("---",) * len(columns), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {plain(text)}" for text in texts)


def languages(codes: Iterable[str]) -> list[str]:
    """Those that the Hub knows as codes of languages, sorted."""
    return sorted({code.partition("-")[0] for code in codes if CODE.fullmatch(code.partition("-")[0])})
