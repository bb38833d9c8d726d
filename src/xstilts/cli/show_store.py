"""What the commands about the store print."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from xstilts.cli.output import gigabytes, print_json
from xstilts.plain import printable
from xstilts.store import Store
from xstilts.store.maintenance import Size, Verified, damage_lines, fingerprint_of, folders, size


def sizes(found: Sequence[Size], *, as_json: bool) -> None:
    """A row for each kind of step and each folder beside them, and what all take together."""
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows: list[tuple[str, ...]] = [
        (one.kind, str(one.steps or ""), gigabytes(one.bytes), gigabytes(one.checkpoints)) for one in found
    ]
    whole = sum(one.bytes for one in found), sum(one.checkpoints for one in found)
    rows.append(("all", str(sum(one.steps for one in found)), *map(gigabytes, whole)))
    _print(("kind", "steps", "size", "of it checkpoints"), rows)


def verified(found: Verified, *, as_json: bool) -> None:
    """What is damaged, file by file, and how much was looked at."""
    if as_json:
        damages = [{"step": one.folder.name, "files": list(one.lines)} for one in found.damages]
        print_json(asdict(found) | {"damages": damages})
        return
    for line in damage_lines(found.damages):
        print(line)
    told = f"{found.steps} steps verified ({gigabytes(found.bytes)}), {len(found.damages)} damaged"
    if found.unknown:
        told += f"; {found.unknown} have no checksums, for an earlier release wrote them"
    print(f"{told}.")
    if found.damages:
        print("`xstilts run STUDY --repair` computes them again.", file=sys.stderr)


def studies(store: Store, *, as_json: bool) -> None:
    """The studies that were run into the store: how far each is, when it was run, and its file."""
    found = [
        {
            "study": one.name,
            "cells": len(one.evaluations) or len(one.steps),
            "done": sum(store.folder(step) is not None for step in one.evaluations or one.steps),
            "failed": sum(store.failure(step) is not None for step in one.steps),
            "last_run": datetime.fromtimestamp(one.seconds_since_1970).isoformat(" ", "minutes"),
            "file": one.file,
        }
        for one in store.studies()
    ]
    if as_json:
        print_json(found)
        return
    if found:
        head = ("study", "cells done", "steps failed", "last run", "file")
        rows = [
            (one["study"], f"{one['done']} of {one['cells']}", one["failed"], one["last_run"], one["file"])
            for one in found
        ]
        _print(head, [tuple(printable(str(cell)) for cell in row) for row in rows])
    known = {step for one in store.studies() for step in one.steps}
    if rest := sum(fingerprint_of(folder) not in known for folder in folders(store)):
        print(f"{rest} finished steps belong to none of these as they were last run: `xstilts status STUDY`.")


def unreferenced(found: Sequence[Path], *, removed: bool) -> None:
    """Folders that no study refers to, with their sizes, and what becomes of them."""
    taken = [size(folder) for folder in found]
    for folder, one in zip(found, taken, strict=True):
        print(f"{gigabytes(one)}  {folder.parent.name}/{folder.name}")
    told = f"{len(found)} folders, {gigabytes(sum(taken))}"
    if not found:
        print("Everything belongs to these studies.", file=sys.stderr)
    elif removed:
        print(f"{told}: removed.", file=sys.stderr)
    else:
        print(f"{told}: nothing was removed yet. Give --yes to remove it.", file=sys.stderr)


def _print(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns, the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for first, *rest in (head, *rows):
        cells = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))
