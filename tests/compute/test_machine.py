"""What the computer is told about: cores, threads, and bfloat16 that is only emulated."""

from pathlib import Path

import pytest

from xstilts.run import machine
from xstilts.study.load import load
from xstilts.study.plan import plan

STUDY = """
name = "s"
question = "what?"
[backbones]
s = {{ architecture = "xlm-roberta", tokenizer = {{ tasks = ["lab_text"] }} }}
[intermediate.arms]
none = []
[target]
tasks = ["lab_pos"]
recipe = {{ precision = "{precision}" }}
"""


@pytest.mark.parametrize(
    ("precision", "flags", "said"),
    [("bf16", "fma avx2", True), ("bf16", "avx2 avx512_bf16", False), ("fp32", "fma avx2", False)],
)
def test_emulated_bf16_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, flags: str, said: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(machine, "_PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "s.toml").write_text(STUDY.format(precision=precision))
    steps = plan(load(str(tmp_path / "s.toml"))).steps
    assert ("bf16" in machine.advice(steps)) is said


@pytest.mark.parametrize(
    ("stated", "seen"), [("-1", ()), ("1,-1,0", ("1",)), ("", ()), ("0, GPU-7f", ("0", "GPU-7f"))]
)
def test_gpus_that_are_hidden_are_none(
    monkeypatch: pytest.MonkeyPatch, stated: str, seen: tuple[str, ...]
) -> None:
    """CUDA sees those before the first number that is none, which people write to compute without GPUs."""
    monkeypatch.setattr(machine, "cores", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", stated)
    assert machine.gpus() == seen
    assert len(machine.environments(None)) == (len(seen) or 4)
