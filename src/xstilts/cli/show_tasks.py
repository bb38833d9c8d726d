"""What `xstilts tasks` and `xstilts studies` print: what there is, and one of it with where its rows lie."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from xstilts import tasks as registry
from xstilts.cli.output import columns, print_json, print_lines
from xstilts.data import translated
from xstilts.data.task import Files, Task
from xstilts.errors import InputError
from xstilts.study import load
from xstilts.study.study import BENCHMARKS

FIELDS = (
    *("name", "family", "languages", "metric", "labels", "source_language", "trained_by"),
    *("licence", "citation", "url", "description"),
)
LISTED = 12
"""So many labels are named; of more, the number is told."""


def tasks(name: str | None, *, as_json: bool) -> None:
    """All tasks of the package, of a benchmark or of a study, in a table as wide as the screen; or one task,
    with where its rows lie."""
    of_study = name is not None and (name.endswith(".toml") or name in load.bundled())
    if name is not None and not of_study and name not in BENCHMARKS:
        task = load.find_task(name)
        if as_json:
            print_json(_facts(task) | {"layout": layout(task)})
        else:
            print_lines(about(task))
        return
    if name in BENCHMARKS:
        found = [registry.find(each) for each in BENCHMARKS[str(name)]]
    elif of_study:
        found = list(load.tasks_of(load.load(str(name))).values())
    else:
        found = [registry.find(each) for each in registry.names()]
    if as_json:
        print_json([_facts(task) for task in found])
        return
    rows = []
    for task in found:
        train = f"by {task.trained_by}" if task.trained_by else _count(task.sizes.get("train"))
        evaluated = _count(task.sizes.get(task.evaluation_split))
        facts = (task.metric, task.description, task.licence)
        rows.append((task.name, task.family, str(len(task.languages)), train, evaluated, *facts))
    head = ("task", "family", "languages", "train", "evaluated", "metric", "description", "licence")
    print_lines(columns([head, *rows], get_terminal_size().columns if sys.stdout.isatty() else None))
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
            print_json([{"name": one.name, "question": one.question} for one in found])
        else:
            print_lines(columns([("study", "question"), *((one.name, one.question) for one in found)]))
        return
    study = load.load(name)
    text = study.path.read_text(encoding="utf-8")
    if copy is None:
        if as_json:
            print_json(study.model_dump(mode="json"))
        else:
            print(text, end="")
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


def about(task: Task) -> Iterator[str]:
    """What a task is and where its rows come from, in lines for a terminal."""
    yield f"{task.name}: {task.description}"
    codes = [f"{code} (source)" if code == task.source_language else code for code in task.languages]
    labels = ", ".join(task.labels) if len(task.labels) <= LISTED else f"{len(task.labels)} labels"
    by = {None: "its own training rows", "": "nothing"}.get(task.trained_by, f"the rows of {task.trained_by}")
    otherwise = f", else {task.evaluation_fallback}" if task.evaluation_fallback else ""
    facts = {
        "family": task.family,
        "languages": f"{len(codes)}: {' '.join(codes)}",
        "labels": labels,
        "prompts in": " ".join(task.prompts),
        "columns": task.reads,
        "metric": task.metric or "none",
        "trained by": by,
        "evaluated on": f"{task.evaluation_split}{otherwise}" if task.metric else "",
        "rows": "; ".join(_rows(task)),
        "licence": task.licence,
        "citation": task.citation,
        "from": task.url,
    }
    yield from (f"  {key:<13} {value}" for key, value in facts.items() if value)
    yield from (f"  {line}" for line in places(task))


def places(task: Task) -> Iterator[str]:
    """Where the rows of a task lie: in the lab, below the data folder, on the Hub."""
    if task.made is not None:
        yield "Made by the embedded lab: nothing to lay in."
        return
    beside = "beside the task file" if task.path is not None else "below the folder of --data"
    beside = beside if task.definition is None else "beside the study file"
    for head, entries in layout(task).items():
        if entries:
            title = {"files": f"Files {beside} (each may end in .gz):", "images": "Images below --images:"}
            yield title.get(head, f"On the Hub, {head}:")
            width = max(len(split) for split, _ in entries)
            yield from (f"  {split:<{width}}  {path}".rstrip() for split, path in entries)
    if task.hub is None and task.no_hub:
        yield f"Not read from the Hub: {task.no_hub}."


def layout(task: Task) -> Mapping[str, list[tuple[str, str]]]:
    """Split and path of every file that is looked for: "files", "images", and each data set of the Hub.

    Of several paths of a split the first that is there is read, and what stands after "with" beside it.
    """
    found: dict[str, list[tuple[str, str]]] = {"files": [], "images": [("", path) for path in task.images]}
    layouts = [task.files] if task.files is not None else []
    if task.made is None and len(translated.languages(task)):
        layouts.append(translated.layout(task))
    for files in layouts:
        found["files"] += [entry for split in files.patterns for entry in _paths(files, split)]
    for hub in task.hub.sources if task.hub is not None else ():
        found.setdefault(f"{hub.dataset} at {hub.revision}", []).extend(
            (split, path + (_example(hub.codes) if "{lang}" in path else ""))
            for split, path in hub.files.items()
        )
    return found


def _paths(files: Files, split: str) -> Iterator[tuple[str, str]]:
    code = _example(files.codes)
    first, *others = files.patterns[split]
    yield split, first + code
    yield from ((f"{split}, or", path + code) for path in others)
    beside = [path for part in (files.paired, files.gold) for path in part.get(split, ())]
    yield from ((f"{split}, with", path + code) for path in beside)
    yield from ((f"{split}, also", " or ".join(paths) + code) for paths in files.also.get(split, ()))
    if split in files.unlabelled:
        yield f"{split}, not", f"{' '.join(files.unlabelled[split])}: these have no labels"


def _example(codes: Mapping[str, str]) -> str:
    """How the release writes a language, if it does so in its own way."""
    other = next(((code, own) for code, own in codes.items() if code != own), None)
    return "" if other is None else f"  ({{lang}} of {other[0]} is {other[1]})"


def _rows(task: Task) -> Iterable[str]:
    for split, rows in (task.made.sizes if task.made is not None else task.examples).items():
        if isinstance(rows, int):
            yield f"{split} {rows:,}"
        else:
            fewest, most = min(rows.values()), max(rows.values())
            codes = f" in {' '.join(rows) if len(rows) < 5 else f'{len(rows)} languages'}"
            known = "" if len(rows) == len(task.languages) else codes
            yield f"{split} {fewest:,}" + (f" to {most:,}" if most > fewest else "") + known


def _facts(task: Task) -> dict[str, Any]:
    facts = {name: getattr(task, name) for name in FIELDS}
    return facts | {"prompts": list(task.prompts), "examples": dict(task.sizes)}


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
