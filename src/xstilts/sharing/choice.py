"""Which model of a study is meant: an arm's, after its target or before, of one seed and backbone."""

from collections.abc import Sequence
from dataclasses import dataclass

from xstilts.errors import InputError, did_you_mean
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase, base_of, chain
from xstilts.study.plan import Cell, Plan
from xstilts.study.step import Step


@dataclass(frozen=True)
class Chosen:
    """A trained model: the last phase of its chain, and the cells of the study that rest on it.

    `target` is the task that it was trained for, "" for what the arm's intermediate tasks made.
    """

    plan: Plan
    step: Step
    target: str
    cells: tuple[Cell, ...]

    @property
    def phase(self) -> Phase:
        """The last phase."""
        assert isinstance(self.step.specification, Phase)
        return self.step.specification

    @property
    def phases(self) -> list[Phase]:
        """All phases, the first trained first."""
        return [one for one in chain(self.phase) if isinstance(one, Phase)][::-1]

    @property
    def backbone(self) -> Backbone:
        """What the chain begins with."""
        return base_of(self.phase)

    @property
    def cell(self) -> Cell:
        """One that rests on it: backbone, arm and seed are those of all of them."""
        return self.cells[0]

    @property
    def evaluated(self) -> list[Cell]:
        """The cells that are evaluations of this very model."""
        own = self.step.fingerprint
        models = [(cell, self.plan.evaluation(cell).model) for cell in self.cells]
        return [cell for cell, model in models if model is not None and model.fingerprint == own]


def choose(
    plan: Plan, arm: str, target: str | None = None, seed: int | None = None, backbone: str | None = None
) -> Chosen:
    """The model of an arm after the target's training, or, without a target, before any.

    Without a seed it is the study's first, which no score has chosen. Raises InputError if there is no such
    model, or if several backbones have one.
    """
    where = f"study '{plan.study.name}'"
    cells = _only(where, "arm", arm, [cell for cell in plan.cells if not cell.reference])
    several = tuple(dict.fromkeys(cell.backbone for cell in cells))
    if backbone is None and len(several) > 1:
        raise InputError(where, "has several backbones.", f"Add --backbone: {', '.join(several)}.")
    cells = _only(where, "backbone", several[0] if backbone is None else backbone, cells)
    if seed is not None and type(seed) is not int:
        raise InputError(where, f"a seed is a number, and {seed!r} is none.", "Leave quotes out.")
    cells = _only(where, "seed", cells[0].seed if seed is None else seed, cells)
    if target is not None:
        cells = _only(where, "target", target, cells)
    phases = list[str]()
    for cell in cells:
        phases += (cell.phases if target is not None else plan.intermediate(cell))[-1:]
    if not phases:
        what = f"the arm '{arm}' trains nothing" + (f" for {target}." if target else " before the targets.")
        targets = ", ".join(dict.fromkeys(cell.target for cell in cells if cell.phases))
        now = f"Name a target with --target: {targets}." if targets and not target else "Name another arm."
        raise InputError(where, what, now)
    step = plan.by_fingerprint[phases[0]]
    using = tuple(cell for cell in cells if step.fingerprint in cell.phases)
    return Chosen(plan, step, target or "", using)


def _only(where: str, name: str, value: str | int, cells: Sequence[Cell]) -> list[Cell]:
    """The cells of that arm, backbone, seed or target."""
    found = [cell for cell in cells if getattr(cell, name) == value]
    if not found:
        known = list(dict.fromkeys(str(getattr(cell, name)) for cell in cells))
        there = f"There are {', '.join(known)}." if known else "It has no cells."
        raise InputError(where, f"no {name} '{value}'.", f"{did_you_mean(str(value), known)} {there}".strip())
    return found
