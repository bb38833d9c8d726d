"""The files of a model as the Hub takes it: a checkpoint that transformers loads, or an adapter for peft.

An adapter lies at the top as peft wrote it. Where the model that it is laid upon is none of the Hub, that
lies beside it in `base`, so that the repository is enough to load it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from xstilts.errors import MissingResultError
from xstilts.sharing.choice import Chosen
from xstilts.sharing.private import without_paths
from xstilts.store import Store, checksums
from xstilts.study.backbone import EYES, EYES_WEIGHTS, PREPARATION, SHAPE, Backbone
from xstilts.study.models import fetch

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
class Content:
    """What a repository holds: an adapter or a whole checkpoint.

    `base` is the Hub model at `revision` that it was trained from at last, "" where that is none of the Hub;
    then an adapter's lies beside it.
    """

    is_adapter: bool
    base: str = ""
    revision: str = ""


def files(chosen: Chosen, store: Store, repository: str, *, merged: bool = False) -> tuple[Content, Files]:
    """All but the card. Raises MissingResultError if the phase is not trained or its checkpoint gone."""
    phase, fingerprint = chosen.phase, chosen.step.fingerprint
    if not store.done(chosen.step):
        where = chosen.plan.names[fingerprint]
        raise MissingResultError(where, f"is not in {store.root}.", "Run the study first.")
    parent, is_adapter = phase.parent, phase.recipe.adapter is not None and not merged
    content = Content(is_adapter)
    if isinstance(parent, Backbone) and parent.model and parent.revision and not parent.made:
        content = Content(is_adapter, parent.model, parent.revision)
    if not is_adapter:
        found = _in(_checkpoint(store, fingerprint), LOADED)
    else:
        names = (store.record(fingerprint) or {}).get(checksums.FILES, {})
        adapter = {name.rpartition("/")[2]: name for name in names if name.startswith(f"{ADAPTER}/")}
        loaded = [name for name in adapter if any(fnmatch(name, pattern) for pattern in LOADED)]
        found = {name: store.file(fingerprint, adapter[name]) for name in loaded}
        if not content.base:
            found |= {f"{BASE}/{name}": path for name, path in _in(_parent(chosen, store), LOADED).items()}
        found |= _in(_tokenizer(chosen, store), TOKENIZER)
    files = {name: _without_paths(path, repository, content) for name, path in found.items()}
    if f"{BASE}/{SHAPE}" in files and read(files, "adapter_config.json")["task_type"] in NAMED:
        files[f"{BASE}/{SHAPE}"] = _json(read(files, f"{BASE}/{SHAPE}") | label_names(chosen))
    return content, files


def read(files: Files, name: str) -> Any:
    """What a JSON file among them holds."""
    found = files[name]
    return json.loads(found if isinstance(found, bytes) else found.read_bytes())


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


def _without_paths(path: Path, repository: str, content: Content) -> Path | bytes:
    """The file; one of settings without paths of this computer, with the base's name on the Hub instead.

    Files of tokens are as they are: a token may look like a path.
    """
    if not re.search(r"config\.json|vision\.json|index\.json", path.name):
        return path
    before: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(before, dict):
        return path
    found = without_paths(before) | {key: content.base or repository for key in LOCAL if before.get(key)}
    if "base_model_name_or_path" in found:  # what lies in `base` has no name that peft could look up
        found |= {"base_model_name_or_path": content.base or None, "revision": content.revision or None}
    return path if found == before else _json(found)


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
