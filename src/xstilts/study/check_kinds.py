"""What of a plan no model of its backbone's kind can do; models of the Hub are asked when they are loaded."""

from collections.abc import Iterable, Iterator

from xstilts.errors import StudyError
from xstilts.study.architecture import KINDS, refusal, type_of
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Inference, Phase, chain
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Use

CORRECT = "Correct `readout` or `attention` in the recipe, or in that of the backbone."


def check_kinds(shown: str, steps: Iterable[Step], places: Places) -> tuple[StudyError, ...]:
    """One error for each task and type of model that do not go together; `shown` is the study's file."""
    found: dict[str, StudyError] = {}
    for step in steps:
        for model, use, asked in _asked(step):
            named = _type(model, places)
            why = refusal(KINDS[named], use.family, asked.readout, asked.attention) if named in KINDS else ""
            if why:
                where = f"{shown}: '{use.task}' with a model of type {named}"
                found.setdefault(where + why, StudyError(where, f"{why}.", CORRECT))
    return tuple(found.values())


def writes(backbone: Backbone, places: Places) -> bool:
    """Whether a backbone writes text; also if its type is not known before the model is loaded."""
    return KINDS.get(_type(backbone, places), "decoder") in ("decoder", "encoder-decoder")


def _asked(step: Step) -> Iterator[tuple[Backbone | Phase, Use, Recipe | Inference]]:
    one = step.specification
    if isinstance(one, Phase):
        yield from ((one, use, one.recipe) for use in one.uses)
    elif isinstance(one, Evaluation) and one.model is not None and one.inference and one.trained_by is None:
        yield one.model, one.use, one.inference


def _type(model: Backbone | Phase, places: Places) -> str:
    """The type, in transformers' words, of the model that a chain begins with; empty if not known yet."""
    *_, backbone = chain(model)
    assert isinstance(backbone, Backbone)
    if backbone.architecture is not None:
        return backbone.architecture
    folder = places.backbones.get(str(backbone.checksum))
    return "" if folder is None else type_of(folder) or ""
