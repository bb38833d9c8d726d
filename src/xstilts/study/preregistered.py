"""Claims before results: what a study asks, frozen in a file to publish, and what has changed since.

The file stands beside the study, STUDY.preregistered.json. It has the claims, backbones, arms, axes,
references, seeds and targets as the study states them, the fingerprint of every cell's evaluation (which
recipe, data and versions enter), how many cells were measured at that moment, the date, and the SHA-256 of
all that. Its hash says whether the file was edited; that it is the file of that date, only a hash that was
published then.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from xstilts.errors import StudyError
from xstilts.plain import first_of, parse_json
from xstilts.study.load import bundled
from xstilts.study.plan import Cell, Plan
from xstilts.study.study import StudyFile
from xstilts.version import VERSION

SUFFIX = ".preregistered.json"
LAYOUT = 2
HASH = "sha256"
DIGITS = 16
"""Of the hash, in a report: as many as a fingerprint has."""
NAMED = ("claims", "arms", "backbones", "targets", "axes")
_SEEDS = {"intermediate", "target"}
_SHAPE = (
    dict.fromkeys((*NAMED, "cells", "seeds"), dict)
    | dict.fromkeys(("references", "random_arms"), list)
    | dict.fromkeys(("shots", "measured"), int)
    | dict.fromkeys(("question", "date"), str)
)
AS_FROZEN = "Put back the file that was frozen."


@dataclass(frozen=True)
class Preregistration:
    """What was frozen, as the file has it."""

    path: Path
    content: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """The hash that the file states."""
        return str(self.content.get(HASH, ""))

    @property
    def is_sound(self) -> bool:
        """Whether the content is that of the hash."""
        return self.hash == digest(self.content)

    def differences(self, plan: Plan) -> list[str]:
        """What was added, removed or changed since, a sentence for each kind; empty if all is as frozen."""
        old, now = self.content, content_of(plan)
        return [
            *(text for kind in NAMED for text in _of_named(kind, old[kind], now[kind])),
            *_changes("references", sorted(old["references"]), sorted(now["references"])),
            *_changes("random arms", sorted(old["random_arms"]), sorted(now["random_arms"])),
            *(
                text
                for phase, seeds in now["seeds"].items()
                for text in _changes(f"{phase} seeds", sorted(old["seeds"][phase]), sorted(seeds))
            ),
            *(
                f"{key} changed: {before} → {now[key]}"
                for key, before in (("shots", old["shots"]), ("prompts", old.get("prompts", "readout")))
                if before != now[key]
            ),
            *_of_cells(old["cells"], now["cells"]),
            *(["the question has other words"] if old["question"] != now["question"] else []),
        ]

    def is_kept(self, plan: Plan) -> bool:
        """Whether the study asks what was frozen before anything was measured."""
        return self.is_sound and not self.content["measured"] and not self.differences(plan)

    def told(self, plan: Plan) -> str:
        """Say what was frozen when, and whether it is what the study asks now."""
        when = f"Preregistered on {str(self.content['date'])[:10]} (SHA-256 {self.hash[:DIGITS]}…)"
        if not self.is_sound:
            return f"{when}: the file {self.path.name} was edited after it was frozen and proves nothing."
        cells = self.content["cells"]
        measured = f"{self.content['measured']} of {len(cells)} cells were measured then"
        if found := self.differences(plan):
            return f"{when}; {measured}. Since then {'; '.join(found)}."
        same = "claims, arms, seeds, targets and all fingerprints are those that were frozen"
        return f"{when}; {measured}, and {same}."


def place(study: StudyFile) -> Path:
    """The file beside the study."""
    return study.path.with_name(f"{study.path.stem}{SUFFIX}")


def freeze(plan: Plan, measured: int, date: datetime | None = None) -> Preregistration:
    """Write the file of a study, of which so many cells are measured; gives what was written.

    Raises StudyError if the study has no claims, is bundled, or is frozen already.
    """
    study = plan.study
    path = place(study)
    if not study.claims:
        now = "Write [[claims]] first: docs/study-file.md."
        raise StudyError(study.shown, "has no claims that could be frozen.", now)
    if study.path in bundled().values():
        now = f"Copy it first: xstilts studies {study.path.stem} --copy mine.toml."
        raise StudyError(study.shown, "comes with the package, where no file can be put beside it.", now)
    if path.exists():
        known = read(study)
        when = "" if known is None else f" on {str(known.content.get('date'))[:10]}"
        now = "What was frozen first counts; the report says what has changed since."
        raise StudyError(str(path), f"was frozen already{when}.", now)
    moment = (date or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    content = {"preregistration": LAYOUT, "xstilts": VERSION, "date": moment.isoformat()}
    content |= {"measured": measured, **content_of(plan)}
    content[HASH] = digest(content)
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StudyError(str(path), f"cannot be written ({error.strerror}).") from error
    return Preregistration(path, content)


def read(study: StudyFile) -> Preregistration | None:
    """What was frozen of a study; None if nothing. StudyError if the file is none."""
    path = place(study) if study.path.name else Path()
    if not path.is_file():
        return None
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(str(path), f"cannot be read ({error}).", AS_FROZEN) from error
    known = content if isinstance(content, dict) else {}
    fits = all(isinstance(known.get(key), kind) for key, kind in _SHAPE.items())
    if not fits or known.get("preregistration") != LAYOUT or known["seeds"].keys() != _SEEDS:
        raise StudyError(str(path), "is no preregistration that this version of xstilts wrote.", AS_FROZEN)
    return Preregistration(path, content)


def digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of all but the hash itself, as JSON with sorted keys."""
    text = json.dumps({key: value for key, value in content.items() if key != HASH}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(plan: Plan) -> dict[str, Any]:
    """What of a study is frozen: a function of the plan alone."""
    study = plan.study
    targets = {cell.target: plan.evaluation(cell) for cell in plan.cells}
    return {
        "study": study.name,
        "question": study.question,
        "claims": _by_name((claim.says, claim) for claim in study.claims),
        "arms": {name: _stated(arm) for name, arm in study.intermediate.arms.items()},
        "backbones": {name: _stated(backbone) for name, backbone in study.backbones.items()},
        "targets": {
            name: {"languages": list(one.use.languages), "metric": one.metric}
            for name, one in targets.items()
        },
        "axes": _by_name((axis.name or "axis", axis) for axis in study.axes),
        "references": list(study.references),
        "random_arms": list(study.random_arms),
        "shots": study.shots,
        "prompts": study.prompts,
        "seeds": {"intermediate": list(study.intermediate_seeds), "target": list(study.target.seeds)},
        "cells": {_named(cell): cell.evaluation for cell in plan.cells},
    }


def _by_name(named: Iterable[tuple[str, BaseModel]]) -> dict[str, Any]:
    """What is stated of each, by its name; of several with one name the later ones are numbered."""
    found: dict[str, Any] = {}
    for name, value in named:
        twice = sum(other.startswith(name) for other in found) if name in found else 0
        found[f"{name} ({twice + 1})" if twice else name] = _stated(value)
    return found


def _stated(value: BaseModel) -> dict[str, Any]:
    """What is stated, without defaults: a field of a later release changes nothing."""
    return value.model_dump(mode="json", exclude_defaults=True)


def _named(cell: Cell) -> str:
    parts = (cell.backbone, cell.arm, cell.reference, cell.target, f"seed {cell.seed}")
    return " / ".join(part for part in parts if part)


def _changes(
    kind: str, before: Collection[Any], after: Collection[Any], shown: int | None = None
) -> Iterator[str]:
    """What was added, and what was removed: all, or so many of them."""
    for word, ours, theirs in (("added", after, before), ("removed", before, after)):
        if names := [str(name) for name in dict.fromkeys(ours) if name not in theirs]:
            yield f"{kind} {word}: {first_of(names, shown or len(names))}"


def _of_cells(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What of the cells was added, removed, or has other fingerprints: of many the first."""
    yield from _changes("cells", before, after, 3)
    if changed := [name for name, step in after.items() if before.get(name, step) != step]:
        why = "another recipe, other data or another version"
        yield f"cells with other fingerprints ({why}): {first_of(changed)} of {len(after)} in all"


def _of_named(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What of claims, arms, backbones, targets or axes was added, removed, changed."""
    yield from _changes(kind, before, after)
    changed = []
    for name in (name for name in after if name in before and before[name] != after[name]):
        keys = [
            key for key in {**before[name], **after[name]} if before[name].get(key) != after[name].get(key)
        ]
        parts = [f"{key} {_short(before[name], key)} → {_short(after[name], key)}" for key in keys]
        changed.append(f"{name} ({', '.join(parts)})")
    if changed:
        yield f"{kind} changed: {'; '.join(changed)}"


def _short(values: Mapping[str, Any], key: str) -> str:
    return f"{json.dumps(values[key], ensure_ascii=False):.60}" if key in values else "default"
