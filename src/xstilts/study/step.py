"""A step: one thing to be computed, known by its fingerprint; and the places where what it reads lies.

A step and its places travel to workers as JSON. Places are paths, so they are no part of any identity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from xstilts import metrics
from xstilts.data.task import Task
from xstilts.metrics import Metric
from xstilts.study.backbone import Backbone
from xstilts.study.declared import TaskTable
from xstilts.study.declared import task as declared_task
from xstilts.study.phase import Computed, Evaluation, Phase, base_of
from xstilts.study.use import Use
from xstilts.tasks import find as find_task

_COMPUTED: TypeAdapter[Backbone | Phase | Evaluation] = TypeAdapter(Computed)


@dataclass(frozen=True)
class Step:
    """A backbone to be made, a phase to be trained, or an evaluation; `parents` are the steps it needs."""

    specification: Backbone | Phase | Evaluation

    @property
    def kind(self) -> str:
        """`backbone`, `phase` or `evaluation`."""
        return self.specification.kind

    @cached_property
    def name(self) -> str:
        """Readable, and a function of the content alone."""
        return self.specification.name

    @property
    def fingerprint(self) -> str:
        """The identity of the step: 16 hexadecimal digits."""
        return self.specification.fingerprint

    @property
    def parent(self) -> Step | None:
        """The step whose checkpoint this one starts from, if that has to be computed."""
        one = self.specification
        model = one.parent if isinstance(one, Phase) else one.model if isinstance(one, Evaluation) else None
        return Step(model) if isinstance(model, Phase) or (model is not None and model.made) else None

    @property
    def parents(self) -> tuple[str, ...]:
        """The fingerprints of the steps that must be in the store first."""
        return () if self.parent is None else (self.parent.fingerprint,)

    @property
    def spec(self) -> dict[str, Any]:
        """The whole chain, resolved, as plain values."""
        return self.specification.model_dump(mode="json")

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Step:
        """The step of which `spec` was taken."""
        return cls(_COMPUTED.validate_json(json.dumps(spec)))


@dataclass(frozen=True)
class Places:
    """Where things lie: the data folder, users' task files by name, backbone folders by checksum, images.

    `declared` has the tables of tasks that the study declares; for those the file is that of the study.
    """

    data: Path | None = None
    tasks: Mapping[str, Path] = field(default_factory=dict)
    backbones: Mapping[str, Path] = field(default_factory=dict)
    images: Path | None = None
    declared: Mapping[str, TaskTable] = field(default_factory=dict)

    def task(self, name: str) -> Task:
        """The task of that name, from the user's file if it is the user's."""
        if name in self.declared:
            return declared_task(name, self.declared[name], self.tasks[name])
        return find_task(str(self.tasks[name]) if name in self.tasks else name)

    def metric(self, use: Use, name: str) -> Metric:
        """The metric of that name for the rows of a use: of the package, or the task's own."""
        if name in metrics.names():
            return metrics.find(name, use.label_set)
        return metrics.of(self.task(use.task))

    def folder(self, model: Backbone | Phase) -> Path | None:
        """The folder of the backbone of a model; None for one of the Hub, or made from scratch."""
        return self.backbones.get(str(base_of(model).checksum))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        data, images = (path and path.absolute() for path in (self.data, self.images))
        plain: dict[str, Any] = _PLACES.dump_python(replace(self, data=data, images=images), mode="json")
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Places:
        """The places of which `values` were taken."""
        return _PLACES.validate_json(json.dumps(values))


_PLACES = TypeAdapter(Places)
