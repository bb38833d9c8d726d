"""How commands print results, on standard output: JSON for machines, lines, tables and columns for people."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xstilts.plain import printable


def print_json(content: object) -> None:
    """One value, indented."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def print_lines(lines: Iterable[str]) -> None:
    """Lines of text, none folded or cut, without signs that could steer a terminal."""
    for line in lines:
        print(printable(line))


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as wide as the terminal; elsewhere no line is folded or cut."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(printable, head), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(printable(str(value)) for value in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def columns(
    rows: Sequence[Sequence[str]], width: int | None = None, *, numbers: bool = False
) -> Iterator[str]:
    """Lines of columns. One that does not fit into the width is left out whole: nothing is cut.

    All but the first stand to the right if they are `numbers`.

    >>> list(columns([("task", "what it is"), ("mnli", "inference")], 12))
    ['task', 'mnli']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kept, room = list[int](), width
    for number, wide in enumerate(widths):
        if room is None or wide <= room:
            kept.append(number)
            room = None if room is None else room - wide - 2
    for row in rows:
        cells = (f"{row[number]:{'>' if numbers and number else '<'}{widths[number]}}" for number in kept)
        yield "  ".join(cells).rstrip()


def gigabytes(number: int) -> str:
    """Bytes in a unit that suits their number."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1000**power:
            return f"{number / 1000**power:.1f} {unit}"
    return f"{number} B"
