"""What is read of a running phase is what training writes."""

import json
from pathlib import Path

import torch

from xstilts.compute.state import PhaseProgress, save
from xstilts.tracking.course import running_curve


def test_the_curve_of_a_running_phase_is_that_of_its_state(tmp_path: Path) -> None:
    assert running_curve(tmp_path) == []
    model = torch.nn.Linear(2, 2)
    curve = [{"update": 2, "loss": 0.5, "rate": 1e-3, "tokens": 64}, {"update": 4, "loss": 0.25}]
    progress = PhaseProgress(update=5, curve=curve)
    save(tmp_path, model, torch.optim.AdamW(model.parameters()), progress, {})  # type: ignore[arg-type]
    assert running_curve(tmp_path) == json.loads(json.dumps(curve))
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:20])
    assert running_curve(tmp_path) == []
