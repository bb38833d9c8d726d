"""What is wrong with the eyes that a study joins to text encoders."""

from collections.abc import Iterator
from pathlib import Path

from xstilts.study.architecture import KINDS, Kind, type_of
from xstilts.study.backbone import bundled
from xstilts.study.problems import Place, Problem
from xstilts.study.study import BackboneTable, StudyFile, model_folder
from xstilts.study.vision import EYES, VisionTable


def check_eyes(study: StudyFile) -> Iterator[Problem]:
    """A patch embedding or a vision encoder, joined to a text encoder that has no eyes yet."""
    for name, table in study.backbones.items():
        if table.vision is None:
            continue
        place: Place = ("backbones", name, "vision")
        yield from _bad_source(study, table.vision, place)
        folder = _folder(study, table)
        kind = _kind(table, folder)
        if kind not in (None, "encoder"):
            what = f"is joined to text encoders only, and the model is of the kind {kind}."
            yield Problem(place, what, "Leave it out.")
        elif folder is not None and (folder / EYES).is_file():
            yield Problem(place, f"'{table.model}' has eyes already.", "Leave it out.")


def _folder(study: StudyFile, table: BackboneTable) -> Path | None:
    model = str(table.model)
    return bundled().get(model) or model_folder(study, model)


def _kind(table: BackboneTable, folder: Path | None) -> Kind | None:
    """The kind of the text model, as far as it is known before it is fetched."""
    named = table.architecture
    if named is None and folder is not None:
        named = type_of(folder)
    return None if named is None else KINDS.get(named)


def _bad_source(study: StudyFile, table: VisionTable, place: Place) -> Iterator[Problem]:
    """Exactly one source: the sizes of patches and images, or a model."""
    sizes = (table.size, table.patch)
    if table.model is None:
        if None in sizes:
            now = "Write { size = 224, patch = 16 }, or name a vision encoder: { model = ... }."
            yield Problem(place, "needs `size` and `patch`, or a `model`.", now)
        elif table.size is not None and table.patch is not None and table.size % table.patch:
            yield Problem((*place, "patch"), f"{table.size} is no multiple of {table.patch}.")
        if table.revision is not None:
            yield Problem((*place, "revision"), "belongs to a model of the Hub only.", "Remove it.")
        return
    if sizes != (None, None):
        yield Problem(place, "has `size` or `patch` beside `model`, which has its own.", "Leave them out.")
    local = model_folder(study, table.model) is not None
    if local and table.revision is not None:
        yield Problem((*place, "revision"), "belongs to a model of the Hub only.", "Remove it.")
    elif not local and table.revision is None:
        now = "Pin the commit: revision = \"...\" (the Hub shows it under 'Files and versions')."
        yield Problem((*place, "revision"), f"is missing for '{table.model}', a model of the Hub.", now)
