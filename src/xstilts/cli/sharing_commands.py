"""The commands that give results away: predictions for XTREME, models and tables for the Hugging Face Hub."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xstilts.cli.options import (
    SAME_STUDY,
    STORE,
    DataOption,
    DryRunOption,
    HubOption,
    ImagesOption,
    LicenceOption,
    PublicOption,
    StoreOption,
    StudyArgument,
    command_line,
)


def export(
    context: typer.Context,
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder; by default exports/STUDY.")] = None,
) -> None:
    """Write the predictions as XTREME's submissions, a folder for each arm and seed."""
    from xstilts.api import Study
    from xstilts.xtreme.export import export as write

    plan, kept = Study.load(study).planned(store, data, images)
    found = write(plan, kept, out or Path("exports") / plan.study.name)
    for folder in found.folders:
        print(folder)
    for line in found.lost:
        print(f"{line} The layout has one answer for each id.", file=sys.stderr)
    if found.missing:
        first = command_line(context, "run", SAME_STUDY)
        print(f"Not computed yet: {', '.join(found.missing)}. First: {first}", file=sys.stderr)
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
    from xstilts.api import Study

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
    from xstilts.api import Study

    asked = Study.load(study)
    print(asked.share(to, store, data, images, dry_run=dry_run, public=public, licence=licence))
