"""The commands that give results away: predictions for XTREME, models and tables for the Hugging Face Hub.

And those below `xstilts store`: how large it is, whether it is sound, what no study refers to.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xstilts.api import Study
from xstilts.cli.options import (
    SAME_STUDY,
    STORE,
    DataOption,
    DryRunOption,
    HubOption,
    ImagesOption,
    JsonOption,
    LicenceOption,
    PublicOption,
    StoreOption,
    StudyArgument,
    command_line,
)
from xstilts.errors import InputError
from xstilts.plain import first_of


def export(
    context: typer.Context,
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder; by default exports/STUDY.")] = None,
) -> None:
    """Write the predictions as XTREME's submissions, a folder for each arm and seed."""
    from xstilts.xtreme.export import export as write

    plan, kept = Study.load(study).planned(store, data, images, there=True)
    found = write(plan, kept, out or Path("exports") / plan.study.name)
    for folder in found.folders:
        print(folder)
    for line in found.lost:
        print(f"{line} The layout has one answer for each id.", file=sys.stderr)
    if found.missing:
        first = command_line(context, "run", SAME_STUDY)
        print(f"Not computed yet: {first_of(found.missing, 10)}. First: {first}", file=sys.stderr)
        raise typer.Exit(1)


def push(  # noqa: PLR0913, PLR0917 (one for each option)
    study: StudyArgument,
    arm: Annotated[str, typer.Argument(metavar="ARM", help="An arm of the study.")],
    to: HubOption,
    target: Annotated[
        str | None, typer.Option(help="After the training for this target; by default before any.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="By default the first of the study.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Where the study has several.")] = None,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    dry_run: DryRunOption = None,
    public: PublicOption = False,
    merged: Annotated[
        bool, typer.Option("--merged", help="The whole model, not the adapter that was trained.")
    ] = False,
    licence: LicenceOption = None,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train it again if its checkpoint was dropped.")
    ] = False,
) -> None:
    """Put a trained model with its card on the Hugging Face Hub: docs/sharing.md."""
    print(
        Study.load(study).push(
            arm,
            to,
            store,
            data,
            images,
            target=target,
            seed=seed,
            backbone=backbone,
            dry_run=dry_run,
            public=public,
            merged=merged,
            licence=licence,
            retrain=retrain,
        )
    )


def share(  # noqa: PLR0913, PLR0917 (one for each option)
    study: StudyArgument,
    to: HubOption,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    dry_run: DryRunOption = None,
    public: PublicOption = False,
    licence: LicenceOption = None,
) -> None:
    """Put tables, claims and page on the Hugging Face Hub as a data set: docs/sharing.md."""
    address = Study.load(study).share(
        to, store, data, images, dry_run=dry_run, public=public, licence=licence
    )
    print(address)


of_store = typer.Typer(
    help="How large the store is; whether it is sound; what no study refers to.",
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
    from xstilts.cli import show_store
    from xstilts.store import Store, maintenance

    kept = Store(store)
    kept.require_results()
    show_store.sizes(maintenance.sizes(kept), as_json=json)


@of_store.command()
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
    from xstilts.cli import show_store
    from xstilts.store import Store, maintenance

    kept = Store(store)
    kept.require_results()
    steps = [step for study in studies for step in Study.load(study).planned(store, data, images)[0].steps]
    found = maintenance.unreferenced(kept, steps)
    show_store.unreferenced(found, removed=yes)
    if yes:
        maintenance.remove(kept, found)
