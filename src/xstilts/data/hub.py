"""Data sets on the Hugging Face Hub: Parquet, JSON-lines or TSV files at a pinned revision, never a script.

The library that fetches is imported only when something is fetched, so that planning stays light.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xstilts.data import languages, tabular
from xstilts.data.examples import Example, fit
from xstilts.data.task import Hub
from xstilts.errors import DataError


def stream(hub: Hub, split: str, language: str, task: str) -> Iterator[Example]:
    """The examples of a split in a language, in the order of the file, then those of `also`.

    Raises DataError if the data set has no such split or language, or if the file can neither be fetched nor
    found in the cache of an earlier fetch.
    """
    where, name = _where(hub, task), _path(hub, split, language, task)
    paths = _fetch(hub, name, where)
    if hub.read_files is not None:
        examples = hub.read_files(paths, language)
    else:
        assert hub.read is not None, "a data set is read by rows or by files"
        rows = tabular.rows(paths[0], tabular.format_of(name))
        examples = hub.read((row for _, row in rows), language)
    example: Example | None = None
    for example in fit(examples, f"{where}, {name}"):
        yield example
    if example is None:
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


def in_cache(hub: Hub, split: str, language: str) -> bool:
    """Whether the files of a split in a language were fetched before, so that nothing has to be."""
    from huggingface_hub import constants, try_to_load_from_cache

    if split not in hub.files or (hub.codes and language not in hub.codes):
        return False
    name = _path(hub, split, language, "")
    if "*" in name and hub.read_files is not None:
        parts = _cached_parts(hub, name)
        return bool(parts) and (constants.HF_HUB_OFFLINE or _said_number(parts) == len(parts))
    found = try_to_load_from_cache(hub.dataset, name, revision=hub.revision, repo_type="dataset")
    return isinstance(found, str) and all(in_cache(other, split, language) for other in hub.also)


def _parts(hub: Hub, name: str, **options: Any) -> tuple[Path, ...]:
    """The files that match a name with `*`, sorted."""
    from huggingface_hub import snapshot_download

    folder = snapshot_download(hub.dataset, repo_type="dataset", revision=hub.revision, **options)
    return tuple(sorted(Path(folder).glob(name)))


def _cached_parts(hub: Hub, name: str) -> tuple[Path, ...]:
    """Those of them that are in the cache."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return _parts(hub, name, local_files_only=True)
    except LocalEntryNotFoundError:
        return ()


def _said_number(parts: Sequence[Path]) -> int | None:
    """How many files the name of the first says that there are: 4 for `train-00000-of-00004.parquet`."""
    said = re.search(r"-of-(\d{5})\b", parts[0].name)
    return int(said[1]) if said else None


def _fetch(hub: Hub, name: str, where: str) -> tuple[Path, ...]:
    """The file of that name, or all that match it where it holds `*`."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    or_files = ", or give a folder with the original files: --data DIR" if hub.read_files is None else ""
    try:
        if "*" not in name:
            return (Path(hf_hub_download(hub.dataset, name, repo_type="dataset", revision=hub.revision)),)
        known = _cached_parts(hub, name) if hub.read_files is not None else ()
        if known and _said_number(known) == len(known):  # the number of parts is part of the name
            return known
        if not (found := _parts(hub, name, allow_patterns=name)):
            raise LocalEntryNotFoundError(name)
        if hub.read_files is not None and (said := _said_number(found)) not in (None, len(found)):
            what = f"of the {said} parts of {name} only {len(found)} are in the cache."
            raise DataError(where, what, "Go online once, so that all are fetched.")
        return found
    except LocalEntryNotFoundError as error:
        what = f"{name} is not in the cache and the Hub cannot be reached."
        raise DataError(where, what, f"Go online once{or_files}.") from error
    except EntryNotFoundError as error:
        what = f"revision {hub.revision} has no file {name}."
        raise DataError(where, what, "Leave this language out.") from error
    except (HfHubHTTPError, OSError) as error:
        what = f"{name} cannot be fetched ({type(error).__name__}: {str(error).splitlines()[0]})."
        raise DataError(where, what, f"Try again{or_files}.") from error
