"""Names that a study gives: files and folders are called by them, so none may lead anywhere else.

Those of models on the Hub name folders too: in its cache.
"""

import re
import unicodedata
from collections.abc import Iterator

from xstilts.data.task import NO_COMMIT, find_commit, is_commit
from xstilts.study.backbone import bundled
from xstilts.study.problems import Place, Problem
from xstilts.study.study import BackboneTable, StudyFile, model_folder
from xstilts.study.vision import VisionTable

LONGEST = 100
"""Letters of a name. File systems allow 255 bytes, and names stand beside one another."""

HUB_MODEL = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)

NOW = "Use letters, digits, spaces and any of + - . _"


def check_names(study: StudyFile) -> Iterator[Problem]:
    """Those of the study, its backbones, arms and axes; what a task is called says its file."""
    names: list[tuple[Place, str]] = [(("name",), study.name)] if study.name else []
    names += [(("backbones", name), name) for name in study.backbones]
    names += [(("intermediate", "arms", name), name) for name in study.intermediate.arms]
    names += [(("axes", number, "name"), axis.name) for number, axis in enumerate(study.axes) if axis.name]
    for place, name in names:
        if wrong := wrong_name(name):
            yield Problem(place, f"cannot be the name of a file: {wrong}.", NOW)
    for name, table in study.backbones.items():
        yield from _bad_hub_names(study, table, ("backbones", name))
        if table.vision is not None:
            yield from _bad_hub_names(study, table.vision, ("backbones", name, "vision"))


def _bad_hub_names(study: StudyFile, table: BackboneTable | VisionTable, place: Place) -> Iterator[Problem]:
    """Of a model with a revision that is no folder, so of the Hub: its own rules, and a commit."""
    model, revision = table.model, table.revision
    if model is None or revision is None or model in bundled() or model_folder(study, model) is not None:
        return
    if not HUB_MODEL.fullmatch(model) or ".." in model:
        yield Problem((*place, "model"), f"{model!r} is no name of the Hub.", "A model is OWNER/NAME.")
    if not is_commit(revision):
        yield Problem(
            (*place, "revision"), f"{revision!r} {NO_COMMIT}", find_commit("model", model, revision)
        )


def wrong_name(name: str) -> str:
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
