"""What a plan will cost, roughly, without reading a row of data or loading a model."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from xstilts.data import loader, task
from xstilts.study.mixture import Mixture
from xstilts.study.phase import Phase
from xstilts.study.plan import Plan
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

if TYPE_CHECKING:
    from xstilts.store import Store

BYTES_PER_TOKEN = 4.0
"""Of text in the files of a task, markup included; XLM-R's vocabulary gives 3.5 to 5 on most languages."""

TOKENS_PER_EXAMPLE = {
    "classification": 40,
    "choice": 250,
    "tagging": 25,
    "span": 200,
    "visual": 12,
    "masked": 40,
}
"""Where only the number of examples is known, by family: MNLI has about 40, SQuAD 200, HellaSwag's four
endings with their context 340, Cosmos QA's 440, CommonsenseQA's five 100, English UD 23. Beside images only
the text counts (XVNLI's hypotheses have seven words); what a model makes of pixels is not known here."""


@dataclass(frozen=True)
class Cost:
    """Tokens that the missing phases will train on, as far as that is known, and how fast they may be."""

    tokens: int
    unknown: int
    """Phases of which the number of tokens is not known before their data is fetched."""
    tokens_per_second: float | None
    """The median of the finished phases of the plan; None if there are none."""

    @property
    def seconds(self) -> float | None:
        """Training time on one worker of the kind that the finished phases ran on."""
        return self.tokens / self.tokens_per_second if self.tokens_per_second else None


def estimate(plan: Plan, store: "Store") -> Cost:
    """The cost of what the store does not have."""
    missing = [step for step in plan.steps if step.kind == "phase" and store.folder(step.fingerprint) is None]
    tokens = [tokens_of(step, plan.places) for step in missing]
    known = [number for number in tokens if number is not None]
    return Cost(sum(known), len(tokens) - len(known), _speed(plan.steps, store))


def tokens_of(step: Step, places: Places) -> int | None:
    """Roughly the tokens that a phase trains on; None if its data is not here to be measured."""
    phase = step.specification
    assert isinstance(phase, Phase)
    recipe = phase.recipe
    if recipe.updates is not None and recipe.batch_tokens is not None:
        return recipe.updates * recipe.batch_tokens
    if recipe.updates is not None and recipe.batch_size is not None:
        longest = max(TOKENS_PER_EXAMPLE[use.family] for use in phase.uses)
        return recipe.updates * recipe.batch_size * min(longest, recipe.max_length)
    mixture = phase.mixture or Mixture()
    uses = [use for use in phase.uses if not (mixture.replay and use.family == "masked")]
    sizes = [_tokens_in(use, places, mixture.limit) for use in uses]
    known = [size for size in sizes if size is not None]
    tokens = sum(known) * (recipe.epochs or 1) / (1 - mixture.replay)
    return round(tokens) if len(known) == len(sizes) else None


def _tokens_in(use: Use, places: Places, limit: int | None) -> int | None:
    """From the files, where they are here; else from the number of examples that the release has."""
    one, each = places.task(use.task), TOKENS_PER_EXAMPLE[use.family]
    capped = min((n * each for n in (use.examples, limit) if n is not None), default=None)
    sizes = [loader.text_bytes(one, use.split, language, places.data) for language in use.languages]
    known = [size for size in sizes if size is not None]
    if known and len(known) == len(sizes):
        held: int | None = round(sum(known) / BYTES_PER_TOKEN)
    else:
        split = "train" if use.split == task.TRANSLATED else use.split
        held = one.sizes[split] * len(use.languages) * each if split in one.sizes else None
    if held is not None and use.fraction is not None:
        held = round(held * use.fraction)
    given = [number for number in (capped, held) if number is not None]
    return min(given, default=None)


def _speed(steps: Iterable[Step], store: "Store") -> float | None:
    records = [_record(step, store) for step in steps if step.kind == "phase"]
    speeds = [record["tokens"] / record["train_seconds"] for record in records if record.get("train_seconds")]
    return median(speeds) if speeds else None


def _record(step: Step, store: "Store") -> dict[str, Any]:
    return dict(store.record(step.fingerprint) or {})
