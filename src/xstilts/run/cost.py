"""What a plan will cost, roughly, without reading a row of data or loading a model."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

from xstilts.data import loader, task
from xstilts.errors import DamageError
from xstilts.store import Store, read_record
from xstilts.study.models import Parameters, size
from xstilts.study.phase import Phase, base_of
from xstilts.study.plan import Plan
from xstilts.study.step import Places, Step
from xstilts.study.use import Mixture, Use

BYTES_PER_TOKEN = 4.0
"""Of text in the files of a task, markup included; XLM-R's vocabulary gives 3.5 to 5 on most languages."""

FLOPS_PER_PARAMETER = 6
"""Of training on a token: two forward and four backward, for each parameter that is no table of tokens."""

BYTES_PER_PARAMETER = 16
"""Weights, gradients and the two moments of Adam, in float32; of a frozen parameter only its weight, 4."""

GPU, GPU_FLOPS, CORE_FLOPS = "an A100", {"bf16": 125e12, "fp32": 7.8e12}, 40e9
"""What is assumed where nothing was measured: floating-point operations in a second, of a GPU 40 % of what
its maker states (312 and 19.5 TFLOP/s), of a core what trainings of this package reached on processors."""


@dataclass(frozen=True)
class Cost:
    """What the missing phases will cost, as far as it is known before they run; evaluations are not in it."""

    tokens: int
    unknown: int
    """Phases of which the number of tokens is not known before their data is fetched."""
    tokens_per_second: float | None
    """The median of the finished phases of the plan; None if there are none."""
    seconds: float | None
    """Of one worker like those that computed the phases of the store; None if it has none that tell."""
    hardware: str
    """What these phases ran on."""
    gpu_seconds: float | None
    """Stated: on GPU, at its assumed speed; None if the size of a backbone is not known."""
    core_seconds: float
    """Stated: on a core of a processor; of no meaning where that of the GPU is not known."""
    memory: float | None
    """Bytes: the most that a finished phase of the plan took, else what weights and moments take."""
    measured_memory: bool


def estimate(plan: Plan, store: Store) -> Cost:
    """The cost of what the store does not have."""
    phases = [step for step in plan.steps if step.kind == "phase"]
    missing = [step for step in phases if store.folder(step.fingerprint) is None]
    own = [record for step in phases if (record := store.record(step.fingerprint))]
    tokens = [tokens_of(step, plan.places) for step in missing]
    sizes = [size_of(step, plan.places) for step in missing]
    known = [number for number in tokens if number is not None]
    speeds = [record["tokens"] / record["train_seconds"] for record in own if record.get("train_seconds")]
    speed = median(speeds) if speeds else None
    gpu, core, flops, weights = 0.0, 0.0, 0.0, list[float]()
    for step, number, model in zip(missing, tokens, sizes, strict=True):
        recipe = _phase(step).recipe
        if model is not None:
            weights.append((4 if recipe.adapter else BYTES_PER_PARAMETER) * model.parameters)
        if number is not None and model is not None:
            operations = FLOPS_PER_PARAMETER * (2 / 3 if recipe.adapter else 1) * model.body * number
            gpu, core = gpu + operations / GPU_FLOPS[recipe.precision], core + operations / CORE_FLOPS
            flops += operations
    sized = all(size is not None for size in sizes)
    rate, hardware = (speed, _hardware(own)) if speed else _flops_per_second(store) if sized else (None, "")
    memories = [record.get("memory", {}) for record in own]
    peaks = [
        2**20 * float(peak) for used in memories if (peak := used.get("gpu_peak_mb") or used.get("peak_mb"))
    ]
    return Cost(
        tokens=sum(known),
        unknown=len(tokens) - len(known),
        tokens_per_second=speed,
        seconds=(sum(known) if speed else flops) / rate if rate else None,
        hardware=hardware,
        gpu_seconds=gpu if sized else None,
        core_seconds=core,
        memory=max(peaks or (weights if sized else ()), default=None),
        measured_memory=bool(peaks),
    )


def size_of(step: Step, places: Places) -> Parameters | None:
    """How large the model of a phase is; None if that is not known."""
    return size(base_of(_phase(step)), places.folder(_phase(step)))


def _phase(step: Step) -> Phase:
    assert isinstance(step.specification, Phase)
    return step.specification


def _hardware(records: Sequence[Mapping[str, Any]]) -> str:
    used = [record.get("hardware", {}) for record in records if record.get("train_seconds")]
    names = [each.get("gpu") or each.get("processor") or "" for each in used]
    return max(set(names), key=names.count) if names else ""


def _flops_per_second(store: Store) -> tuple[float | None, str]:
    """The speed of all phases that the store has, whatever they are part of, and what they ran on."""
    records: list[Mapping[str, Any]] = []
    for folder in sorted((store.root / "steps").glob("*-*")):
        with suppress(DamageError):  # of another study perhaps: `xstilts store verify` tells it
            records.append(read_record(folder))
    rates = [
        FLOPS_PER_PARAMETER * body * record["tokens"] / record["train_seconds"]
        for record in records
        if record.get("train_seconds") and (body := record.get("parameters_without_embeddings"))
    ]
    return (median(rates), _hardware(records)) if rates else (None, "")


def tokens_of(step: Step, places: Places) -> int | None:
    """Roughly the tokens that a phase trains on; None if its data is not here to be measured."""
    phase = _phase(step)
    recipe = phase.recipe
    if recipe.updates is not None and recipe.batch_tokens is not None:
        return recipe.updates * recipe.batch_tokens
    if recipe.updates is not None and recipe.batch_size is not None:
        longest = max(use.kind.tokens for use in phase.uses)
        return recipe.updates * recipe.batch_size * min(longest, recipe.max_length)
    mixture = phase.mixture or Mixture()
    uses = [use for use in phase.uses if not (mixture.replay and not use.kind.labelled)]
    tokens = _total(_tokens_in(use, places, mixture.limit) for use in uses)
    return None if tokens is None else round(tokens * (recipe.epochs or 1) / (1 - mixture.replay))


def trained_tokens(plan: Plan, store: Store) -> int | None:
    """The tokens of all phases of the arms, references apart: those that were counted, else roughly."""
    wanted = {phase for cell in plan.cells if not cell.reference for phase in cell.phases}
    return _total(
        (store.record(phase) or {}).get("tokens") or tokens_of(plan.by_fingerprint[phase], plan.places)
        for phase in wanted
    )


def _total(numbers: Iterable[int | None]) -> int | None:
    """The sum of numbers; None if one of them is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _tokens_in(use: Use, places: Places, limit: int | None) -> int | None:
    """From the files, where they are here; else from the number of examples that the release has."""
    one, each = places.task(use.task), use.kind.tokens
    capped = min((n * each for n in (use.examples, limit) if n is not None), default=None)
    size = _total(loader.text_bytes(one, use.split, language, places.data) for language in use.languages)
    if size is not None and use.languages:
        held: int | None = round(size / BYTES_PER_TOKEN)
    else:
        split = "train" if use.split == task.TRANSLATED else use.split
        held = one.sizes[split] * len(use.languages) * each if split in one.sizes else None
    if held is not None and use.fraction is not None:
        held = round(held * use.fraction)
    given = [number for number in (capped, held) if number is not None]
    return min(given, default=None)
