"""The map of transfer: what each arm adds to `none` on each target, and which of it is no chance.

The last column is the mean over targets if there are several. The rows of `none` and of the references have
the scores themselves; so have all rows if there is no `none`. Of the controls only those of `none` are rows
where there is that arm: they are no effects to be tested. What the maps of all backbones find is said
together, so it is corrected together (Holm).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from xstilts.analysis import statistics
from xstilts.analysis.effects import BASELINE, EFFECT, SCORE, Effects
from xstilts.analysis.results import Line
from xstilts.analysis.statistics import Estimate
from xstilts.analysis.wording import bounds, line_label, number
from xstilts.study.claim import OF_EVERY_ARM

MEAN = "mean"


@dataclass(frozen=True)
class MapCell:
    """A line on a target (or on the mean): an effect, a score, missing, or absent where nothing was planned.

    `corrected` is the probability after Holm's correction, of effects; `strong` says which of these are no
    chance, for all words, colours and pictures of a report.
    """

    line: Line
    column: str
    kind: Literal["effect", "score", "missing", "absent"]
    estimate: Estimate | None = None
    corrected: float | None = None

    @property
    def row(self) -> str:
        return line_label(self.line)

    @property
    def strong(self) -> bool:
        return self.corrected is not None and self.corrected < 1 - statistics.LEVEL

    @property
    def value(self) -> float:
        """The number that is shown; not that of an empty cell."""
        assert self.estimate is not None, "nothing was measured"
        return self.estimate.value

    @property
    def shade(self) -> float:
        """The number that colours it: only effects that are no chance have a colour."""
        return self.value if self.strong else 0.0

    @property
    def text(self) -> str:
        if self.estimate is None:
            return "missing" if self.kind == "missing" else ""
        return number(self.value, signed=self.kind == "effect")

    @property
    def interval(self) -> str:
        return "" if self.estimate is None else bounds(self.estimate.low, self.estimate.high)


Maps = Mapping[str, Sequence[MapCell]]
"""The map of transfer on each backbone."""


def maps(effects: Effects) -> dict[str, list[MapCell]]:
    """Compute the map of each backbone, row by row."""
    found = {name: list(_map(effects, name)) for name in effects.results.backbones}
    tested = [cell for cells in found.values() for cell in cells if cell.kind == "effect"]
    adjusted = iter(statistics.holm([cell.estimate.probability for cell in tested if cell.estimate]))
    return {
        name: [replace(cell, corrected=next(adjusted)) if cell.kind == "effect" else cell for cell in cells]
        for name, cells in found.items()
    }


def _map(effects: Effects, backbone: str) -> Iterator[MapCell]:
    results = effects.results
    lines = [line for line in results.lines if line.backbone in (backbone, "")]
    if Line(backbone, BASELINE) in lines:
        lines = [one for one in lines if one.reference not in OF_EVERY_ARM or one.arm == BASELINE]
    names = tuple(target.name for target in results.targets)
    columns: list[tuple[str, tuple[str, ...]]]
    columns = [(name, (name,)) for name in names] + [(MEAN, names)] * (len(names) > 1)
    for line, (column, targets) in itertools.product(lines, columns):
        is_score = line.arm in ("", BASELINE) or effects.against(line, BASELINE) is None
        if not all((line, target) in results.planned for target in targets):
            yield MapCell(line, column, "absent")
        elif estimate := effects.estimate(SCORE if is_score else EFFECT, line, *targets):
            yield MapCell(line, column, "score" if is_score else "effect", estimate)
        else:
            yield MapCell(line, column, "missing")
