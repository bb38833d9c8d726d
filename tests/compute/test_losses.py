"""The curves of tiny fixed trainings: after a refactoring the numbers are the same.

A change that is meant to move them writes the file anew: `python tests/compute/test_losses.py`.
"""

import json
import tempfile
from pathlib import Path

import pytest
import torch
from toybox import Box, phase

from xstilts.store import Store
from xstilts.study.phase import Phase

GOLDEN = Path(__file__).parents[1] / "golden" / "losses.json"
PHASES: dict[str, Phase] = {
    "classification": phase("pairs", updates=8),
    "choice": phase("choices", updates=8),
    "tagging": phase("tags", updates=8, batch_tokens=None, batch_size=8),
    "span": phase("questions", updates=8),
    "masked": phase("texts", updates=8),
    "several tasks on a masked phase": phase("tags", "pairs", parent=phase("texts", updates=8), updates=8),
}


def losses(box: Box, trained: Phase) -> list[float]:
    return [point["loss"] for point in box.curve(trained)]


@pytest.mark.parametrize("name", sorted(PHASES))
def test_losses_are_those_of_the_golden_file(first: Box, name: str) -> None:
    assert losses(first, PHASES[name]) == pytest.approx(json.loads(GOLDEN.read_text())[name], abs=1e-4)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.prepare()
        found = {name: losses(Box(store), trained) for name, trained in PHASES.items()}
    rows = ",\n".join(
        f" {json.dumps(name)}: {json.dumps([round(x, 6) for x in found[name]])}" for name in found
    )
    GOLDEN.write_text("{\n" + rows + "\n}\n")
