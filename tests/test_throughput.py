"""The contenders of benchmarks/throughput.py compute with what the job says, without a GPU too."""

import shutil
from pathlib import Path

import pytest
import torch

import contenders
import sentence_pairs
from contenders import Job


def _job(folder: Path, precision: str, threads: int = 3) -> Job:
    return Job(
        folder=folder,
        examples=32,
        epochs=1,
        batch_size=8,
        learning_rate=1e-3,
        max_length=32,
        precision=precision,
        threads=threads,
        seed=1,
    )


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_trainer_takes_the_precision_without_a_gpu(
    tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = _job(tmp_path, precision)
    arguments = contenders.training_arguments(job, contenders.best_options(job))
    assert (arguments.use_cpu, arguments.bf16) == (True, precision == "bf16")
    assert contenders.training_arguments(job, {}).bf16 is False


def test_all_compute_with_the_same_number_of_threads(tmp_path: Path) -> None:
    (tmp_path / "backbone").mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / "backbone" / name).touch()
    shutil.copy(sentence_pairs.__file__, tmp_path)
    sentence_pairs.write(tmp_path, 4)
    step, _ = contenders.phase(_job(tmp_path, "fp32", threads=3))
    assert step.specification.recipe.threads == 3
