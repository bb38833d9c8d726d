"""Data sets on the Hugging Face Hub: Parquet, JSON-lines or TSV files at a pinned revision, never a script.

The library that fetches is imported only when something is fetched, so that planning stays light.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xstilts.data import languages, readers
from xstilts.data.examples import Example
from xstilts.data.fit import fit
from xstilts.data.task import Hub
from xstilts.errors import DataError


def stream(hub: Hub, split: str, language: str, task: str) -> Iterator[Example]:
    """The examples of a split in a language, in the order of the file, then those of `also`.

    Raises DataError if the data set has no such split or language, or if the file can neither be fetched nor
    found in the cache of an earlier fetch.
    """
    where, name = _where(hub, task), _path(hub, split, language, task)
    found = False
    for example in fit(hub.read(_rows(_fetch(hub, name, where), where), language), f"{where}, {name}"):
        found = True
        yield example
    if not found:
        raise DataError(where, f"{name} holds no examples.")
    for other in hub.also:
        yield from stream(other, split, language, task)


def paths(hub: Hub, split: str, language: str, task: str) -> Iterator[str]:
    """The files that `stream` reads: `hub:REPOSITORY@REVISION/PATH`; the path names config and split."""
    for one in hub.sources:
        yield f"hub:{one.dataset}@{one.revision}/{_path(one, split, language, task)}"


def _where(hub: Hub, task: str) -> str:
    return f"task '{task}' on the Hub ({hub.dataset})"


def _path(hub: Hub, split: str, language: str, task: str) -> str:
    """The file of a split in a language; DataError if the data set has none."""
    where = _where(hub, task)
    if split not in hub.files:
        raise DataError(where, f"has no split '{split}'; it has {', '.join(hub.files)}.")
    if hub.codes and language not in hub.codes:
        near = languages.near(language, hub.codes) or f"It has {', '.join(hub.codes)}."
        raise DataError(where, f"has no language '{language}'.", near)
    return hub.files[split].replace("{lang}", hub.codes.get(language, language))


def _fetch(hub: Hub, name: str, where: str) -> Path:
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        if "*" in name:  # the number of parts is part of the name
            folder = snapshot_download(
                hub.dataset, repo_type="dataset", revision=hub.revision, allow_patterns=name
            )
            found = sorted(Path(folder).glob(name))
            if not found:
                raise LocalEntryNotFoundError(name)
            return found[0]
        return Path(hf_hub_download(hub.dataset, name, repo_type="dataset", revision=hub.revision))
    except LocalEntryNotFoundError as error:
        what = f"{name} is not in the cache and the Hub cannot be reached."
        way_out = "Go online once, or give a folder with the original files: --data DIR."
        raise DataError(where, what, way_out) from error
    except EntryNotFoundError as error:
        raise DataError(
            where, f"revision {hub.revision} has no file {name}.", "Leave this language out."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        what = f"{name} cannot be fetched ({type(error).__name__}: {str(error).splitlines()[0]})."
        raise DataError(
            where, what, "Try again, or give a folder with the original files: --data DIR."
        ) from error


def _rows(path: Path, where: str) -> Iterator[Mapping[str, Any]]:
    if path.suffix == ".tsv":
        return (row for _, row in readers.table(path, ()))
    if path.suffix != ".parquet":
        return (row for _, row in readers.json_lines(path, ()))
    import polars
    from polars.exceptions import PolarsError

    try:
        return polars.read_parquet(path).iter_rows(named=True)
    except (PolarsError, OSError) as error:
        raise DataError(
            where, f"{path} is no Parquet file ({error}).", "Remove it and fetch it again."
        ) from error
