"""Names that a study gives: files and folders are called by them, so none may lead anywhere else.

Those of models on the Hub name folders too: in its cache.
"""

import re
import unicodedata
from collections.abc import Iterator

from xstilts.study.problems import Place, Problem
from xstilts.study.study import BackboneTable, Study, model_folder
from xstilts.study.vision import VisionTable

LONGEST = 100
"""Letters of a name. File systems allow 255 bytes, and names stand beside one another."""

HUB_MODEL = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)
HUB_REVISION = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)

NOW = "Use letters, digits, spaces and any of + - . _"


def check_names(study: Study) -> Iterator[Problem]:
    """Those of the study, its backbones, arms and axes; what a task is called says its file."""
    names: list[tuple[Place, str]] = [(("name",), study.name)] if study.name else []
    names += [(("backbones", name), name) for name in study.backbones]
    names += [(("intermediate", "arms", name), name) for name in study.intermediate.arms]
    names += [(("axes", number, "name"), axis.name) for number, axis in enumerate(study.axes) if axis.name]
    for place, name in names:
        if wrong := _wrong(name):
            yield Problem(place, f"cannot be the name of a file: {wrong}.", NOW)
    for name, table in study.backbones.items():
        yield from _bad_hub_names(study, table, ("backbones", name))
        if table.vision is not None:
            yield from _bad_hub_names(study, table.vision, ("backbones", name, "vision"))


def _bad_hub_names(study: Study, table: BackboneTable | VisionTable, place: Place) -> Iterator[Problem]:
    """Of a model with a revision that is no folder, so of the Hub: as its own rules have them."""
    if table.model is None or table.revision is None or model_folder(study, table.model) is not None:
        return
    for key, text, rule in (("model", table.model, HUB_MODEL), ("revision", table.revision, HUB_REVISION)):
        if not rule.fullmatch(text) or ".." in text:
            now = "A model is OWNER/NAME; a revision is a commit, a tag or a branch."
            yield Problem((*place, key), f"{text!r} is no name of the Hub.", now)


def _wrong(name: str) -> str:
    """Why a file should not be called so; "" if it may."""
    if not name or name != name.strip():
        return "it is empty" if not name.strip() else "it begins or ends with a space"
    if name[0] in ".-~=+@":
        return f"it begins with '{name[0]}'"
    if bad := sorted(
        {letter for letter in name if letter in "/\\" or unicodedata.category(letter)[0] == "C"}
    ):
        return f"it holds {', '.join(map(ascii, bad))}"
    return f"it has more than {LONGEST} letters" if len(name) > LONGEST else ""
