"""Tokenizers: read once in a process as long as the next model has the same, and told from each other.

That of a multilingual model takes 280 MB and two seconds to read, its encoder a tenth of a second.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

FILES = (".json", ".jinja", ".txt", ".model")
OTHERS = ("config.json", "heads.json", "generation_config.json", "model.safetensors.index.json")
"""What lies beside a tokenizer's files and says nothing of it."""

TOLD = ("model_type", "tokenizer_class", "transformers_version")
"""What transformers reads of a tokenizer in the model's settings."""

_last: dict[tuple[str, ...], Any] = {}


def load(folder: Path, settings: Any) -> Any:
    """The tokenizer in a folder of a model with those settings; the last one again if its files are the same.

    Errors are transformers' own. Calls leave nothing in a tokenizer but how they cut, which `save` and
    `identity` put back.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in FILES and path.name not in OTHERS)
    parts = (f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    told = (str(getattr(settings, name, None)) for name in TOLD)
    key = (*told, *parts)
    if key not in _last:
        forget()
        _last[key] = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return _last[key]


def forget() -> None:
    """Keep no tokenizer; that which nobody refers to leaves its memory to the system."""
    _last.clear()
    identity.cache_clear()


@lru_cache(maxsize=1)
def identity(tokenizer: Any) -> str:
    """The checksum of how texts become tokens, whatever length the last call has cut them to."""
    return hashlib.sha256(_uncut(tokenizer).to_str().encode()).hexdigest()


def save(tokenizer: Any, folder: Path) -> None:
    """Write it as transformers does, without what the last call has cut texts to."""
    _uncut(tokenizer)
    tokenizer.save_pretrained(folder)


def _uncut(tokenizer: Any) -> Any:
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    return backend
