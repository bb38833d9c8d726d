"""How sure a model is of each decision: what is kept of its probabilities beside a prediction.

Of each decision two numbers are kept: the `doubt`, which is 1 less the probability of what was chosen, and
the Brier score. Calibration error, Brier score and selective accuracy need no more. Both have six binary
digits, an error of less than one part in 128, and compress well; a doubt keeps them near zero too, where
confidences differ in little but their order matters.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.families.items import Family, Item, Layout, Scores
from xstilts.families.text import TextReadout, option_scores
from xstilts.metrics.calibration import brier

CERTAIN = ("classification", "choice", "tagging", "visual")
"""Families whose answers are chosen among labels, options or tags."""

DIGITS = 6
LEAST = 2.0**-20

Numbers = list[list[float]]
"""Of each example, a number for each decision."""


def certainties(
    family: Family | TextReadout,
    examples: Sequence[Any],
    items: Sequence[Item],
    scores: Scores,
    layout: Layout,
) -> tuple[Numbers, Numbers]:
    """Compute doubts and Brier scores of each example, from what its family decodes.

    Each example has one, but a tagged sentence, which has one for each word. Of other families none.
    """
    if family.name not in CERTAIN:
        return [[] for _ in examples], [[] for _ in examples]
    gold_of = family.family.gold if isinstance(family, TextReadout) else family.gold
    index = {label: number for number, label in enumerate(layout.labels)}
    parts: list[list[NDArray[np.float64]]] = [[] for _ in examples]
    for item, score in zip(items, scores, strict=True):
        parts[item.example].append(_probabilities(family, item, score))
    doubts, briers = [], []
    for example, own in zip(examples, parts, strict=True):
        probabilities = np.concatenate(own) if own else np.zeros((0, 1))
        answer = gold_of(example)
        answers = answer if isinstance(answer, tuple) else (answer,)
        gold = [one if isinstance(one, int) else index.get(one, -1) for one in answers]
        doubts.append(_rounded(1 - probabilities.max(axis=1)))
        briers.append(_rounded(brier(probabilities, gold)))
    return doubts, briers


def _probabilities(
    family: Family | TextReadout, item: Item, score: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Of each decision of an item, the probability of each choice: [decisions, choices].

    A model whose scores are no numbers knows nothing: all choices are as likely.
    """
    if isinstance(family, TextReadout):
        logits = option_scores(item, score)[None].astype(np.float64)
    else:
        logits = (score if family.axis == "outputs" else score.T).astype(np.float64)
    with np.errstate(invalid="ignore"):
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers[~np.isfinite(powers).all(axis=1)] = 1.0
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    """Numbers with so many binary digits, none below LEAST."""
    parts, powers = np.frexp(np.maximum(numbers, LEAST))
    digits = 2.0 ** (DIGITS + 1)
    rounded: list[float] = np.ldexp(np.round(parts * digits) / digits, powers).tolist()
    return rounded
