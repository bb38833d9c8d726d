"""Tasks that a study declares: wrong tables, and wrong files for right ones."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import mutation
import polars as pl

from xstilts.data import loader
from xstilts.study.load import parse, tasks_of

STUDY: dict[str, Any] = {
    "name": "own",
    "question": "Does it?",
    "backbones": {"lab": {"model": "lab"}},
    "intermediate": {"arms": {"none": [], "mine": ["mine"]}},
}
QUESTION = {"c": "It is here.", "q": "Where?", "a": {"text": ["here"], "answer_start": [6]}, "i": 1}
CASES: dict[str, tuple[dict[str, Any], bytes]] = {
    "a.csv": (
        {
            "family": "classification",
            "labels": {"no": 0, "yes": 1},
            "metric": "macro_f1",
            "columns": {"text": "t", "label": "l", "language": "g"},
        },
        b't,l,g\n"a, b",0,en\nc,1,en\nd,1,deu\n',
    ),
    "b.tsv": (
        {"family": "choice", "columns": {"options": ["o", "p"], "label": "l"}, "labels": ["A", "B"]},
        b"o\tp\tl\nthis\tthat\tB\n",
    ),
    "c.jsonl": (
        {"family": "span", "columns": {"context": "c", "question": "q", "answers": "a", "id": "i"}},
        json.dumps(QUESTION).encode() + b"\n",
    ),
    "d.conll": ({"family": "tagging", "labels": ["O", "B"]}, b"Ann x B\nran y O\n\nNo z O\n"),
    "e.parquet": (
        {"family": "tagging", "labels": {"O": 0, "B": 1}, "columns": {"tokens": "w", "tags": "t"}},
        b"",
    ),
    "f.jsonl": ({"family": "masked", "columns": {"text": "t"}}, b'{"t": "words"}\n'),
}


def prepare(folder: Path) -> Callable[[Random], Callable[[], object]]:
    """Lay out the files; gives what makes the next input."""
    right = {name: content for name, (_, content) in CASES.items()}
    pl.DataFrame({"w": [["Ann", "ran"]], "t": [[1, 0]]}).write_parquet(folder / "e.parquet")
    right["e.parquet"] = (folder / "e.parquet").read_bytes()

    def wrong(rng: Random) -> Callable[[], object]:
        name = rng.choice(sorted(CASES))
        table: dict[str, Any] = CASES[name][0] | {
            "languages": {"en": "en"} | ({"de": "deu"} if name == "a.csv" else {}),
            "splits": {"train": name, "test": name},
        }
        content = right[name]
        if rng.random() < 0.4:
            table = mutation.tree(rng, table)
        else:
            is_lines = name.endswith(".jsonl") and rng.random() < 0.7
            content = (
                mutation.json_text(rng, json.loads(content)) if is_lines else mutation.data(rng, content)
            )
        (folder / name).write_bytes(content)
        study = STUDY | {"tasks": {"mine": table}}
        return lambda: _read(study, folder)

    return wrong


def _read(study: dict[str, Any], folder: Path) -> None:
    """All rows of the task in its first language."""
    for one in tasks_of(parse(study, folder / "study.toml", "study")).values():
        for split in one.files.patterns if one.files else ():
            assert all(isinstance(row, object) for row in loader.load(one, split, one.languages[0]))
            assert loader.identity(one, split, one.languages[0])
            for path in loader.sources(one, split, one.languages[0]):
                assert path.resolve().is_relative_to(folder.resolve()), path
