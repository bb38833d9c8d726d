"""The commands that give results away: predictions for XTREME, models and tables for the Hugging Face Hub.

And what all commands have in common: their options, and the line that gives a command again.
"""

import shlex
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from xstilts.api import Study
from xstilts.plain import first_of

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A bundled study, or the path of a file.")
]
StoreOption = Annotated[Path, typer.Option("--store", envvar="XSTILTS_STORE", help="Where results are kept.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", envvar="XSTILTS_DATA", help="A folder with the original files of the tasks."),
]
ImagesOption = Annotated[
    Path | None,
    typer.Option(
        "--images", envvar="XSTILTS_IMAGES", help="A folder with images; by default that in the data folder."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HubOption = Annotated[str, typer.Option("--to", metavar="ORG/NAME", help="The repository of the Hub.")]
DryRunOption = Annotated[
    Path | None,
    typer.Option("--dry-run", metavar="DIR", help="Write it into a folder, and nothing to the Hub."),
]
PublicOption = Annotated[bool, typer.Option("--public", help="For all to see; by default it is private.")]
LicenceOption = Annotated[
    str | None, typer.Option("--licence", help="Yours, as the Hub calls it: apache-2.0, cc-by-4.0 and so on.")
]
STORE = Path("store")


SAME_STUDY = ("study", "store", "data", "images")
"""The parameters that say which study it is, and on which data: all commands about one have them."""


def command_line(context: typer.Context, command: str, taken: Container[str] | None = None) -> str:
    """The line that gives `command` what the running one was given, also by the environment, for a shell.

    All of it, or only the parameters of these names.
    """

    def words() -> Iterator[str]:
        for parameter in context.command.params:
            name = str(parameter.name)
            source = context.get_parameter_source(name)
            if source is None or source.name == "DEFAULT" or (taken is not None and name not in taken):
                continue
            value: Any = context.params[name]
            for one in value if isinstance(value, list) else [value]:
                if parameter.param_type_name == "option":
                    yield parameter.opts[0]
                if one is not True:
                    yield str(one)

    return shlex.join(["xstilts", command, *words()])


def given(context: typer.Context, apart: Container[str] = ("study",)) -> dict[str, Any]:
    """What the running command was given but for these parameters: the options of a command are called as
    those of what it calls."""
    return {name: value for name, value in context.params.items() if name not in apart}


def export(
    context: typer.Context,
    study: StudyArgument,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    out: Annotated[Path | None, typer.Option(help="A folder; by default exports/STUDY.")] = None,
) -> None:
    """Write the predictions in XTREME's layout. A folder for each arm and seed."""
    from xstilts.xtreme.export import export as write

    plan, kept = Study.load(study).planned(store, data, images, there=True)
    found = write(plan, kept, out or Path("exports") / plan.study.name)
    for folder in found.folders:
        print(folder)
    for line in found.lost:
        print(f"{line} The layout has one answer for each id.", file=sys.stderr)
    for line in found.unlike:
        print(line, file=sys.stderr)
    if found.missing:
        first = command_line(context, "run", SAME_STUDY)
        print(f"Not computed yet: {first_of(found.missing, 10)}. First: {first}", file=sys.stderr)
        raise typer.Exit(1)


def push(  # noqa: PLR0913, PLR0917 (one for each option)
    context: typer.Context,
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
    """Put a trained model with its card on the Hugging Face Hub. More: docs/sharing.md."""
    print(Study.load(study).push(**given(context)))


def share(  # noqa: PLR0913, PLR0917 (one for each option)
    context: typer.Context,
    study: StudyArgument,
    to: HubOption,
    store: StoreOption = STORE,
    data: DataOption = None,
    images: ImagesOption = None,
    dry_run: DryRunOption = None,
    public: PublicOption = False,
    licence: LicenceOption = None,
) -> None:
    """Put the results on the Hugging Face Hub as a data set. More: docs/sharing.md."""
    print(Study.load(study).share(**given(context)))
