"""Models and tokenizers of transformers: models without heads and poolers, from a folder or at random.

A tokenizer is read once in a process as long as the next model has the same: that of a multilingual model
takes 280 MB and two seconds to read, its encoder a tenth of a second.
"""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer, PreTrainedModel

from xstilts.errors import BackboneError, XstiltsError


def read(folder: Path, settings: Any) -> tuple[PreTrainedModel, Mapping[str, Any]]:
    """The model in a folder, in float32, and what transformers tells of it; errors are transformers' own."""
    model, report = AutoModel.from_pretrained(
        folder,
        config=settings,
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **_without_pooler(settings),
    )
    return model, report


def check_whole(folder: Path, settings: Any, report: Mapping[str, Any], spare: str = "") -> None:
    """Raises BackboneError if weights were not there, but for those with `spare` in their name."""
    missing = sorted(name for name in report["missing_keys"] if not spare or spare not in name)
    if missing:
        what = f"lacks {len(missing)} of the weights of a {settings.model_type} model, such as {missing[0]}."
        raise BackboneError(str(folder), what, "Its config.json does not fit its weights.")


def blank(settings: Any) -> PreTrainedModel:
    """A model of that shape with random weights, drawn from torch's generator."""
    made: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
        settings, dtype=torch.float32, **_without_pooler(settings)
    )
    return made


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write tensors, wherever they are, in the format in which transformers reads them."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(whole, path, metadata={"format": "pt"})


@contextmanager
def refused(where: object, what: str, now: str) -> Iterator[None]:
    """Tell as a BackboneError whatever another library raises, in errors of many kinds, of a user's model."""
    try:
        yield
    except XstiltsError:
        raise
    except Exception as error:
        raise BackboneError(str(where), f"{what} ({reason(error)}).", now) from error


def reason(error: Exception) -> str:
    """The beginning of an error of another library, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _without_pooler(settings: Any) -> dict[str, bool]:
    """Poolers are never read; an untrained one would only be noise in the checkpoint."""
    if hasattr(settings, "vision_use_head"):  # SigLIP's tower has one of its own kind
        settings.vision_use_head = False
    known: Any = AutoModel._model_mapping.get(type(settings), None)
    takes = known is not None and "add_pooling_layer" in inspect.signature(known).parameters
    return {"add_pooling_layer": False} if takes else {}


FILES = (".json", ".jinja", ".txt", ".model")
OTHERS = ("config.json", "heads.json", "generation_config.json", "model.safetensors.index.json")
"""What lies beside a tokenizer's files and says nothing of it."""

TOLD = ("model_type", "tokenizer_class", "transformers_version")
"""What transformers reads of a tokenizer in the model's settings."""

_last: dict[tuple[str, ...], Any] = {}


def load_tokenizer(folder: Path, settings: Any) -> Any:
    """The tokenizer in a folder of a model with those settings; the last one again if its files are the same.

    Errors are transformers' own. Calls leave nothing in a tokenizer but how they cut, which `save_tokenizer`
    and `tokenizer_identity` put back.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in FILES and path.name not in OTHERS)
    parts = (f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    told = (str(getattr(settings, name, None)) for name in TOLD)
    key = (*told, *parts)
    if key not in _last:
        forget_tokenizers()
        _last[key] = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    return _last[key]


def forget_tokenizers() -> None:
    """Keep no tokenizer; that which nobody refers to leaves its memory to the system."""
    _last.clear()
    tokenizer_identity.cache_clear()


@lru_cache(maxsize=1)
def tokenizer_identity(tokenizer: Any) -> str:
    """The checksum of how texts become tokens, whatever length the last call has cut them to."""
    return hashlib.sha256(_uncut(tokenizer).to_str().encode()).hexdigest()


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write it as transformers does, without what the last call has cut texts to."""
    _uncut(tokenizer)
    tokenizer.save_pretrained(folder)


def _uncut(tokenizer: Any) -> Any:
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    return backend
