"""A trained model as the Hub takes it: which one of a study is meant, and its files.

It is an arm's, after its target or before, of one seed and backbone: a checkpoint that transformers loads, or
an adapter for peft. An adapter lies at the top as peft wrote it. Where the model that it is laid upon is none
of the Hub, that lies beside it in `base`, so that the repository is enough to load it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from xstilts.errors import InputError, MissingResultError, did_you_mean
from xstilts.sharing.private import without_paths
from xstilts.store import Store, checksums
from xstilts.study.backbone import EYES, EYES_WEIGHTS, PREPARATION, SHAPE, Backbone
from xstilts.study.models import fetch
from xstilts.study.phase import Phase, base_of, chain
from xstilts.study.plan import Cell, Plan
from xstilts.study.step import Step

ADAPTER, BASE = "adapter", "base"
TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja"),
    *("tokenizer.model", "sentencepiece*.model", "spiece.model", "spm.model"),
)
"""The files of a tokenizer."""
LOADED = (
    *(SHAPE, "generation_config.json", "model*.safetensors", "model*.safetensors.index.json"),
    *("adapter_config.json", "adapter_model.safetensors", "heads.json", "heads.safetensors"),
    *(PREPARATION, "processor_config.json", EYES, EYES_WEIGHTS),
    *TOKENIZER,
)
"""What goes into a repository: the files that a model is loaded from, and nothing else of a user's folder."""
LOCAL = ("_name_or_path", "name_or_path", "base_model_name_or_path")
"""Keys of transformers' and peft's files that may hold a path of the computer that wrote them."""
NAMED = ("SEQ_CLS", "TOKEN_CLS")
"""peft's task types with a head whose outputs are labels."""

Files = dict[str, Path | bytes]
"""By their names in the repository: files that are there, or what is to stand in new ones."""


@dataclass(frozen=True)
class Chosen:
    """A trained model: the last phase of its chain, and the cells of the study that rest on it.

    `target` is the task that it was trained for, "" for what the arm's intermediate tasks made.
    """

    plan: Plan
    step: Step
    target: str
    cells: tuple[Cell, ...]

    @property
    def phase(self) -> Phase:
        """The last phase."""
        assert isinstance(self.step.specification, Phase)
        return self.step.specification

    @property
    def phases(self) -> list[Phase]:
        """All phases, the first trained first."""
        return [one for one in chain(self.phase) if isinstance(one, Phase)][::-1]

    @property
    def backbone(self) -> Backbone:
        """What the chain begins with."""
        return base_of(self.phase)

    @property
    def cell(self) -> Cell:
        """One that rests on it: backbone, arm and seed are those of all of them."""
        return self.cells[0]

    @property
    def evaluated(self) -> list[Cell]:
        """The cells that are evaluations of this very model."""
        own = self.step.fingerprint
        models = [(cell, self.plan.evaluation(cell).model) for cell in self.cells]
        return [cell for cell, model in models if model is not None and model.fingerprint == own]


@dataclass(frozen=True)
class Repository:
    """Where a model goes, as OWNER/NAME, and what lies there: an adapter or a whole checkpoint.

    `base` is the Hub model at `revision` that it was trained from at last, "" where that is none of the Hub;
    then an adapter's lies beside it.
    """

    name: str
    is_adapter: bool
    base: str = ""
    revision: str = ""
    files: Files = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name without the owner."""
        return self.name.rpartition("/")[2]

    def read(self, name: str) -> Any:
        """What a JSON file among them holds."""
        found = self.files[name]
        return json.loads(found if isinstance(found, bytes) else found.read_bytes())


def choose(
    plan: Plan, arm: str, target: str | None = None, seed: int | None = None, backbone: str | None = None
) -> Chosen:
    """The model of an arm after the target's training, or, without a target, before any.

    Without a seed it is the study's first, which no score has chosen. Raises InputError if there is no such
    model, or if several backbones have one.
    """
    where = f"study '{plan.study.name}'"
    cells = _only(where, "arm", arm, [cell for cell in plan.cells if not cell.reference])
    several = tuple(dict.fromkeys(cell.backbone for cell in cells))
    if backbone is None and len(several) > 1:
        raise InputError(where, "has several backbones.", f"Add --backbone: {', '.join(several)}.")
    cells = _only(where, "backbone", several[0] if backbone is None else backbone, cells)
    if seed is not None and type(seed) is not int:
        raise InputError(where, f"a seed is a number, and {seed!r} is none.", "Leave quotes out.")
    cells = _only(where, "seed", cells[0].seed if seed is None else seed, cells)
    if target is not None:
        cells = _only(where, "target", target, cells)
    phases = list[str]()
    for cell in cells:
        phases += (cell.phases if target is not None else plan.intermediate(cell))[-1:]
    if not phases:
        what = f"the arm '{arm}' trains nothing" + (f" for {target}." if target else " before the targets.")
        targets = ", ".join(dict.fromkeys(cell.target for cell in cells if cell.phases))
        now = f"Name a target with --target: {targets}." if targets and not target else "Name another arm."
        raise InputError(where, what, now)
    step = plan.by_fingerprint[phases[0]]
    using = tuple(cell for cell in cells if step.fingerprint in cell.phases)
    return Chosen(plan, step, target or "", using)


def _only(where: str, name: str, value: str | int, cells: Sequence[Cell]) -> list[Cell]:
    """The cells of that arm, backbone, seed or target."""
    found = [cell for cell in cells if getattr(cell, name) == value]
    if not found:
        known = list(dict.fromkeys(str(getattr(cell, name)) for cell in cells))
        there = f"There are {', '.join(known)}." if known else "It has no cells."
        raise InputError(where, f"no {name} '{value}'.", f"{did_you_mean(str(value), known)} {there}".strip())
    return found


def repository(chosen: Chosen, store: Store, name: str, *, merged: bool = False) -> Repository:
    """All but the card. Raises MissingResultError if the phase is not trained or its checkpoint gone."""
    phase, fingerprint = chosen.phase, chosen.step.fingerprint
    if not store.done(chosen.step):
        where = chosen.plan.names[fingerprint]
        raise MissingResultError(where, f"is not in {store.root}.", "Run the study first.")
    parent, is_adapter = phase.parent, phase.recipe.adapter is not None and not merged
    made = Repository(name, is_adapter)
    if isinstance(parent, Backbone) and parent.model and parent.revision and not parent.made:
        made = Repository(name, is_adapter, parent.model, parent.revision)
    if not is_adapter:
        found = _in(_checkpoint(store, fingerprint), LOADED)
    else:
        names = (store.record(fingerprint) or {}).get(checksums.FILES, {})
        adapter = {name.rpartition("/")[2]: name for name in names if name.startswith(f"{ADAPTER}/")}
        loaded = [name for name in adapter if any(fnmatch(name, pattern) for pattern in LOADED)]
        found = {name: store.file(fingerprint, adapter[name]) for name in loaded}
        if not made.base:
            found |= {f"{BASE}/{name}": path for name, path in _in(_parent(chosen, store), LOADED).items()}
        found |= _in(_tokenizer(chosen, store), TOKENIZER)
    made.files.update((name, _without_paths(path, made)) for name, path in found.items())
    if (shape := f"{BASE}/{SHAPE}") in made.files and made.read("adapter_config.json")["task_type"] in NAMED:
        made.files[shape] = _json(made.read(shape) | label_names(chosen))
    return made


def label_names(chosen: Chosen) -> dict[str, dict[Any, Any]]:
    """How transformers' settings say which label each output of the head means."""
    labels = chosen.phase.uses[0].label_set
    return {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}


def train_again(chosen: Chosen, store: Store) -> None:
    """Train the phase again if its checkpoint was dropped; raises whatever the training raises."""
    from xstilts.compute.work import compute

    if store.done(chosen.step) and not store.has_checkpoint(chosen.step):
        store.prepare()
        compute(chosen.step, store, chosen.plan.places, lambda event: None, checkpoint=True)


def _in(folder: Path, patterns: Iterable[str]) -> dict[str, Path]:
    paths = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {path.name: path for path in sorted(paths)}


def _checkpoint(store: Store, fingerprint: str) -> Path:
    try:
        return store.checkpoint(fingerprint)
    except MissingResultError as error:
        seconds = float((store.record(fingerprint) or {}).get("seconds", 0.0))
        now = f"Give --retrain: the phase is trained again, which took {seconds / 60:.1f} min."
        raise MissingResultError(error.where, error.what, now) from error


def _parent(chosen: Chosen, store: Store) -> Path:
    """The model that an adapter is laid upon, where it is none of the Hub."""
    parent = chosen.phase.parent
    if isinstance(parent, Backbone) and not parent.made:
        return chosen.plan.places.backbones[str(parent.checksum)]
    return _checkpoint(store, parent.fingerprint)


def _tokenizer(chosen: Chosen, store: Store) -> Path:
    """A folder with the tokenizer of the model, which no phase changes."""
    backbone = chosen.backbone
    if store.has_checkpoint(chosen.step):
        return store.checkpoint(chosen.step.fingerprint)
    if backbone.model is None or backbone.revision is None:
        return _parent(chosen, store)
    return fetch(backbone.model, backbone.revision)


def _without_paths(path: Path, repository: Repository) -> Path | bytes:
    """The file; one of settings without paths of this computer, with the base's name on the Hub instead.

    Files of tokens are as they are: a token may look like a path.
    """
    if not re.search(r"config\.json|vision\.json|index\.json", path.name):
        return path
    before: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(before, dict):
        return path
    found = without_paths(before) | {
        key: repository.base or repository.name for key in LOCAL if before.get(key)
    }
    if "base_model_name_or_path" in found:  # what lies in `base` has no name that peft could look up
        found |= {
            "base_model_name_or_path": repository.base or None,
            "revision": repository.revision or None,
        }
    return path if found == before else _json(found)


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
