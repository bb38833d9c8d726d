"""Figures that others have published, as files with their sources: TOML or JSON, some with the package."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from xstilts.disk import is_file
from xstilts.errors import InputError, InputErrors, did_you_mean
from xstilts.metrics.xtreme import XTREME
from xstilts.plain import parse_json, parse_toml
from xstilts.study.problems import problems
from xstilts.study.recipe import Recipe
from xstilts.study.specification import Specification

Status = Literal["confirmed", "derived"]
"""Read in the named source, or computed from what was."""

Percent = Annotated[float, Field(ge=0, le=100)]


class PublishedScores(Specification):
    """PublishedScores of an arm on a target, in percent: of single languages, or the mean over several.

    The mean is `over` so many languages, all that were evaluated; or over those of the target in "xtreme".
    `model` is the name on the Hub. The arm "best" is, for each target, the arm with the best score on the
    development data of the source language. `source` stands where it is not the file's.
    """

    model: str
    arm: str
    target: str
    metric: str
    status: Status
    languages: dict[str, Percent] = Field(default_factory=dict)
    mean: Percent | None = None
    over: Annotated[int, Field(ge=1)] | Literal["xtreme"] | None = None
    source: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _languages_or_mean(self) -> Self:
        if bool(self.languages) == (self.mean is not None):
            raise ValueError("states either languages or a mean")
        if (self.mean is None) != (self.over is None):
            raise ValueError("a mean says over how many languages it is taken")
        if self.over == "xtreme" and self.target not in XTREME:
            raise ValueError(f"'{self.target}' is no task of XTREME")
        return self


class Setting(Specification):
    """Hyperparameters with which a target was trained or evaluated, by their names in a recipe."""

    target: str
    status: Status
    recipe: dict[str, float | str]
    source: str = ""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.recipe:
            if name not in Recipe.model_fields:
                near = did_you_mean(name, Recipe.model_fields)
                raise ValueError(f"a recipe has no '{name}'. {near}".strip())
        return self


class Published(Specification):
    """A file of published figures; nothing in it is from memory."""

    title: str
    source: str
    split: str = ""
    setting: str = ""
    scores: tuple[PublishedScores, ...] = ()
    settings: tuple[Setting, ...] = ()

    @model_validator(mode="after")
    def _in_percent(self) -> Self:
        shown = [score for one in self.scores for score in (*one.languages.values(), one.mean or 0.0)]
        if 0 < max(shown, default=0.0) < 1:
            raise ValueError(
                "all scores are below 1, as fractions are; they are given in percent, 74.5 for 0.745"
            )
        return self


def shipped() -> dict[str, Path]:
    """The files that come with the package, by name."""
    folder = Path(str(files("xstilts.published")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def read(name_or_path: str) -> Published:
    """The published figures of that name, or in that file.

    Raises InputError if there is no such file or it is neither TOML nor JSON, InputErrors with everything
    that is wrong with its content.
    """
    path = shipped().get(name_or_path, Path(name_or_path).expanduser())
    if not is_file(path):
        near = did_you_mean(name_or_path, shipped())
        now = f"{near} There are {', '.join(shipped())}; or name a TOML or JSON file.".strip()
        raise InputError(name_or_path, "no published figures of that name, and no such file.", now)
    try:
        text = path.read_text(encoding="utf-8-sig")
        table: Any = parse_json(text) if path.suffix == ".json" else parse_toml(text)
    except (OSError, ValueError) as error:
        now = "It has to be TOML or JSON, in UTF-8."
        raise InputError(str(path), f"cannot be read ({error}).", now) from error
    if not isinstance(table, dict):
        raise InputError(str(path), "is no table.", "The keys are title, source, scores, settings.")
    if {"backbones", "target"} <= table.keys():
        now = "To compare two studies, `xstilts export` both and give the folders to `xstilts test`."
        raise InputError(name_or_path, "is a study, not published figures.", now)
    try:
        return Published.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        raise InputErrors(
            InputError(f"{name_or_path}: {'.'.join(map(str, one.place))}", one.what, one.now)
            for one in problems(error, Published)
        ) from error
