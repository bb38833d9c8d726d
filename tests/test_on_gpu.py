"""benchmarks/on_gpu.py runs without a GPU, at a toy's size, so that it will run on one."""

import json
import sys
import time
from pathlib import Path

import pytest

import contenders
import on_gpu
import throughput
from on_gpu import TINY, Part


def test_a_part_that_fails_or_does_not_end_is_recorded_with_its_error() -> None:
    def part(code: str) -> dict[str, object]:
        return on_gpu.finished(Part("some", [sys.executable, "-c", code], limit=3), left=60)

    assert part("print('talk'); print('{\"figure\": 3}')")["figure"] == 3
    failed = part("import sys; print('{}'); sys.exit('no such kernel')")
    assert failed["error"] == "ended with status 1\nno such kernel"
    began = time.monotonic()
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)'])"
    assert "ended after 3 s, its limit" in str(part(child)["error"])
    assert time.monotonic() - began < 30
    assert on_gpu.line("some", failed) == "some: FAILED: no such kernel"


def test_the_parts_that_need_no_trainer_run_here(tmp_path: Path) -> None:
    assert on_gpu.prepare(tmp_path, TINY)["pairs"] == TINY.examples
    parity = on_gpu.parity(tmp_path, TINY)
    assert on_gpu.line("parity", parity) == "parity: 3 of 3 checks hold"
    assert parity["fp32"]["farthest"] < 1e-5
    assert parity["bf16, packed"]["farthest"] > 0
    for name, contender in (("tiny", "xstilts"), ("tiny, more rows", "xstilts, all rows")):
        found = vars(contenders.CONTENDERS[contender](on_gpu.job(tmp_path, TINY, name)))
        found |= on_gpu.rates(tmp_path, TINY, name, found, peak=790.0)
        assert found["tokens_per_second"] > 0
        assert on_gpu.line(name, found).endswith("losses read at every update")
    assert {part.name.partition(": ")[2] for part in on_gpu.parts(tmp_path, TINY)} - {""} == {
        *contenders.CONTENDERS
    } - {throughput.SCRIPT}


@pytest.mark.slow
def test_all_of_it_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "on_gpu.json"
    monkeypatch.setattr(sys, "argv", ["on_gpu.py", "--tiny", "--seconds", "3600", "--json", str(written)])
    on_gpu.main()
    parts = json.loads(written.read_text())["parts"]
    assert len(parts) == 10
    assert {name: part["error"] for name, part in parts.items() if "error" in part} == {}
    assert on_gpu.line("parity", parts["parity"]) == "parity: 3 of 3 checks hold"
    assert on_gpu.line("two", parts["two processes"]) == "two: 1 of 1 checks hold"
