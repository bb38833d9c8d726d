"""Studies that are changed so that most of them still are studies, and all that follows a plan.

Where anything is tried anywhere (the target `study`), hardly one in ten gets as far as a plan. Here names are
changed wherever they stand, numbers stay numbers, and claims are made of what claims may say.
"""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import mutation
import seeds

from xstilts import lab
from xstilts import tasks as registry
from xstilts.analysis.findings import Findings
from xstilts.api import Check
from xstilts.cli import show
from xstilts.report import page
from xstilts.store import Store
from xstilts.study.claim import FAMILY, REFERENCES, Kind, Plain
from xstilts.study.load import load
from xstilts.study.plan import Plan, draft
from xstilts.study.step import Step

Tables = dict[str, Any]
ARMS = ("none", "nli", "more", "half", "talk")
WHOLE = (0, 1, 2, 3, 7, 64, 1000, 2**31, 2**53, 2**63)
BROKEN = (0.0, 0.5, 1.0, 1e-320, 1e-9, 1e-3, 3.5, 1e9, 1e308, -1.0, -1e308)
NAMES = (
    "a b",
    "ä",
    "A+1",
    "x" * 100,
    "1",
    "%s",
    "[b]",
    "<i>",
    "&amp;",
    "_",
    "$x$",
    "a_b",
    "{a}",
    "a,b",
    "'",
    '"',
    "|",
)
HUGE = 400
"""Cells of a plan that is drawn; larger ones are only planned."""


def prepare(folder: Path) -> Callable[[Random], Callable[[], object]]:
    """Gives what changes a study, and what reads it as `check`, `status` and `report` do."""
    path = folder / "study.toml"
    right = _small()
    path.write_bytes(mutation.toml(right))
    sound(draft(load(path)), folder)

    def wrong(rng: Random) -> Callable[[], object]:
        study: Tables = json.loads(json.dumps(right))
        for _ in range(rng.choice((1, 1, 2, 3))):
            with contextlib.suppress(KeyError, IndexError, TypeError, AttributeError):
                rng.choice(EDITS)(rng, study)  # what it would change may have gone with the one before
        path.write_bytes(mutation.toml(study))
        follow = rng.choice(FOLLOWING)
        return lambda: _read(path, folder, follow)

    return wrong


def sound(plan: Plan, folder: Path) -> None:
    """The steps of a plan lie in the folders of a store, and come back as they were sent to a worker."""
    store = Store(folder / "store")
    for step in plan.steps:
        own = store._path(step)
        assert own.parent == store.root / "steps" and own.name not in (".", ".."), own
        assert Step.from_spec(json.loads(json.dumps(step.spec))) == step


def _read(path: Path, folder: Path, follow: Callable[[Plan, Store, Path], object]) -> None:
    plan = draft(load(path))
    sound(plan, folder)
    if len(plan.cells) <= HUGE:
        with contextlib.redirect_stdout(io.StringIO()) as told:
            follow(plan, Store(folder / "store"), folder / "out")
        told.getvalue().encode()


def _small() -> Tables:
    """The study with every key, but few steps."""
    study: Tables = json.loads(json.dumps(seeds.STUDY))
    study["backbones"] = {"lab": study["backbones"]["lab"]}
    arms = study["intermediate"]["arms"]
    study["intermediate"]["arms"] = {name: arms[name] for name in ARMS}
    study["claims"][2]["arms"] = ["nli", "half"]
    return study


# Changes


def _renamed(rng: Random, study: Tables) -> None:
    """An arm or an axis, wherever it is named."""
    old = rng.choice([*study["intermediate"]["arms"], "size", "everything"])
    new = rng.choice((*NAMES, mutation.text(rng, old)))
    study.update(_with(study, old, new))


def _with(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {new if key == old else key: _with(one, old, new) for key, one in value.items()}
    if isinstance(value, list):
        return [_with(one, old, new) for one in value]
    return new if value == old else value


def _said(rng: Random, study: Tables) -> None:
    """What is said for people, in any words."""
    words = rng.choice((*mutation.WORDS, *NAMES, mutation.text(rng, "Does it help?")))
    tables: list[tuple[Tables, str]] = [(study, "question"), (study["origins"], "target.recipe.updates")]
    tables += [(one, key) for one in study["claims"] for key in ("says", "source")]
    tables += [(one, "why") for one in study["allowed"]]
    tables += [(one["group"], next(iter(one["group"]))) for one in study["axes"] if one.get("group")]
    table, key = rng.choice(tables)
    table[key] = words


def _numbered(rng: Random, study: Tables) -> None:
    """Another number of the same kind."""
    numbers = [
        (holder, key)
        for holder in _holders(study)
        for key, one in _items(holder)
        if isinstance(one, int | float) and not isinstance(one, bool)
    ]
    holder, key = rng.choice(numbers)
    holder[key] = rng.choice(WHOLE if isinstance(holder[key], int) else BROKEN)


def _dropped(rng: Random, study: Tables) -> None:
    """Something less."""
    holder = rng.choice([one for one in _holders(study) if one and one is not study])
    del holder[rng.choice([key for key, _ in _items(holder)])]


def _more_arms(rng: Random, study: Tables) -> None:
    """One that goes on from another, one of other tasks, or one with other rows."""
    arms = study["intermediate"]["arms"]
    arm = rng.choice((
        {"tasks": _tasks(rng), "after": rng.choice(list(arms))},
        {"tasks": _tasks(rng), "mixing": rng.choice(("size", "uniform", {"limit": 9}, {"temperature": 2.0}))},
        {"tasks": ["lab_nli"], "labels": "shuffled", "languages": _languages(rng)},
        {"tasks": ["lab_nli"], "recipe": {"precision": "fp32", "decay": rng.choice(("linear", "cosine"))}},
    ))  # fmt: skip
    arms[rng.choice(NAMES)] = arm


def _other_targets(rng: Random, study: Tables) -> None:
    study["target"] = {
        "tasks": _tasks(rng),
        "seeds": rng.choice(([1], [1, 2], [0, 2**31], [3, 1, 2])),
        "recipe": {"updates": rng.choice((1, 4, 10**6)), "max_length": rng.choice((32, 64))},
    } | ({"languages": ["x-en", *_languages(rng)]} if rng.random() < 0.4 else {})  # fmt: skip


def _more_claims(rng: Random, study: Tables) -> None:
    """A claim of any quantity about any arms, targets and languages."""
    arms = [*study["intermediate"]["arms"]]
    quantity = rng.choice(get_args(Kind))
    claim = {"says": rng.choice(NAMES), "quantity": quantity, "relation": rng.choice(("<", ">", "="))}
    if quantity in ("slope_over_axis", "fit_advantage"):
        claim |= {"axis": "size", "of": rng.choice(get_args(Plain))}
    else:
        claim["arms"] = rng.sample(arms, rng.randint(1, 2))
    if rng.random() < 0.4:
        claim["against"] = rng.choice((*arms, *REFERENCES, arms[:2]))
    if rng.random() < 0.5:
        claim["languages"] = rng.choice(("source", "transfer", "all", ["x-en"], _languages(rng)))
    if rng.random() < 0.3:
        claim["against_languages"] = rng.choice(("source", "transfer", "all", "others"))
    if rng.random() < 0.3:
        claim |= {"margin": rng.choice(BROKEN), "about": rng.choice(BROKEN)}
    study["claims"].append(claim)


def _other_references(rng: Random, study: Tables) -> None:
    study["references"] = rng.sample(REFERENCES, rng.randrange(len(REFERENCES) + 1))


def _tasks(rng: Random) -> list[str]:
    names = [name for name in registry.names() if name.startswith("lab_")]
    return rng.sample(names, rng.randint(1, 3))


def _languages(rng: Random) -> list[str]:
    families = [f"{FAMILY}{one.family}" for one in lab.LANGUAGES.values()]
    return rng.sample([*lab.LANGUAGES, *families], rng.randint(1, 2))


def _holders(value: Any) -> list[Any]:
    """All tables and lists, the outermost first."""
    found, at = [value], 0
    while at < len(found):
        found += [one for _, one in _items(found[at]) if isinstance(one, dict | list)]
        at += 1
    return found


def _items(holder: Any) -> list[tuple[Any, Any]]:
    return list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))


EDITS = (
    _renamed, _renamed, _said, _said, _numbered, _numbered, _dropped,
    _more_arms, _other_targets, _more_claims, _more_claims, _other_references,
)  # fmt: skip


# What follows


def _report(*formats: str) -> Callable[[Plan, Store, Path], object]:
    return lambda plan, store, out: page.write(Findings.of(plan, store), formats, out)


def _checked(*, as_json: bool) -> Callable[[Plan, Store, Path], object]:
    return lambda plan, store, out: show.checked(plan, store, Check(plan, store, {}).sources, as_json=as_json)


FOLLOWING: tuple[Callable[[Plan, Store, Path], object], ...] = (
    _checked(as_json=True),
    _checked(as_json=False),
    lambda plan, store, out: show.status(plan, store, as_json=True),
    lambda plan, store, out: show.status(plan, store, as_json=False),
    _report("csv"),
    _report("parquet", "markdown"),
)
