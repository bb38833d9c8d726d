"""What `xstilts tasks` and `xstilts studies` print: what there is, and one of it with where its rows lie."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from xstilts import tasks as registry
from xstilts.data import translated
from xstilts.data.task import Files, Hub, Task
from xstilts.errors import InputError
from xstilts.plain import printable
from xstilts.study import load

FIELDS = (
    "name",
    "family",
    "languages",
    "metric",
    "labels",
    "source_language",
    "trained_by",
    "licence",
    "citation",
    "url",
    "description",
)
LISTED = 12
"""So many labels are named; of more, the number is told."""


def tasks(name: str | None, *, as_json: bool) -> None:
    """All tasks of the package, or of a study, in a table as wide as the screen; or one task, with where its
    rows lie."""
    of_study = name is not None and (name.endswith(".toml") or name in load.bundled())
    if name is not None and not of_study:
        one = load.find_task(name)
        if as_json:
            print(json.dumps(_facts(one) | {"layout": layout(one)}, indent=1, ensure_ascii=False))
        else:
            print(printable("\n".join(about(one))))
        return
    if of_study:
        found = list(load.tasks_of(load.load(str(name))).values())
    else:
        found = [registry.find(each) for each in registry.names()]
    if as_json:
        print(json.dumps([_facts(one) for one in found], indent=1, ensure_ascii=False))
        return
    rows = []
    for one in found:
        train = f"by {one.trained_by}" if one.trained_by else _count(one.sizes.get("train"))
        evaluated = _count(one.sizes.get(one.evaluation_split))
        facts = (one.metric, one.description, one.licence)
        rows.append((one.name, one.family, str(len(one.languages)), train, evaluated, *facts))
    head = ("task", "family", "languages", "train", "evaluated", "metric", "description", "licence")
    for line in fitting([head, *rows], get_terminal_size().columns if sys.stdout.isatty() else None):
        print(printable(line))
    if sys.stdout.isatty():
        more = f"{name}:NAME" if of_study else "NAME"
        print(f"`xstilts tasks {more}` tells more of one: its files, its copy on the Hub, licence, citation.")


def studies(name: str | None, copy: Path | None, *, as_json: bool) -> None:
    """All bundled studies; or the file of one, printed, or written to `copy` as a start for another."""
    if name is None:
        if copy is not None:
            raise InputError("--copy", "which study?", "Name it: xstilts studies NAME --copy FILE.")
        found = [load.load(each) for each in load.bundled()]
        if as_json:
            print(json.dumps([{"name": one.name, "question": one.question} for one in found], indent=1))
            return
        for line in fitting([("study", "question"), *((one.name, one.question) for one in found)], None):
            print(printable(line))
        return
    study = load.load(name)
    text = study.path.read_text(encoding="utf-8")
    if copy is None:
        print(
            json.dumps(study.model_dump(mode="json"), indent=1, ensure_ascii=False) if as_json else text,
            end="",
        )
        return
    path = copy / f"{study.name}.toml" if copy.is_dir() else copy
    text = text.replace(f'name = "{study.name}"', f'name = "{path.stem}"', 1)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(str(path), "is there already.", "Name a file that is not there yet.") from error
    except OSError as error:
        raise InputError(str(path), f"cannot be written ({error.strerror}).") from error
    print(path)


def fitting(rows: Sequence[Sequence[str]], width: int | None) -> Iterator[str]:
    """Lines of columns. One that does not fit into the width is left out whole: nothing is cut.

    >>> list(fitting([("task", "what it is"), ("mnli", "inference")], 12))
    ['task', 'mnli']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kept, room = list[int](), width
    for number, wide in enumerate(widths):
        if room is None or wide <= room:
            kept.append(number)
            room = None if room is None else room - wide - 2
    for row in rows:
        yield "  ".join(row[number].ljust(widths[number]) for number in kept).rstrip()


def about(one: Task) -> Iterator[str]:
    """What a task is and where its rows come from, in lines for a terminal."""
    yield f"{one.name}: {one.description}"
    codes = [f"{code} (source)" if code == one.source_language else code for code in one.languages]
    labels = ", ".join(one.labels) if len(one.labels) <= LISTED else f"{len(one.labels)} labels"
    trained = {None: "its own training rows", "": "nothing"}.get(
        one.trained_by, f"the rows of {one.trained_by}"
    )
    evaluated = one.evaluation_split + (
        f", else {one.evaluation_fallback}" if one.evaluation_fallback else ""
    )
    facts = {
        "family": one.family,
        "languages": f"{len(codes)}: {' '.join(codes)}",
        "labels": labels,
        "prompts in": " ".join(one.prompts),
        "columns": one.reads,
        "metric": one.metric or "none",
        "trained by": trained,
        "evaluated on": evaluated if one.metric else "",
        "rows": "; ".join(_rows(one)),
        "licence": one.licence,
        "citation": one.citation,
        "from": one.url,
    }
    yield from (f"  {key:<13} {value}" for key, value in facts.items() if value)
    yield from (f"  {line}" for line in places(one))


def places(one: Task) -> Iterator[str]:
    """Where the rows of a task lie: in the lab, below the data folder, on the Hub."""
    if one.made is not None:
        yield "Made by the embedded lab: nothing to lay in."
        return
    beside = "beside the task file" if one.path is not None else "below the folder of --data"
    beside = beside if one.definition is None else "beside the study file"
    for head, entries in layout(one).items():
        if entries:
            title = {"files": f"Files {beside} (each may end in .gz):", "images": "Images below --images:"}
            yield title.get(head, f"On the Hub, {head}:")
            width = max(len(split) for split, _ in entries)
            yield from (f"  {split:<{width}}  {path}".rstrip() for split, path in entries)
    if one.hub is None and one.no_hub:
        yield f"Not read from the Hub: {one.no_hub}."


def layout(one: Task) -> Mapping[str, list[tuple[str, str]]]:
    """Split and path of every file that is looked for: "files", "images", and each data set of the Hub.

    Of several paths of a split the first that is there is read, and what stands after "with" beside it.
    """
    found: dict[str, list[tuple[str, str]]] = {"files": [], "images": [("", path) for path in one.images]}
    layouts = [one.files] if one.files is not None else []
    if one.made is None and len(translated.languages(one)):
        layouts.append(translated.layout(one))
    for files in layouts:
        found["files"] += [entry for split in files.patterns for entry in _paths(files, split)]
    for hub in one.hub.sources if one.hub is not None else ():
        key = f"{hub.dataset} at {hub.revision}"
        found[key] = [*found.get(key, []), *(_coded(hub, split, path) for split, path in hub.files.items())]
    return found


def _paths(files: Files, split: str) -> Iterator[tuple[str, str]]:
    code = _example(files.codes)
    for number, path in enumerate(files.patterns[split]):
        label = split if number == 0 else f"{split}, or"
        yield label, path + code
    beside = [path for part in (files.paired, files.gold) for path in part.get(split, ())]
    yield from ((f"{split}, with", path + code) for path in beside)
    yield from ((f"{split}, also", " or ".join(paths) + code) for paths in files.also.get(split, ()))
    if split in files.unlabelled:
        yield f"{split}, not", f"{' '.join(files.unlabelled[split])}: these have no labels"


def _coded(hub: Hub, split: str, path: str) -> tuple[str, str]:
    return split, path + (_example(hub.codes) if "{lang}" in path else "")


def _example(codes: Mapping[str, str]) -> str:
    """How the release writes a language, if it does so in its own way."""
    other = next(((code, own) for code, own in codes.items() if code != own), None)
    return "" if other is None else f"  ({{lang}} of {other[0]} is {other[1]})"


def _rows(one: Task) -> Iterable[str]:
    for split, rows in (one.made.sizes if one.made is not None else one.examples).items():
        if isinstance(rows, int):
            yield f"{split} {rows:,}"
        else:
            fewest, most = min(rows.values()), max(rows.values())
            codes = f" in {' '.join(rows) if len(rows) < 5 else f'{len(rows)} languages'}"
            known = "" if len(rows) == len(one.languages) else codes
            yield f"{split} {fewest:,}" + (f" to {most:,}" if most > fewest else "") + known


def _facts(one: Task) -> dict[str, Any]:
    return {name: getattr(one, name) for name in FIELDS} | {"examples": dict(one.sizes)}


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
