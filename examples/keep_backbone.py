"""Keep the checkpoint of a phase as a small folder in half precision, with the record of how it was made.

Run:  python examples/keep_backbone.py STORE FINGERPRINT FOLDER

The folder holds what `from_pretrained` needs (weights in float16, shape, tokenizer), and the spec.json and
record.json of the phase. If it was trained on text of the lab, lab.json says which world and vocabulary it is
for; xstilts checks that before it uses a bundled backbone.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from xstilts import lab
from xstilts.store import Store

KEPT = ("config.json", "tokenizer.json", "tokenizer_config.json")
WEIGHTS = ("model.safetensors", "vision.safetensors")
"""Of a text model, and of the eyes that it may have."""


def keep(store: Store, fingerprint: str, folder: Path) -> None:
    """Write the folder; the store is only read."""
    checkpoint = store.checkpoint(fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    for name in WEIGHTS:
        if (checkpoint / name).is_file():
            weights = {key: tensor.half() for key, tensor in load_file(checkpoint / name).items()}
            assert all(torch.isfinite(tensor).all() for tensor in weights.values()), "too large for float16"
            save_file(weights, folder / name, metadata={"format": "pt"})
            (folder / name).chmod(0o644)  # safetensors writes for the owner alone
    for name in (*KEPT, "vision.json"):
        if (checkpoint / name).is_file():
            shutil.copyfile(checkpoint / name, folder / name)
    shutil.copyfile(checkpoint.parent / "spec.json", folder / "spec.json")
    record = json.loads((checkpoint.parent / "record.json").read_text())
    for private in ("host", "system"):
        record["hardware"].pop(private, None)
    (folder / "record.json").write_text(json.dumps(record, indent=1) + "\n")
    if '"lab:' not in (folder / "spec.json").read_text():
        return
    vocabulary = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    facts = {"world": lab.identity(), "vocabulary": vocabulary}
    (folder / "lab.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    keep(Store(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]))
