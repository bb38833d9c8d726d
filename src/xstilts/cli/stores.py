"""The commands below `xstilts store`, and what is told of one: its size, its studies, whether it is sound.

And what no study refers to.
"""

import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from xstilts.api import Study
from xstilts.cli.commands import STORE, DataOption, ImagesOption, JsonOption, StoreOption
from xstilts.cli.output import columns, gigabytes, print_json, print_lines
from xstilts.errors import InputError

if TYPE_CHECKING:
    from xstilts.store import Store

of_store = typer.Typer(
    help="Show the size of the store, verify it, prune it.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@of_store.callback()
def sizes(context: typer.Context, store: StoreOption = STORE, json: JsonOption = False) -> None:
    """Show what the store takes on the disk, by kind of step. Below: verify, prune."""
    if context.invoked_subcommand is not None:
        source = context.get_parameter_source("store")
        if source is not None and source.name == "COMMANDLINE":
            now = f"Put it behind: xstilts store {context.invoked_subcommand} --store DIR."
            raise InputError("xstilts store", "--store stands before the command.", now)
        return
    from xstilts.store import Store, maintenance

    found = maintenance.sizes(Store(store).require_results())
    if json:
        print_json([asdict(one) for one in found])
        return
    rows: list[tuple[str, ...]] = [
        (one.kind, str(one.steps or ""), gigabytes(one.bytes), gigabytes(one.checkpoints)) for one in found
    ]
    whole = sum(one.bytes for one in found), sum(one.checkpoints for one in found)
    rows.append(("all", str(sum(one.steps for one in found)), *map(gigabytes, whole)))
    print_lines(columns([("kind", "steps", "size", "of it checkpoints"), *rows], numbers=True))


@of_store.command()
def verify(store: StoreOption = STORE, json: JsonOption = False) -> None:
    """Compare every file with the checksum in its step's record; status 1 if something is damaged."""
    from xstilts.store import Store, maintenance

    found = maintenance.verify(Store(store).require_results())
    if json:
        damages = [{"step": one.folder.name, "files": list(one.lines)} for one in found.damages]
        print_json(asdict(found) | {"damages": damages})
    else:
        for line in maintenance.damage_lines(found.damages):
            print(line)
        told = f"{found.steps} steps verified ({gigabytes(found.bytes)}), {len(found.damages)} damaged"
        if found.unknown:
            told += f"; {found.unknown} have no checksums, for an earlier release wrote them"
        print(f"{told}.")
        if found.damages:
            print("`xstilts run STUDY --repair` computes them again.", file=sys.stderr)
    if found.damages:
        raise typer.Exit(1)


@of_store.command()
def prune(
    studies: Annotated[
        list[str], typer.Argument(metavar="STUDY...", help="The studies of which everything stays.")
    ],
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is listed.")] = False,
) -> None:
    """List what none of the studies refers to. With --yes, remove it."""
    from xstilts.store import Store, maintenance

    kept = Store(store).require_results()
    steps = [step for study in studies for step in Study.load(study).planned(store, data, images)[0].steps]
    found = maintenance.unreferenced(kept, steps)
    taken = [maintenance.size(folder) for folder in found]
    for folder, size in zip(found, taken, strict=True):
        print(f"{gigabytes(size)}  {folder.parent.name}/{folder.name}")
    told = f"{len(found)} folders, {gigabytes(sum(taken))}"
    if not found:
        print("Everything belongs to these studies.", file=sys.stderr)
    elif yes:
        print(f"{told}: removed.", file=sys.stderr)
        maintenance.remove(kept, found)
    else:
        print(f"{told}: nothing was removed yet. Give --yes to remove it.", file=sys.stderr)


def print_studies(store: "Store", *, as_json: bool) -> None:
    """The studies that were run into the store: how far each is, when it was run, and its file."""
    from xstilts.store.maintenance import fingerprint_of, folders

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
            (
                str(one["study"]),
                f"{one['done']} of {one['cells']}",
                *(str(one[key]) for key in ("failed", "last_run", "file")),
            )
            for one in found
        ]
        print_lines(columns([head, *rows], numbers=True))
    known = {step for one in store.studies() for step in one.steps}
    if rest := sum(fingerprint_of(folder) not in known for folder in folders(store)):
        print(f"{rest} finished steps belong to none of these as they were last run: `xstilts status STUDY`.")
