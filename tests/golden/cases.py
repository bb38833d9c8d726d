"""The cases that official code answered: the copied ones; with XSTILTS_GOLDEN=DIR also all of that folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest


def cases(families: str = "*") -> list[Any]:
    """Family and case as two parameters of a test; `families` is a pattern of their names."""
    folders = [Path(__file__).parent / "official"]
    if os.environ.get("XSTILTS_GOLDEN"):
        folders.append(Path(os.environ["XSTILTS_GOLDEN"]))
    found = []
    for folder in folders:
        for path in sorted(folder.glob(f"{families}.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            for case in content["cases"]:
                found.append(pytest.param(path.stem, case, id=f"{folder.name}-{case['id']}"))
    return found
