"""Everything that a GPU must show, in at most eight minutes.

    pip install -e '.[bench]'
    python benchmarks/on_gpu.py [--json FILE] [--peak 790] [--seconds 480] [--tiny]

Parts run one after the other, each in a process of its own that is ended at its limit; what a part finds, or
why it failed, is in the JSON, which is written anew after each. Those that matter most come first, and those
for which no time is left are named. The parts: what is computed on the GPU beside the processor; one phase by
two processes that share the GPU; and the training of encoders of XLM-R's shapes, with a small vocabulary and
with XLM-R's own, by xstilts and by the best Trainer (see contenders.py). With `--tiny` all is of a toy's size
and runs without a GPU in two or three minutes.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import contenders
import sentence_pairs
import throughput
from contenders import Job
from rates import Shape

LENGTHS = "lengths.json"
LEAST_SECONDS = 15.0
"""With less time left no part begins."""

SHARED = '''
"""Processes that share a GPU cannot meet through NCCL, which wants one for each: they meet through gloo."""
import torch.distributed

begin = torch.distributed.init_process_group


def meet(*inputs, **options):
    options.pop("device_id", None)
    begin(*inputs, **options | {"backend": "gloo"})


torch.distributed.init_process_group = meet
'''


@dataclass(frozen=True)
class Scale:
    """How large everything is: encoders by name, each with a size and the rows of its table (None: those of
    the tokenizer); pairs, and pairs of a batch; the encoder that parity is tested with, and for how many
    updates; by how much the limits of the parts are longer, where other work may hold the processor."""

    encoders: dict[str, tuple[str, int | None]]
    examples: int
    batch_size: int
    vocabulary: int
    parity: str
    updates: int
    patience: float = 1.0


XLMR = 250_002
"""Rows of XLM-R's table."""

REAL = Scale(
    {
        "small": ("small", None),
        "base": ("base", None),
        "large": ("large", None),
        "base, XLM-R's vocabulary": ("base", XLMR),
        "large, XLM-R's vocabulary": ("large", XLMR),
    },
    examples=15_360,
    batch_size=128,
    vocabulary=throughput.VOCABULARY,
    parity="small",
    updates=8,
)
TINY = Scale(
    {"tiny": ("tiny", None), "tiny, more rows": ("tiny", 3000)},
    examples=96,
    batch_size=8,
    vocabulary=300,
    parity="tiny",
    updates=4,
    patience=10.0,
)


@dataclass(frozen=True)
class Part:
    """A part: its name, its command, and the seconds after which it is ended."""

    name: str
    command: list[str]
    limit: float


def main() -> None:
    """Run all parts, print, and write the figures as JSON where asked to."""
    parser = argparse.ArgumentParser(description="Everything that a GPU must show")
    parser.add_argument("--tiny", action="store_true", help="a toy's size, on a processor too")
    parser.add_argument("--peak", type=float, default=790.0, help="the GPU's bf16 TFLOP/s, without sparsity")
    parser.add_argument("--seconds", type=float, default=480.0, help="for everything")
    parser.add_argument("--parts", nargs="+", help="those whose names begin so; all by default")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--part", choices=OWN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        print(json.dumps(OWN[options.part](options.folder, TINY if options.tiny else REAL)))
        return
    with tempfile.TemporaryDirectory() as name:
        run(Path(name), options)


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the parts that are asked for; gives the figures."""
    scale, began = TINY if options.tiny else REAL, time.monotonic()
    figures: dict[str, Any] = {
        "machine": throughput.machine(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "peak_tflops": options.peak,
        "scale": asdict(scale),
        "parts": {},
    }
    for part in parts(folder, scale):
        if options.parts and not part.name.startswith(("prepare", *options.parts)):
            continue
        left = options.seconds - (time.monotonic() - began)
        found = finished(part, left) if left > LEAST_SECONDS else {"error": "not begun: no time left"}
        encoder = part.name.partition(": ")[0]
        if "pace" in found:
            found |= rates(folder, scale, encoder, found, options.peak)
        figures["parts"][part.name] = found
        figures["seconds"] = time.monotonic() - began
        print(line(part.name, found), flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def parts(folder: Path, scale: Scale) -> Iterator[Part]:
    """All parts, those first that matter most."""

    def own(name: str, limit: float) -> Part:
        tiny = ["--tiny"] if scale is TINY else []
        command = [sys.executable, __file__, "--part", name, "--folder", str(folder), *tiny]
        return Part(name, command, limit * scale.patience)

    def trained(encoder: str, contender: str, limit: float) -> Part:
        values = asdict(job(folder, scale, encoder)) | {"folder": str(folder / encoder)}
        command = [sys.executable, contenders.__file__, contender, json.dumps(values)]
        return Part(f"{encoder}: {contender}", command, limit * scale.patience)

    plain = [encoder for encoder, (_, rows) in scale.encoders.items() if rows is None]
    large = [encoder for encoder in scale.encoders if encoder not in plain]
    yield own("prepare", 120)
    yield own("parity", 60)
    for encoder in (*large, *plain):
        yield trained(encoder, "xstilts", 80)
        yield trained(encoder, "best Trainer", 80)
    yield own("two processes", 60)
    for encoder in large:
        yield trained(encoder, "xstilts, all rows", 80)
    for encoder in (*plain, *large):
        yield trained(encoder, "compiled Trainer", 120)


def finished(part: Part, left: float) -> dict[str, Any]:
    """What the part prints as its last line, or its error; it and its processes are ended at the limit."""
    began, limit = time.monotonic(), min(part.limit, left)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(part.command, stdout=out, stderr=errors, start_new_session=True)
        try:
            process.wait(limit)
            ended = f"ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"ended after {limit:.0f} s, its limit"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        out.seek(0)
        errors.seek(0)
        lines, words = out.read().splitlines(), errors.read()
    wall = {"wall_seconds": time.monotonic() - began}
    if process.returncode == 0 and lines:
        return {**json.loads(lines[-1]), **wall}
    return {"error": f"{ended}\n{words[-2000:]}".strip()} | wall


def job(folder: Path, scale: Scale, encoder: str) -> Job:
    """What the contenders do with an encoder."""
    return Job(
        folder=folder / encoder,
        examples=scale.examples,
        epochs=1,
        batch_size=scale.batch_size,
        learning_rate=1e-4,
        max_length=throughput.MAX_LENGTH,
        precision="bf16",
        threads=1,
        seed=1,
    )


def prepare(folder: Path, scale: Scale) -> dict[str, Any]:
    """Write the pairs, and for each encoder a folder with its weights and what the contenders need."""
    pairs = sentence_pairs.write(folder, scale.examples)
    tokenizer = throughput.tokenizer_of(pairs, scale.vocabulary)
    lengths = throughput.lengths_of(pairs, tokenizer)
    (folder / LENGTHS).write_text(json.dumps(lengths))
    for name, (size, rows) in scale.encoders.items():
        throughput.made_up(folder / name / "backbone", throughput.SIZES[size], tokenizer, rows)
        for file in (folder / sentence_pairs.FILE, Path(sentence_pairs.__file__)):
            shutil.copy(file, folder / name)
    return {"tokens": sum(lengths), "pairs": len(lengths), "vocabulary": len(tokenizer)}


def rates(folder: Path, scale: Scale, encoder: str, figures: dict[str, Any], peak: float) -> dict[str, float]:
    """Real tokens and useful operations a second once a third of the updates is done, and their share of the
    peak; of all updates where these were too few."""
    lengths = json.loads((folder / LENGTHS).read_text())
    layers, hidden, _, between = throughput.SIZES[scale.encoders[encoder][0]]
    shape = Shape(layers, hidden, between, 0)
    updates = job(folder, scale, encoder).updates
    seconds = updates / figures["pace"] if figures["pace"] else figures["seconds"]
    operations = shape.flops(sum(lengths), sum(length**2 for length in lengths)) / seconds
    return {
        "tokens_per_second": sum(lengths) / seconds,
        "tflops": operations / 1e12,
        "share_of_peak": operations / 1e12 / peak,
    }


def parity(folder: Path, scale: Scale) -> dict[str, Any]:
    """Losses of a few updates without dropout: in fp32 on the processor, then in each way on the device; and
    with dropout, padded and packed, whose draws differ."""
    from xstilts.compute.device import Execution

    cuda = torch.cuda.is_available()
    processor = Execution(torch.device("cpu"))
    gpu = Execution(torch.device("cuda" if cuda else "cpu"), ahead=4, wait=8, overhead=None)
    packed = replace(gpu, packed=True)
    encoder = job(folder, scale, scale.parity)
    exact = losses(replace(encoder, precision="fp32", threads=os.cpu_count() or 1), scale, processor)
    found: dict[str, Any] = {"processor, fp32": {"losses": exact}}
    for name, precision, execution, bound in (
        ("fp32", "fp32", gpu, 1e-3),
        ("bf16", "bf16", gpu, 0.05),
        ("bf16, packed", "bf16", packed, 0.05),
    ):
        values = losses(replace(encoder, precision=precision), scale, execution)
        away = max(abs(value / other - 1) for value, other in zip(values, exact, strict=True))
        found[name] = {"losses": values, "farthest": away, "bound": bound, "holds": away <= bound}
    for name, execution in (("padded", gpu), ("packed", packed)):
        found[f"bf16, dropout, {name}"] = {"losses": losses(encoder, scale, execution, dropout=None)}
    return found | ({"attention": attention_beside_a_mask()} if cuda else {})


def losses(
    one: Job, scale: Scale, execution: Any = None, dropout: float | None = 0.0, processes: int = 1
) -> list[float]:
    """Those of the first updates of a job, computed in that way, or as the device can."""
    from xstilts.compute import work
    from xstilts.compute.context import Means
    from xstilts.compute.device import Execution
    from xstilts.store import Store
    from xstilts.study.step import Step

    step, places = contenders.phase(one)
    recipe = step.specification.recipe.changed(epochs=None, updates=scale.updates, dropout=dropout)
    step = Step(step.specification.changed(recipe=recipe))
    with tempfile.TemporaryDirectory(dir=one.folder) as name, ExitStack() as stack:
        if execution is not None:
            stack.enter_context(mock.patch.object(Execution, "chosen", lambda *_: execution))
        store = Store(Path(name))
        store.prepare()
        work.compute(step, store, places, lambda event: None, Means(processes=processes))
        folder = store.folder(step.fingerprint)
        assert folder is not None
        lines = (folder / "curve.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def attention_beside_a_mask() -> dict[str, Any]:
    """How far FlashAttention of packed sequences is from attention with a mask of blocks, in fp32; with
    dropout the mean of many draws. Outputs, and gradients of the keys."""
    from xstilts.compute.attention import Packed, blocks, flash

    torch.manual_seed(1)
    cuts = torch.tensor([0, 17, 64, 65, 192, 256], dtype=torch.int32)
    query, key, value, upstream = torch.randn(4, 1, 8, 256, 64)
    found = {}
    for name, causal, window, dropout in (
        ("all", False, None, 0.0),
        ("causal", True, None, 0.0),
        ("window", False, 9, 0.0),
        ("dropout", False, None, 0.1),
    ):
        side = -1 if window is None else window - 1
        packed = Packed(cuts.cuda(), 127, (side, 0 if causal else side), dropout, None)
        mask, outputs, gradients = blocks(cuts, window, causal=causal), [], []
        for _ in range(200 if dropout else 1):
            given = [states.to("cuda", torch.bfloat16).requires_grad_() for states in (query, key, value)]
            output = flash(given[0], given[1], given[2], packed).transpose(1, 2)
            output.backward(upstream.to(output))  # type: ignore[no-untyped-call]
            outputs.append(output.detach().float().cpu())
            assert given[1].grad is not None
            gradients.append(given[1].grad.float().cpu())
        key.requires_grad_().grad = None
        expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask)
        expected.backward(upstream)  # type: ignore[no-untyped-call]
        assert key.grad is not None
        away = float((torch.stack(outputs).mean(0) - expected).abs().max())
        away_key = float((torch.stack(gradients).mean(0) - key.grad).abs().max() / key.grad.abs().max())
        bound = 0.3 if dropout else 0.05
        found[name] = {"output": away, "gradient": away_key, "holds": max(away, away_key) <= bound}
    return found


def two_processes(folder: Path, scale: Scale) -> dict[str, Any]:
    """A phase by one process, and by two that share the GPU: losses, and how far apart they are."""
    (folder / "sitecustomize.py").write_text(SHARED)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    exec(compile(SHARED, "sitecustomize", "exec"), {})
    encoder, values, seconds = job(folder, scale, scale.parity), [], []
    for processes in (1, 2):
        began = time.monotonic()
        values.append(losses(encoder, scale, processes=processes))
        seconds.append(time.monotonic() - began)
    away = max(abs(two / alone - 1) for alone, two in zip(*values, strict=True))
    return {"losses": values, "farthest": away, "bound": 0.02, "holds": away <= 0.02, "seconds_of": seconds}


OWN = {"prepare": prepare, "parity": parity, "two processes": two_processes}
"""The parts that are not a contender's training."""


def line(name: str, found: dict[str, Any]) -> str:
    """What a part found, for people."""
    if "error" in found:
        return f"{name}: FAILED: {found['error'].splitlines()[-1]}"
    if "tokens_per_second" in found:
        text = f"{name}: {found['tokens_per_second']:,.0f} tokens/s, {found['memory'] / 1e6:,.0f} MB, "
        text += f"{found['share_of_peak']:.1%} of the peak, padding {found['padding']:.1%}"
        return f"{text}, loss {found['loss']:.3f}" + (f"; {found['execution']}" if found["execution"] else "")
    checks = {key: value for key, value in found.items() if isinstance(value, dict) and "holds" in value}
    checks |= {f"attention, {key}": value for key, value in found.get("attention", {}).items()}
    checks |= {name: found} if "holds" in found else {}
    if not checks:
        return f"{name}: done in {found['wall_seconds']:.0f} s"
    wrong = [key for key, value in checks.items() if not value["holds"]]
    return f"{name}: {len(checks) - len(wrong)} of {len(checks)} checks hold" + (
        f", not {wrong}" if wrong else ""
    )


if __name__ == "__main__":
    main()
