"""The commands below `xstilts store`: how large it is, whether it is sound, what no study refers to."""

from typing import Annotated

import typer

from xstilts.cli.options import STORE, DataOption, ImagesOption, JsonOption, StoreOption
from xstilts.errors import InputError

commands = typer.Typer(
    help="How large the store is; whether it is sound; what no study refers to.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@commands.callback()
def sizes(context: typer.Context, store: StoreOption = STORE, json: JsonOption = False) -> None:
    """Show what the store takes on the disk, by kind of step. Below: verify, prune."""
    if context.invoked_subcommand is not None:
        source = context.get_parameter_source("store")
        if source is not None and source.name == "COMMANDLINE":
            now = f"Put it behind: xstilts store {context.invoked_subcommand} --store DIR."
            raise InputError("xstilts store", "--store stands before the command.", now)
        return
    from xstilts.cli import show_store
    from xstilts.store import Store, maintenance

    kept = Store(store)
    kept.require_results()
    show_store.sizes(maintenance.sizes(kept), as_json=json)


@commands.command()
def verify(store: StoreOption = STORE, json: JsonOption = False) -> None:
    """Compare every file with the checksum in its step's record; status 1 if something is damaged."""
    from xstilts.cli import show_store
    from xstilts.store import Store, maintenance

    kept = Store(store)
    kept.require_results()
    found = maintenance.verify(kept)
    show_store.verified(found, as_json=json)
    if found.damages:
        raise typer.Exit(1)


@commands.command()
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
    from xstilts.api import Study
    from xstilts.cli import show_store
    from xstilts.store import Store, maintenance

    kept = Store(store)
    kept.require_results()
    steps = [step for study in studies for step in Study.load(study).planned(store, data, images)[0].steps]
    found = maintenance.unreferenced(kept, steps)
    show_store.unreferenced(found, removed=yes)
    if yes:
        maintenance.remove(kept, found)
