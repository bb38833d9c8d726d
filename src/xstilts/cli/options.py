"""What commands have in common: their options, and how a study is planned."""

import shlex
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

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
