"""Tokenizers: read once in a process as long as the next model has the same, and told from each other.

That of a multilingual model takes 280 MB and two seconds to read, its encoder a tenth of a second.
"""

import ctypes
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

FILES = (".json", ".jinja", ".txt", ".model")
OTHERS = ("config.json", "heads.json", "generation_config.json", "model.safetensors.index.json")
"""What lies beside a tokenizer's files and says nothing of it."""

_last: dict[tuple[str, ...], Any] = {}


def load(folder: Path, model_type: str) -> Any:
    """The tokenizer in a folder of a model of that type; the last one again if its files are the same.

    Errors are transformers' own. Calls leave nothing in a tokenizer but how they cut, which `save` and
    `identity` put back.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in FILES and path.name not in OTHERS)
    parts = (f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    key = (model_type, *parts)
    if key not in _last:
        forget()
        _last[key] = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return _last[key]


def forget() -> None:
    """Keep no tokenizer, and give the memory of what nobody refers to back to the system."""
    _last.clear()
    identity.cache_clear()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give back by themselves
    if trim is not None:
        trim(0)


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
