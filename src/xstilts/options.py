"""What commands have in common: their options, and how a study is planned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from xstilts.store import Store
    from xstilts.study.plan import Plan

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
STORE = Path("store")


def planned(study: str, store: Path, data: Path | None, images: Path | None) -> "tuple[Plan, Store]":
    """The plan of a study, and the store, which looks for its steps in their own places."""
    from xstilts.store import Store
    from xstilts.study.load import load
    from xstilts.study.plan import plan

    found, kept = plan(load(study), data, images), Store(store)
    kept.know(found.steps)
    return found, kept
