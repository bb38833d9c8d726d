"""Eight hand-made examples of each family, in words that `formats` knows, and models with their heads."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from toybox import PLACES, spread

from formats import FORMATS
from xstilts import families
from xstilts.compute import checkpoint
from xstilts.compute.data import Encoded, collate, generator
from xstilts.compute.model import Model, loss_sum
from xstilts.compute.predict import objective
from xstilts.compute.rows import MASKED_HEAD, prepare
from xstilts.compute.state import adamw
from xstilts.data.examples import Answer, Choice, Pair, Question, Tagged, Text
from xstilts.families.items import IGNORED, Layout
from xstilts.families.text import TEXT_FAMILIES
from xstilts.study.architecture import refusal
from xstilts.study.backbone import Backbone, checksum
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places

_SENTENCES = (
    "The children read a book under the old tree.",
    "Where is the red house?",
    "The water is cold.",
    "Die Kinder lesen ein Buch unter dem alten Baum.",
    "Das Wasser ist kalt, aber das Brot ist warm.",
    "Les enfants lisent un livre sous le vieil arbre.",
    "L'eau est froide.",
    "Los niños leen un libro debajo del árbol viejo.",
)
_ANSWERS = ("book", "red", "water", "Buch", "Brot", "enfants", "L'eau", "libro")
_TAGS = ("A", "N", "V")


def _question(sentence: str, answer: str) -> Question:
    return Question(sentence, "Where ?", (Answer(answer, sentence.index(answer)),))


EXAMPLES: dict[str, list[Any]] = {
    "classification": [
        Pair(text, None if row % 3 == 1 else "The bread is warm.", ("no", "yes")[row % 2])
        for row, text in enumerate(_SENTENCES)
    ],
    "choice": [
        Choice("" if row % 4 == 2 else text, ("cold", "the old tree", "warm bread")[: 2 + row % 2], row % 2)
        for row, text in enumerate(_SENTENCES)
    ],
    "tagging": [
        Tagged(tuple(text.split()), tuple(_TAGS[len(word) % 3] for word in text.split()))
        for text in _SENTENCES
    ],
    "span": [_question(*pair) for pair in zip(_SENTENCES, _ANSWERS, strict=True)],
    "masked": [Text(text) for text in _SENTENCES],
}
LABELS = {"classification": ("no", "yes"), "tagging": _TAGS}
LAYOUT = 64
"""Tokens of a sequence at the most, in which every example fits at once."""

Folder = Callable[[str], Path]


def done(name: str, readout: str) -> list[str]:
    """The families that a format can do with that readout."""
    kind = FORMATS[name].kind
    known = [family for family in EXAMPLES if readout == "head" or family in TEXT_FAMILIES]
    return [family for family in known if not refusal(kind, family, readout, "causal")]


def layout(model: Model, family: str, readout: str = "head") -> Layout:
    return model.layout(Layout(LABELS.get(family, ()), max_length=LAYOUT, stride=16), readout)


def opened(folder: Path, *names: str) -> Model:
    """The model in a folder with heads for these families, or all, which are spread as after training."""
    model = checkpoint.load(folder)
    torch.manual_seed(0)
    for family in names or EXAMPLES:
        if family not in model.heads:
            model.add_head(family, family, families.find(family).outputs(layout(model, family)))
            tied = [name for name, _ in model.heads[family].named_parameters() if family == "masked"]
            if not tied:
                spread(model.heads[family])
    return model.eval()


def columns(model: Model, family: str, readout: str = "head") -> Encoded:
    """The eight examples as they are trained on; of masked text, with tokens hidden."""
    found = families.read_out(family, layout(model, family, readout))
    items = found.encode(EXAMPLES[family], model.tokenizer, layout(model, family, readout))
    data = Encoded.of(items, found.axis)
    if family == "masked":
        data = objective(model).hide(data, np.arange(len(data)), 0.3, generator("eight"))
    return data


def placed(folder: Path) -> tuple[Backbone, Places]:
    """The model in a folder as a backbone, and where it and the toy tasks lie."""
    backbone = Backbone(checksum=checksum(folder))
    return backbone, replace(PLACES, backbones={str(backbone.checksum): folder})


def head_of(family: str, readout: str = "head") -> str:
    return MASKED_HEAD if readout == "text" else family


def answered(model: Model, family: str, readout: str) -> Any:
    return prepare(EXAMPLES[family], family, model.tokenizer, layout(model, family, readout))


def learned(model: Model, family: str, readout: str, rate: float = 5e-3, updates: int = 80) -> None:
    """Train on the eight examples until they are known, or so many times."""
    data, head = columns(model, family, readout), head_of(family, readout)
    batch = collate(data, np.arange(len(data)), model.pad)
    optimizer = adamw(model, Recipe(learning_rate=rate))
    for _ in range(updates):
        loss = loss_sum(model(batch, head), batch) / (batch.gold != IGNORED).sum()
        if loss < 0.02:
            break
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()
